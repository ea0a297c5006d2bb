// SimulatedNode: one daemon of the simulated world: its store (which outlives it), its process (which does not), its mailbox and
// its clocks. Owned by the world; one thread. What happens to it is decided by the world; it cannot fail by itself.

import NIOCore
import OpenSSLTLS
import RelayCore
import RelayEngine
import RelayModel
import RelayRows
import RelayStore
import Trap

/// What an agency's system has said that it took.
struct Pickup {
    var agency: AgencyCode
    var numbers: [UInt64]
}

final class SimulatedNode {
    let index: Int
    let id: NodeID
    let store: MemoryStore
    var configuration: CoreConfiguration
    var clock: SimulatedClock

    /// Nil while the process does not run.
    var engine: Engine?
    /// What operators see of it.
    var board: PictureBoard?
    /// What its next batch takes, after one that found no room.
    var narrowing = Narrowing()
    /// Counts processes: what was meant for an earlier one is dropped.
    var life = 0
    var mailbox: [EngineInput] = []
    /// True from a commit's beginning until its effects are out.
    var isCommitting = false
    var wakesAt: UInt64?
    /// Batches in which nothing happened though the engine had asked for them, one after another.
    var idleTurns = 0

    // Faults.
    var nextFate: MemoryStore.CommitFate = .durable
    /// How many more times a change fails after the one that the store was told.
    var failuresLeft: UInt64 = 0
    var isRestartPlanned = false
    /// This node's links answer offers with this refusal until then.
    var stubborn: (until: UInt64, refusal: Refusal, share: UInt64)?
    var commitLatency: UInt64 = 3
    /// How often the routes have been turned.
    var routeTurn = 0
    var hasRightRoutes = true

    /// Submissions whose answer the agency waits for.
    var submissions: [Ticket: Handover] = [:]
    /// Acknowledgements of inbox documents on their way.
    var pickups: [Ticket: Pickup] = [:]
    /// Offers that stand in the mailbox or later, and were not answered.
    var offers: [Ticket: OfferNote] = [:]

    init(index: Int, id: NodeID, configuration: CoreConfiguration, clock: SimulatedClock) {
        self.index = index
        self.id = id
        self.configuration = configuration
        self.clock = clock
        store = MemoryStore()
    }

    var isUp: Bool { engine != nil }

    /// Reads rows of the store as the last commit left it. The memory store never fails to be read.
    func read<Result>(_ body: (any RowReader) -> Result) -> Result {
        do {
            return try store.read(body)
        } catch {
            trap("the memory store cannot be read: \(error)")
        }
    }

    /// Bytes of one range of an extent; nil when they are not there.
    func payload(_ range: ExtentRange) -> ByteBuffer? {
        var buffer = ByteBuffer()
        let outcome = read { rows in
            PayloadReader.copy(range.offset..<range.offset + range.length, of: range.extent, from: rows, into: &buffer)
        }
        return outcome == .complete ? buffer : nil
    }

    /// SHA-256 over ranges in order; nil when bytes are missing.
    func digest(_ ranges: [ExtentRange]) -> Digest? {
        let hasher = SHA256Hasher()
        for range in ranges {
            guard let bytes = payload(range) else { return nil }
            bytes.withUnsafeReadableBytes { hasher.update($0) }
        }
        return hasher.finish()
    }

    /// Where the payload of an envelope lies.
    func ranges(of row: EnvelopeRow) -> [ExtentRange] {
        guard row.isInPieces else { return [ExtentRange(extent: row.extent, offset: 0, length: row.payloadLength)] }
        return read { rows in
            rows.pieces(of: row.number).map {
                ExtentRange(extent: $0.extent, offset: $0.extentOffset, length: $0.length)
            }
        }
    }
}

/// A document on its way from an agency's system into a node.
struct Handover {
    var document: DocumentNote
    var digest: Digest
}

/// What an agency knows of a document that it sent.
struct DocumentNote {
    var sender: AgencyCode
    /// Canonical, by the directory.
    var recipients: [AgencyCode]
    var digest: Digest
    var length: UInt64
    var home: Int
    var lifetime: Milliseconds?
    /// When its first octet was.
    var handedIn: UInt64
}

/// What a link carried to a node.
struct OfferNote {
    var bundle: BundleID
    var recipients: [String]
    var pieceOffset: UInt64?
    var isDocument: Bool
    var from: Int
    /// The name that it had before.
    var former: BundleID?
    var isReturn = false
    var path: [PathStop]
}

extension RowReader {
    /// The envelope rows of a bundle.
    func envelopes(of bundle: BundleID) -> [EnvelopeRow] {
        var result: [EnvelopeRow] = []
        let prefix = Keys.bundle(bundle)
        scan(.bundle, prefix: prefix) { key, _ in
            guard key.count == prefix.count + 8 else { return true }
            let number = key.number(at: key.count - 8)
            if let raw = value(.envelope, Keys.envelope(number)), let row = EnvelopeRow(number: number, record: raw) {
                result.append(row)
            }
            return true
        }
        return result
    }

    func envelope(_ number: UInt64) -> EnvelopeRow? {
        value(.envelope, Keys.envelope(number)).flatMap { EnvelopeRow(number: number, record: $0) }
    }

    func pieces(of number: UInt64) -> [PieceRow] {
        var result: [PieceRow] = []
        scan(.piece, prefix: RowKey(number)) { key, value in
            if let piece = PieceRow(offset: key.number(at: 8), record: value) { result.append(piece) }
            return true
        }
        return result
    }

    /// Has this recipient's copy of this bundle ever arrived here?
    func hasSeen(_ bundle: BundleID, _ recipient: String) -> Bool {
        hasSeen(SeenPlace(bundle, recipient))
    }
}
