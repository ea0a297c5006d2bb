// TakeSocket: the way out as fast as the way in: one connection on which an agency's system is shown documents, so many as it has asked for,
// and acknowledges them by their numbers, many at a time. One handler a connection, on an event loop; documents are read on the readers'
// threads in short snapshots, so that the engine is asked for nothing but the acknowledgements. An acknowledgement is answered after its
// commit. Nobody polls: the engine's thread rings behind each batch that has put something into an inbox.
//
// Failures: what a client says wrongly is answered with a sentence and ends the connection. With a connection, whatever ends it, its leases
// end: what it had not acknowledged is shown to the next one. What was acknowledged and not yet answered stays leased until its commit, or
// until it is known that there is none: so nothing is shown again that was acknowledged. A client that does not read, stops in the middle of
// a frame, or keeps documents without acknowledging one, is dropped after a while: it would keep them from others for ever.

import Glibc
import Logging
import NIOCore
import NIOPosix
import RelayControl
import RelayCore
import RelayEngine
import RelayModel
import RelayRows
import RelaySession
import RelayStore
import Synchronization

/// What the handler needs of its node.
struct TakeSurroundings: Sendable {
    var engine: EngineThread
    var desk: SubmissionDesk
    var tickets: TicketSource
    var leases: TakeLeases
    var store: LMDBStore
    var readers: NIOThreadPool
    var inHand: InHand?
    var now: @Sendable () -> ClockReading
    /// May this user (and its groups) have the inbox of this agency?
    var mayTake: @Sendable (uid_t, gid_t, AgencyCode) -> Bool
    /// Of any agency at all?
    var mayTakeAtAll: @Sendable (uid_t, gid_t) -> Bool
    var canonical: @Sendable (String) -> AgencyCode?
    /// Where an agency is at home, if that is another node.
    var isElsewhere: @Sendable (AgencyCode) -> NodeID?
    var hasSpool: @Sendable (AgencyCode) -> Bool
    /// Documents wait again: for whichever connection may have them.
    var ring: @Sendable () -> Void
    /// How long a client may leave a frame unfinished.
    var patience: TimeAmount
    /// How long it may take for one frame, and keep documents without acknowledging one.
    var framePatience: TimeAmount
    var drops: ClientDrops
    var logger: Logger
}

final class TakeHandler: LocalConnection, @unchecked Sendable {
    // @unchecked: everything but `loop`, `signals` and `isIdle` is touched on the channel's event loop only; who comes from elsewhere hops.
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    /// Documents that are claimed in one look.
    private static let lookMax = 64
    /// Documents that a client may have asked for.
    private static let creditMax: UInt64 = 1 << 20
    /// Acknowledgements that the engine gets as one input.
    private static let inputMax = 256
    /// Documents that one connection has given back, or that could not be read to it.
    private static let givenBackMax = 4_096
    /// Answers that wait for a client that reads nothing, before it is not read either.
    private static let unreadMax = 1_024
    /// A look for nothing that takes longer than this is followed by as long a pause.
    private static let costlyLook = TimeAmount.microseconds(500)

    private let surroundings: TakeSurroundings
    private let user: (uid: uid_t, gid: gid_t)
    private let loop: any EventLoop
    private var context: ChannelHandlerContext?
    private var input = ByteBuffer()
    /// There is nobody whose documents this user may have; set before the connection is there.
    var isUnwelcome = false
    private var hasGreeted = false
    /// Nothing more is read or written.
    private var isOver = false
    /// Where it stands in the inboxes; nil before the greeting has been judged.
    private var round: TakeRound?
    private var shelf = TakeShelf()
    private var window = TakeWindow()
    /// Documents that the client can take more.
    private var credit: UInt64 = 0
    /// A thread has `round` and `shelf`.
    private var isReading = false
    /// The document of which not all octets have been written yet.
    private var unfinished: UInt64?
    /// Not shown again on this connection.
    private var passedOver: Set<TakeClaim> = []
    /// How often somebody has said that there may be something new.
    private let signals = Atomic<UInt64>(1)
    /// The number of signals behind which nothing was found.
    private var clean: UInt64 = 0
    /// Waits for a signal.
    private let isIdle = Atomic(false)
    private var hasSaidIdle = false
    private var notBefore = NIODeadline.uptimeNanoseconds(0)
    private var hasLookPlanned = false
    private var isPaused = false
    private var unreadAnswers = 0
    /// When octets came last, and when the frame began that is coming in.
    private var lastRead = NIODeadline.now()
    private var frameBegan: NIODeadline? = .now()
    /// When it last acknowledged something, or was shown something.
    private var lastProgress = NIODeadline.now()
    private var frameLook: Scheduled<Void>?
    private var keepLook: Scheduled<Void>?

