// NodeAccess: what the control interface needs of the node that it is part of. The daemon is its body; a test can be another.
// Nothing here runs by itself. Every call may come from any thread, and many at the same time.

import ControlAPI
import NIOCore
import RelayConfiguration
import RelayCore
import RelayModel
import RelayRows

/// The node behind the control interface.
public protocol NodeAccess: NodeWatching {
    /// Both clocks, read now.
    var now: ClockReading { get }

    /// Settings, directory and routes as they are in force.
    var configuration: Configuration { get }

    /// Runs `body` on a snapshot of the last commit, off the engine's thread. The snapshot keeps pages from being used again:
    /// the callers here look at a bounded number of rows.
    func read<Answer: Sendable>(
        _ body: @escaping @Sendable (any RowReader) throws -> Answer
    ) async throws -> Answer

    /// The same for the payload of an envelope, which the node then has in hand: a page that the disk does not give ends the process, and
    /// the next one knows whose it was.
    func readPayload<Answer: Sendable>(
        of number: UInt64, _ body: @escaping @Sendable (any RowReader) throws -> Answer
    ) async throws -> Answer

    /// The payload of this envelope is read on this thread, until zero says that it is not: what `readPayload` says by itself.
    func hold(_ number: UInt64)

    /// The decisions as they stood behind the last durable batch, with what is on links of these envelopes (nil: of all). Waits for
    /// nobody; may be called while rows are read.
    func picture(of numbers: [UInt64]?) throws -> CorePicture

    /// Runs `question` on the engine's thread between two decisions. The callers here keep it tiny; it waits for the batch and the sync
    /// that are under way.
    func ask<Answer: Sendable>(
        _ question: @escaping @Sendable (borrowing RelayCore, any RowReader) -> Answer
    ) async throws -> Answer

    /// Announces a document. Nothing of it is durable, and nothing is promised, until its stream has been finished.
    func beginSubmission(_ values: SubmissionValues) async throws -> SubmissionStart

    /// A submission was refused before it came to the engine; counted.
    func countRefusal(_ cause: SubmissionRefusal) async

    /// Documents have been taken from an inbox; answers how many of them were waiting there, after the commit.
    func acknowledgeInbox(_ agency: AgencyCode, _ envelopes: [UInt64]) async throws -> Int

    /// An operator's wish; the answer comes after its commit.
    func operate(_ caller: Operator, _ wish: Operation.Wish) async throws -> OperationAnswer

    func sessions() async throws -> [SessionInfo]

    /// Reads the configuration anew and applies it whole or not at all.
    func reload(_ manner: ReloadManner) async throws -> (isApplied: Bool, lines: [String])

    /// Writes an entry of the operator log; returns after its commit, false when it could not be made durable.
    func record(_ deed: Deed) async throws -> Bool

    /// Ends what others prove to have of a restored store; nil when there is nothing to compare, or not yet.
    func compareRestored(_ deed: Deed, _ portion: Comparison) async throws -> EvidenceCounts?
    /// Lets go what a restored store still holds; false when there is no such store, or not yet.
    func releaseRestored(_ deed: Deed) async throws -> Bool

    /// Begins a copy of the store; nil when one is under way.
    func beginBackup(_ order: BackupOrder, _ deed: Deed) async throws -> BackupAnswer?
    var backup: BackupAnswer { get async }
    /// False when none is under way.
    func cancelBackup() async -> Bool

    func facts() async throws -> NodeFacts

    /// The bounds that others than the decisions keep: links, sockets, memory.
    func bounds() async throws -> [LimitView]
}

/// A document that is handed in: what the decisions need to know before its first byte.
public struct SubmissionValues: Sendable, Hashable {
    /// Canonical.
    public var sender: AgencyCode
    /// As given, before the alias table.
    public var recipients: [String]
    public var urgency: Urgency
    public var documentID: String
    public var payloadLength: UInt64
    /// Nil: the configured default.
    public var lifetime: Milliseconds?
    /// Under which the caller may hand it in again.
    public var key: SubmissionKey?

