// TakeFrames: the bytes of the take socket (docs/protocol.md, "Taking documents out"). Big-endian numbers, length-prefixed texts; a
// greeting, then short frames from the client and longer ones from the node. Values and their bytes; nothing here does I/O. Whoever reads
// gets nil where octets are missing yet, and a fault where no more octets would help.

import NIOCore
import RelayModel

/// Why what a client says cannot be understood.
public enum TakeFault: String, Error, Sendable {
    case badMagic = "the greeting does not begin with EDT1"
    case badLength = "the greeting's length is out of range"
    case badText = "a text reaches beyond the greeting or is not UTF-8"
    case badKind = "there is no such kind of frame"
}

/// What a client says first.
public struct TakeGreeting: Sendable, Hashable {
    /// Whose documents it wants; none: of all whose inbox its user may have.
    public var agencies: [String]

    public init(agencies: [String]) { self.agencies = agencies }

    /// `EDT1`
    public static let magic: UInt32 = 0x4544_5431
    public static let bytesMax = 64 * 1_024
    public static let agenciesMax = 1_000

    public func write(to buffer: inout ByteBuffer) {
        var body = ByteBuffer()
        body.writeInteger(UInt16(clamping: agencies.count))
        for agency in agencies { body.writeTakeText(agency) }
        buffer.writeInteger(Self.magic)
        buffer.writeInteger(UInt32(body.readableBytes))
        buffer.writeBuffer(&body)
    }

    /// Octets behind what is known here are for later versions, and passed over.
    public static func read(from buffer: inout ByteBuffer) throws(TakeFault) -> TakeGreeting? {
        let start = buffer.readerIndex
        guard let magic = buffer.getInteger(at: start, as: UInt32.self) else { return nil }
        guard magic == Self.magic else { throw .badMagic }
        guard let length = buffer.getInteger(at: start + 4, as: UInt32.self) else { return nil }
        guard length >= 2, length <= Self.bytesMax else { throw .badLength }
        guard buffer.readableBytes >= 8 + Int(length) else { return nil }
        buffer.moveReaderIndex(forwardBy: 8)
        guard var body = buffer.readSlice(length: Int(length)), let count = body.readInteger(as: UInt16.self),
            count <= Self.agenciesMax
        else { throw .badLength }
        var agencies: [String] = []
        for _ in 0..<count {
            guard let text = body.readTakeText() else { throw .badText }
            agencies.append(text)
        }
        return TakeGreeting(agencies: agencies)
    }
}

/// What a client says after its greeting.
public enum TakeRequest: Sendable, Hashable {
    /// It can take so many documents more.
    case take(UInt32)
    /// It has all documents up to this one, and they are durable there.
    case acknowledgeThrough(UInt64)
    /// It has this one.
    case acknowledge(UInt64)
    /// It does not want this one: the document waits for another connection.
    case giveBack(UInt64)

    public func write(to buffer: inout ByteBuffer) {
        switch self {
        case .take(let count):
            buffer.writeInteger(UInt8(1))
            buffer.writeInteger(count)
        case .acknowledgeThrough(let sequence):
            buffer.writeInteger(UInt8(2))
            buffer.writeInteger(sequence)
        case .acknowledge(let sequence):
            buffer.writeInteger(UInt8(3))
            buffer.writeInteger(sequence)
        case .giveBack(let sequence):
            buffer.writeInteger(UInt8(4))
            buffer.writeInteger(sequence)
        }
    }

    public static func read(from buffer: inout ByteBuffer) throws(TakeFault) -> TakeRequest? {
        let start = buffer.readerIndex
        guard let kind = buffer.getInteger(at: start, as: UInt8.self) else { return nil }
        if kind == 1 {
            guard let count = buffer.getInteger(at: start + 1, as: UInt32.self) else { return nil }
            buffer.moveReaderIndex(forwardBy: 5)
            return .take(count)
        }
        guard (2...4).contains(kind) else { throw .badKind }
        guard let sequence = buffer.getInteger(at: start + 1, as: UInt64.self) else { return nil }
        buffer.moveReaderIndex(forwardBy: 9)
        switch kind {
        case 2: return .acknowledgeThrough(sequence)
        case 3: return .acknowledge(sequence)
        default: return .giveBack(sequence)
        }
    }
}

