// MetricsPage: GET /metrics: the node in figures for monitors, on the control socket for callers that may see, and on a loopback address
// if the configuration names one. The page comes also when the engine does not answer: then it says so.

import ControlAPI
import Hummingbird
import NIOCore
import OpenMetrics
import RelayConfiguration
import RelayCore
import RelayModel
import ServiceLifecycle

extension ControlServer {
    /// A monitor asks every few seconds; what it waits for is short.
    static var enginePatience: Duration { .seconds(2) }

    func addMetrics(to router: Router<ControlContext>) {
        router.get("metrics") { request, context in
            try await requireSee(context)
            return try await metrics(request)
        }
    }

    func metrics(_ request: Request) async throws -> Response {
        let format = MetricsText.Format(accept: request.headers[.accept])
        let page = MetricsPage.text(try await figures(), format)
        return Response(
            status: .ok, headers: [.contentType: format.contentType], body: .init(byteBuffer: ByteBuffer(string: page)))
    }

    func figures(enginePatience: Duration = Self.enginePatience) async throws -> MetricsFigures {
        let now = node.now
        let peers = node.configuration.settings.peers.map(\.node)
        let rows = try await node.read { rows in MetricsFigures.Rows(rows, peers: peers, now: now.relay) }
        return MetricsFigures(
            node: node.configuration.settings.node.name, now: now, findings: (try? await findings(at: now)) ?? [],
            facts: try await node.facts(),
            watch: try await node.watchFacts(), rows: rows, engine: await engineFigures(within: enginePatience),
            sessions: try await node.sessions(), peers: peers,
            drops: ClientDrops.Socket.allCases.map { ($0.rawValue, drops.count($0)) })
    }

    func engineFigures(within patience: Duration = Self.enginePatience) async -> MetricsFigures.EngineFigures? {
        let asked = ContinuousClock.now
        let found = await node.ask(within: patience) { core, _ in
            MetricsFigures.EngineFigures(
                peers: core.peerViews, active: core.activeCount, staged: core.stagedOctets,
                isClockDoubted: core.isClockDoubted,
                spoolsTroubled: core.spoolViews.count { !$0.trouble.isEmpty },
                oldestHanding: core.spoolViews.compactMap(\.oldest).min(), hopTimes: core.hopTimes, milliseconds: 0)
        }
        guard var figures = found else { return nil }
        let span = asked.duration(to: .now)
        figures.milliseconds =
            UInt64(clamping: span.components.seconds * 1_000)
            + UInt64(clamping: span.components.attoseconds / 1_000_000_000_000_000)
        return figures
    }
}

/// From figures to text.
enum MetricsPage {
    private typealias Sample = MetricsText.Sample

    static func text(_ figures: MetricsFigures, _ format: MetricsText.Format) -> String {
        var text = MetricsText(format, labels: ("node", figures.node))
        process(figures, &text)
        books(figures.rows, &text)
        queues(figures, &text)
        links(figures, &text)
        store(figures, &text)
        times(figures, &text)
        certificates(figures, &text)
        return text.text
    }

    private static let kinds = ["document", "report"]

    private static func process(_ figures: MetricsFigures, _ text: inout MetricsText) {
        text.add(
            "edoc_build", .info, "What runs here.",
            [Sample(.count(1), ("node", figures.node), ("version", figures.facts.version))])
        text.add(
            "edoc_start_timestamp_seconds", .gauge, unit: "seconds", "When the daemon started, in Unix time.",
            seconds(figures.facts.started))
        text.add("edoc_engine_up", .gauge, "1 when the engine answers within 2 s.", .flag(figures.engine != nil))
        text.add(
            "edoc_memory_bytes", .gauge, unit: "bytes", "Resident memory; file is mostly the store's map.",
            [
                Sample(.count(figures.facts.rssAnon), ("kind", "anonymous")),
                Sample(.count(figures.facts.rssShmem), ("kind", "shared")),
                Sample(.count(figures.facts.rssFile), ("kind", "file")),
            ])
        text.add("edoc_open_files", .gauge, "Open descriptors.", .count(UInt64(figures.watch.openFiles)))
        text.add("edoc_open_files_limit", .gauge, "How many may be open.", .count(figures.watch.openFilesMax))
        text.add(
            "edoc_mailbox_inputs", .gauge, "Inputs that wait for the engine.", .count(UInt64(figures.watch.mailbox)))
        text.add("edoc_batches", .counter, "Transactions of the engine.", .count(figures.facts.batches))
        text.add(
            "edoc_clients_dropped", .counter,
            "Clients dropped because they did not read their answers, or did not send what they had begun.",
            figures.drops.map { Sample(.count($0.count), ("socket", $0.socket)) })
        text.add(
            "edoc_suspensions", .gauge, "Peers and agencies that operators have suspended.",
            .count(figures.rows.suspensions))
        // Every code, so that an alert sees a first case as an increase.
        text.add(
            "edoc_findings", .gauge, "What a person should know, by code and grade: docs/findings.md.",
            FindingCode.allCases.flatMap { code in
                FindingGrade.allCases.map { grade in
                    Sample(
                        .count(UInt64(figures.findings.count { $0.code == code && $0.grade == grade })),
                        ("code", code.rawValue), ("grade", grade.rawValue))
                }
            })
        guard let engine = figures.engine else { return }
        text.add("edoc_active_envelopes", .gauge, "Envelopes chosen for links.", .count(UInt64(engine.active)))
        text.add(
            "edoc_staged_bytes", .gauge, unit: "bytes", "Octets received and not yet durable.", .count(engine.staged))
        text.add(
            "edoc_spools_troubled", .gauge, "Spools that take no documents now.",
            .count(UInt64(engine.spoolsTroubled)))
        text.add(
            "edoc_clock_doubted", .gauge, "1 while the clock is not believed and expiry is suspended.",
            .flag(engine.isClockDoubted))
    }

