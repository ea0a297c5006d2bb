// Keys: the shape of the key of each table (docs/protocol.md, "Tables and keys"). Nothing else in the program builds a key.

import RelayModel

/// A row of `queue`: route class, urgency (highest first), when it is due, which envelope.
public struct QueueKey: Hashable, Sendable, Comparable {
    public var routeClass: UInt32
    public var urgency: Urgency
    public var due: RelayTime
    public var number: UInt64

    public init(routeClass: UInt32, urgency: Urgency, due: RelayTime, number: UInt64) {
        self.routeClass = routeClass
        self.urgency = urgency
        self.due = due
        self.number = number
    }

    public var key: RowKey {
        var key = Self.lane(routeClass, urgency)
        key.append(due.milliseconds)
        key.append(number)
        return key
    }

    /// What all rows of one route class and urgency begin with.
    public static func lane(_ routeClass: UInt32, _ urgency: Urgency) -> RowKey {
        var key = RowKey()
        key.append(routeClass)
        key.append(0xff - urgency.rawValue)
        return key
    }

    public init?(_ raw: UnsafeRawBufferPointer) {
        guard raw.count == 21, let urgency = Urgency(rawValue: 0xff - raw[4]) else { return nil }
        routeClass = raw.number32(at: 0)
        self.urgency = urgency
        due = RelayTime(milliseconds: raw.number(at: 5))
        number = raw.number(at: 13)
    }

    /// The order of one lane.
    public static func < (left: QueueKey, right: QueueKey) -> Bool {
        (left.due.milliseconds, left.number) < (right.due.milliseconds, right.number)
    }
}

/// The keys of the other tables.
public enum Keys {
    public static func envelope(_ number: UInt64) -> RowKey { RowKey(number) }

    public static func bundle(_ id: BundleID) -> RowKey {
        var key = endpoint(id.source)
        key.append(id.creationTime)
        key.append(id.sequence)
        return key
    }

    /// The text of an endpoint, bounded.
    private static func endpoint(_ endpoint: EndpointID) -> RowKey {
        guard case .dtn(let rest) = endpoint, rest.utf8.count < 256 else { return RowKey(text: endpoint.text.bounded) }
        var key = RowKey()
        key.append(unended: "dtn://")
        key.append(text: rest)
        return key
    }
    public static func bundle(_ id: BundleID, number: UInt64) -> RowKey { bundle(id).adding(number) }

    public static func deadline(_ time: RelayTime, number: UInt64) -> RowKey {
        RowKey(time.milliseconds).adding(number)
    }

    /// What all rows of one inbox begin with.
    public static func inbox(_ agency: String) -> RowKey { RowKey(text: agency.bounded) }
    public static func inbox(_ agency: String, number: UInt64) -> RowKey { inbox(agency).adding(number) }

    public static func doubt(_ number: UInt64, _ peer: NodeID) -> RowKey {
        var key = RowKey(number)
        key.append(text: peer.text.bounded)
        return key
    }

    public static func piece(_ number: UInt64, offset: UInt64) -> RowKey { RowKey(number).adding(offset) }

    public static func history(_ end: RelayTime, number: UInt64, index: Int) -> RowKey {
        RowKey(end.milliseconds).adding(number).adding(UInt32(truncatingIfNeeded: index))
    }

    public static func seen(_ source: EndpointID, incarnation: UInt32, recipient: String, block: UInt32) -> RowKey {
        var key = endpoint(source)
        key.append(incarnation)
        key.append(text: recipient.bounded)
        key.append(block)
        return key
    }

    /// A bundle of a foreign source, whose numbers say nothing of their order: remembered one by one, by its whole name.
    public static func seenForeign(_ id: BundleID, recipient: String) -> RowKey {
        var key = endpoint(id.source)
        key.append(UInt32(0))
        key.append(text: recipient.boundedShort)
        key.append(id.creationTime)
        key.append(id.sequence)
        return key
    }

    public static func report(_ id: BundleID) -> RowKey { bundle(id) }
    public static func report(_ id: BundleID, recipient: AgencyCode, order: UInt64) -> RowKey {
        var key = bundle(id)
        key.append(text: recipient.text)
        key.append(order)
        return key
    }

    public static func outgoingReport(_ destination: NodeID) -> RowKey {
        endpoint(destination.endpoint)
    }
    public static func outgoingReport(_ destination: NodeID, order: UInt64) -> RowKey {
        outgoingReport(destination).adding(order)
    }

    /// The incarnations of one node, and one of them.
    public static func numbers(_ node: NodeID) -> RowKey { endpoint(node.endpoint) }
    public static func numbers(_ node: NodeID, incarnation: UInt32) -> RowKey { numbers(node).adding(incarnation) }

    public static func routeClass(_ number: UInt32) -> RowKey {
        var key = RowKey()
        key.append(number)
        return key
    }

    /// Extents to be filled or removed.
    public static func extent(_ extent: UInt64) -> RowKey { RowKey(extent) }

    /// An entry of the operator log.
    public static func audit(_ order: UInt64) -> RowKey { RowKey(order) }

    public static func counter(_ name: String) -> RowKey { RowKey(text: name) }
    public static func meta(_ name: String) -> RowKey { RowKey(text: name) }

    /// What the index rows of all texts begin with that begin so.
    public static func lookup(_ kind: LookupKind, beginning text: String) -> RowKey {
        var key = RowKey()
        key.append(kind.rawValue)
        key.append(unended: text.bounded)
        return key
    }

    /// Index rows for operators: by document ID, sender, recipient.
    public static func lookup(_ kind: LookupKind, _ text: String) -> RowKey {
        var key = RowKey()
        key.append(kind.rawValue)
        key.append(text: text.bounded)
        return key
    }
}

/// What an index row finds envelopes by.
public enum LookupKind: UInt8, Sendable {
    case documentID = 0x64
    case sender = 0x73
    case recipient = 0x72
    /// In the store, but in no queue and no inbox.
    case parked = 0x70
    /// Who uses an extent that is shared with a resubmitted envelope.
    case sharer = 0x65
    /// Half-received, by the peer that it comes from.
    case incoming = 0x69
}

extension String {
    /// A recipient beside a long source; codes are at most 35 bytes.
    var boundedShort: String { utf8.count > 64 ? String(bounded.suffix(64)) : self }

    /// A text that fits a key: longer ones keep their beginning and end in a checksum of the whole, so that two different
    /// long texts stay two keys.
    var bounded: String {
        guard utf8.count > 384 else { return self }
        var hash: (UInt64, UInt64) = (0xcbf2_9ce4_8422_2325, 0x8422_2325_cbf2_9ce4)
        for byte in utf8 {
            hash.0 = (hash.0 ^ UInt64(byte)) &* 0x100_0000_01b3
            hash.1 = (hash.1 &+ UInt64(byte)) &* 0x9e37_79b9_7f4a_7c15 ^ (hash.1 >> 29)
        }
        return String(decoding: utf8.prefix(320), as: UTF8.self) + "#" + String(hash.0, radix: 16)
            + String(hash.1, radix: 16)
    }
}
