// WireFrame: one protocol message of a session, or the header of a bundle, as a person sees it: types, numbers, flags and lengths. Never an
// octet of payload, and of extension blocks their kind and length only: a document block holds the document ID. A value.

import BundleProtocol
import RelayModel
import TCPCL

public struct WireFrame: Sendable, Hashable {
    public var isSent: Bool
    /// The RFC's name of the message, or BUNDLE.
    public var name: String
    public var transfer: UInt64?
    public var flags: [String] = []
    /// Octets of the segment, or acknowledged in all.
    public var length: UInt64?
    /// A reason code, in words where it has any.
    public var reason: String?
    /// Further figures, by name.
    public var figures: [String: String] = [:]
    public var bundle: Bundle?

    public struct Bundle: Sendable, Hashable {
        public var name: String
        public var source: String
        public var destination: String
        public var lifetimeMilliseconds: UInt64
        public var ageMilliseconds: UInt64?
        public var hopLimit: UInt64?
        public var hopCount: UInt64?
        /// Of a fragment.
        public var offset: UInt64?
        public var totalLength: UInt64?
        public var payloadLength: UInt64
        public var isAdministrative: Bool
        public var blocks: [Block]
    }

    public struct Block: Sendable, Hashable {
        public var type: UInt64
        public var name: String
        public var number: UInt64
        public var length: Int
    }
}

extension WireFrame {
    init(isSent: Bool, name: String) {
        self.isSent = isSent
        self.name = name
    }

    init(_ watched: WatchedMessage) {
        switch watched {
        case .contact(let isSent, let header):
            self.init(isSent: isSent, name: "CONTACT")
            flags = header.canTLS ? ["CAN_TLS"] : []
            figures = ["version": String(header.version)]
        case .message(let isSent, let message): self.init(isSent: isSent, message)
        }
    }

    private init(isSent: Bool, _ message: Message) {
        switch message {
        case .segment(let header):
            self.init(isSent: isSent, name: "XFER_SEGMENT")
            transfer = header.id.rawValue
            flags = Self.words(header.flags)
            length = header.dataLength
            if case .understood(let total?) = header.extensions { figures = ["transferLength": String(total)] }
        case .acknowledgement(let segment, let id, let acknowledged):
            self.init(isSent: isSent, name: "XFER_ACK")
            transfer = id.rawValue
            flags = Self.words(segment)
            length = acknowledged
        case .refusal(let why, let id):
            self.init(isSent: isSent, name: "XFER_REFUSE")
            transfer = id.rawValue
            reason = "\(why)"
        case .keepalive: self.init(isSent: isSent, name: "KEEPALIVE")
        case .termination(let isReply, let why):
            self.init(isSent: isSent, name: "SESS_TERM")
            flags = isReply ? ["REPLY"] : []
            reason = "\(why)"
        case .rejection(let why, let type):
            self.init(isSent: isSent, name: "MSG_REJECT")
            reason = "\(why)"
            figures = ["rejectedType": String(type)]
        case .initialization(let values):
            self.init(isSent: isSent, name: "SESS_INIT")
            figures = [
                "keepaliveSeconds": String(values.keepaliveSeconds), "segmentMRU": String(values.segmentMRU),
                "transferMRU": String(values.transferMRU), "nodeID": values.nodeID,
            ]
        }
    }

    private static func words(_ flags: SegmentFlags) -> [String] {
        (flags.contains(.start) ? ["START"] : []) + (flags.contains(.end) ? ["END"] : [])
    }

    init(isSent: Bool, _ id: TransferID, _ header: BundleHeader) {
        self.init(isSent: isSent, name: "BUNDLE")
        transfer = id.rawValue
        let primary = header.primary
        bundle = Bundle(
            name: primary.bundleID.envelopeName, source: primary.source.text, destination: primary.destination.text,
            lifetimeMilliseconds: primary.lifetime.count, ageMilliseconds: header.age?.count,
            hopLimit: header.hopCount.map { UInt64($0.limit) }, hopCount: header.hopCount.map { UInt64($0.count) },
            offset: primary.fragment?.offset, totalLength: primary.fragment?.totalLength,
            payloadLength: header.payload.length,
            isAdministrative: primary.flags.contains(.isAdministrativeRecord),
            blocks: header.blocks.map {
                Block(
                    type: $0.type.rawValue, name: Self.name($0.type), number: $0.number, length: $0.data.readableBytes)
            })
    }

    private static func name(_ type: BlockType) -> String {
        switch type {
        case .previousNode: "previous node"
        case .bundleAge: "bundle age"
        case .hopCount: "hop count"
        case .integrity: "integrity"
        case .confidentiality: "confidentiality"
        case .document: "document"
        case .copy: "copy"
        default: "unknown"
        }
    }
}