    private static func books(_ rows: MetricsFigures.Rows, _ text: inout MetricsText) {
        func each(_ counts: [[String: UInt64]], _ label: String) -> [Sample] {
            zip(kinds, counts).flatMap { kind, counts in
                counts.sorted { $0.key < $1.key }.map { Sample(.count($0.value), ("kind", kind), (label, $0.key)) }
            }
        }
        text.add(
            "edoc_recipients", .gauge, "(Envelope, recipient) pairs in the store, by state.",
            each(rows.states, "state"))
        text.add(
            "edoc_recipients_ended", .counter, "Pairs that have ended here, by their end.", each(rows.ended, "end"))
        text.add(
            "edoc_recipients_accepted", .counter, "Pairs that were accepted here, by how they came.",
            zip(kinds, zip(rows.submitted, rows.taken)).flatMap { kind, counts in
                [
                    Sample(.count(counts.0), ("kind", kind), ("origin", "submitted")),
                    Sample(.count(counts.1), ("kind", kind), ("origin", "taken")),
                ]
            })
        text.add(
            "edoc_books_balanced", .gauge, "1 while accepted equals ended plus what is in the store.",
            zip(kinds, rows.balances).map { Sample(.flag($1), ("kind", $0)) })
        text.add(
            "edoc_refused_everywhere_recipients", .gauge,
            "Pairs that every next hop has refused, tried again until the grace is over.",
            .count(rows.refusedEverywhere))
        // Every cause, so that its first case is an increase and not a new series.
        text.add(
            "edoc_refused_transfers", .counter, "Transfers of peers that were refused, by reason.",
            RefusalCause.allCases.filter { $0 != .contact }.map {
                Sample(.count(rows.refusedTransfers[$0.rawValue] ?? 0), ("reason", $0.rawValue))
            })
        text.add(
            "edoc_refused_peer_transfers", .counter,
            "Transfers that were refused, by peer and reason, where there were any.",
            rows.refusedOf.map { Sample(.count($0.count), ("peer", $0.peer.name), ("reason", $0.cause.rawValue)) })
        text.add(
            "edoc_contacts_failed", .counter, "Connections that came to no session; a port check is one.",
            .count(rows.refusedTransfers[RefusalCause.contact.rawValue] ?? 0))
        text.add(
            "edoc_refused_submissions", .counter, "Documents handed in that were refused, by reason.",
            SubmissionRefusal.allCases.map {
                Sample(.count(rows.refusedSubmissions[$0.rawValue] ?? 0), ("reason", $0.rawValue))
            })
        text.add(
            "edoc_outcomes", .counter, "What was heard of pairs that were handed in here, by what it was.",
            ReportedState.allCases.map {
                Sample(.count(rows.outcomes[$0] ?? 0), ("outcome", String(describing: $0)))
            })
        text.add(
            "edoc_outcomes_open", .gauge, "Bad ends and delays of them that no operator has acknowledged.",
            ReportedState.badOutcomes.map {
                Sample(.count(rows.openOutcomes[$0] ?? 0), ("outcome", String(describing: $0)))
            })
        text.add("edoc_corrupt_records", .counter, "Records of the store that were set aside.", .count(rows.corrupt))
    }

