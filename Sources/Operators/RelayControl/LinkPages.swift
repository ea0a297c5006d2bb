// LinkPages: GET /v1/peers, /v1/routes and /v1/routes/explain: the neighbours with their sessions, the routes, and the live
// answer to "where would a copy for this agency go?", given by the code that routes.

import ControlAPI
import Hummingbird
import RelayCore
import RelayModel

extension ControlServer {
    func addLinks(to router: Router<ControlContext>) {
        router.get("v1/peers") { request, context in
            try await requireSee(context)
            try requireNoQuery(request)
            return try json(try await peers())
        }
        router.get("v1/routes") { request, context in
            try await requireSee(context)
            let query = try ControlQuery(request, known: ["limit", "cursor"])
            return try json(try routes(query))
        }
        router.get("v1/routes/explain") { request, context in
            try await requireSee(context)
            let query = try ControlQuery(request, known: ["agency"])
            guard let agency = try query.one("agency") else {
                throw ControlError.badRequest("which agency or node? give ?agency=CODE")
            }
            return try json(try await explain(agency))
        }
    }

    private func peers() async throws -> PeersAnswer {
        let now = node.now
        let picture = try node.picture(of: [])
        let views = picture.peerViews(at: now.relay)
        let refused = picture.refusalViews
        let sessions = try await node.sessions()
        let backlogs = try await node.read { rows in QueuePicture.backlogs(rows, now: now.relay) }
        let peers = views.map { view in
            var peer = PeersAnswer.Peer(view, now: now)
            peer.sessions = sessions.filter { $0.peer == view.node }.map(PeersAnswer.Session.init)
            peer.backlog = backlogs[view.node.name] ?? .init()
            let mine = refused.filter { $0.peer == view.node }
            if !mine.isEmpty {
                peer.refused = mine.map {
                    .init(
                        cause: $0.cause.rawValue, count: $0.count, since: now.timestamp($0.since),
                        last: now.timestamp($0.last), envelope: $0.envelope.envelopeName,
                        sender: $0.sender.isEmpty ? nil : $0.sender, why: $0.why)
                }
            }
            peer.stuck = StuckJudge.judge(
                peer, suspension: view.suspension, finding: view.finding, now: now.wall.timestamp)
            return peer
        }
        return PeersAnswer(now: now.wall.timestamp, peers: peers)
    }

    private func routes(_ query: ControlQuery) throws -> RoutesAnswer {
        let configuration = node.configuration
        let rows = configuration.routes.rows
        let limit = try query.limit()
        let from = Int(try query.number("cursor", in: 0...UInt64(Int32.max)) ?? 0)
        let page = rows.dropFirst(from).prefix(limit)
        return RoutesAnswer(
            node: configuration.settings.node.name, agencies: configuration.directory.count,
            routes: page.map { .init(target: $0.target.text, via: $0.via.map(\.name)) },
            cursor: from + page.count < rows.count ? String(from + page.count) : nil)
    }

    private func explain(_ asked: String) async throws -> ExplainAnswer {
        let now = node.now
        let view = try node.picture(of: []).explainRoute(asked, now: now.relay)
        let configuration = node.configuration
        guard view.canonical != nil || view.home != nil else {
            throw ControlError.notFound(
                "no agency or node \(printable(asked)) is in the directory of this node; check the code in agencies.yaml"
            )
        }
        var answer = ExplainAnswer(asked: asked, destination: view.destination)
        answer.agency = view.canonical?.text
        answer.name = view.canonical.flatMap(configuration.directory.name(of:))
        answer.home = view.home?.name
        answer.homeUnderstands = view.features?.map(\.name)
        answer.row = view.match?.route.target.text
        answer.rule = view.match?.rule.rawValue
        answer.nextHops = view.hops.map(\.name)
        answer.liveHop = view.liveHop?.name
        answer.suspension = view.suspension.isEmpty ? nil : view.suspension
        answer.notes = view.notes
        answer.hops = view.eachHop.map { .init(node: $0.node.name, isTaken: $0.isTaken, why: $0.why) }
        let explained = view.canonical.map { configuration.routes.explain($0, home: view.home) }
        if let match = explained ?? view.home.flatMap({ configuration.routes.explain(node: $0) }) {
            answer.passedOver = match.passedOver.map { .init(row: $0.target.text, reason: $0.reason) }
        }
        return answer
    }
}

extension PeersAnswer.Peer {
    fileprivate init(_ view: PeerView, now: ClockReading) {
        let state =
            view.isSuspended
            ? "suspended"
            : view.isUp
                ? (view.pausedUntil == nil || view.pausedFrom != nil ? "up" : "paused")
                : view.isDialling ? "dialling" : "down"
        self.init(node: view.node.name, state: state, dials: view.dials)
        since = (view.isUp ? view.upSince : view.downSince).flatMap(now.timestamp)
        failures = view.failures
        nextDial = view.nextDial.flatMap(now.timestamp)
        pausedUntil = view.pausedUntil.flatMap(now.timestamp)
        pausedFromBytes = view.pausedFrom
        lastError = view.lastError
        transfersInFlight = view.transfersInFlight
        bytesInFlight = view.bytesInFlight
        inDoubt = view.inDoubt
        greeting = view.greeting.map {
            .init(
                version: printable($0.version), incarnation: $0.incarnationText,
                understands: $0.features.map(\.name))
        }
    }
}

extension PeersAnswer.Session {
    fileprivate init(_ info: SessionInfo) {
        self.init(
            address: info.address, dialled: info.isDialled, since: info.since.timestamp, tlsVersion: info.tlsVersion,
            cipher: info.cipher, certificateExpires: info.certificateExpiry?.timestamp, bytesSent: info.bytesSent,
            bytesReceived: info.bytesReceived, roundTripMicroseconds: info.roundTripMicroseconds,
            inFlight: info.inFlight, silentSeconds: info.silence.count / 1_000)
    }
}
