// LinkHandler: runs one conversation on one channel and does nothing else: bytes, times and effects in; bytes, inputs for the
// engine, TLS and the end of the channel out. Everything on the channel's event loop.
//
// How it fails: an error of the channel or of TLS ends the conversation, whose last inputs say what became of each dispatch.
// They are delivered even when the channel is gone.

import NIOCore
import OpenSSLTLS
import RelayCore
import RelayEngine
import RelayModel
import RelayRows
import RelaySession
import RelayStore

final class LinkHandler: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    /// Octets written at a time, and as many read from the store in one short transaction: whole rows, and with their heads no more
    /// than TLS puts into one buffer.
    static let pumpBytes = 7 * ChunkLayout.standard.payloadBytes
    /// After so many pumps in a row other sessions of the loop have their turn.
    static let pumpsInRowMax = 4
    /// The last octets may take this long to leave.
    static let closeTime = TimeAmount.seconds(5)
    /// A peer that lives answers the end of a session within this time, or at least sends something. The second is for one with transfers
    /// under way: its acknowledgement waits for its disk.
    static let answerTime = Milliseconds(500)
    static let silenceMax = Milliseconds.seconds(2)

    /// Octets that wait for the socket, above which nothing is read: a peer that does not take our answers gets no more to
    /// answer. Far above what payload may wait, or two nodes could each wait for the other to read.
    static let unwrittenBytesMax = 4 << 20

    private let border: EngineBorder
    private let registry: LinkRegistry
    private let policy: LinkPolicy
    private let security: LinkSecurity
    /// The DNS name that was dialled.
    private let serverName: String?

    private var conversation: Conversation
    private var output = ConversationOutput()
    private var context: ChannelHandlerContext?
    private var record: SessionRecord?
    private var certificate: PeerCertificate?

    /// Who watches what passes; almost always nobody.
    private var taps: [WireTap] = []
    private var hasAskedForTaps = false

    private var isStarted = false
    private var isReading = true
    private var isActing = false
    private var isActingAgain = false
    private var isPumpScheduled = false
    /// Octets that follow the contact header and belong to the handshake.
    private var leftover: ByteBuffer?
    private var timer: Scheduled<Void>?
    private var timerDeadline: RelayTime?
    private var closeTimer: Scheduled<Void>?
    private var isClosing = false
    /// Our direction is ended; the peer's is read to its end.
    private var isOutputEnded = false
    /// The peer has ended its direction.
    private var isInputEnded = false
    private var buffers = SocketBuffers()
    /// Batches of octets that the socket has not taken.
    private var unwrittenBatches = 0
    private var unwrittenBytes = 0
    private var bytesIn: UInt64 = 0
    private var bytesOut: UInt64 = 0
    private var largeReads = LargeReads.unasked
    private enum LargeReads { case unasked, refused, granted }
    /// What the books of memory know that this session holds, and in whose name.
    private var heldBytes = 0
    private var holder = ""
    /// Less is not worth a look at the books.
    private static let heldStep = 16 << 10

    init(
        session: Ticket, policy: LinkPolicy, security: LinkSecurity, dialled: LinkPeer?, border: EngineBorder,
        registry: LinkRegistry, tickets: TicketSource
    ) {
        self.border = border
        self.registry = registry
        self.policy = policy
        self.security = security
        serverName = dialled?.address?.host
        var settings = policy.conversation(dialled == nil ? .passive : .active, security, dialled)
        settings.greet = border.greet
        conversation = Conversation(
            session: session, settings: settings,
            judge: policy.judge, dialled: dialled?.identity.node, tickets: tickets)
        conversation.inHand = border.inHand
        guard dialled == nil else { return }
        conversation.refusesPlace = { peer in registry.proved(session, to: peer)?.sentence }
    }

    // MARK: - The channel's life

    func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
        if context.channel.isActive { start(context) }
    }

    func channelActive(context: ChannelHandlerContext) {
        start(context)
        context.fireChannelActive()
    }

    private func start(_ context: ChannelHandlerContext) {
        guard !isStarted else { return }
        isStarted = true
        let now = border.now()
        let info = SessionInfo(
            session: conversation.session, isDialled: conversation.dialled != nil,
            address: Self.text(of: context.remoteAddress), since: now)
        let record = SessionRecord(info)
        self.record = record
        conversation.host = context.remoteAddress?.ipAddress ?? ""
        holder = SessionPlaces.owner(of: info.address)
        let (isWelcome, gone) = registry.add(
            conversation.session, NIOLoopBound(self, eventLoop: context.eventLoop), record, context.channel,
            dialled: conversation.dialled)
        if !gone.isEmpty { registry.onLoops(of: gone) { $0.loseStrangersPlace() } }
        if let dialled = conversation.dialled { for tap in registry.taps(of: dialled) { watch(tap) } }
        conversation.start(now: now, &output)
        if !isWelcome { conversation.end(why: "This node is stopping.", now: now, &output) }
        act(now)
    }

    func channelInactive(context: ChannelHandlerContext) {
        connectionEnded(clean: security == .plain, why: nil)
        context.fireChannelInactive()
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        connectionEnded(clean: false, why: nil)
        timer?.cancel()
        closeTimer?.cancel()
        _ = registry.memory.change(holder, by: -heldBytes)
        heldBytes = 0
        registry.remove(conversation.session)
        if largeReads == .granted { registry.returnLargeReads() }
        largeReads = .refused
        self.context = nil
    }

    private func connectionEnded(clean: Bool, why: String?) {
        guard isStarted else { return }
        let now = border.now()
        conversation.connectionEnded(clean: clean, why: why, now: now, &output)
        act(now)
    }

    // MARK: - Inbound

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        var buffer = Self.unwrapInboundIn(data)
        bytesIn += UInt64(buffer.readableBytes)
        if largeReads == .unasked, bytesIn >= LinkSockets.largeReadsAfter { askForLargeReads(context) }
        let now = border.now()
        conversation.receive(&buffer, now: now, &output)
        if output.startsTLS {
            leftover = buffer
            act(now)
        }
    }

    private func askForLargeReads(_ context: ChannelHandlerContext) {
        guard registry.takeLargeReads() else { return largeReads = .refused }
        largeReads = .granted
        try? context.channel.syncOptions?.setOption(.recvAllocator, value: LinkSockets.largeReads)
    }

    func channelReadComplete(context: ChannelHandlerContext) {
        act(border.now())
        context.fireChannelReadComplete()
    }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        if context.channel.isWritable, conversation.hasBytesToSend { act(border.now()) }
        context.fireChannelWritabilityChanged()
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if let event = event as? TLSHandshakeCompleted {
            handshakeCompleted(event.peer)
        } else if let event = event as? TLSInputClosed {
            isInputEnded = true
            connectionEnded(clean: event.clean, why: nil)
            if isClosing, unwrittenBatches == 0 { context.close(promise: nil) }
        }
        context.fireUserInboundEventTriggered(event)
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        let why = Self.sentence(of: error)
        if isStarted, let error = error as? TLSError, !error.claimed.isEmpty {
            conversation.certificateRefused(claimed: error.claimed, why: why, &output)
        }
        connectionEnded(clean: false, why: why)
    }

    private func handshakeCompleted(_ peer: PeerCertificate) {
        certificate = peer
        let now = border.now()
        record?.update {
            $0.tlsVersion = peer.protocolVersion
            $0.cipher = peer.cipher
            $0.certificateNotAfter = peer.certificate.notAfter
        }
        // A reload may have come since the handshake began.
        let current = registry.policy
        conversation.replaceJudge(current.judge)
        if current.tls !== policy.tls, let why = fault(by: current) {
            conversation.connectionEnded(clean: false, why: why, now: now, &output)
        } else {
            let names = CertificateNames(peer)
            // Who was accepted is known only now; its own numbers go into SESS_INIT.
            if conversation.dialled == nil, let known = current.peer(named: names) {
                conversation.adopt(current.conversation(.passive, security, known))
            }
            conversation.tlsEstablished(names, now: now, &output)
        }
        act(now)
    }

    // MARK: - From outside, on the loop

    /// Does what the engine decided in one batch.
    func perform(_ effects: [Effect]) {
        let now = border.now()
        for effect in effects { conversation.perform(effect, now: now, &output) }
        act(now)
    }

    func end(why: String, timeout: Milliseconds?) {
        let now = border.now()
        conversation.end(why: why, timeout: timeout, now: now, &output)
        act(now)
    }

    /// Too many wait to prove who they are, and most of them come from where this one does.
    func loseStrangersPlace() {
        output.log(
            Notice(
                .warning, "a connection was closed: no place for another that has not proven who it is",
                kind: .sessionsExhausted))
        connectionEnded(clean: false, why: "It had the oldest of the connections of its address, which has most.")
        context?.close(promise: nil)
    }

    /// Tells the books of memory what this session holds. One that holds more than its owner's share ends.
    private func account(_ now: RelayTime) {
        if let peer = conversation.peer, holder != peer.name {
            registry.memory.move(heldBytes, from: holder, to: peer.name)
            holder = peer.name
        }
        let held = conversation.heldBytes + unwrittenBytes
        let change = held - heldBytes
        guard abs(change) >= Self.heldStep || held == 0 && change != 0 else { return }
        heldBytes = held
        guard !registry.memory.change(holder, by: change), output.close == nil else { return }
        output.log(
            Notice(
                .warning, "a session was ended: its peer holds more memory than its share",
                peer: conversation.peer, kind: .sessionMemoryExhausted))
        conversation.end(
            why: "The peer holds more memory than its share.", reason: .resourceExhaustion, timeout: .zero, now: now,
            &output)
        isActingAgain = true
    }

    /// The same when the node stops: a peer that is found to hang is not waited for until the time is over.
    func endSoon(why: String, timeout: Milliseconds) {
        end(why: why, timeout: timeout)
        let wasSilent = border.now().since(conversation.silentSince) >= Self.silenceMax
        cutWhenSilent(
            why, after: conversation.inFlight == 0 || wasSilent ? Self.answerTime : Self.silenceMax, heard: bytesIn)
    }

    private func cutWhenSilent(_ why: String, after span: Milliseconds, heard: UInt64) {
        guard let context else { return }
        context.eventLoop.assumeIsolated().scheduleTask(in: TimeAmount(span)) {
            guard self.context != nil else { return }
            guard self.bytesIn == heard else {
                return self.cutWhenSilent(why, after: Self.silenceMax, heard: self.bytesIn)
            }
            self.output.log(
                Notice(.info, "nothing is heard any more and the session is cut", peer: self.conversation.peer))
            self.end(why: why, timeout: .zero)
            // What it has not taken it will not take.
            self.context?.close(promise: nil)
        }
    }

    /// The gauge has fallen to low water.
    func resume() { act(border.now()) }

    /// Ends the session if its peer would not be accepted any more.
    func recheck(_ policy: LinkPolicy) {
        conversation.replaceJudge(policy.judge)
        if let why = fault(by: policy) {
            end(why: why, timeout: nil)
        } else if case .refused(let why) = conversation.judgement(by: policy.judge) {
            end(why: why, timeout: nil)
        }
    }

    /// From now on a tap sees what passes, if the session is its peer's.
    func watch(_ tap: WireTap) {
        guard (conversation.peer ?? conversation.dialled) == tap.peer, !taps.contains(where: { $0 === tap }) else {
            return
        }
        taps.append(tap)
        output.isWatched = true
    }

    func unwatch(_ tap: WireTap) {
        taps.removeAll { $0 === tap }
        if taps.isEmpty { output.isWatched = false }
    }

    private func showFrames() {
        let frames = output.takeFrames()
        guard !frames.isEmpty else { return }
        for tap in taps where !tap.take(conversation.session, frames) { unwatch(tap) }
    }

    private func fault(by policy: LinkPolicy) -> String? {
        guard let certificate, let tls = policy.tls else { return nil }
        do throws(TLSError) {
            try tls.verify(certificate)
            return nil
        } catch {
            return error.sentence
        }
    }

    // MARK: - What the conversation wants done

    /// Brings about all that is in the output. Calls of the channel may come back here; they are served by the same turn.
    private func act(_ now: RelayTime) {
        guard !isActing else {
            isActingAgain = true
            return
        }
        isActing = true
        repeat {
            isActingAgain = false
            if let context { act(context, now) }
            deliver(now)
        } while isActingAgain
        isActing = false
    }

    private func act(_ context: ChannelHandlerContext, _ now: RelayTime) {
        var isWritten = write(context)
        if output.takeStartsTLS() {
            if isWritten { context.flush() }
            return startTLS(context)
        }
        var pumps = 0
        while conversation.hasBytesToSend, context.channel.isWritable, pumps < Self.pumpsInRowMax {
            pumps += 1
            pump(context, now)
            if write(context) || isWritten { context.flush() }
            isWritten = false
        }
        if isWritten { context.flush() }
        if pumps == Self.pumpsInRowMax { pumpLater(context) }
        updateReading(context, now)
        buffers.follow(conversation.linkRate, context.channel, now)
        schedule(context, now)
        closeIfDone(context)
    }

    /// Writes without a flush; true if there was something.
    private func write(_ context: ChannelHandlerContext) -> Bool {
        let buffers = output.takeBytes()
        guard !buffers.isEmpty else { return false }
        let bytes = buffers.reduce(0) { $0 + $1.readableBytes }
        bytesOut += UInt64(bytes)
        unwrittenBatches += 1
        unwrittenBytes += bytes
        let promise = context.eventLoop.makePromise(of: Void.self)
        promise.futureResult.assumeIsolated().whenComplete { _ in self.batchLeft(bytes) }
        for (index, buffer) in buffers.enumerated() {
            context.write(Self.wrapOutboundOut(buffer), promise: index == buffers.count - 1 ? promise : nil)
        }
        return true
    }

    /// The socket has taken a batch, or never will.
    private func batchLeft(_ bytes: Int) {
        unwrittenBatches -= 1
        unwrittenBytes -= bytes
        guard let context else { return }
        if !isReading { updateReading(context, border.now()) }
        if isClosing { closeIfDone(context) }
    }

    private func startTLS(_ context: ChannelHandlerContext) {
        guard let tls = policy.tls else {
            return connectionEndedLater(context, why: "This node has no TLS settings.")
        }
        let handler = TLSHandler(
            context: tls, role: conversation.dialled == nil ? .server : .client, serverName: serverName,
            received: leftover, limits: policy.handshakeLimits)
        leftover = nil
        do {
            try context.pipeline.syncOperations.addHandler(handler, position: .before(self))
        } catch {
            connectionEndedLater(context, why: "TLS could not be started.")
        }
    }

    private func connectionEndedLater(_ context: ChannelHandlerContext, why: String) {
        context.eventLoop.assumeIsolated().execute { self.connectionEnded(clean: false, why: why) }
    }

    /// One short read transaction, in which as much is read as is written next.
    private func pump(_ context: ChannelHandlerContext, _ now: RelayTime) {
        let allocator = context.channel.allocator
        do throws(StoreFailure) {
            try border.payload.read { reader in
                conversation.pump(now: now, budget: Self.pumpBytes, &output) { range in
                    Self.bytes(of: range, in: reader, allocator)
                }
            }
        } catch {
            output.log(
                Notice(
                    .alarm, "the store cannot be read: \(error.sentence)", peer: conversation.peer,
                    kind: .payloadUnreadable))
            conversation.isStoreFailing = true
            conversation.pump(now: now, budget: Self.pumpBytes, &output) { _ in nil }
            conversation.isStoreFailing = false
        }
    }

    private static func bytes(
        of range: ExtentRange, in reader: any RowReader, _ allocator: ByteBufferAllocator
    ) -> ByteBuffer? {
        let (end, overflow) = range.offset.addingReportingOverflow(range.length)
        guard !overflow, let length = Int(exactly: range.length) else { return nil }
        var buffer = allocator.buffer(capacity: length)
        let outcome = PayloadReader.copy(range.offset..<end, of: range.extent, from: reader, into: &buffer)
        return outcome == .complete ? buffer : nil
    }

    private func pumpLater(_ context: ChannelHandlerContext) {
        guard !isPumpScheduled, conversation.hasBytesToSend, context.channel.isWritable else { return }
        isPumpScheduled = true
        context.eventLoop.assumeIsolated().execute {
            self.isPumpScheduled = false
            self.act(self.border.now())
        }
    }

    /// Hands the inputs to the engine in one batch.
    private func deliver(_ now: RelayTime) {
        if context != nil { account(now) }
        let inputs = output.takeInputs()
        if !inputs.isEmpty {
            border.gauge.add(Gauge.weight(of: inputs))
            border.deliver(inputs)
            if let context { updateReading(context, now) }
        }
        var notices = output.takeNotices()
        if !notices.isEmpty {
            let address = record?.current.address ?? ""
            for index in notices.indices where notices[index].peer == nil { notices[index].text += " [\(address)]" }
            border.log(notices)
        }
        if output.isWatched { showFrames() }
        if !hasAskedForTaps, let peer = conversation.peer {
            hasAskedForTaps = true
            for tap in registry.taps(of: peer) { watch(tap) }
        }
        record?.update {
            $0.peer = conversation.peer ?? $0.peer
            $0.bytesIn = bytesIn
            $0.bytesOut = bytesOut
            $0.inFlight = conversation.inFlight
            $0.silentSince = conversation.silentSince
            $0.isReading = isReading
            $0.counts = conversation.counts
        }
    }

    private func updateReading(_ context: ChannelHandlerContext, _ now: RelayTime) {
        let wantsInput =
            conversation.wantsInput && !border.gauge.isHigh && unwrittenBytes <= Self.unwrittenBytesMax
        guard wantsInput != isReading, !isClosing else { return }
        isReading = wantsInput
        if wantsInput {
            conversation.inputResumed(now: now)
        } else {
            conversation.inputPaused()
        }
        // The option is refused only by a channel that is closed already.
        try? context.channel.syncOptions?.setOption(.autoRead, value: wantsInput)
    }

    /// A deadline that moves away leaves the timer where it is; when it fires too early it is set anew.
    private func schedule(_ context: ChannelHandlerContext, _ now: RelayTime) {
        guard let deadline = conversation.nextDeadline else { return }
        if let timerDeadline, timerDeadline <= deadline { return }
        timer?.cancel()
        timerDeadline = deadline
        let span = max(deadline.since(now), Milliseconds(1))
        timer = context.eventLoop.assumeIsolated().scheduleTask(in: TimeAmount(span)) {
            self.timer = nil
            self.timerDeadline = nil
            let now = self.border.now()
            self.conversation.deadlineReached(now: now, &self.output)
            self.act(now)
        }
    }

    /// Closes the channel once the last octets have left, or could not.
    private func closeIfDone(_ context: ChannelHandlerContext) {
        guard output.close != nil else { return }
        if !isClosing {
            isClosing = true
            timer?.cancel()
            closeTimer = context.eventLoop.assumeIsolated().scheduleTask(in: Self.closeTime) {
                self.context?.close(promise: nil)
            }
        }
        guard unwrittenBatches == 0 else { return }
        guard output.closesInOrder, !isInputEnded, context.channel.isActive else {
            return context.close(promise: nil)
        }
        endOutput(context)
    }

    /// The orderly end: close_notify and FIN, then reading to the peer's own end. A socket that is closed with octets unread, or to which
    /// octets come later, answers by RST, which may overtake what the peer has not read yet.
    private func endOutput(_ context: ChannelHandlerContext) {
        guard !isOutputEnded else { return }
        isOutputEnded = true
        try? context.channel.syncOptions?.setOption(.autoRead, value: true)
        let promise = context.eventLoop.makePromise(of: Void.self)
        promise.futureResult.assumeIsolated().whenFailure { _ in self.context?.close(promise: nil) }
        context.close(mode: .output, promise: promise)
    }

    // MARK: - Texts

    static func text(of address: SocketAddress?) -> String {
        guard let address, let host = address.ipAddress, let port = address.port else { return "unknown" }
        return host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)"
    }

    static func sentence(of error: any Error) -> String {
        switch error {
        case let error as TLSError: error.sentence
        case let error as IOError: "The connection failed: \(LinkSockets.sentence(of: error))."
        default: "The connection failed."
        }
    }
}
