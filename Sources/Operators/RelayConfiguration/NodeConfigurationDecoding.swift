// From the decoded sections to NodeConfiguration, with the rules that bind several keys. A key that the table lacks
// is a bug and traps; every test that loads the defaults finds it.

import RelayModel
import RelayRouting
import Trap

extension ConfigurationSection {
    private func value(_ key: String) -> ConfigurationValue {
        guard let found = values[key] else { trap("The key table has no key named \(key).") }
        return found.value
    }

    func section(_ key: String) -> ConfigurationSection {
        guard let found = sections[key] else { trap("The key table has no section named \(key).") }
        return found
    }

    func number(_ key: String) -> UInt64 {
        guard let number = optionalNumber(key) else { trap("The key \(key) has no number.") }
        return number
    }

    /// Nil when another key decides.
    func optionalNumber(_ key: String) -> UInt64? {
        switch value(key) {
        case .number(let number): return number
        case .inherited: return nil
        default: trap("The key \(key) is not a number.")
        }
    }

    /// A size, or that part of the map; nil when another key decides.
    func optionalOctets(_ key: String, of map: UInt64) -> UInt64? {
        if case .percent(let percent) = value(key) { return max(map / 100 * percent, 1) }
        return optionalNumber(key)
    }

    func octets(_ key: String, of map: UInt64) -> UInt64 {
        guard let octets = optionalOctets(key, of: map) else { trap("The key \(key) has no size.") }
        return octets
    }

    func span(_ key: String) -> Milliseconds { Milliseconds(number(key)) }

    func text(_ key: String) -> String {
        guard case .text(let text) = value(key) else { trap("The key \(key) is not a text.") }
        return text
    }

    func yesNo(_ key: String) -> Bool {
        guard case .yesNo(let flag) = value(key) else { trap("The key \(key) is not yes or no.") }
        return flag
    }

    func texts(_ key: String) -> [String] {
        guard case .texts(let texts) = value(key) else { trap("The key \(key) is not a list.") }
        return texts
    }

    func addresses(_ key: String) -> [HostPort] {
        guard case .addresses(let list) = value(key) else { trap("The key \(key) is no address.") }
        return list
    }

    func mark(_ key: String) -> ConfigurationMark { values[key]?.mark ?? mark }
}

/// Makes the values of edocd.yaml.
struct NodeConfigurationReader {
    var file: String
    /// Relative paths begin here.
    var folder: String
    var credentials = CredentialUse.needed
    var errors: ErrorList

    /// Nil when the file has no usable node name.
    mutating func read(_ root: ConfigurationSection) -> NodeConfiguration? {
        let node = root.section("node")
        guard case .text(let name)? = node.values["name"]?.value, let id = NodeID(name: name) else { return nil }
        let session = session(root.section("session"))
        let map = root.section("store").number("map_size")
        let quotas = quotas(root.section("quotas"), map: map)
        let level = LogLevel(rawValue: root.section("log").text("level")) ?? .info
        let tls = tls(root.section("tls"))
        let peers = peers(root.members["peers"] ?? [], session, quotas, map: map, own: id)
        let configuration = NodeConfiguration(
            node: id, agenciesFile: path(node.text("agencies")), logLevel: level,
            store: store(root.section("store")), listen: root.addresses("listen"),
            plainLoopback: root.yesNo("plain_loopback"), session: session, tls: tls,
            limits: limits(root.section("limits")), retry: retry(root.section("retry")),
            report: report(root.section("report")),
            quotas: quotas, control: control(root.section("control")), backup: backup(root.section("backup")),
            metrics: root.section("metrics").addresses("listen").first, spools: spools(root.members["spool"] ?? []),
            peers: peers)
        check(configuration, root)
        return configuration
    }

    /// Relative to the folder of the configuration file.
    func path(_ text: String) -> String {
        text.hasPrefix("/") || folder.isEmpty ? text : folder + "/" + text
    }

    /// A name without a folder lies in that of the control socket: so each node of a machine has its own.
    private func besideControl(_ text: String, _ control: String) -> String? {
        guard !text.isEmpty, !text.contains("/"), let slash = control.lastIndex(of: "/") else {
            return optionalPath(text)
        }
        return control[...slash] + text
    }

