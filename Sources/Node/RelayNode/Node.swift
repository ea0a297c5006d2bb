// Node: the daemon put together. It owns the store, the engine's thread, the event loops, the links, the Unix sockets, and the
// order in which they start and stop. Starting: store, engine, control, submission, take, links, and then READY. Stopping: no new
// sessions, finish what is on the links, let the engine empty its mailbox.
//
// Failures at start are `NodeFailure`s with an exit code; what goes wrong later is the business of the part it happens to.

import ControlAPI
import Glibc
import Logging
import NIOConcurrencyHelpers
import NIOCore
import NIOPosix
import RelayConfiguration
import RelayControl
import RelayCore
import RelayLink
import RelayModel
import RelaySession
import RelayStore
import ServiceLifecycle
import Synchronization
import UnixSignals

/// Why the daemon cannot run.
public struct NodeFailure: Error, CustomStringConvertible {
    public var sentence: String
    public var exitCode: Int32
    public var description: String { sentence }
}

/// Says that the node is about to stop, as soon as it has been told to.
private struct StoppingNotice: Service {
    var say: @Sendable () -> Void

    func run() async throws {
        try? await gracefulShutdown()
        if Task.isShuttingDownGracefully { say() }
    }
}

/// One running node.
public final class Node: Sendable {
    let path: String
    let logger: Logger
    let log: NodeLogging
    let notifier: SystemdNotifier
    let store: LMDBStore
    private let inHand: InHand?
    let clock: RelayClock
    let group: MultiThreadedEventLoopGroup
    let readers: NIOThreadPool
    let verifiers: NIOThreadPool
    let look: PageLook
    let spools: SpoolWriter
    let engine: EngineThread
    let desk = SubmissionDesk()
    let tickets = TicketSource()
    let links: Links
    let effects: NodeEffects
    let configuration: NIOLockedValueBox<Configuration>
    let listening = NIOLockedValueBox<[String]>([])
    /// The submission socket, once it is open.
    let bulkBox = NIOLockedValueBox<LocalListener?>(nil)
    /// The take socket, once it is open.
    let takeBox = NIOLockedValueBox<LocalListener?>(nil)
    let metrics = NIOLockedValueBox<MetricsState>(.none)
    let rights: RightsTable
    let backup: Backup
    let receipts: Receipts
    let untaken: UntakenFiles
    let drops = ClientDrops()
    let controlPlaces: LocalPlaces
    let submitPlaces: LocalPlaces
    let takePlaces: LocalPlaces
    let reloading = NIOLock()
    private let isStopping = Atomic(false)
    let started: WallTime

    /// Event loops for links and submissions. One carries gigabits; the second keeps a busy link from delaying the others.
    static let loops = 2
    static let readerThreads = 4
    /// The most that the end of the process waits for a disk that does not answer, of a spool or of a backup.
    static let diskPatience = TimeAmount.seconds(5)

    /// Runs a node until it is told to stop.
    public static func run(
        _ prepared: PreparedNode, sockets: ServiceSockets, log: NodeLogging, mayCreateStore: Bool
    ) async throws {
        let given = try sockets.assigned(prepared.configuration.settings)
        do {
            try StoreMarker.judge(
                prepared.configuration.settings.store.directory, marks: Self.marks, mayCreate: mayCreateStore)
        } catch {
            throw NodeFailure(sentence: "\(error.sentence)", exitCode: 78)
        }
        let node = try Node(prepared, log: log)
        try await node.serve(given)
    }

