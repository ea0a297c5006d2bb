// NodeControl: the node as the control interface sees it. Reads run on a pool of their own, questions on the engine's thread between
// two decisions; nothing here blocks the engine.

import ControlAPI
import NIOConcurrencyHelpers
import NIOCore
import NIOPosix
import RelayConfiguration
import RelayControl
import RelayCore
import RelayEngine
import RelayLink
import RelayModel
import RelayRows
import RelaySession
import RelayStore
import Trap

/// The body of `NodeAccess`.
struct NodeControl: NodeAccess {
    let store: LMDBStore
    let clock: RelayClock
    let engine: EngineThread
    let desk: SubmissionDesk
    let tickets: TicketSource
    let links: Links
    let readers: NIOThreadPool
    let configurationBox: NIOLockedValueBox<Configuration>
    let listening: NIOLockedValueBox<[String]>
    let metrics: NIOLockedValueBox<MetricsState>
    let started: WallTime
    /// Of each socket of this machine, by what it is for.
    let places: [(name: String, places: LocalPlaces)]
    let path: String
    let log: NodeLogging
    let inHand: InHand?
    let look: PageLook
    let copying: Backup
    let receipts: Receipts
    let untaken: UntakenFiles
    let reloadConfiguration: @Sendable (_ manner: ReloadManner) -> (isApplied: Bool, lines: [String])

    var now: ClockReading { clock.reading }
    var configuration: Configuration { configurationBox.withLockedValue { $0 } }

    func read<Answer: Sendable>(
        _ body: @escaping @Sendable (any RowReader) throws -> Answer
    ) async throws -> Answer {
        try await readers.runIfActive {
            try store.read { rows in Result { try body(rows) } }.get()
        }
    }

    func readPayload<Answer: Sendable>(
        of number: UInt64, _ body: @escaping @Sendable (any RowReader) throws -> Answer
    ) async throws -> Answer {
        try await read { rows in
            hold(number)
            defer { hold(0) }
            return try body(rows)
        }
    }

    func hold(_ number: UInt64) { inHand?.hold(number) }

    func picture(of numbers: [UInt64]?) -> CorePicture { engine.board.picture(of: numbers) }

    func ask<Answer: Sendable>(
        _ question: @escaping @Sendable (borrowing RelayCore, any RowReader) -> Answer
    ) async throws -> Answer {
        await withCheckedContinuation { continuation in
            engine.ask { core, rows in continuation.resume(returning: question(core, rows)) }
        }
    }

    /// The same behind all that has been posted; the answer comes with the commit of the batch.
    private func askInOrder<Answer: Sendable>(
        _ question: @escaping @Sendable (borrowing RelayCore, any RowReader) -> Answer
    ) async -> Answer {
        await withCheckedContinuation { continuation in
            engine.post(
                .question { core, rows in
                    let answer = question(core, rows)
                    return { continuation.resume(returning: answer) }
                })
        }
    }

    func beginSubmission(_ values: SubmissionValues) async throws -> SubmissionStart {
        let ticket = tickets.take()
        let stream = NodeSubmission(ticket: ticket, engine: engine, desk: desk)
        stream.begin(
            Submission(
                ticket: ticket, sender: values.sender, recipients: values.recipients, urgency: values.urgency,
                documentID: values.documentID, payloadLength: values.payloadLength, lifetime: values.lifetime,
                key: values.key))
        // Asked behind the submission in the mailbox: is it open?
        if await askInOrder({ core, _ in core.isOpen(ticket) }) { return .open(stream) }
        switch try await stream.answer() {
        case .refused(let problems, let cause): return .refused(problems, cause: cause)
        case .accepted, .repeated: trap("a submission was accepted before its bytes came")
        }
    }

    func countRefusal(_ cause: SubmissionRefusal) async {
        engine.post(.event(.refusedOutside(.submissionRefused(cause.rawValue))))
    }