    init(_ surroundings: TakeSurroundings, user: (uid: uid_t, gid: gid_t), loop: any EventLoop) {
        self.surroundings = surroundings
        self.user = user
        self.loop = loop
    }

    // MARK: The channel

    func handlerAdded(context: ChannelHandlerContext) { self.context = context }

    func channelActive(context: ChannelHandlerContext) {
        watchFrame()
        if isUnwelcome {
            surroundings.drops.drop(.take, .hasNoRight, user: user.uid, logger: surroundings.logger)
            refuse("notAuthorised", "this user may have the inbox of no agency")
        }
        context.fireChannelActive()
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        guard !isOver else { return }
        var buffer = unwrapInboundIn(data)
        if input.readableBytes == 0 { input = buffer } else { input.writeBuffer(&buffer) }
        consume()
    }

    func channelReadComplete(context: ChannelHandlerContext) {
        lastRead = .now()
        frameBegan = isInFrame ? frameBegan ?? lastRead : nil
        watchFrame()
        context.flush()
        pump()
        // A client that does not read its answers is not read either.
        if unreadAnswers > Self.unreadMax, !context.channel.isWritable, !isPaused {
            isPaused = true
            context.channel.setOption(.autoRead, value: false).whenFailure { _ in }
        }
    }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        if context.channel.isWritable {
            unreadAnswers = 0
            if isPaused {
                isPaused = false
                lastRead = .now()
                context.channel.setOption(.autoRead, value: true).whenFailure { _ in }
                context.read()
            }
            pump()
        }
        context.fireChannelWritabilityChanged()
    }

    func channelInactive(context: ChannelHandlerContext) {
        isOver = true
        for look in [frameLook, keepLook] { look?.cancel() }
        (frameLook, keepLook) = (nil, nil)
        self.context = nil
        if !isReading { letGo() }
        context.fireChannelInactive()
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }

    /// All that it had and has not acknowledged waits for others.
    private func letGo() {
        let now = surroundings.now().relay
        surroundings.leases.release(shelf.waiting, wereShown: false, now: now)
        surroundings.leases.release(window.openClaims, wereShown: true, now: now)
        shelf = TakeShelf()
        window = TakeWindow()
        surroundings.ring()
    }

    /// There may be something new. Any thread.
    func resume() {
        signals.add(1, ordering: .sequentiallyConsistent)
        guard isIdle.exchange(false, ordering: .sequentiallyConsistent) else { return }
        loop.execute { [self] in pump() }
    }

    /// The node stops. Any thread.
    func end() { loop.execute { [self] in context?.close(promise: nil) } }

    // MARK: Patience

    private var isInFrame: Bool { !hasGreeted || input.readableBytes > 0 }

    /// Looks later, once for many reads, whether the client goes on with its frame. While this node does not read, it does not count.
    private func watchFrame() {
        guard frameLook == nil, isInFrame, !isOver else { return }
        let frameEnds = (frameBegan ?? lastRead) + surroundings.framePatience
        frameLook = loop.scheduleTask(deadline: min(lastRead + surroundings.patience, frameEnds)) { [self] in
            frameLook = nil
            guard !isOver, isInFrame, !isPaused else { return }
            let now = NIODeadline.now()
            let isTooLong = frameBegan.map { now - $0 >= surroundings.framePatience } ?? false
            guard isTooLong || now - lastRead >= surroundings.patience else { return watchFrame() }
            drop(isTooLong ? .tookTooLong : .stoppedInFrame)
        }
    }

    /// The same for what it was shown.
    private func watchKept() {
        guard keepLook == nil, window.open > 0, !isOver else { return }
        keepLook = loop.scheduleTask(deadline: lastProgress + surroundings.framePatience) { [self] in
            keepLook = nil
            guard !isOver, window.open > 0 else { return }
            guard NIODeadline.now() - lastProgress >= surroundings.framePatience else { return watchKept() }
            drop(.keepsDocuments)
        }
    }

    private func drop(_ cause: ClientDrops.Cause) {
        surroundings.drops.drop(.take, cause, user: user.uid, logger: surroundings.logger)
        context?.close(promise: nil)
    }

    // MARK: What the client says

    private func consume() {
        while !isOver {
            do throws(TakeFault) {
                if hasGreeted {
                    guard let request = try TakeRequest.read(from: &input) else { break }
                    serve(request)
                } else {
                    guard let greeting = try TakeGreeting.read(from: &input) else { break }
                    hasGreeted = true
                    judge(greeting)
                }
            } catch {
                refuse("badRequest", error.rawValue)
            }
        }
        input.discardReadBytes()
    }

    private func serve(_ request: TakeRequest) {
        switch request {
        case .take(let count):
            guard credit + UInt64(count) <= Self.creditMax else {
                return refuse("badRequest", "more than \(Self.creditMax) documents asked for")
            }
            credit += UInt64(count)
            hasSaidIdle = false
        case .acknowledgeThrough(let sequence):
            guard isShown(sequence) else { return }
            acknowledge(window.acknowledge(through: sequence), sequence)
        case .acknowledge(let sequence):
            guard isShown(sequence) else { return }
            acknowledge(window.acknowledge(sequence).map { [(sequence, $0)] } ?? [], sequence)
        case .giveBack(let sequence):
            guard isShown(sequence), let claim = window.giveBack(sequence) else { return }
            lastProgress = .now()
            passOver([claim], wereShown: true)
        }
    }

    private func isShown(_ sequence: UInt64) -> Bool {
        if sequence >= 1, sequence <= window.last, unfinished.map({ sequence < $0 }) ?? true { return true }
        refuse("badRequest", "there is no document \(sequence), or it is not whole")
        return false
    }

    /// They wait for others, but are not shown here again.
    private func passOver(_ claims: [TakeClaim], wereShown: Bool) {
        guard !claims.isEmpty else { return }
        passedOver.formUnion(claims)
        surroundings.leases.release(claims, wereShown: wereShown, now: surroundings.now().relay)
        surroundings.ring()
        if passedOver.count > Self.givenBackMax {
            refuse("badRequest", "more than \(Self.givenBackMax) documents given back")
        }
    }

    /// Looks, on a thread that may wait for the user database and the store, whether the client may have what it wants.
    private func judge(_ greeting: TakeGreeting) {
        surroundings.readers.runIfActive(eventLoop: loop) { [surroundings, user] in
            surroundings.judge(greeting, user)
        }.whenComplete { [self] result in
            guard !isOver else { return }
            switch result {
            case .success(.welcome(let agencies)):
                round = TakeRound(agencies: agencies)
                say(.ready(UInt32(TakeWindow.span)))
                context?.flush()
                pump()
            case .success(.refused(let cause, let why)): refuse(cause, why)
            case .failure: context?.close(promise: nil)
            }
        }
    }

    // MARK: Acknowledging

    /// One frame of the client, in parts for the engine. On the event loop only.
    private final class Acknowledgement: @unchecked Sendable {
        let asked: UInt64
        let count: Int
        var taken = 0
        var partsLeft: Int
        init(_ asked: UInt64, count: Int, parts: Int) {
            self.asked = asked
            self.count = count
            partsLeft = parts
        }
    }

    private func acknowledge(_ documents: [(sequence: UInt64, claim: TakeClaim)], _ asked: UInt64) {
        guard !documents.isEmpty else { return say(.acknowledged(asked, taken: 0, gone: 0)) }
        lastProgress = .now()
        var parts: [(agency: AgencyCode, numbers: [UInt64], sequences: [UInt64])] = []
        var open: [AgencyCode: Int] = [:]
        for (sequence, claim) in documents {
            if let index = open[claim.agency], parts[index].numbers.count < Self.inputMax {
                parts[index].numbers.append(claim.number)
                parts[index].sequences.append(sequence)
            } else {
                open[claim.agency] = parts.count
                parts.append((claim.agency, [claim.number], [sequence]))
            }
        }
        if let agency = open.keys.first(where: { !surroundings.mayTake(user.uid, user.gid, $0) }) {
            surroundings.leases.release(documents.map(\.claim), wereShown: true, now: surroundings.now().relay)
            return refuse("notAuthorised", "this user may not have the inbox of \(agency)")
        }
        let acknowledgement = Acknowledgement(asked, count: documents.count, parts: parts.count)
        for part in parts {
            let ticket = surroundings.tickets.take()
            surroundings.desk.expectInbox(
                ticket,
                post: { [engine = surroundings.engine] in
                    engine.post(
                        .event(.inboxAcknowledged(ticket: ticket, agency: part.agency, envelopes: part.numbers)))
                }
            ) { [self] result in
                loop.execute { [self] in ended(part.agency, part.numbers, part.sequences, result, acknowledgement) }
            }
        }
    }

    /// The engine has answered, after its commit; or no answer will come.
    private func ended(
        _ agency: AgencyCode, _ numbers: [UInt64], _ sequences: [UInt64], _ result: Result<Int, SubmissionLost>,
        _ acknowledgement: Acknowledgement
    ) {
        let claims = numbers.map { TakeClaim(agency: agency, number: $0) }
        switch result {
        case .failure(let lost):
            // Nothing of it is in the store: who comes next is shown it.
            surroundings.leases.release(claims, wereShown: true, now: surroundings.now().relay)
            surroundings.ring()
            refuse("noResources", "\(lost)")
        case .success(let taken):
            surroundings.leases.forget(claims)
            window.end(sequences)
            acknowledgement.taken += taken
            acknowledgement.partsLeft -= 1
            guard acknowledgement.partsLeft == 0, !isOver else { return }
            let count = acknowledgement.taken
            say(
                .acknowledged(
                    acknowledgement.asked, taken: UInt32(clamping: count),
                    gone: UInt32(clamping: acknowledgement.count - count)))
            context?.flush()
            pump()
        }
    }

    // MARK: Showing

    /// What a thread of the readers is given, and gives back.
    fileprivate struct Reading: Sendable {
        var round: TakeRound
        var shelf: TakeShelf
        var wanted: Int
        var signal: UInt64
        var passedOver: Set<TakeClaim>
        var cleanSince: UInt64?
        var lookTook = TimeAmount.zero
        var portion = TakeShelf.Portion()
        /// The store cannot be read.
        var failure: String?
    }

    /// Has more read when the client can take it and there may be more.
    private func pump() {
        guard let context, let round, !isOver, !isReading, context.channel.isWritable else { return }
        let given = signals.load(ordering: .sequentiallyConsistent)
        var wanted = 0
        if shelf.isEmpty {
            wanted = min(Int(clamping: credit), window.room, Self.lookMax)
            guard wanted > 0 else { return }
            guard clean != given else { return beIdle(given) }
            guard NIODeadline.now() >= notBefore else { return lookLater() }
        }
        isReading = true
        let reading = Reading(round: round, shelf: shelf, wanted: wanted, signal: given, passedOver: passedOver)
        surroundings.readers.runIfActive(eventLoop: loop) { [surroundings, user] in
            surroundings.read(reading, user)
        }.whenComplete { [self] result in
            isReading = false
            switch result {
            case .success(let reading): took(reading)
            case .failure:
                self.context?.close(promise: nil)
                if isOver { letGo() }
            }
        }
    }

    private func lookLater() {
        guard !hasLookPlanned else { return }
        hasLookPlanned = true
        loop.scheduleTask(deadline: notBefore) { [self] in
            hasLookPlanned = false
            pump()
        }
    }

    /// Nothing is there at this moment: who rings, wakes.
    private func beIdle(_ given: UInt64) {
        if !hasSaidIdle {
            hasSaidIdle = true
            say(.idle)
            context?.flush()
        }
        isIdle.store(true, ordering: .sequentiallyConsistent)
        guard signals.load(ordering: .sequentiallyConsistent) != given else { return }
        if isIdle.exchange(false, ordering: .sequentiallyConsistent) { loop.execute { [self] in pump() } }
    }

    private func took(_ reading: Reading) {
        round = reading.round
        shelf = reading.shelf
        let portion = reading.portion
        let now = surroundings.now().relay
        surroundings.leases.release(portion.gone, wereShown: false, now: now)
        for claim in portion.unreadable { surroundings.engine.post(.event(.documentUnreadable(number: claim.number))) }
        guard !isOver, let context else {
            // Of what was read nothing has left.
            surroundings.leases.release(
                portion.shown + portion.unfit + portion.unreadable, wereShown: false, now: now)
            return letGo()
        }
        if let since = reading.cleanSince {
            clean = since
            if reading.lookTook > Self.costlyLook { notBefore = .now() + reading.lookTook }
        }
        passOver(portion.unfit + portion.unreadable, wereShown: false)
        window.show(portion.shown)
        credit -= UInt64(portion.shown.count)
        unfinished = shelf.unfinished
        if portion.buffer.readableBytes > 0 {
            hasSaidIdle = false
            lastProgress = .now()
            context.writeAndFlush(wrapOutboundOut(portion.buffer), promise: nil)
        }
        watchKept()
        if let broken = portion.broken { return refuse("unreadable", broken) }
        if let failure = reading.failure { return refuse("noResources", failure) }
        pump()
    }

    // MARK: Saying

    private func say(_ answer: TakeAnswer) {
        guard let context, !isOver else { return }
        if !context.channel.isWritable { unreadAnswers += 1 }
        var buffer = context.channel.allocator.buffer(capacity: 32)
        answer.write(to: &buffer)
        context.write(wrapOutboundOut(buffer), promise: nil)
    }

    private func refuse(_ cause: String, _ why: String) {
        guard let context, !isOver else { return }
        say(.refused("\(cause)\n\(why)"))
        context.flush()
        isOver = true
        context.close(promise: nil)
    }
}