    init(_ prepared: PreparedNode, log: NodeLogging) throws {
        let settings = prepared.configuration.settings
        path = prepared.path
        self.log = log
        let logger = log.logger
        self.logger = logger
        notifier = SystemdNotifier(environment: Self.environment(["NOTIFY_SOCKET"]))
        let shares = DescriptorShares(settings)
        if let warning = shares.warning(settings) {
            logger.warning("\(warning)", metadata: .event(.configurationWarning))
        }
        let perUser = Int(clamping: settings.control.connectionsPerUser)
        controlPlaces = LocalPlaces(total: shares.local, perUser: perUser)
        submitPlaces = LocalPlaces(total: shares.local, perUser: perUser)
        takePlaces = LocalPlaces(total: shares.take, perUser: perUser)
        for directory in [settings.store.directory, Self.folder(of: settings.control.socket)] {
            try Self.makeDirectory(directory)
        }
        let inHand = InHand(directory: settings.store.directory)
        self.inHand = inHand
        let crash = Self.takeCrash(inHand, settings, logger)
        store = try Self.openStore(settings, after: crash)
        StoreMarker.note(settings.store.directory, marks: Self.marks)
        if !store.findings.isEmpty {
            logger.error("damage was found in the store", metadata: ["what": "\(store.findings.sentence)"])
        }
        let times =
            (try? store.read { rows in (rows.number(.meta, "relayTime"), rows.number(.meta, "wallTime")) }) ?? (0, 0)
        let clock = RelayClock(lastRelay: times.0, lastWall: times.1)
        self.clock = clock
        started = clock.reading.wall
        let gauge = Gauge(
            highWater: Int(clamping: settings.limits.stagedMax), lowWater: Int(clamping: settings.limits.stagedMax / 2))
        do {
            engine = try EngineThread(
                store: store, clock: clock, configuration: CoreConfiguration(prepared.configuration), gauge: gauge,
                inHand: inHand, logger: logger)
        } catch {
            throw NodeFailure(sentence: "\(error.sentence)", exitCode: 1)
        }
        group = MultiThreadedEventLoopGroup(numberOfThreads: Self.loops)
        readers = NIOThreadPool(numberOfThreads: Self.readerThreads)
        verifiers = NIOThreadPool(numberOfThreads: 1)
        readers.start()
        verifiers.start()
        let repeated = RepeatedNotices()
        let border = EngineBorder(
            deliver: { [engine] in engine.deliver($0) }, gauge: gauge, payload: PayloadSource(store),
            now: { clock.relayNow },
            log: { notices in
                for case let notice? in notices.map({ repeated.thinned($0, now: clock.relayNow) }) {
                    NoticeLog.write(notice, to: logger)
                }
            },
            inHand: { inHand?.hold($0) },
            greet: { [board = engine.board] node in
                board.picture(of: []).greeting(for: node, version: ProgramVersion.text, wall: clock.reading.wall)
            })
        links = Links(group: group, border: border, policy: LinkPolicy(prepared), tickets: tickets)
        look = PageLook(store: store, pool: readers, logger: logger) { [engine] in engine.ask { _, _ in } }
        let verifier = DocumentVerifier(store: store, pool: verifiers, inHand: inHand) { [engine] in engine.post($0) }
        spools = SpoolWriter(store: store, inHand: inHand) { [engine] in engine.post($0) }
        spools.watch(on: group.next())
        effects = NodeEffects(links: links, desk: desk, verifier: verifier, spools: spools, logger: logger) { notice in
            repeated.thinned(notice, now: clock.relayNow)
        }
        configuration = NIOLockedValueBox(prepared.configuration)
        rights = RightsTable(configuration)
        receipts = Receipts(
            store: store, head: { [board = engine.board] in .init(board.picture(of: [])) },
            settings: { [configuration] in configuration.withLockedValue { $0.settings.spools } })
        receipts.watch(on: group.next())
        untaken = UntakenFiles(
            now: { clock.reading.wall }, urgency: { [store] in UntakenFiles.urgency(of: $0, store) },
            settings: { [configuration] in configuration.withLockedValue { $0.settings.spools } })
        untaken.watch(on: group.next())
        backup = Backup(
            store: store, node: settings.node, now: { clock.reading.wall },
            record: { [engine, desk, tickets] deed in engine.recordBlocking(deed, desk, tickets) }, logger: logger,
            loop: MultiThreadedEventLoopGroup.singleton.any(),
            standard: { [configuration] in configuration.withLockedValue { $0.settings.backup.directory } })
        if !store.findings.isEmpty { engine.post(.event(.storeDamaged(why: store.findings.sentence))) }
        // Where the store itself was damaged, what was in hand at the crash is innocent.
        let isInnocent = crash?.isLostPage == true || !store.findings.isEmpty
        engine.post(.event(.suspected(isInnocent ? [] : crash?.envelopes ?? [])))
        if let crash, crash.isLostPage {
            for number in crash.envelopes { engine.post(.event(.documentUnreadable(number: number))) }
        }
        if let doubt = clock.doubt { engine.post(.event(.clockDoubted(true, why: doubt))) }
    }