/// What is said of a document before its octets.
public struct TakenHead: Sendable, Hashable {
    /// Why an agency's system may know the document already.
    public struct Marks: OptionSet, Sendable, Hashable {
        public let rawValue: UInt8
        public init(rawValue: UInt8) { self.rawValue = rawValue }
        /// The store came back from a copy that had it: the agency may have taken it before.
        public static let mayHaveBeenTaken = Marks(rawValue: 1)
        /// It may have been shown before, on a connection that ended, or to a daemon's client before a restart, without being acknowledged.
        public static let mayHaveBeenShown = Marks(rawValue: 2)
        /// Nobody vouches for the sender: the bundle named none, and came from a node of another make.
        public static let unvouched = Marks(rawValue: 4)
    }

    /// Of this connection, from 1 without a gap.
    public var sequence: UInt64
    /// Of the envelope, on this node.
    public var number: UInt64
    public var marks: Marks
    public var urgency: UInt8
    /// Milliseconds since 1970; 0 where that is not known.
    public var arrived: UInt64
    public var payloadLength: UInt64
    /// SHA-256; empty where the bundle names none.
    public var digest: [UInt8]
    public var agency: String
    public var envelope: String
    /// Empty where the bundle names none.
    public var sender: String
    public var documentID: String
    /// The endpoint that an unvouched bundle names as its source, else empty.
    public var source: String

    public init(
        sequence: UInt64, number: UInt64, marks: Marks, urgency: UInt8, arrived: UInt64, payloadLength: UInt64,
        digest: [UInt8], agency: String, envelope: String, sender: String, documentID: String, source: String
    ) {
        self.sequence = sequence
        self.number = number
        self.marks = marks
        self.urgency = urgency
        self.arrived = arrived
        self.payloadLength = payloadLength
        self.digest = digest
        self.agency = agency
        self.envelope = envelope
        self.sender = sender
        self.documentID = documentID
        self.source = source
    }

    fileprivate func write(to buffer: inout ByteBuffer) {
        let length = buffer.writerIndex
        buffer.writeInteger(UInt32(0))
        buffer.writeInteger(sequence)
        buffer.writeInteger(number)
        buffer.writeInteger(marks.rawValue)
        buffer.writeInteger(urgency)
        buffer.writeInteger(arrived)
        buffer.writeInteger(payloadLength)
        buffer.writeInteger(UInt8(clamping: digest.count))
        buffer.writeBytes(digest.prefix(255))
        for text in [agency, envelope, sender, documentID, source] { buffer.writeTakeText(text) }
        buffer.setInteger(UInt32(buffer.writerIndex - length - 4), at: length)
    }

    /// `body` is the head without its length. What is behind the fields known here is for later versions.
    fileprivate init?(_ body: inout ByteBuffer) {
        guard let sequence = body.readInteger(as: UInt64.self), let number = body.readInteger(as: UInt64.self),
            let marks = body.readInteger(as: UInt8.self), let urgency = body.readInteger(as: UInt8.self),
            let arrived = body.readInteger(as: UInt64.self), let length = body.readInteger(as: UInt64.self),
            let digestLength = body.readInteger(as: UInt8.self),
            let digest = body.readBytes(length: Int(digestLength)), let agency = body.readTakeText(),
            let envelope = body.readTakeText(), let sender = body.readTakeText(), let id = body.readTakeText(),
            let source = body.readTakeText()
        else { return nil }
        self.init(
            sequence: sequence, number: number, marks: Marks(rawValue: marks), urgency: urgency, arrived: arrived,
            payloadLength: length, digest: digest, agency: agency, envelope: envelope, sender: sender, documentID: id,
            source: source)
    }
}

