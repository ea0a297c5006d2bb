// ConversationSession: a session between two real conversations: the session machine, the bundle codec and the identity check
// of the daemon, with the octets carried by the world. TLS is a packet that says "handshake". Owned by the world; one thread.

import NIOCore
import RelayCore
import RelayEngine
import RelayModel
import RelaySession
import TCPCL

final class ConversationSession: SimulatedSession {
    /// A class, because a conversation cannot be copied into an array.
    private final class Speaker {
        var conversation: Conversation
        var output = ConversationOutput()
        var hasHandshake = false
        var wantsHandshake = false
        /// Octets that came before the machine could take them.
        var unread = ByteBuffer()
        var timerAt: UInt64?

        init(_ conversation: consuming Conversation) { self.conversation = conversation }
    }

    private var speakers: [Speaker] = []
    private static let pumpBytes = 64 * 1_024

    override func opened(_ world: World) {
        for end in [0, 1] {
            let node = world.nodes[ends[end].node]
            let peer = world.nodes[ends[1 - end].node].id
            var session = SessionConfiguration(role: end == 0 ? .active : .passive, tls: .required, nodeID: node.id)
            session.segmentBytesMax = 16 * 1_024
            session.keepaliveSeconds = 10
            session.answerTimeout = 60_000
            var settings = ConversationSettings(session)
            // What is written to a line is overtaken by nothing; the daemon keeps the rest of a portion before its socket.
            settings.portionBytesMax = 16 * 1_024
            // The session is established at this moment, or as good as.
            let wall = node.clock.wall(world.now)
            settings.greet = { [board = node.board] peer in
                board?.picture(of: []).greeting(for: peer, version: "simulated", wall: wall)
            }
            let judge = IdentityJudge(node.configuration.peers.map { PeerIdentity(node: $0.node) })
            speakers.append(
                Speaker(
                    Conversation(
                        session: ends[end].ticket, settings: settings, judge: judge,
                        dialled: end == 0 ? peer : nil, tickets: world.tickets)))
        }
        for end in [0, 1] { act(end, world) { $0.start(now: $1, &$2) } }
    }

    override func perform(_ effect: Effect, _ end: Int, _ world: World) {
        guard !ends[end].isOver else { return }
        act(end, world) { $0.perform(effect, now: $1, &$2) }
    }

    override func timer(_ end: Int, _ world: World) {
        speakers[end].timerAt = nil
        guard !ends[end].isOver else { return }
        act(end, world) { $0.deadlineReached(now: $1, &$2) }
    }

    override func delivered(_ packet: Packet, _ end: Int, _ world: World) {
        guard !ends[end].isOver else { return }
        // There is room again for what the other end wants to say.
        defer { if !ends[1 - end].isOver { act(1 - end, world) { _, _, _ in } } }
        switch packet {
        case .octets(var buffer):
            speakers[end].unread.writeBuffer(&buffer)
            readOn(end, world)
        case .handshake:
            speakers[end].hasHandshake = true
            finishHandshake(end, world)
        case .header, .payload, .end, .answer, .probe: break
        }
    }

    private func readOn(_ end: Int, _ world: World) {
        guard speakers[end].unread.readableBytes > 0, !speakers[end].wantsHandshake else { return }
        var unread = speakers[end].unread
        act(end, world) { $0.receive(&unread, now: $1, &$2) }
        speakers[end].unread = unread
        finishHandshake(end, world)
    }

    private func finishHandshake(_ end: Int, _ world: World) {
        guard speakers[end].wantsHandshake, speakers[end].hasHandshake, !ends[end].isOver else { return }
        speakers[end].wantsHandshake = false
        let names = CertificateNames(bundleEIDs: [world.nodes[ends[1 - end].node].id.text])
        act(end, world) { $0.tlsEstablished(names, now: $1, &$2) }
        readOn(end, world)
    }

    override func lost(_ end: Int, _ world: World) {
        guard !ends[end].isOver else { return }
        act(end, world) { $0.connectionEnded(clean: false, why: "the connection was cut", now: $1, &$2) }
    }

    /// Lets one end say something, and does what it wants: inputs, octets, handshake, timer, close.
    private func act(
        _ end: Int, _ world: World, _ body: (inout Conversation, RelayTime, inout ConversationOutput) -> Void
    ) {
        let speaker = speakers[end]
        let node = world.nodes[ends[end].node]
        let now = node.clock.relay(world.now)
        body(&speaker.conversation, now, &speaker.output)
        repeat {
            if speaker.conversation.hasBytesToSend, !directions[end].isFull {
                let budget = directions[end].line == nil ? Self.pumpBytes : 1
                speaker.conversation.pump(now: now, budget: budget, &speaker.output) { node.payload($0) }
            }
            for input in speaker.output.takeInputs() {
                if case .event(.sessionSilent) = input { world.summary.silences += 1 }
                world.post(input, to: ends[end].node)
            }
            for buffer in speaker.output.takeBytes() { write(.octets(buffer), from: end, world) }
        } while speaker.conversation.hasBytesToSend && !directions[end].isFull && !isCut
            && speaker.output.close == nil
        _ = speaker.output.takeNotices()
        if speaker.output.takeStartsTLS() {
            speaker.wantsHandshake = true
            write(.handshake, from: end, world)
        }
        if speaker.output.close != nil {
            if !ends[end].isOver {
                ends[end].isOver = true
                world.closed(self, end)
            }
            return
        }
        planTimer(end, node, world)
    }

    private func planTimer(_ end: Int, _ node: SimulatedNode, _ world: World) {
        guard let deadline = speakers[end].conversation.nextDeadline else { return }
        let time = max(node.clock.trueTime(of: deadline, now: world.now), world.now + 1)
        if let planned = speakers[end].timerAt, planned <= time { return }
        speakers[end].timerAt = time
        world.plan(.sessionTimer(session: number, end: end), at: time)
    }
}
