// FarLink: stands on one link and makes it long: what comes in at one end goes out at the other after its time on the way, and no faster than
// the line carries. The kernels at both ends see a near neighbour, so what is shown is what the relay's own windows do with the distance,
// and not what TCP does. One thread in poll for all connections.
//
// When the far end does not answer, what has connected here is closed again.

import Glibc
import Synchronization

final class FarLink: Sendable {
    let port: UInt16
    private let target: UInt16
    private let line: LineKind
    private let listener: Socket
    private let isEnding = Mutex(false)
    private let worker: Mutex<Worker<Void>?> = Mutex(nil)

    /// - Parameters:
    ///   - delay: one way, in nanoseconds.
    ///   - octetsPerSecond: each way, for each connection.
    init(target: UInt16, delay: UInt64, octetsPerSecond: UInt64) throws {
        self.target = target
        line = LineKind(delay: delay, octetsPerSecond: octetsPerSecond)
        listener = try Socket.loopback(port: 0, listens: true)
        listener.setNonblocking()
        port = listener.port
        let worker = Worker { [self] in run() }
        self.worker.withLock { $0 = worker }
    }

    func end() {
        isEnding.withLock { $0 = true }
        try? worker.withLock { $0 }?.value()
        worker.withLock { $0 = nil }
    }

    private func run() {
        var cables: [FarCable] = []
        let portion = UnsafeMutableRawBufferPointer.allocate(byteCount: 64 << 10, alignment: 16)
        defer { portion.deallocate() }
        while !isEnding.withLock({ $0 }) {
            var polls = [pollfd(fd: listener.descriptor, events: Int16(POLLIN), revents: 0)]
            var wait: UInt64 = 50_000_000
            let now = Instant.now()
            for cable in cables {
                polls += cable.polls(now)
                wait = min(wait, cable.wait(now))
            }
            // To the next millisecond: a hundredth of what is on the way may be as much too late.
            guard poll(&polls, nfds_t(polls.count), Int32((wait + 999_999) / 1_000_000)) >= 0 else { continue }
            for cable in cables { cable.turn(portion) }
            cables.removeAll { $0.isOver }
            if polls[0].revents != 0, let cable = accept() { cables.append(cable) }
        }
    }

    private func accept() -> FarCable? {
        let descriptor = Glibc.accept(listener.descriptor, nil, nil)
        guard descriptor >= 0 else { return nil }
        _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC)
        let near = Socket(descriptor: descriptor)
        guard let far = try? Socket.loopback(port: target, listens: false) else { return nil }
        for socket in [near, far] { socket.setNonblocking() }
        return FarCable(near: near, far: far, line)
    }
}

private struct LineKind: Sendable {
    var delay: UInt64
    var octetsPerSecond: UInt64

    /// What is on the way at most: twice what the line holds, so that its far end may be late.
    var octetsMax: Int { Int(delay / 1_000 * octetsPerSecond / 1_000_000) * 2 + (1 << 20) }
}

/// One connection.
private final class FarCable {
    private var ways: [FarWay]
    private(set) var isOver = false

    init(near: Socket, far: Socket, _ kind: LineKind) {
        ways = [FarWay(from: near, to: far, kind), FarWay(from: far, to: near, kind)]
    }

    func polls(_ now: UInt64) -> [pollfd] {
        ways.indices.map { place in
            // Each socket is the end of one way and the beginning of the other.
            let events = (ways[place].hasRoom ? POLLIN : 0) | (ways[1 - place].isStuck(now) ? POLLOUT : 0)
            return pollfd(fd: ways[place].from.descriptor, events: Int16(events), revents: 0)
        }
    }

    /// Nanoseconds until something is due.
    func wait(_ now: UInt64) -> UInt64 { ways.map { $0.wait(now) }.min() ?? .max }

    func turn(_ portion: UnsafeMutableRawBufferPointer) {
        for place in ways.indices where !isOver {
            isOver = !ways[place].take(portion) || !ways[place].give(Instant.now())
        }
    }
}

/// One direction of it.
private struct FarWay {
    let from: Socket
    private let to: Socket
    private let kind: LineKind
    private var onTheWay: [(due: UInt64, octets: [UInt8])] = []
    /// How much of the first has gone out.
    private var gone = 0
    private var octets = 0
    /// When the line is free for more.
    private var freeAt: UInt64 = 0
    private var isBlocked = false

    init(from: Socket, to: Socket, _ kind: LineKind) {
        self.from = from
        self.to = to
        self.kind = kind
    }

    var hasRoom: Bool { octets < kind.octetsMax }

    /// Something is due and the far end does not take it.
    func isStuck(_ now: UInt64) -> Bool { isBlocked && (onTheWay.first.map { $0.due <= now } ?? false) }

    func wait(_ now: UInt64) -> UInt64 {
        guard let first = onTheWay.first, !isBlocked else { return .max }
        return first.due > now ? first.due - now : 0
    }

    /// Takes in what is there; false when the connection has ended.
    mutating func take(_ portion: UnsafeMutableRawBufferPointer) -> Bool {
        while hasRoom {
            let got = recv(from.descriptor, portion.baseAddress, portion.count, Int32(MSG_DONTWAIT))
            if got < 0, errno == EAGAIN || errno == EINTR { return true }
            guard got > 0 else { return false }
            let now = Instant.now()
            freeAt = max(freeAt, now) + UInt64(got) * 1_000_000_000 / kind.octetsPerSecond
            onTheWay.append((freeAt + kind.delay, [UInt8](portion[..<got])))
            octets += got
        }
        return true
    }

    /// Gives out what has been long enough on the way; false when the connection has ended.
    mutating func give(_ now: UInt64) -> Bool {
        var sent = 0
        defer { onTheWay.removeFirst(sent) }
        isBlocked = false
        while sent < onTheWay.count, onTheWay[sent].due <= now {
            let first = onTheWay[sent].octets
            let flags = Int32(MSG_DONTWAIT) | Int32(MSG_NOSIGNAL)
            let count = first.withUnsafeBytes {
                send(to.descriptor, $0.baseAddress! + gone, first.count - gone, flags)
            }
            if count < 0, errno == EINTR { continue }
            if count < 0, errno == EAGAIN {
                isBlocked = true
                return true
            }
            guard count > 0 else { return false }
            gone += count
            octets -= count
            if gone < first.count { continue }
            gone = 0
            sent += 1
        }
        return true
    }
}