// What runs on the threads of the readers.
extension TakeSurroundings {
    enum Welcome: Sendable {
        case welcome([AgencyCode]?)
        case refused(cause: String, why: String)
    }

    fileprivate func judge(_ greeting: TakeGreeting, _ user: (uid: uid_t, gid: gid_t)) -> Welcome {
        var agencies: [AgencyCode] = []
        for text in greeting.agencies {
            // An agency that has left the directory may still have documents here.
            guard let agency = canonical(text) ?? AgencyCode(text) else {
                return .refused(
                    cause: "unknownAgency", why: "\(text.prefix(80).debugDescription) is not an agency code")
            }
            guard mayTake(user.uid, user.gid, agency) else {
                return .refused(cause: "notAuthorised", why: "this user may not have the inbox of \(agency)")
            }
            guard !hasSpool(agency) else {
                return .refused(cause: "hasSpool", why: "\(agency) takes its documents from its spool")
            }
            if let other = isElsewhere(agency), !hasDocuments(agency) {
                return .refused(
                    cause: "unknownAgency", why: "\(agency) is at home on node \(other.name); its inbox is there")
            }
            if !agencies.contains(agency) { agencies.append(agency) }
        }
        return .welcome(greeting.agencies.isEmpty ? nil : agencies)
    }