    private static func queues(_ figures: MetricsFigures, _ text: inout MetricsText) {
        let peers = figures.peers.map { QueueFigures.Place.peer($0) }
        var keys: [QueueFigures.Key] = []
        for urgency in Urgency.allCases {
            for place in peers + [.suspended, .none] {
                let key = QueueFigures.Key(place: place, urgency: urgency)
                // The cells of the peers are always there; the two others are rare.
                if peers.contains(place) || figures.rows.queues[key] != nil { keys.append(key) }
            }
        }
        func samples(_ value: (QueueFigures) -> UInt64) -> [Sample] {
            keys.map { key in
                Sample(
                    .count(figures.rows.queues[key].map(value) ?? 0), ("peer", key.place.label),
                    ("urgency", String(key.urgency.rawValue)))
            }
        }
        text.add(
            "edoc_queued_recipients", .gauge, "Pairs that wait, by the peer that their route prefers and by urgency.",
            samples(\.count))
        text.add(
            "edoc_queued_bytes", .gauge, unit: "bytes", "Octets of the documents that wait, once for each pair.",
            samples(\.bytes))
        text.add(
            "edoc_queue_oldest_seconds", .gauge, unit: "seconds",
            "Age of the oldest that waits, since this node accepted it; 0 when nothing waits.",
            samples(\.oldestSeconds))
        text.add(
            "edoc_inbox_agencies", .gauge, "Agencies at home here for which documents wait.",
            .count(UInt64(figures.rows.inboxes.agencies)))
        text.add(
            "edoc_inbox_oldest_seconds", .gauge, unit: "seconds",
            "How long the oldest document in an inbox, or handing over to a spool, has waited; 0 when none waits.",
            .count(figures.oldestArrivedSeconds ?? 0))
    }

    private static func links(_ figures: MetricsFigures, _ text: inout MetricsText) {
        func ledger(_ value: (LedgerAnswer.Peer) -> UInt64) -> [Sample] {
            figures.rows.ledger.map { Sample(.count(value($0)), ("peer", $0.node)) }
        }
        text.add("edoc_link_ups", .counter, "How often a link came up.", ledger(\.linkUps))
        text.add("edoc_peer_taken_recipients", .counter, "Pairs taken from a peer.", ledger(\.taken))
        text.add("edoc_peer_taken_bytes", .counter, unit: "bytes", "Octets taken from a peer.", ledger(\.takenBytes))
        text.add("edoc_peer_forwarded_recipients", .counter, "Pairs that a peer has taken.", ledger(\.forwarded))
        text.add(
            "edoc_peer_forwarded_bytes", .counter, unit: "bytes", "Octets that a peer has taken.",
            ledger(\.forwardedBytes))
        text.add("edoc_peer_refusals", .counter, "Transfers that a peer has refused.", ledger(\.refusals))
        text.add("edoc_peer_pauses", .counter, "How often a peer had no resources.", ledger(\.pauses))
        guard let engine = figures.engine else { return }
        func views(_ value: (PeerView) -> MetricsValue) -> [Sample] {
            engine.peers.map { Sample(value($0), ("peer", $0.node.name)) }
        }
        text.add("edoc_link_up", .gauge, "1 while there is a session with the peer.", views { .flag($0.isUp) })
        text.add(
            "edoc_link_suspended", .gauge, "1 while an operator has it suspended.", views { .flag($0.isSuspended) })
        text.add(
            "edoc_link_paused", .gauge, "1 while it has no resources: nothing, or nothing large, is offered to it.",
            views { .flag($0.pausedUntil != nil) })
        text.add(
            "edoc_link_down_seconds", .gauge, unit: "seconds",
            "How long there has been no session; 0 while there is one.",
            views { .count(figures.now.relay.since($0.downSince ?? figures.now.relay).count / 1_000) })
        text.add(
            "edoc_link_failed_dials", .gauge, "Dials in a row that failed.", views { .count(UInt64($0.failures)) })
        text.add(
            "edoc_link_in_flight_transfers", .gauge, "Transfers that are not answered yet.",
            views { .count(UInt64($0.transfersInFlight)) })
        text.add(
            "edoc_link_in_doubt_envelopes", .gauge, "Sent whole and not answered when their session ended.",
            views { .count(UInt64($0.inDoubt)) })
    }

