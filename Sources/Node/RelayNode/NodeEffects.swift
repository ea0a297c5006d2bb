// NodeEffects: where the effects of a durable batch go: to the links, to whoever waits for an answer, to the log, to the
// verifier. Called on the engine thread, once a batch; nothing here waits.

import Glibc
import Logging
import NIOCore
import NIOPosix
import OpenSSLTLS
import RelayCore
import RelayEngine
import RelayLink
import RelayModel
import RelayStore

/// Sorts effects by who performs them.
final class NodeEffects: EffectSink {
    private let links: Links
    private let desk: SubmissionDesk
    private let verifier: DocumentVerifier
    private let spools: SpoolWriter
    private let logger: Logger
    /// What is to be said of a notice now; nil for what was said lately.
    private let thinned: @Sendable (Notice) -> Notice?

    init(
        links: Links, desk: SubmissionDesk, verifier: DocumentVerifier, spools: SpoolWriter, logger: Logger,
        thinned: @escaping @Sendable (Notice) -> Notice?
    ) {
        self.thinned = thinned
        self.links = links
        self.desk = desk
        self.verifier = verifier
        self.spools = spools
        self.logger = logger
    }

    func perform(_ effects: [Effect]) {
        var forLinks: [Effect] = []
        forLinks.reserveCapacity(effects.count)
        var answers: [(Ticket, SubmissionAnswer)] = []
        var steps: [HandOver] = []
        for effect in effects {
            switch effect {
            case .acknowledge, .refuse, .send, .recall, .dial, .endSession, .probe, .endTwin: forLinks.append(effect)
            case .answerSubmission(let ticket, let answer): answers.append((ticket, answer))
            case .answerInbox(let ticket, let taken): desk.answerInbox(ticket, taken)
            case .answerOperation(let ticket, let answer): desk.answerOperation(ticket, answer)
            case .drained: stopDrained()
            case .verify(let number, let payload, let digest): verifier.verify(number, payload, digest)
            case .reply(let tell): tell()
            case .handOver(let step): steps.append(step)
            case .notice(let notice): if let said = thinned(notice) { NoticeLog.write(said, to: logger) }
            case .answerRestore(let ticket, let counts): desk.answerRestore(ticket, counts)
            case .auditHead(let head):
                AuditLine.write(head, to: logger)
                if let ticket = head.ticket { desk.answerAudit(ticket) }
            }
        }
        if !forLinks.isEmpty { links.perform(forLinks) }
        if !answers.isEmpty { desk.answer(answers) }
        if !steps.isEmpty { spools.perform(steps) }
    }

    /// The node is empty: it stops as it does when the service manager says so, which is what is tested.
    private func stopDrained() {
        logger.notice("drained: the queues are empty, the daemon exits", metadata: .event(.drained))
        kill(getpid(), SIGTERM)
    }

    /// Nothing that takes long is begun any more.
    func stop() { spools.stop() }

    func reset(why: String) -> Set<Ticket> {
        let lost = desk.reset(why: why)
        spools.reset()
        // The tickets of the living sessions mean nothing to the new engine: what their peers wait for is never answered.
        links.endAll(why: why)
        return lost
    }
}

/// One line an operator-visible change.
enum NoticeLog {
    static func write(_ notice: Notice, to logger: Logger) {
        var metadata: Logger.Metadata = notice.kind.map { .event($0) } ?? [:]
        if let peer = notice.peer { metadata["peer"] = "\(peer.name)" }
        if let envelope = notice.envelope { metadata["envelope"] = "\(envelope.envelopeName)" }
        if let agency = notice.agency { metadata["agency"] = "\(agency.text)" }
        let level: Logger.Level =
            switch notice.grade {
            case .info: .info
            case .notice: .notice
            case .warning: .warning
            case .alarm: .error
            }
        logger.log(level: level, "\(notice.text)", metadata: metadata)
    }
}

/// Reads documents that came in pieces back and hashes them, off the engine thread, in short read transactions.
final class DocumentVerifier: Sendable {
    private let store: LMDBStore
    private let pool: NIOThreadPool
    private let inHand: InHand?
    private let report: @Sendable (EngineInput) -> Void
    private static let portion: UInt64 = 1 << 20

    init(
        store: LMDBStore, pool: NIOThreadPool, inHand: InHand?, report: @escaping @Sendable (EngineInput) -> Void
    ) {
        self.store = store
        self.pool = pool
        self.inHand = inHand
        self.report = report
    }

    func verify(_ number: UInt64, _ payload: [ExtentRange], _ digest: Digest) {
        pool.submit { [self] state in
            guard case .active = state else { return }
            inHand?.hold(number)
            defer { inHand?.hold(0) }
            if let found = hash(payload) {
                report(.event(.documentVerified(number: number, matches: found == digest)))
            } else {
                report(.event(.documentUnreadable(number: number)))
            }
        }
    }

    /// A store that cannot be read at this moment says nothing of the document: it is asked again for some minutes.
    private func portion(_ range: Range<UInt64>, of extent: UInt64, _ buffer: inout ByteBuffer) -> PayloadReader
        .Outcome?
    {
        for _ in 0..<Self.triesMax {
            do throws(StoreFailure) {
                return try store.read { rows in PayloadReader.copy(range, of: extent, from: rows, into: &buffer) }
            } catch {
                usleep(Self.pauseMicroseconds)
            }
        }
        return nil
    }

    private static let triesMax = 600
    private static let pauseMicroseconds: UInt32 = 500_000

    /// Nil when a chunk is missing or damaged.
    private func hash(_ payload: [ExtentRange]) -> Digest? {
        let hasher = SHA256Hasher()
        var buffer = ByteBuffer()
        for range in payload {
            var offset = range.offset
            let end = range.offset + range.length
            while offset < end {
                let next = min(offset + Self.portion, end)
                buffer.clear()
                guard portion(offset..<next, of: range.extent, &buffer) == .complete else { return nil }
                buffer.withUnsafeReadableBytes { hasher.update($0) }
                offset = next
            }
        }
        return hasher.finish()
    }
}