    public init(
        sender: AgencyCode, recipients: [String], urgency: Urgency, documentID: String, payloadLength: UInt64,
        lifetime: Milliseconds?, key: SubmissionKey? = nil
    ) {
        self.key = key
        self.sender = sender
        self.recipients = recipients
        self.urgency = urgency
        self.documentID = documentID
        self.payloadLength = payloadLength
        self.lifetime = lifetime
    }
}

/// The node's first answer to a submission.
public enum SubmissionStart: Sendable {
    /// The bytes may come.
    case open(any SubmissionStream)
    /// Each sentence names a recipient or the cause.
    case refused([String], cause: SubmissionRefusal)
}

/// The bytes of one submission, in order. One caller at a time; exactly one of `finish` and `abandon` ends it.
public protocol SubmissionStream: Sendable {
    /// Hands bytes to the store; returns when there is room for more.
    func push(_ bytes: ByteBuffer) async throws
    /// All bytes have been pushed; answers after the commit.
    func finish(digest: Digest) async throws -> SubmissionAnswer
    /// The bytes will not come.
    func abandon() async
}

/// One TCPCL session, as its link knows it.
public struct SessionInfo: Sendable {
    public var peer: NodeID
    public var address: String
    public var isDialled: Bool
    public var since: WallTime
    /// Nil without TLS.
    public var tlsVersion: String?
    public var cipher: String?
    public var certificateExpiry: WallTime?
    public var bytesSent: UInt64
    public var bytesReceived: UInt64
    /// Of the connection, by the kernel; nil where it is not known.
    public var roundTripMicroseconds: UInt64?
    /// Transfers that the peer has not answered.
    public var inFlight: Int
    /// For how long transfers are under way and nothing has been acknowledged; zero while none is.
    public var silence: Milliseconds

    public init(
        peer: NodeID, address: String, isDialled: Bool, since: WallTime, tlsVersion: String?, cipher: String?,
        certificateExpiry: WallTime?, bytesSent: UInt64, bytesReceived: UInt64, roundTripMicroseconds: UInt64? = nil,
        inFlight: Int = 0, silence: Milliseconds = .zero
    ) {
        self.peer = peer
        self.address = address
        self.isDialled = isDialled
        self.since = since
        self.tlsVersion = tlsVersion
        self.cipher = cipher
        self.certificateExpiry = certificateExpiry
        self.bytesSent = bytesSent
        self.bytesReceived = bytesReceived
        self.roundTripMicroseconds = roundTripMicroseconds
        self.inFlight = inFlight
        self.silence = silence
    }
}

/// What the process knows of itself.
public struct NodeFacts: Sendable {
    public var version: String
    public var started: WallTime
    /// Where other nodes can reach this one, with the real ports.
    public var listening: [String]
    /// Octets, by /proc/self/status.
    public var rssAnon: UInt64
    public var rssShmem: UInt64
    public var rssFile: UInt64
    /// Length of the store's data file.
    public var storeFileBytes: UInt64
    public var headRoom: HeadRoom
    /// Transactions of the engine since the start.
    public var batches: UInt64

    public init(
        version: String, started: WallTime, listening: [String], rssAnon: UInt64, rssShmem: UInt64, rssFile: UInt64,
        storeFileBytes: UInt64,
        headRoom: HeadRoom, batches: UInt64
    ) {
        self.version = version
        self.started = started
        self.listening = listening
        self.rssAnon = rssAnon
        self.rssShmem = rssShmem
        self.rssFile = rssFile
        self.storeFileBytes = storeFileBytes
        self.headRoom = headRoom
        self.batches = batches
    }
}

extension NodeAccess {
    public func readPayload<Answer: Sendable>(
        of number: UInt64, _ body: @escaping @Sendable (any RowReader) throws -> Answer
    ) async throws -> Answer {
        try await read(body)
    }
    public func hold(_ number: UInt64) {}
}
