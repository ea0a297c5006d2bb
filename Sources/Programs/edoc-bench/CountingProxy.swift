// CountingProxy: stands on one link, counts what crosses it, and can cut it once. It reads the heads of the TLS records (not their
// contents), so that the cost of TLS is known apart from what is inside. One thread in poll for all connections of the link.
//
// When the hub does not answer, what has connected here is closed again.

import Glibc
import Synchronization

/// What crossed in one direction.
struct LinkCount: Sendable {
    /// Octets on the wire above TCP.
    var raw: UInt64 = 0
    /// Octets inside the TLS records of application data.
    var inside: UInt64 = 0
    var records: UInt64 = 0
}

final class CountingProxy: Sendable {
    private struct State {
        var up = LinkCount()
        var down = LinkCount()
        var connections = 0
        var cutAt: UInt64?
        var cuts = 0
        var isEnding = false

        var isCutDue: Bool { cutAt.map { up.raw >= $0 } ?? false }
    }
    let port: UInt16
    private let target: UInt16
    private let listener: Socket
    private let state = Mutex(State())
    private let worker: Mutex<Worker<Void>?> = Mutex(nil)

    init(target: UInt16) throws {
        self.target = target
        listener = try Socket.loopback(port: 0, listens: true)
        listener.setNonblocking()
        port = listener.port
        let worker = Worker { [self] in run() }
        self.worker.withLock { $0 = worker }
    }

    /// Cuts all connections when so many octets have come from the dialling side.
    func cut(at octets: UInt64) { state.withLock { $0.cutAt = octets } }

    /// From the dialling side, and back.
    var up: LinkCount { state.withLock { $0.up } }
    var down: LinkCount { state.withLock { $0.down } }
    var cuts: Int { state.withLock { $0.cuts } }
    var connections: Int { state.withLock { $0.connections } }

    func restart() {
        state.withLock { state in
            state.up = LinkCount()
            state.down = LinkCount()
        }
    }

    func end() {
        state.withLock { $0.isEnding = true }
        try? worker.withLock { $0 }?.value()
        worker.withLock { $0 = nil }
    }

    private func run() {
        var lines: [ProxyLine] = []
        let portion = UnsafeMutableRawBufferPointer.allocate(byteCount: 256 << 10, alignment: 16)
        defer { portion.deallocate() }
        while !state.withLock({ $0.isEnding }) {
            var polls = [pollfd(fd: listener.descriptor, events: Int16(POLLIN), revents: 0)]
            for line in lines { polls += line.polls }
            guard poll(&polls, nfds_t(polls.count), 50) > 0 else { continue }
            for line in lines where line.isReady(polls) {
                if line.turn(portion, count: count) { continue }
                line.isOver = true
            }
            if state.withLock({ $0.isCutDue }) {
                state.withLock { state in
                    state.cutAt = nil
                    state.cuts += 1
                }
                for line in lines { line.isOver = true }
            }
            lines.removeAll { $0.isOver }
            if polls[0].revents != 0, let line = accept() { lines.append(line) }
        }
    }

    private func count(_ isUp: Bool, _ bytes: UnsafeRawBufferPointer, _ records: inout RecordCounter) {
        let found = records.count(bytes)
        state.withLock { state in
            if isUp { state.up.add(bytes.count, found) } else { state.down.add(bytes.count, found) }
        }
    }

    private func accept() -> ProxyLine? {
        let descriptor = Glibc.accept(listener.descriptor, nil, nil)
        guard descriptor >= 0 else { return nil }
        _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC)
        let near = Socket(descriptor: descriptor)
        guard let far = try? Socket.loopback(port: target, listens: false) else { return nil }
        var yes: Int32 = 1
        setsockopt(descriptor, Int32(IPPROTO_TCP), TCP_NODELAY, &yes, socklen_t(MemoryLayout<Int32>.size))
        state.withLock { $0.connections += 1 }
        return ProxyLine(near: near, far: far)
    }
}

extension LinkCount {
    fileprivate mutating func add(_ octets: Int, _ found: (inside: UInt64, records: UInt64)) {
        raw += UInt64(octets)
        inside += found.inside
        records += found.records
    }
}

/// One connection through the proxy. What is read is written whole before more is read: the kernel's buffers are the only ones.
private final class ProxyLine {
    private let near: Socket
    private let far: Socket
    private var up = RecordCounter()
    private var down = RecordCounter()
    var isOver = false

    init(near: Socket, far: Socket) {
        self.near = near
        self.far = far
    }

    var polls: [pollfd] {
        [near, far].map { pollfd(fd: $0.descriptor, events: Int16(POLLIN), revents: 0) }
    }

    func isReady(_ polls: [pollfd]) -> Bool {
        polls.contains { $0.revents != 0 && ($0.fd == near.descriptor || $0.fd == far.descriptor) }
    }

    /// Moves what is there; false when the connection has ended.
    func turn(
        _ portion: UnsafeMutableRawBufferPointer,
        count: (Bool, UnsafeRawBufferPointer, inout RecordCounter) -> Void
    ) -> Bool {
        for (from, to, isUp) in [(near, far, true), (far, near, false)] {
            let got = recv(from.descriptor, portion.baseAddress, portion.count, Int32(MSG_DONTWAIT))
            if got < 0, errno == EAGAIN || errno == EINTR { continue }
            guard got > 0 else { return false }
            let bytes = UnsafeRawBufferPointer(rebasing: UnsafeRawBufferPointer(portion)[..<got])
            if isUp { count(true, bytes, &up) } else { count(false, bytes, &down) }
            guard pass(bytes, to: to) else { return false }
        }
        return true
    }

    /// Blocks for as long as the other side does not read, as the link would; not for ever.
    private func pass(_ bytes: UnsafeRawBufferPointer, to target: Socket) -> Bool {
        var offset = 0
        while offset < bytes.count {
            let flags = Int32(MSG_DONTWAIT) | Int32(MSG_NOSIGNAL)
            let count = send(target.descriptor, bytes.baseAddress! + offset, bytes.count - offset, flags)
            if count > 0 {
                offset += count
            } else if errno == EAGAIN {
                var wait = pollfd(fd: target.descriptor, events: Int16(POLLOUT), revents: 0)
                guard poll(&wait, 1, 60_000) > 0 else { return false }
            } else if errno != EINTR {
                return false
            }
        }
        return true
    }
}

/// Follows the records of one direction: six octets of TCPCL's contact header, then heads of five octets and what they announce.
struct RecordCounter {
    private var skip = 6
    private var head: [UInt8] = []

    mutating func count(_ bytes: UnsafeRawBufferPointer) -> (inside: UInt64, records: UInt64) {
        var inside: UInt64 = 0
        var records: UInt64 = 0
        var index = 0
        while index < bytes.count {
            if skip > 0 {
                let step = min(skip, bytes.count - index)
                skip -= step
                index += step
                continue
            }
            head.append(bytes[index])
            index += 1
            guard head.count == 5 else { continue }
            let length = Int(head[3]) << 8 | Int(head[4])
            // RFC 8446, 5.2: type 23; the last octet inside is the real type, and the tag has 16.
            if head[0] == 23, length >= 17 {
                inside += UInt64(length - 17)
                records += 1
            }
            skip = length
            head.removeAll(keepingCapacity: true)
        }
        return (inside, records)
    }
}