    /// How the process before this one ended, if by a fault. From now on one is noted.
    private static func takeCrash(_ inHand: InHand?, _ settings: NodeConfiguration, _ logger: Logger) -> InHand.Crash? {
        guard let inHand else {
            logger.warning("the page of envelopes in hand cannot be made; suspects will not be held")
            return nil
        }
        let crash = inHand.takeCrash()
        inHand.watch()
        guard let crash else { return nil }
        if let sentence = crash.sentence {
            logger.error(
                "the daemon before this one ended by a bug of its own",
                metadata: .event(.endedByBug, ["said": "\(sentence)"]))
        }
        // What was in hand is held at the second time; a page that the disk does not give has nobody to be held for it.
        if !crash.isSent, crash.isLostPage || crash.envelopes.isEmpty {
            LMDBStore.noteFault(
                settings.store.directory, signal: crash.signal, said: crash.sentence, envelope: crash.envelopes.first)
        }
        return crash
    }

    private static func openStore(_ settings: NodeConfiguration, after crash: InHand.Crash?) throws -> LMDBStore {
        do throws(StoreFailure) {
            var opening = StoreSettings(settings)
            // After a crash nothing is believed: the file is looked through for as long as the service manager waits for a start.
            if crash != nil { opening.lookMilliseconds = 45_000 }
            return try LMDBStore(directory: settings.store.directory, settings: opening)
        } catch {
            // What does not pass by itself is not tried again and again (78: the service manager does not restart).
            let isFinal = !error.isPassing && error.kind != .system
            throw NodeFailure(sentence: "\(error.sentence)", exitCode: isFinal ? 78 : 1)
        }
    }

    private func serve(_ given: ServiceSockets.Assigned) async throws {
        engine.start(sink: effects)
        let control = NodeControl(
            store: store, clock: clock, engine: engine, desk: desk, tickets: tickets, links: links, readers: readers,
            configurationBox: configuration, listening: listening, metrics: metrics, started: started,
            places: [("control", controlPlaces), ("submission", submitPlaces), ("take", takePlaces)], path: path,
            log: log, inHand: inHand,
            look: look,
            copying: backup, receipts: receipts, untaken: untaken,
            reloadConfiguration: { [self] manner in reload(manner) })
        let settings = configuration.withLockedValue { $0.settings }
        let server = ControlServer(
            node: control, socket: settings.control.socket, descriptor: given.control, logger: logger,
            patience: TimeAmount(settings.control.clientTimeout),
            bodyPatience: TimeAmount(settings.control.bodyTimeout), places: controlPlaces, drops: drops
        ) { [self] in notifier.ready() }
        let bulk = try startBulk(settings, given.submit)
        bulkBox.withLockedValue { $0 = bulk }
        try startTake(settings, given.take)
        look.watch(on: group.next(), every: settings.store.verifyEvery)
        try await startListening(settings, given.links)
        logger.notice(
            "started",
            metadata: .event(
                .started,
                [
                    "node": "\(settings.node.name)", "version": "\(ProgramVersion.text)",
                    "listen": "\(listening.withLockedValue { $0 }.joined(separator: " "))",
                ]))
        var list: [any Service] = [server, ReloadService(node: self)]
        if let address = settings.metrics {
            let service = MetricsServer(server, address: address) { [metrics] state in
                metrics.withLockedValue { $0 = state }
            }
            list.append(service)
        }
        var services = ServiceGroupConfiguration(
            services: list.map { .init(service: $0) },
            gracefulShutdownSignals: [.sigterm, .sigint], logger: quietLogger)
        if let watchdog = Watchdog(engine: engine, group: group, notifier: notifier) {
            services.services.append(.init(service: watchdog))
        }
        // The last is told first: the line stands before the wait for callers.
        services.services.append(.init(service: StoppingNotice { [self] in noteStopping() }))
        // A caller that does not read its answer must not keep the node from stopping.
        services.maximumGracefulShutdownDuration = .seconds(10)
        let group = ServiceGroup(configuration: services)
        do {
            try await group.run()
        } catch {
            logger.critical("the daemon stops", metadata: ["why": "\(error)"])
            await stop(bulk)
            throw NodeFailure(sentence: "\(error)", exitCode: 1)
        }
        await stop(bulk)
    }