    private func optionalPath(_ text: String) -> String? { text.isEmpty ? nil : path(text) }

    /// The file of a credential, or a path; a name where the credential is elsewhere.
    private mutating func secret(
        _ key: String, _ section: ConfigurationSection
    ) -> (path: String, elsewhere: String?) {
        let text = section.text(key)
        guard let name = Credential.name(text) else { return (path(text), nil) }
        guard let folder = Credential.folder else {
            if credentials == .lookedAt { return (text, name) }
            errors.add(
                .badValue, file, section.mark(key), "tls.\(key)",
                expected: "LoadCredential=\(name):FILE in the unit (by hand: CREDENTIALS_DIRECTORY=FOLDER edocd ...)",
                found: "no credentials of a service manager")
            return (text, nil)
        }
        return (folder + "/" + name, nil)
    }

    private func store(_ section: ConfigurationSection) -> NodeConfiguration.Store {
        .init(
            directory: path(section.text("directory")), mapSize: section.number("map_size"),
            reservePercent: section.number("reserve_percent"), reserveMin: section.number("reserve_min"),
            growthStep: section.number("growth_step"), transitMemory: section.span("transit_memory"),
            historyMemory: section.span("history_memory"), historyPercent: section.number("history_percent"),
            dedupMemory: section.span("dedup_memory"), verifyEvery: section.span("verify_every"),
            verifyRate: section.number("verify_rate"))
    }

    private func session(_ section: ConfigurationSection) -> NodeConfiguration.Session {
        .init(
            keepalive: section.span("keepalive"), segmentMRU: section.number("segment_mru"),
            transferMRU: section.number("transfer_mru"), segmentSize: section.number("segment_size"),
            windowBytes: section.number("window_bytes"), windowTransfers: section.number("window_transfers"),
            idleTimeout: section.span("idle_timeout"), sessionLifetime: section.span("session_lifetime"),
            connectTimeout: section.span("connect_timeout"), handshakeTimeout: section.span("handshake_timeout"),
            sessionsMax: section.number("sessions_max"), sessionsPerPeer: section.number("sessions_per_peer"),
            strangersMax: section.number("strangers_max"), memoryMax: section.number("memory_max"),
            silence: section.span("silence"))
    }

    private mutating func tls(_ section: ConfigurationSection) -> NodeConfiguration.TLS {
        let key = secret("key", section)
        return .init(
            ca: path(section.text("ca")), certificate: path(section.text("certificate")), key: key.path,
            keyCredential: key.elsewhere, crl: optionalPath(section.text("crl")),
            crlGrace: section.optionalNumber("crl_grace").map { Milliseconds($0) },
            keyLog: optionalPath(section.text("key_log")))
    }

    private func limits(_ section: ConfigurationSection) -> NodeConfiguration.Limits {
        .init(
            lifetimeDefault: section.span("lifetime_default"), lifetimeMax: section.span("lifetime_max"),
            documentMax: section.number("document_max"), recipientsMax: section.number("recipients_max"),
            hopsMax: section.number("hops_max"), activeMax: section.number("active_max"),
            stagedMax: section.number("staged_max"), headerMax: section.number("header_max"),
            incomingWait: section.span("incoming_wait"), recordLifetime: section.span("record_lifetime"))
    }

    private func retry(_ section: ConfigurationSection) -> NodeConfiguration.Retry {
        .init(
            dialBackoffMin: section.span("dial_backoff_min"), dialBackoffMax: section.span("dial_backoff_max"),
            envelopeBackoffMin: section.span("envelope_backoff_min"),
            envelopeBackoffMax: section.span("envelope_backoff_max"), pauseMin: section.span("pause_min"),
            pauseMax: section.span("pause_max"), refusalGrace: section.span("refusal_grace"),
            inDoubtWait: section.span("in_doubt_wait"), inDoubtWaitUrgent: section.span("in_doubt_wait_urgent"),
            failoverWait: section.span("failover_wait"))
    }

