// AttackingPeer: a neighbour that keeps no rule: mutual TLS with a certificate of the test's choice, and behind it any octets at all.
// No machine checks what it says or answers for it, not even a KEEPALIVE; what the node says is heard message by message. Used on the
// thread of one test, which waits for at most half a minute. See RawPeer for a peer that keeps the rules of the session, and
// HeldConnections for crowds that never get as far as TLS.
//
//     let peer = try AttackingPeer(port: network.port, tls: RawPeer.tls(network, "hanoi"))    // contact header and TLS done
//     try peer.announce("hanoi") { $0.extensionItems = [...] }                               // SESS_INIT; the node's is answered
//     peer.say(.segment(SegmentHeader(flags: [.start], id: TransferID(0), dataLength: 1 << 40)))
//     let answer = try peer.hear { if case .refusal = $0 { true } else { false } }

import BundleProtocol
import Foundation
import NIOCore
import OpenSSLTLS
import RelayModel
import TCPCL

public final class AttackingPeer {
    private let channel: RawChannel
    private var input = ByteBuffer()
    /// Octets of a segment's data that still come.
    private var dataLeft: UInt64 = 0
    /// Why the connection is over.
    public private(set) var ending: String?
    /// Everything that the node has said and `hear` has taken.
    public private(set) var heard: [Message] = []
    /// What came as data of segments, of all transfers.
    public private(set) var data = ByteBuffer()

    /// Connects, greets, and does the handshake. `tls`: nil for plain TCP. `greets`: false says nothing at all.
    public init(port: Int, tls: TLSContext?, greets: Bool = true) throws {
        channel = try RawChannel(port: port)
        guard greets else { return }
        var header = ByteBuffer()
        ContactHeader(canTLS: tls != nil).write(to: &header)
        channel.write(header)
        guard try awaitContactHeader(), let tls else { return }
        let rest = input.readableBytes > 0 ? input.readSlice(length: input.readableBytes) : nil
        try channel.secure(tls, received: rest)
        while ending == nil {
            switch channel.queue.take(seconds: 30) {
            case .secured: return
            case .bytes(var more): input.writeBuffer(&more)
            case .failed(let why): ending = why
            case .ended: ending = "the connection has ended"
            case nil: throw TestFailure("the handshake does not end")
            }
        }
    }

    private func awaitContactHeader() throws -> Bool {
        while ending == nil {
            if try ContactHeader.read(from: &input) != nil { return true }
            try take(seconds: 30)
        }
        return false
    }

    // MARK: - Saying

    public func say(_ octets: [UInt8]) { channel.write(ByteBuffer(bytes: octets)) }

    public func say(_ octets: ByteBuffer) { channel.write(octets) }

    public func say(_ message: Message, data: [UInt8] = []) {
        var buffer = ByteBuffer()
        message.write(to: &buffer)
        buffer.writeBytes(data)
        channel.write(buffer)
    }

    /// Says SESS_INIT, as this node or any text, and hears the node's; nil when the node ends the connection instead.
    @discardableResult
    public func announce(
        _ node: String, _ change: (inout SessionInitialization) -> Void = { _ in }
    ) throws -> SessionInitialization? {
        var initialization = SessionInitialization(
            keepaliveSeconds: 0, segmentMRU: 1 << 20, transferMRU: 1 << 30,
            nodeID: node.contains(":") ? node : "dtn://\(node)/")
        change(&initialization)
        say(.initialization(initialization))
        let answer = try hear {
            switch $0 {
            case .initialization, .termination: true
            default: false
            }
        }
        guard case .initialization(let node)? = answer else { return nil }
        return node
    }

    /// Says a whole transfer in segments of at most this length, under any number, and does not wait for answers.
    public func transfer(_ octets: ByteBuffer, id: UInt64, segment: Int = 64 << 10) {
        var octets = octets
        var isFirst = true
        let total = UInt64(octets.readableBytes)
        repeat {
            let length = min(segment, octets.readableBytes)
            var flags: SegmentFlags = []
            if isFirst { flags.insert(.start) }
            if length == octets.readableBytes { flags.insert(.end) }
            var buffer = ByteBuffer()
            Message.segment(
                SegmentHeader(
                    flags: flags, id: TransferID(id), extensions: .understood(transferLength: isFirst ? total : nil),
                    dataLength: UInt64(length))
            ).write(to: &buffer)
            if var piece = octets.readSlice(length: length) { buffer.writeBuffer(&piece) }
            channel.write(buffer)
            isFirst = false
        } while octets.readableBytes > 0
    }

    // MARK: - Hearing

    /// The next message that is as asked; nil when the connection is over before. Others are kept in `heard`.
    public func hear(_ isWanted: (Message) -> Bool) throws -> Message? {
        while true {
            while let message = try next() {
                heard.append(message)
                if isWanted(message) { return message }
            }
            guard ending == nil else { return nil }
            try take(seconds: 30)
        }
    }

    /// What becomes of a transfer.
    public func answer(to id: UInt64) throws -> TransferAnswer {
        let message = try hear {
            switch $0 {
            case .acknowledgement(let flags, TransferID(id), _): flags.contains(.end)
            case .refusal(_, TransferID(id)): true
            default: false
            }
        }
        switch message {
        case .acknowledgement: return .acknowledged
        case .refusal(let reason, _): return .refused(reason)
        default: return .unanswered(ending ?? "no answer came")
        }
    }

    /// Waits until the node has ended the connection.
    public func awaitEnd(seconds: Double = 30) throws {
        while ending == nil { try take(seconds: seconds) }
    }

    public func cut() { channel.close() }

    /// The next whole message of what has come.
    private func next() throws -> Message? {
        while dataLeft > 0 {
            guard var piece = input.readSlice(length: Int(min(dataLeft, UInt64(input.readableBytes)))),
                piece.readableBytes > 0
            else { return nil }
            dataLeft -= UInt64(piece.readableBytes)
            data.writeBuffer(&piece)
        }
        guard case .message(let message, let length) = try Message.decode(input) else { return nil }
        input.moveReaderIndex(forwardBy: length)
        input.discardReadBytes()
        if case .segment(let header) = message { dataLeft = header.dataLength }
        return message
    }

    private func take(seconds: Double) throws {
        switch channel.queue.take(seconds: seconds) {
        case .bytes(var more): input.writeBuffer(&more)
        case .secured: break
        case .failed(let why): ending = why
        case .ended: ending = "the connection has ended"
        case nil: throw TestFailure("nothing comes any more")
        }
    }
}