    private var quietLogger: Logger {
        var quiet = logger
        quiet.logLevel = max(logger.logLevel, .warning)
        return quiet
    }

    private func startBulk(_ settings: NodeConfiguration, _ descriptor: Int32?) throws -> LocalListener? {
        guard let socket = settings.control.submitSocket else { return nil }
        let surroundings = BulkSurroundings(
            engine: engine, desk: desk, tickets: tickets,
            maySubmit: { [rights] uid, gid, agency in rights.maySubmit(uid: uid, gid: gid, as: agency) },
            maySubmitAtAll: { [rights] uid, gid in rights.maySubmit(uid: uid, gid: gid) },
            canonical: { [configuration] text in configuration.withLockedValue { $0.directory }.canonical(text) },
            patience: TimeAmount(settings.control.clientTimeout),
            framePatience: TimeAmount(settings.control.bodyTimeout), drops: drops, logger: logger)
        let terms = LocalListener.Terms(
            socket: .submission, places: submitPlaces, drops: drops, patience: surroundings.patience, logger: logger)
        do {
            let bulk = try LocalListener.start(path: socket, descriptor: descriptor, group: group, terms) {
                user, loop in
                let handler = BulkHandler(surroundings, user: (user.uid, user.gid), loop: loop)
                handler.isUnwelcome = !surroundings.maySubmitAtAll(user.uid, user.gid)
                return handler
            }
            engine.gauge.onLowWater { bulk.resume() }
            return bulk
        } catch {
            throw NodeFailure(sentence: "control.submit_socket: \(error)", exitCode: 1)
        }
    }

    private func startTake(_ settings: NodeConfiguration, _ descriptor: Int32?) throws {
        guard let socket = settings.control.takeSocket else { return }
        let surroundings = TakeSurroundings(
            engine: engine, desk: desk, tickets: tickets, leases: TakeLeases(start: clock.relayNow), store: store,
            readers: readers, inHand: inHand, now: { [clock] in clock.reading },
            mayTake: { [rights] uid, gid, agency in rights.mayTake(uid: uid, gid: gid, of: agency) },
            mayTakeAtAll: { [rights] uid, gid in rights.mayTake(uid: uid, gid: gid) },
            canonical: { [configuration] text in configuration.withLockedValue { $0.directory }.canonical(text) },
            isElsewhere: { [configuration] agency in
                let (home, own) = configuration.withLockedValue { ($0.directory.home(of: agency), $0.settings.node) }
                return home == own ? nil : home
            },
            hasSpool: { [configuration] agency in
                configuration.withLockedValue { $0.settings.spools.contains { $0.agency == agency } }
            },
            ring: { [takeBox] in takeBox.withLockedValue { $0 }?.resume() },
            patience: TimeAmount(settings.control.clientTimeout),
            framePatience: TimeAmount(settings.control.bodyTimeout), drops: drops, logger: logger)
        let terms = LocalListener.Terms(
            socket: .take, places: takePlaces, drops: drops, patience: surroundings.patience,
            waterMark: .init(low: TakeShelf.portionBytes / 2, high: 2 * TakeShelf.portionBytes),
            readBytes: 1_024...65_536, logger: logger)
        do {
            let take = try LocalListener.start(path: socket, descriptor: descriptor, group: group, terms) {
                user, loop in
                let handler = TakeHandler(surroundings, user: (user.uid, user.gid), loop: loop)
                handler.isUnwelcome = !surroundings.mayTakeAtAll(user.uid, user.gid)
                return handler
            }
            takeBox.withLockedValue { $0 = take }
            engine.board.onArrivals { take.resume() }
        } catch {
            throw NodeFailure(sentence: "control.take_socket: \(error)", exitCode: 1)
        }
    }