    private func report(_ section: ConfigurationSection) -> NodeConfiguration.Report {
        .init(
            gather: section.span("gather"), rows: section.number("rows"), delayAfter: section.span("delay_after"),
            delayAfterUrgent: section.span("delay_after_urgent"), statusReports: section.yesNo("status_reports"))
    }

    private func quotas(_ section: ConfigurationSection, map: UInt64) -> NodeConfiguration.Quotas {
        .init(
            peerBytes: section.octets("peer_bytes", of: map), peerEnvelopes: section.number("peer_envelopes"),
            senderBytes: section.octets("sender_bytes", of: map), senderEnvelopes: section.number("sender_envelopes"),
            recordBytes: section.octets("record_bytes", of: map), recordEnvelopes: section.number("record_envelopes"))
    }

    private func backup(_ section: ConfigurationSection) -> NodeConfiguration.Backup {
        .init(directory: optionalPath(section.text("directory")), maxAge: section.span("max_age"))
    }

    private mutating func control(_ section: ConfigurationSection) -> NodeConfiguration.Control {
        var rights: [ControlRight] = []
        for (index, member) in (section.members["rights"] ?? []).enumerated() {
            let row = member.section
            let user = row.text("user")
            let group = row.text("group")
            guard user.isEmpty != group.isEmpty else {
                errors.add(
                    .contradiction, file, row.mark, "control.rights[\(index + 1)]",
                    expected: "either user or group", found: user.isEmpty ? "neither" : "both")
                continue
            }
            rights.append(
                ControlRight(
                    caller: user.isEmpty ? .group(group) : .user(user),
                    verbs: Set(row.texts("verbs").compactMap(ControlVerb.init)),
                    agencies: row.texts("agencies").compactMap(Pattern.agency)))
        }
        return .init(
            socket: path(section.text("socket")), submitSocket: optionalPath(section.text("submit_socket")),
            takeSocket: besideControl(section.text("take_socket"), path(section.text("socket"))),
            clientTimeout: section.span("client_timeout"), bodyTimeout: section.span("body_timeout"),
            connectionsPerUser: section.number("connections_per_user"), undoWindow: section.span("undo_window"),
            rights: rights)
    }

    private mutating func peers(
        _ members: [(name: String, section: ConfigurationSection)], _ session: NodeConfiguration.Session,
        _ quotas: NodeConfiguration.Quotas, map: UInt64, own: NodeID
    ) -> [PeerConfiguration] {
        var result: [PeerConfiguration] = []
        var names: [String: String] = [:]
        for (name, section) in members {
            var id = NodeID(name: name)
            if case .text(let text)? = section.values["node"]?.value { id = NodeID(text: text) }
            guard let id else {
                errors.add(
                    .badValue, file, section.mark, "peers.\(name)", expected: "a node name, or the key node",
                    found: quoted(name))
                continue
            }
            if id.comparable == own.comparable {
                errors.add(
                    .contradiction, file, section.mark, "peers.\(name)", expected: "another node than this one",
                    found: id.text)
            }
            if let other = names[id.comparable] {
                errors.add(
                    .duplicate, file, section.mark, "peers.\(name)", expected: "one peer a node",
                    found: "\(id.text), which is also peers.\(other)")
            } else {
                names[id.comparable] = name
            }
            let peer = peer(name, id, section, session, quotas, map)
            if peer.keepalive.count % 1_000 != 0 {
                errors.add(
                    .badValue, file, section.mark("keepalive"), "peers.\(name).keepalive", expected: "whole seconds",
                    found: Quantity.text(peer.keepalive.count, Quantity.durationUnits))
            }
            if peer.dial, peer.address == nil {
                errors.add(
                    .contradiction, file, section.mark("dial"), "peers.\(name).dial",
                    expected: "an address to dial", found: "none")
            }
            result.append(peer)
        }
        return result
    }

    /// Nodes of another make may take a second session for the first one begun anew.
    private static func hasUrgentSession(_ word: String, isEdoc: Bool) -> Bool {
        word == "auto" ? isEdoc : word == "yes"
    }

