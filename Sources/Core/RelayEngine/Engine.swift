// Engine: one node's decisions together with the bytes they are about. It runs a batch of inputs in one open transaction: the
// core decides, the payload goes into the chunk rows under the same commit, and the effects come out only with the commit's
// result. No I/O, no clock, no thread of its own: the daemon's engine thread and the simulator both run it.

import BundleProtocol
import NIOCore
import RelayCore
import RelayModel
import RelayRows
import RelayStore
import Trap

/// What came of a batch. Nothing of it may be told before the batch is durable.
public struct BatchOutcome: Sendable {
    /// Inputs that were taken.
    public let taken: Int
    public let effects: [Effect]
    public let picture: PictureUpdate
}

/// The core and the extents that are being filled.
public struct Engine {
    public private(set) var core: RelayCore
    private var cursors: [Ticket: ExtentCursor] = [:]

    /// Builds the core from the store. Call inside a batch; everything volatile starts anew.
    public init(
        configuration: CoreConfiguration, seed: UInt64, now: ClockReading, room: HeadRoom,
        rows: any StoreTransaction, hash: @escaping AuditHash,
        inHand: @escaping @Sendable (UInt64) -> Void = { _ in }
    ) {
        var turn = Turn(now: now, room: room, rows: rows)
        core = RelayCore(
            configuration: configuration, seed: seed, turn: &turn, writeReport: Engine.writeReport, hash: hash)
        core.inHand = inHand
    }

    /// A mistake made on purpose, for the simulator.
    package mutating func plant(_ bug: PlantedBug?) { core.plant(bug) }

    /// Decides a batch. Stops taking inputs when the transaction has grown large; answers how many were taken. Stops as well at the
    /// first change that the store does not take: nothing can be decided behind it, and nothing of the batch stays.
    /// `isLean`: the batch changes as little as it can, and payload stands in rows of one page.
    public mutating func run(
        _ inputs: ArraySlice<EngineInput>, now: ClockReading, room: HeadRoom, rows: any StoreTransaction,
        isLean: Bool = false
    ) -> BatchOutcome {
        var turn = Turn(now: now, room: room, rows: rows, isLean: isLean)
        if isLean { rows.chunkPages = 1 }
        var taken = 0
        var weight = 0
        for input in inputs {
            take(input, &turn, rows)
            taken += 1
            weight += 1 + input.valueBytes / Self.inputBytes
            if rows.isLarge || rows.isFailed || weight + turn.work / Self.inputWork >= Self.inputsMax { break }
        }
        core.finish(&turn)
        return BatchOutcome(taken: taken, effects: turn.effects, picture: core.takePicture())
    }

    /// What one batch takes at most, also when none of it writes: what is refused costs time, too.
    private static let inputsMax = 8_192
    /// Beside one, each so many octets of values (recipients, headers, rows) count as another input.
    private static let inputBytes = 1_024
    /// The same of what was looked at for it in the store, in recipients of an envelope.
    private static let inputWork = 32

    private mutating func take(_ input: EngineInput, _ turn: inout Turn, _ rows: any StoreTransaction) {
        switch input {
        case .event(let event): core.handle(event, &turn)
        case .offered(let offer): open(offer.ticket, core.offered(offer, &turn))
        case .offerBytes(let ticket, let buffer), .submissionBytes(let ticket, let buffer):
            if cursors[ticket] != nil, core.grew(ticket, by: buffer.readableBytes, &turn) {
                append(buffer, to: ticket, rows)
            } else {
                cursors[ticket] = nil
            }
        case .offerCompleted(let ticket, let digest):
            close(ticket, rows)
            core.offerCompleted(ticket, digest: digest, &turn)
        case .offerAbandoned(let ticket):
            cursors[ticket] = nil
            core.offerAbandoned(ticket, &turn)
        case .submitted(let submission): open(submission.ticket, core.submitted(submission, &turn))
        case .submissionCompleted(let ticket, let digest):
            close(ticket, rows)
            core.submissionCompleted(ticket, digest: digest, &turn)
        case .submissionAbandoned(let ticket):
            cursors[ticket] = nil
            core.submissionAbandoned(ticket, &turn)
        // Of a batch that has failed already nobody hears; the question is asked again.
        case .foundNoRoom(let input): refuse(input, &turn)
        case .question(let ask):
            if !rows.isFailed { core.writeLateRows(rows) }
            if !rows.isFailed { turn.effects.append(.reply(ask(core, rows))) }
        }
        if case .event(.sessionEnded) = input { cursors = cursors.filter { core.isOpen($0.key) } }
    }

