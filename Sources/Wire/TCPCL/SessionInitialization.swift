// SessionInitialization: the parameters that each side announces in SESS_INIT (RFC 9174, 4.6).
// A value and its encoder; it is decoded in Message. Fails never.

import NIOCore
import Trap

/// The contents of SESS_INIT.
public struct SessionInitialization: Hashable, Sendable {
    /// In seconds; 0 switches KEEPALIVE off.
    public var keepaliveSeconds: UInt16
    /// The largest segment data that the sender of this message takes.
    public var segmentMRU: UInt64
    /// The largest transfer that the sender of this message takes.
    public var transferMRU: UInt64
    /// The URI text exactly as it came; empty when the sender tells none. What it means is the shell's judgement.
    public var nodeID: String
    /// Nil when the list disagrees with its length.
    public var extensionItems: [ExtensionItem]?

    public init(
        keepaliveSeconds: UInt16, segmentMRU: UInt64, transferMRU: UInt64, nodeID: String,
        extensionItems: [ExtensionItem]? = []
    ) {
        self.keepaliveSeconds = keepaliveSeconds
        self.segmentMRU = segmentMRU
        self.transferMRU = transferMRU
        self.nodeID = nodeID
        self.extensionItems = extensionItems
    }

    public func write(to buffer: inout ByteBuffer) {
        demand(nodeID.utf8.count <= Int(UInt16.max), "A node ID is at most 65,535 octets long.")
        let items = extensionItems ?? []
        buffer.writeInteger(MessageType.initialization.rawValue)
        buffer.writeInteger(keepaliveSeconds)
        buffer.writeInteger(segmentMRU)
        buffer.writeInteger(transferMRU)
        buffer.writeInteger(UInt16(nodeID.utf8.count))
        buffer.writeString(nodeID)
        buffer.writeInteger(UInt32(items.reduce(0) { $0 + $1.length }))
        for item in items {
            item.write(to: &buffer)
        }
    }
}
