// WirePage: GET /v1/wire/{peer}: the frames of a peer's sessions as lines of JSON, as they pass, for ten minutes at most. Headers only. The
// sessions never wait for the one who watches: a caller that does not read loses its connection.

import ControlAPI
import Hummingbird
import NIOCore
import RelayModel
import ServiceLifecycle
import Synchronization

extension ControlServer {
    func addWire(to router: Router<ControlContext>) {
        router.get("v1/wire/{peer}") { request, context in
            let rights = try await rights(context)
            guard rights.may(.act) else { throw denied(rights.caller, "act") }
            let query = try ControlQuery(request, known: ["for"])
            let name = try context.text("peer")
            guard let peer = NodeID(shortName: name) ?? NodeID(text: name),
                node.configuration.settings.peer(peer) != nil
            else {
                throw ControlError.notFound("no peer \(printable(name)) is known here; edocctl peers lists them")
            }
            let span = try query.one("for").map { text in
                guard let span = DurationText.parse(text), span >= .seconds(1), span <= WireStream.spanMax else {
                    throw ControlError.badRequest("for is a time from 1s to 10m")
                }
                return span
            }
            guard let place = watchers.take() else {
                throw ControlError(
                    status: .conflict, error: "\(Watchers.countMax) others watch already; end one of them first",
                    code: "tooMany")
            }
            try await noteDeed("wire", by: rights.caller, peer.name)
            guard let channel = context.channel else { throw OfflineNode.stopped }
            return wire(peer, for: span ?? WireStream.spanMax, place, channel)
        }
    }

    private func wire(
        _ peer: NodeID, for span: Milliseconds, _ place: WatchPlace, _ channel: any Channel
    ) -> Response {
        let stream = WireStream(node: node, channel: channel)
        let body = ResponseBody { writer in
            defer { withExtendedLifetime(place) {} }
            let watch = node.watchWire(peer) { stream.put($0) }
            defer { watch.end() }
            let timer = Task {
                try? await Task.sleep(for: .milliseconds(Int64(clamping: span.count)))
                stream.end("the watch is over; begin another one if you need more")
                // A caller that does not read is not waited for.
                try? await Task.sleep(for: WireStream.patience)
                stream.drop()
            }
            defer { timer.cancel() }
            let pulse = Task {
                while !Task.isCancelled {
                    try? await Task.sleep(for: WireStream.pulse)
                    if !Task.isCancelled { stream.beat() }
                }
            }
            defer { pulse.cancel() }
            channel.closeFuture.whenComplete { _ in stream.end(nil) }
            try await withGracefulShutdownHandler {
                for await bytes in stream.lines { try await writer.write(bytes) }
                try await writer.finish(nil)
            } onGracefulShutdown: {
                stream.end("this node is stopping")
            }
            timer.cancel()
        }
        return Response(status: .ok, headers: [.contentType: "application/x-ndjson"], body: body)
    }
}

/// What passes from the sessions to one caller. Bounded: a caller that is too far behind is dropped.
final class WireStream: Sendable {
    static let spanMax = Milliseconds.minutes(10)
    /// Portions that may wait for the caller. Beside them are the buffers of the socket.
    static let portionsMax = 256
    static let patience = Duration.seconds(2)
    /// On a quiet link a line now and then finds out that the caller has gone.
    static let pulse = Duration.seconds(10)

    let lines: AsyncStream<ByteBuffer>
    private let sink: AsyncStream<ByteBuffer>.Continuation
    private let now: @Sendable () -> Timestamp
    private let channel: any Channel
    private let isOver = Atomic(false)

    init(node: some NodeAccess, channel: any Channel) {
        (lines, sink) = AsyncStream.makeStream(bufferingPolicy: .bufferingOldest(Self.portionsMax))
        now = { node.now.wall.timestamp }
        self.channel = channel
        put([WireLine(time: now(), way: "-", message: "WATCH")])
    }

    /// On a session's thread: never waits. False when there is nobody any more.
    @discardableResult
    func put(_ frames: [WireLine]) -> Bool {
        guard !isOver.load(ordering: .relaxed) else { return false }
        var buffer = ByteBuffer()
        for frame in frames {
            guard let bytes = try? ControlJSON.bytes(frame) else { continue }
            buffer.writeBytes(bytes)
            buffer.writeInteger(UInt8(ascii: "\n"))
        }
        if case .dropped = sink.yield(buffer) {
            drop()
            return false
        }
        return true
    }

    func beat() { put([WireLine(time: now(), way: "-", message: "QUIET")]) }

    func end(_ why: String?) {
        if let why {
            var line = WireLine(time: now(), way: "-", message: "END")
            line.reason = why
            put([line])
        }
        isOver.store(true, ordering: .relaxed)
        sink.finish()
    }

    /// The caller does not read: its connection is closed.
    func drop() {
        isOver.store(true, ordering: .relaxed)
        sink.finish()
        channel.close(promise: nil)
    }
}

/// The places for those who watch.
final class Watchers: Sendable {
    static let countMax = 4
    private let count = Mutex(0)

    func take() -> WatchPlace? {
        let isFree = count.withLock { count in
            guard count < Self.countMax else { return false }
            count += 1
            return true
        }
        return isFree ? WatchPlace(self) : nil
    }

    fileprivate func giveBack() { count.withLock { $0 -= 1 } }
}

/// One place; free again when nobody holds it any more.
final class WatchPlace: Sendable {
    private let watchers: Watchers
    fileprivate init(_ watchers: Watchers) { self.watchers = watchers }
    deinit { watchers.giveBack() }
}