    private func peer(
        _ name: String, _ id: NodeID, _ section: ConfigurationSection, _ session: NodeConfiguration.Session,
        _ quotas: NodeConfiguration.Quotas, _ map: UInt64
    ) -> PeerConfiguration {
        let from = section.section("may_send_from")
        let quota = section.section("quotas")
        return PeerConfiguration(
            name: name, node: id, address: section.addresses("address").first, dial: section.yesNo("dial"),
            edoc: section.yesNo("edoc"),
            foreign: ["yes": true, "no": false][section.text("foreign")], fragments: section.yesNo("fragments"),
            segmentSize: section.optionalNumber("segment_size") ?? session.segmentSize,
            segmentMRU: section.optionalNumber("segment_mru") ?? session.segmentMRU,
            transferMRU: section.optionalNumber("transfer_mru") ?? session.transferMRU,
            keepalive: section.optionalNumber("keepalive").map { Milliseconds($0) } ?? session.keepalive,
            urgentSession: Self.hasUrgentSession(section.text("urgent_session"), isEdoc: section.yesNo("edoc")),
            acceptURISAN: section.yesNo("accept_uri_san"),
            rights: SendRights(
                fromNodes: from.texts("nodes").compactMap(Pattern.node),
                fromAgencies: from.texts("agencies").compactMap(Pattern.agency),
                toAgencies: section.texts("may_send_to").compactMap(Pattern.agency)),
            quotaBytes: quota.optionalOctets("bytes", of: map) ?? quotas.peerBytes,
            quotaEnvelopes: quota.optionalNumber("envelopes") ?? quotas.peerEnvelopes)
    }
}

// Rules over several keys.
extension NodeConfigurationReader {
    private mutating func check(_ configuration: NodeConfiguration, _ root: ConfigurationSection) {
        for name in ["dial_backoff", "envelope_backoff", "pause"] {
            atMost(root, "retry", name + "_min", name + "_max")
        }
        atMost(root, "limits", "lifetime_default", "lifetime_max")
        let store = root.section("store")
        // A duplicate that outlives its memory would be delivered twice (docs/architecture.md, dedup).
        if configuration.store.dedupMemory <= configuration.limits.lifetimeMax + .days(1) {
            errors.add(
                .contradiction, file, store.mark("dedup_memory"), "store.dedup_memory",
                expected: "more than limits.lifetime_max and one day",
                found: Quantity.text(configuration.store.dedupMemory.count, Quantity.durationUnits))
        }
        if configuration.session.keepalive.count % 1_000 != 0 {
            errors.add(
                .badValue, file, root.section("session").mark("keepalive"), "session.keepalive",
                expected: "whole seconds",
                found: Quantity.text(configuration.session.keepalive.count, Quantity.durationUnits))
        }
        if let address = configuration.metrics, !address.isLoopback {
            errors.add(
                .contradiction, file, root.section("metrics").mark("listen"), "metrics.listen",
                expected: "a loopback address such as 127.0.0.1:9456", found: quoted(address.description))
        }
        guard configuration.plainLoopback else { return }
        for address in configuration.listen where !address.isLoopback {
            errors.add(
                .contradiction, file, root.mark("listen"), "listen",
                expected: "loopback addresses only, since plain_loopback is on", found: quoted(address.description))
        }
        for (peer, member) in zip(configuration.peers, root.members["peers"] ?? []) {
            guard let address = peer.address, !address.isLoopback else { continue }
            errors.add(
                .contradiction, file, member.section.mark("address"), "peers.\(peer.name).address",
                expected: "a loopback address, since plain_loopback is on", found: quoted(address.description))
        }
    }

    private mutating func atMost(_ root: ConfigurationSection, _ section: String, _ low: String, _ high: String) {
        let values = root.section(section)
        guard values.number(low) > values.number(high) else { return }
        errors.add(
            .contradiction, file, values.mark(low), "\(section).\(low)",
            expected: "at most \(section).\(high), \(Quantity.text(values.number(high), Quantity.durationUnits))",
            found: Quantity.text(values.number(low), Quantity.durationUnits))
    }
}
