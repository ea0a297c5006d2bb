// DocumentDescription: what the immutable document block says of an envelope (docs/protocol.md, block 240).

/// Sender, recipients and nature of a document, fixed by the node where it was submitted. It goes from the header to the offer, to the row
/// and to the dispatch, so its fields stand in one place that all of these share; a change makes a place of its own.
public struct DocumentDescription: Hashable, Sendable {
    private struct Fields: Hashable, Sendable {
        var sender: AgencyCode
        var recipients: [AgencyCode]
        var urgency: Urgency
        var documentID: String
        var payloadLength: UInt64
        var digest: Digest
    }

    private var place: Place<Fields>
    private var own: Place<Fields> { mutating get { Place.own(&place) } }

    public var sender: AgencyCode {
        _read { yield place.fields.sender }
        _modify { yield &own.fields.sender }
    }
    /// All recipients, canonical, without repetition, 1...1,000.
    public var recipients: [AgencyCode] {
        _read { yield place.fields.recipients }
        _modify { yield &own.fields.recipients }
    }
    public var urgency: Urgency {
        _read { yield place.fields.urgency }
        _modify { yield &own.fields.urgency }
    }
    /// The sender's own ID of the document; text for people, never a path.
    public var documentID: String {
        _read { yield place.fields.documentID }
        _modify { yield &own.fields.documentID }
    }
    /// Octets of the whole payload, also in a piece.
    public var payloadLength: UInt64 {
        _read { yield place.fields.payloadLength }
        _modify { yield &own.fields.payloadLength }
    }
    /// SHA-256 of the whole payload, 32 octets.
    public var digest: Digest {
        _read { yield place.fields.digest }
        _modify { yield &own.fields.digest }
    }

    public static func == (left: DocumentDescription, right: DocumentDescription) -> Bool {
        left.place === right.place || left.place.fields == right.place.fields
    }

    public func hash(into hasher: inout Hasher) { hasher.combine(place.fields) }

    public static let recipientsMax = 1_000
    public static let documentIDBytesMax = 512

    public init(
        sender: AgencyCode, recipients: [AgencyCode], urgency: Urgency, documentID: String, payloadLength: UInt64,
        digest: Digest
    ) {
        place = Place(
            Fields(
                sender: sender, recipients: recipients, urgency: urgency, documentID: documentID,
                payloadLength: payloadLength, digest: digest))
    }
}

/// A SHA-256 value in four words, so that it lies inline in rows and events.
public struct Digest: Hashable, Sendable {
    public var words: (UInt64, UInt64, UInt64, UInt64)

    public static let zero = Digest(words: (0, 0, 0, 0))

    public init(words: (UInt64, UInt64, UInt64, UInt64)) { self.words = words }

    /// From 32 bytes; nil for any other number.
    public init?(bytes: some Collection<UInt8>) {
        guard bytes.count == 32 else { return nil }
        var words = Digest.zero.words
        for (index, byte) in bytes.enumerated() {
            switch index / 8 {
            case 0: words.0 = words.0 << 8 | UInt64(byte)
            case 1: words.1 = words.1 << 8 | UInt64(byte)
            case 2: words.2 = words.2 << 8 | UInt64(byte)
            default: words.3 = words.3 << 8 | UInt64(byte)
            }
        }
        self.words = words
    }

    /// The 32 bytes, in order.
    public var bytes: [UInt8] {
        var result: [UInt8] = []
        result.reserveCapacity(32)
        for word in [words.0, words.1, words.2, words.3] {
            for shift in stride(from: 56, through: 0, by: -8) {
                result.append(UInt8(truncatingIfNeeded: word >> shift))
            }
        }
        return result
    }

    /// Lower-case hexadecimal.
    public var hex: String {
        let digits = Array("0123456789abcdef".utf8)
        return String(
            decoding: bytes.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] }, as: UTF8.self)
    }

    public static func == (left: Digest, right: Digest) -> Bool {
        left.words.0 == right.words.0 && left.words.1 == right.words.1 && left.words.2 == right.words.2
            && left.words.3 == right.words.3
    }

    public func hash(into hasher: inout Hasher) {
        hasher.combine(words.0)
        hasher.combine(words.1)
    }
}

/// One stop on a copy's way: the node and the wall time at which it took the copy.
public struct PathStop: Hashable, Sendable {
    public var node: NodeID
    public var time: WallTime
    public init(node: NodeID, time: WallTime) {
        self.node = node
        self.time = time
    }
    /// More stops than this are a loop or an attack.
    public static let pathStopsMax = 64
}

/// What the copy block says (docs/protocol.md, block 241): whom this copy is for, and its way so far.
public struct CopyDescription: Hashable, Sendable {
    public var recipients: [AgencyCode]
    public var path: [PathStop]
    public init(recipients: [AgencyCode], path: [PathStop]) {
        self.recipients = recipients
        self.path = path
    }
}
