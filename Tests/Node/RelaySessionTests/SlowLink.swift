// SlowLink: two conversations and a wire of a certain rate between them, with a clock that the test owns. What the sender's socket
// holds is bounded as a socket's buffer is. The wire can be frozen, and can swallow what is large.

import NIOCore
import RelayEngine
import RelayModel
import RelaySession

@testable import RelayCore

final class SlowLink {
    let duet: Duet
    /// Octets a second, each way.
    var bytesPerSecond: Int
    /// What the socket of a sender takes before it is full.
    var heldBytesMax = 64 * 1_024
    var isFrozen = false
    private var pipes = [ByteBuffer(), ByteBuffer()]
    private var credit = [0, 0]
    private static let tick = Milliseconds(10)

    init(bytesPerSecond: Int, _ change: (inout ConversationSettings) -> Void = { _ in }) {
        self.bytesPerSecond = bytesPerSecond
        duet = Duet { settings in
            settings.session.segmentBytesMax = 64 * 1_024
            settings.session.keepaliveSeconds = 30
            change(&settings)
        }
        duet.a.start(duet.now)
        duet.b.start(duet.now)
        run(.seconds(5))
    }

    func run(_ span: Milliseconds, until isDone: () -> Bool = { false }) {
        let end = duet.now + span
        while duet.now < end, !isDone() {
            duet.now = duet.now + Self.tick
            for (index, (from, to)) in [(duet.a, duet.b), (duet.b, duet.a)].enumerated() { carry(index, from, to) }
        }
    }

    private func carry(_ index: Int, _ from: Side, _ to: Side) {
        if let deadline = from.nextDeadline, deadline <= duet.now {
            from.conversation.deadlineReached(now: duet.now, &from.output)
            from.collect(duet.now)
        }
        while from.hasBytesToSend, pipes[index].readableBytes + from.wire.readableBytes < heldBytesMax {
            from.pump(duet.now, budget: 16 * 1_024)
        }
        if from.wire.readableBytes > 0 {
            var bytes = from.wire
            from.wire = ByteBuffer()
            pipes[index].writeBuffer(&bytes)
        }
        guard !isFrozen, pipes[index].readableBytes > 0 else {
            credit[index] = 0
            return
        }
        credit[index] += bytesPerSecond * Int(Self.tick.count) / 1_000
        let length = min(credit[index], pipes[index].readableBytes)
        guard length > 0, let slice = pipes[index].readSlice(length: length) else { return }
        credit[index] -= length
        pipes[index].discardReadBytes()
        to.receive(slice, duet.now)
    }
}