    private static func store(_ figures: MetricsFigures, _ text: inout MetricsText) {
        let room = figures.facts.headRoom
        text.add("edoc_store_envelopes", .gauge, "Envelopes in the store.", .count(figures.rows.envelopes))
        text.add(
            "edoc_store_payload_bytes", .gauge, unit: "bytes", "Octets of their documents.",
            .count(figures.rows.payloadBytes))
        text.add("edoc_store_used_bytes", .gauge, unit: "bytes", "Pages in use.", .count(room.usedBytes))
        text.add(
            "edoc_store_free_bytes", .gauge, unit: "bytes", "What the store can still take, by map and disk.",
            .count(room.freeBytes))
        text.add(
            "edoc_store_reserve_bytes", .gauge, unit: "bytes", "What only commits that accept nothing may use.",
            .count(room.reserveBytes))
        text.add(
            "edoc_store_acceptable_bytes", .gauge, unit: "bytes",
            "What may still be accepted before the reserve is touched.",
            .count(room.acceptableBytes))
        text.add(
            "edoc_store_map_bytes", .gauge, unit: "bytes", "The most that the store may hold.",
            .count(figures.watch.mapBytes))
        text.add(
            "edoc_store_file_bytes", .gauge, unit: "bytes", "Length of the data file.",
            .count(figures.facts.storeFileBytes))
        text.add(
            "edoc_disk_free_bytes", .gauge, unit: "bytes", "What is free on the store's disk.",
            .count(figures.watch.diskFreeBytes))
        text.add(
            "edoc_backup_timestamp_seconds", .gauge, unit: "seconds",
            "When the last good copy of the store was made, in Unix time; nothing when none was.",
            figures.rows.backup.map { [Sample(seconds($0))] } ?? [])
        text.add(
            "edoc_history_oldest_timestamp_seconds", .gauge, unit: "seconds",
            "When the oldest copy ended that history still has, in Unix time; nothing while it has none.",
            figures.rows.historyFrom.flatMap(figures.now.wall(of:)).map { [Sample(seconds($0))] } ?? [])
        text.add("edoc_disk_bytes", .gauge, unit: "bytes", "Size of the store's disk.", .count(figures.watch.diskBytes))
    }

    private static func times(_ figures: MetricsFigures, _ text: inout MetricsText) {
        text.add(
            "edoc_commit_seconds", "From the end of the decisions of a batch to the end of its sync.",
            [histogram(figures.watch.commitTimes)])
        guard let engine = figures.engine else { return }
        text.add(
            "edoc_hop_seconds", "From acceptance here to the next hop's answer that took the envelope, by urgency.",
            Urgency.allCases.map { urgency in
                histogram(engine.hopTimes.hops[Int(urgency.rawValue)], ("urgency", String(urgency.rawValue)))
            })
        text.add(
            "edoc_answer_seconds", "From the decision to send to the answer that took the transfer.",
            [histogram(engine.hopTimes.answers)])
    }

    private static func certificates(_ figures: MetricsFigures, _ text: inout MetricsText) {
        let own: [(String, Int64?)] = [
            ("own", figures.watch.certificateExpiry), ("authority", figures.watch.authorityExpiry),
        ]
        text.add(
            "edoc_certificate_expiry_timestamp_seconds", .gauge, unit: "seconds",
            "When this node's certificate, and the first of its authorities, end, in Unix time.",
            own.compactMap { name, time in time.map { Sample(.real(Double($0)), ("certificate", name)) } })
        text.add(
            "edoc_revocation_list_update_timestamp_seconds", .gauge, unit: "seconds",
            "When the first revocation list should be replaced, in Unix time.",
            figures.watch.revocationListUpdate.map { [Sample(.real(Double($0)))] } ?? [])
        var expiries: [NodeID: WallTime] = [:]
        for session in figures.sessions {
            guard let expiry = session.certificateExpiry else { continue }
            expiries[session.peer] = min(expiries[session.peer] ?? expiry, expiry)
        }
        text.add(
            "edoc_peer_certificate_expiry_timestamp_seconds", .gauge, unit: "seconds",
            "When the certificate of a peer that is connected ends, in Unix time.",
            figures.peers.compactMap { peer in
                expiries[peer].map { Sample(seconds($0), ("peer", peer.name)) }
            })
    }

    private static func seconds(_ time: WallTime) -> MetricsValue { .real(Double(time.unixMilliseconds) / 1_000) }

    private static func histogram(
        _ times: TimeHistogram, _ labels: (name: String, value: String)...
    ) -> MetricsHistogram {
        var result = MetricsHistogram(
            bounds: times.bounds.map { Double($0) / 1_000_000 }, counts: times.counts,
            sum: Double(times.sum) / 1_000_000)
        result.labels = labels
        return result
    }
}