/// What the node says.
public enum TakeAnswer: Sendable, Hashable {
    /// The greeting is understood: so many documents may be shown and not yet acknowledged.
    case ready(UInt32)
    /// A document; its octets follow in portions, as many as the head says.
    case document(TakenHead)
    /// The next octets of the document whose head came last. Other answers may stand between two portions.
    case portion(ByteBuffer)
    /// An acknowledgement is durable: of the documents that it meant, so many are delivered by it, and so many did not wait any more.
    case acknowledged(UInt64, taken: UInt32, gone: UInt32)
    /// There is nothing more at this moment; what comes will be shown.
    case idle
    /// The node ends the connection: the cause in a word, then a sentence.
    case refused(String)

    public enum Fault: String, Error, Sendable {
        case badKind = "the node says what this program does not understand"
        case badHead = "the head of a document cannot be read"
        case badPortion = "a portion of a document is longer than may be"
    }
    /// More than any head has.
    public static let headBytesMax = 256 * 1_024
    public static let portionBytesMax = 1 << 20

    public func write(to buffer: inout ByteBuffer) {
        switch self {
        case .ready(let window):
            buffer.writeInteger(UInt8(0))
            buffer.writeInteger(window)
        case .document(let head):
            buffer.writeInteger(UInt8(1))
            head.write(to: &buffer)
        case .portion(let octets):
            buffer.writeInteger(UInt8(5))
            buffer.writeInteger(UInt32(octets.readableBytes))
            buffer.writeImmutableBuffer(octets)
        case .acknowledged(let sequence, let taken, let gone):
            buffer.writeInteger(UInt8(2))
            buffer.writeInteger(sequence)
            buffer.writeInteger(taken)
            buffer.writeInteger(gone)
        case .idle: buffer.writeInteger(UInt8(3))
        case .refused(let text):
            buffer.writeInteger(UInt8(4))
            buffer.writeTakeText(String(text.prefix(8_192)))
        }
    }

    /// Writes a portion whose octets `body` appends.
    static func writePortion<Failure>(
        to buffer: inout ByteBuffer, _ body: (inout ByteBuffer) throws(Failure) -> Void
    ) throws(Failure) {
        buffer.writeInteger(UInt8(5))
        let length = buffer.writerIndex
        buffer.writeInteger(UInt32(0))
        try body(&buffer)
        buffer.setInteger(UInt32(buffer.writerIndex - length - 4), at: length)
    }

    public static func read(from buffer: inout ByteBuffer) throws(Fault) -> TakeAnswer? {
        let start = buffer.readerIndex
        guard let kind = buffer.readInteger(as: UInt8.self) else { return nil }
        var answer: TakeAnswer?
        switch kind {
        case 0: answer = buffer.readInteger(as: UInt32.self).map { .ready($0) }
        case 1:
            guard let length = buffer.readInteger(as: UInt32.self) else { break }
            guard length <= Self.headBytesMax else { throw .badHead }
            guard var body = buffer.readSlice(length: Int(length)) else { break }
            guard let head = TakenHead(&body) else { throw .badHead }
            answer = .document(head)
        case 2:
            guard let sequence = buffer.readInteger(as: UInt64.self), let taken = buffer.readInteger(as: UInt32.self),
                let gone = buffer.readInteger(as: UInt32.self)
            else { break }
            answer = .acknowledged(sequence, taken: taken, gone: gone)
        case 3: answer = .idle
        case 4: answer = buffer.readTakeText().map { .refused($0) }
        case 5:
            guard let length = buffer.readInteger(as: UInt32.self) else { break }
            guard length <= Self.portionBytesMax else { throw .badPortion }
            answer = buffer.readSlice(length: Int(length)).map { .portion($0) }
        default: throw .badKind
        }
        if answer == nil { buffer.moveReaderIndex(to: start) }
        return answer
    }
}

extension ByteBuffer {
    fileprivate mutating func writeTakeText(_ text: String) {
        let bytes = text.utf8
        writeInteger(UInt16(clamping: bytes.count))
        if bytes.count <= Int(UInt16.max) { writeString(text) } else { writeBytes(bytes.prefix(Int(UInt16.max))) }
    }

    fileprivate mutating func readTakeText() -> String? {
        guard let length = getInteger(at: readerIndex, as: UInt16.self), readableBytes >= 2 + Int(length) else {
            return nil
        }
        moveReaderIndex(forwardBy: 2)
        return try? readUTF8ValidatedString(length: Int(length))
    }
}
