// SocketBuffers: how much a session's socket may hold, by the measured rate of its link. What has been written to a socket is overtaken
// by nothing, neither there nor in the queues on the way: on a slow link it is to be little. A value of one channel's handler, on its
// event loop. An option that the system refuses stays as it was.

import Glibc
import NIOCore
import RelayModel

struct SocketBuffers {
    /// So long a link may be busy with what its socket holds, beside the time of the way there and back.
    static let heldTime = Milliseconds(500)
    /// Of that, octets that have not left yet.
    static let unsentTime = Milliseconds(125)
    static let heldBytesMin = 16 * 1_024
    /// A link that needs more is quick, and is left to the system, which knows how to fill it.
    static let heldBytesMax = 192 * 1_024
    static let unsentBytesMin = 4 * 1_024
    /// The way there and back counts up to this.
    static let wayMax = Milliseconds.seconds(2)
    private static let changeTime = Milliseconds.seconds(1)

    private var held: Int?
    private var changedAt = RelayTime.zero

    /// SO_BUF_LOCK (Linux 5.14): 0 gives the size back to the system.
    private static let lockOption = ChannelOptions.Types.SocketOption(
        level: .socket, name: NIOBSDSocket.Option(rawValue: 72))

    mutating func follow(
        _ rate: (bytesPerSecond: UInt64, quickest: Milliseconds?)?, _ channel: any Channel, _ now: RelayTime
    ) {
        guard let rate, held == nil || now.since(changedAt) >= Self.changeTime else { return }
        let span = Self.heldTime.count + min(rate.quickest ?? .zero, Self.wayMax).count
        let wanted = Self.bytes(rate.bytesPerSecond, span)
        if wanted > Self.heldBytesMax {
            guard held != nil else { return }
            held = nil
            changedAt = now
            set(channel, unsent: LinkSockets.unsentBytesMax, held: nil)
        } else {
            let next = max(wanted, Self.heldBytesMin)
            if let held, next * 5 > held * 4, next * 4 < held * 5 { return }
            held = next
            changedAt = now
            let unsent = min(
                max(Self.bytes(rate.bytesPerSecond, Self.unsentTime.count), Self.unsentBytesMin),
                LinkSockets.unsentBytesMax)
            set(channel, unsent: unsent, held: next)
        }
    }

    private static func bytes(_ rate: UInt64, _ milliseconds: UInt64) -> Int {
        Int(clamping: rate.saturatingTimes(milliseconds) / 1_000)
    }

    private func set(_ channel: any Channel, unsent: Int, held: Int?) {
        guard let options = channel.syncOptions else { return }
        try? options.setOption(LinkSockets.unsentLimit, value: .init(unsent))
        if let held {
            // The system takes twice of what is asked, for its own books.
            try? options.setOption(.socketOption(.so_sndbuf), value: .init(held))
        } else {
            try? options.setOption(.socketOption(.so_sndbuf), value: .init(4 << 20))
            try? options.setOption(Self.lockOption, value: 0)
        }
    }
}