    func acknowledgeInbox(_ agency: AgencyCode, _ envelopes: [UInt64]) async throws -> Int {
        let ticket = tickets.take()
        return try await withCheckedThrowingContinuation { continuation in
            desk.expectInbox(
                ticket,
                post: {
                    engine.post(.event(.inboxAcknowledged(ticket: ticket, agency: agency, envelopes: envelopes)))
                }
            ) { continuation.resume(with: $0.mapError { $0 as any Error }) }
        }
    }

    func operate(_ caller: Operator, _ wish: Operation.Wish) async throws -> OperationAnswer {
        if case .verify = wish { look.begin() }
        let operation = Operation(ticket: tickets.take(), caller: caller, wish: wish)
        return await withCheckedContinuation { continuation in
            desk.expectOperation(operation.ticket, post: { engine.post(.event(.operated(operation))) }) {
                continuation.resume(returning: $0)
            }
        }
    }

    func sessions() async throws -> [RelayControl.SessionInfo] {
        let reading = clock.reading
        let roundTrips = await links.roundTrips()
        return links.sessions.compactMap { info in
            guard let peer = info.peer else { return nil }
            let age = reading.relay.since(info.since).count
            return RelayControl.SessionInfo(
                peer: peer, address: info.address, isDialled: info.isDialled,
                since: WallTime(milliseconds: reading.wall.milliseconds - min(age, reading.wall.milliseconds)),
                tlsVersion: info.tlsVersion, cipher: info.cipher,
                certificateExpiry: info.certificateNotAfter.map(WallTime.init(unixSeconds:)), bytesSent: info.bytesOut,
                bytesReceived: info.bytesIn, roundTripMicroseconds: roundTrips[info.session], inFlight: info.inFlight,
                silence: info.inFlight > 0 ? reading.relay.since(info.silentSince) : .zero)
        }
    }

    func reload(_ manner: ReloadManner) async throws -> (isApplied: Bool, lines: [String]) {
        try await readers.runIfActive { reloadConfiguration(manner) }
    }

    func record(_ deed: Deed) async throws -> Bool {
        let ticket = tickets.take()
        return await withCheckedContinuation { continuation in
            desk.expectAudit(ticket, post: { engine.post(.event(.audited(deed, ticket: ticket))) }) {
                continuation.resume(returning: $0)
            }
        }
    }

    func compareRestored(_ deed: Deed, _ portion: Comparison) async throws -> EvidenceCounts? {
        await askRestore { .restoredCompared(ticket: $0, deed, portion) }
    }

    func releaseRestored(_ deed: Deed) async throws -> Bool {
        await askRestore { .restoredReleased(ticket: $0, deed) } != nil
    }

    private func askRestore(_ event: (Ticket) -> Event) async -> EvidenceCounts? {
        let ticket = tickets.take()
        return await withCheckedContinuation { continuation in
            desk.expectRestore(ticket, post: { engine.post(.event(event(ticket))) }) {
                continuation.resume(returning: $0)
            }
        }
    }

    func beginBackup(_ order: BackupOrder, _ deed: Deed) async throws -> BackupAnswer? {
        await copying.begin(order, deed)
    }
    var backup: BackupAnswer { copying.answer }
    func cancelBackup() async -> Bool { copying.cancel() }

    /// On a thread of the readers: what is asked of a disk may never be answered.
    func facts() async throws -> NodeFacts { try await readers.runIfActive { factsBlocking() } }

    private func factsBlocking() -> NodeFacts {
        let memory = ProcessMemory.read()
        return NodeFacts(
            version: ProgramVersion.text, started: started, listening: listening.withLockedValue { $0 },
            rssAnon: memory.anonymous, rssShmem: memory.shared, rssFile: memory.file,
            storeFileBytes: FileSize.of(store.directory + "/data.mdb"), headRoom: store.headRoom,
            batches: engine.counts.batches)
    }
}

extension WallTime {
    init(unixSeconds: Int64) {
        let sinceEpoch = unixSeconds - Int64(WallTime.unixSecondsAtEpoch)
        self.init(milliseconds: sinceEpoch > 0 ? UInt64(sinceEpoch) * 1_000 : 0)
    }
}