    /// What found no room by itself.
    private mutating func refuse(_ input: EngineInput, _ turn: inout Turn) {
        switch input {
        case .offered(let offer): core.offerOutgrew(offer.ticket, offer, &turn)
        case .offerBytes(let ticket, _), .offerCompleted(let ticket, _):
            cursors[ticket] = nil
            core.offerOutgrew(ticket, nil, &turn)
        case .submitted(let submission): core.submissionOutgrew(submission.ticket, &turn)
        case .submissionBytes(let ticket, _), .submissionCompleted(let ticket, _):
            // Of one that was refused before nobody waits for an answer.
            guard core.isOpen(ticket) else { return }
            cursors[ticket] = nil
            core.submissionOutgrew(ticket, &turn)
        default: break
        }
    }

    private mutating func open(_ ticket: Ticket, _ verdict: Verdict) {
        if case .stage(let extent) = verdict { cursors[ticket] = ExtentCursor(extent: extent) }
    }

    /// Bytes of what was not taken fall to the ground: their refusal is on its way.
    private mutating func append(_ buffer: ByteBuffer, to ticket: Ticket, _ rows: any StoreTransaction) {
        guard var cursor = cursors.removeValue(forKey: ticket) else { return }
        PayloadWriter.append(buffer, to: &cursor, in: rows)
        cursors[ticket] = cursor
    }

    private mutating func close(_ ticket: Ticket, _ rows: any StoreTransaction) {
        // What was let go meanwhile has been removed; its end must not be written behind that.
        guard let cursor = cursors.removeValue(forKey: ticket), core.isOpen(ticket) else { return }
        PayloadWriter.finish(cursor, in: rows)
    }

    /// The payload of an administrative record, straight into the chunk rows.
    private static func writeReport(
        _ content: AdministrativeContent, _ extent: UInt64, _ rows: any RowTransaction
    ) -> UInt64 {
        var buffer = ByteBuffer()
        switch content {
        case .rows(let lines):
            do {
                try ReportRecord.encode(lines, into: &buffer)
            } catch {
                trap("a report record of our own cannot be encoded: \(error)")
            }
        case .refusals(let notice):
            do {
                try RefusalRecord.encode(notice, into: &buffer)
            } catch {
                trap("a refusal record of our own cannot be encoded: \(error)")
            }
        case .status(let note): statusReport(note).encode(into: &buffer)
        }
        var cursor = ExtentCursor(extent: extent)
        PayloadWriter.append(buffer, to: &cursor, in: rows)
        return PayloadWriter.finish(cursor, in: rows)
    }

    private static func statusReport(_ note: StatusNote) -> StatusReport {
        // Reasons of our own have no meaning in an RFC status report.
        let known = note.reason.rawValue < ReportReason.unknownAgency.rawValue ? note.reason : .none
        func status(_ one: StatusRequest) -> StatusReport.Status {
            note.status == one ? .asserted(at: note.time) : .notAsserted
        }
        return StatusReport(
            received: status(.received), forwarded: status(.forwarded), delivered: status(.delivered),
            deleted: status(.deleted), reason: known, bundle: note.bundle,
            piece: note.piece.map { StatusReport.Piece(offset: $0.offset, length: $0.length) })
    }
}