    private func startListening(_ settings: NodeConfiguration, _ given: [Int: Int32]) async throws {
        let security: LinkSecurity = settings.plainLoopback ? .plain : .tls
        for (index, address) in settings.listen.enumerated() {
            do {
                let opening =
                    if let descriptor = given[index] { links.listen(adopting: descriptor, security) } else {
                        links.listen(on: LinkAddress(host: address.host, port: Int(address.port)), security)
                    }
                let listener = try await opening.get()
                let text = listener.address.port.map {
                    HostPort(host: address.host, port: UInt16(clamping: $0)).description
                }
                listening.withLockedValue { $0.append(text ?? address.description) }
            } catch {
                throw NodeFailure(sentence: "listen: \(address): \(error)", exitCode: 1)
            }
        }
    }

    /// Once: when the signal comes, or when a service has failed.
    private func noteStopping() {
        guard !isStopping.exchange(true, ordering: .relaxed) else { return }
        notifier.stopping()
        logger.notice("stopping", metadata: .event(.stopping))
    }

    private func stop(_ bulk: LocalListener?) async {
        noteStopping()
        await bulk?.stop()
        await takeBox.withLockedValue { $0 }?.stop()
        if await !backup.stop(within: Self.diskPatience) {
            logger.warning("the disk of the backup does not answer; the daemon stops without it")
        }
        try? await links.terminateAll(why: "this node is stopping", within: .seconds(10)).get()
        engine.stop()
        effects.stop()
        if await !spools.ended(within: Self.diskPatience) {
            logger.warning(
                "the disk of a spool does not answer; the daemon stops without it",
                metadata: .event(.spoolTroubled))
        }
        try? await group.shutdownGracefully()
        try? await readers.shutdownGracefully()
        try? await verifiers.shutdownGracefully()
        logger.notice("stopped", metadata: .event(.stopped))
    }

    private static func environment(_ names: [String]) -> [String: String] {
        var result: [String: String] = [:]
        for name in names { if let value = getenv(name) { result[name] = String(cString: value) } }
        return result
    }

    /// Where it is noted that there is a store.
    private static var marks: String? { StoreMarker.marks(environment(["STATE_DIRECTORY"])["STATE_DIRECTORY"]) }

    private static func folder(of path: String) -> String {
        path.lastIndex(of: "/").map { String(path[..<$0]) } ?? "."
    }

    /// Makes one directory, for its owner and group only; what is above it must be there.
    private static func makeDirectory(_ path: String) throws(NodeFailure) {
        guard !path.isEmpty, mkdir(path, 0o750) != 0, errno != EEXIST else { return }
        throw NodeFailure(sentence: "\(path): cannot be made: \(String(cString: strerror(errno)))", exitCode: 1)
    }
}

extension LinkPolicy {
    /// The links' view of a configuration with its certificates.
    init(_ prepared: PreparedNode) {
        let settings = prepared.configuration.settings
        var numbers = LinkSettings()
        numbers.keepaliveSeconds = UInt16(clamping: settings.session.keepalive.count / 1_000)
        numbers.segmentMRU = settings.session.segmentMRU
        numbers.transferMRU = settings.session.transferMRU
        numbers.segmentBytesMax = Int(clamping: settings.session.segmentSize)
        numbers.idleTimeout = settings.session.idleTimeout
        numbers.sessionLifetime = settings.session.sessionLifetime
        numbers.connectTimeout = settings.session.connectTimeout
        numbers.handshakeTimeout = settings.session.handshakeTimeout
        let places = DescriptorShares(settings)
        numbers.sessionsMax = places.sessions
        numbers.strangersMax = places.strangers
        numbers.sessionsPerPeer = Int(clamping: settings.session.sessionsPerPeer)
        numbers.memoryMax = Int(clamping: settings.session.memoryMax)
        numbers.silenceMin = settings.session.silence
        numbers.hopLimit = UInt8(clamping: settings.limits.hopsMax)
        let peers = settings.peers.map { peer in
            LinkPeer(
                identity: PeerIdentity(node: peer.node, acceptsURI: peer.acceptURISAN),
                address: peer.address.map { LinkAddress(host: $0.host, port: Int($0.port)) },
                security: settings.plainLoopback ? .plain : .tls, segmentBytesMax: Int(clamping: peer.segmentSize),
                segmentMRU: peer.segmentMRU, transferMRU: peer.transferMRU,
                keepaliveSeconds: UInt16(clamping: peer.keepalive.count / 1_000))
        }
        self.init(node: settings.node, tls: prepared.tls, peers: peers, settings: numbers)
    }
}