    private func hasDocuments(_ agency: AgencyCode) -> Bool {
        let found = try? store.read { rows in
            rows.row(.inbox, atOrAfter: Keys.inbox(agency.text)).map { Keys.inbox(agency.text).isPrefix(of: $0.key) }
        }
        return found.flatMap { $0 } ?? false
    }

    /// Finds and claims in one snapshot, and reads in another one: what was claimed is as it is now, whoever had it before.
    fileprivate func read(_ reading: TakeHandler.Reading, _ user: (uid: uid_t, gid: gid_t)) -> TakeHandler.Reading {
        var reading = reading
        do throws(StoreFailure) {
            if reading.wanted > 0 { try look(&reading, user) }
            if !reading.shelf.isEmpty {
                var shelf = reading.shelf
                reading.portion = try store.read { rows in
                    shelf.fill(
                        rows, now: now(), hold: { inHand?.hold($0) },
                        mayHaveBeenShown: { leases.mayHaveBeenShown($0, arrived: $1) })
                }
                reading.shelf = shelf
            }
        } catch {
            reading.failure = error.sentence
        }
        return reading
    }

    private func look(
        _ reading: inout TakeHandler.Reading, _ user: (uid: uid_t, gid: gid_t)
    ) throws(StoreFailure) {
        let start = NIODeadline.now()
        var round = reading.round
        let passedOver = reading.passedOver
        let found = try store.read { rows in
            round.look(rows, wanted: reading.wanted, signal: reading.signal) {
                mayTake(user.uid, user.gid, $0) && !hasSpool($0)
            } claim: {
                leases.claim($0, $1, $2, except: passedOver)
            }
        }
        reading.round = round
        reading.cleanSince = found.cleanSince
        reading.shelf.add(found.claims)
        reading.lookTook = NIODeadline.now() - start
    }
}
