// ConfigurationKeys: every key of edocd.yaml, in the order in which it is printed. A table and nothing else: the
// decoder, the printed defaults and the errors are all made from it. A new key is a row here and a line in
// NodeConfiguration.

private let second: UInt64 = 1_000
private let minute: UInt64 = 60 * second
private let hour: UInt64 = 60 * minute
private let day: UInt64 = 24 * hour
private let kib: UInt64 = 1 << 10
private let mib: UInt64 = 1 << 20
private let gib: UInt64 = 1 << 30
private let tib: UInt64 = 1 << 40

extension ConfigurationKey {
    /// The whole table.
    static let all: [ConfigurationKey] =
        node + store + session + tls + limits + retry + reportAndQuotas + control + backup + metrics
        + spool + peers

    private static let node = [
        row("node", .section, "Who this node is."),
        row("node.name", .nodeName, nil, "The name of this node; its node ID is dtn://<name>/."),
        row(
            "node.agencies", .path(canBeEmpty: false), "agencies.yaml",
            "The file with the agencies, their home nodes and the routes."),
        row("log", .section, "What is logged."),
        row(
            "log.level", .choice(LogLevel.allCases.map(\.rawValue)), "info",
            "The least severe entries that are written."),
    ]

    private static let store = [
        row("store", .section, "The durable store: one LMDB environment."),
        row("store.directory", .path(canBeEmpty: false), "/var/lib/edocd", "The folder of the environment."),
        row(
            "store.map_size", .size(64 * mib...64 * tib), "64GiB",
            "The most that the store may hold; beyond it nothing is accepted."),
        row(
            "store.reserve_percent", .count(1...20), "2",
            "The part of map and disk that only commits which accept nothing may use."),
        row("store.reserve_min", .size(16 * mib...tib), "64MiB", "The least that the reserve is, whatever the part."),
        row("store.growth_step", .size(16 * mib...64 * gib), "1GiB", "By how much the file grows at a time."),
        row(
            "store.transit_memory", .duration(hour...400 * day), "7d",
            "How long an envelope that has left is remembered against duplicates."),
        row(
            "store.history_memory", .duration(day...4_000 * day), "400d",
            "How long the end of each envelope and recipient can be looked up."),
        row("store.history_percent", .count(1...50), "5", "The part of the disk that history may use."),
        row(
            "store.dedup_memory", .duration(day...4_000 * day), "400d",
            "How long a delivered document is remembered against duplicates; must exceed limits.lifetime_max."),
        row(
            "store.verify_every", .duration(0...400 * day), "7d",
            "How often the whole store is verified while it works; 0s is never."),
        row(
            "store.verify_rate", .size(64 << 10...gib), "4MiB",
            "How much payload a verification reads in a second."),
    ]

    private static let session = [
        row("listen", .addresses, "[\"[::]:4556\"]", "Where peers connect; empty for a node that only dials."),
        row(
            "plain_loopback", .yesNo, "no",
            "INSECURE: TCP without TLS on loopback addresses, for interoperability tests only."),
        row("session", .section, "TCPCL sessions."),
        row("session.keepalive", .duration(0...65_535 * second), "30s", "The keepalive offered, in whole seconds."),
        row("session.segment_mru", .size(4 * kib...64 * mib), "1MiB", "The largest segment taken."),
        row("session.transfer_mru", .size(8 * mib...16 * gib), "64MiB", "The largest transfer taken."),
        row("session.segment_size", .size(kib...16 * mib), "64KiB", "The segments sent, if the peer takes as large."),
        row("session.window_bytes", .size(mib...gib), "16MiB", "Bytes sent and not yet acknowledged, per session."),
        row(
            "session.window_transfers", .count(1...65_536), "1024",
            "Transfers sent and not yet answered, per session."),
        row(
            "session.idle_timeout", .duration(0...day), "0s",
            "A session without a transfer for so long is ended in order; 0s keeps it. A silent peer is found by keepalive."
        ),
        row(
            "session.session_lifetime", .duration(second...day), "24h",
            "A session is ended and begun anew after this."),
        row("session.connect_timeout", .duration(100...5 * minute), "10s", "The most that connecting may take."),
        row(
            "session.handshake_timeout", .duration(100...5 * minute), "15s",
            "The most that TLS and session set-up may take together."),
        row(
            "session.sessions_max", .count(1...65_536), "1024",
            "Sessions of proven peers at once; the first of each peer always has a place."),
        row("session.sessions_per_peer", .count(1...1_024), "8", "Sessions that one peer may open at once."),
        row(
            "session.strangers_max", .count(4...65_536), "256",
            "Connections at once that have not proven who they are; the address that holds most loses its oldest."),
        row(
            "session.memory_max", .size(16 * mib...16 * gib), "128MiB",
            "Memory for what peers have not finished or not taken; a quarter for one peer."),
        row(
            "session.silence", .duration(0...hour), "5s",
            "How long what is under way may stay unacknowledged before other hops are asked; on a slow link it is longer."
        ),
    ]

    private static let tls = [
        row("tls", .section, "Mutual TLS 1.3; certificates carry the node ID."),
        row("tls.ca", .path(canBeEmpty: false), "tls/ca.pem", "The authorities that peers' certificates come from."),
        row(
            "tls.certificate", .path(canBeEmpty: false), "tls/node.pem",
            "The certificate of this node with its chain."),
        row("tls.key", .secretPath, "tls/node.key", "The private key of this node."),
        row("tls.crl", .path(canBeEmpty: true), "\"\"", "The revoked certificates; read again at a reload."),
        row(
            "tls.crl_grace", .duration(0...4_000 * day, word: "never"), "30d",
            "How long after the time of its next one a list of revoked certificates is good; then peers are refused."),
        row("tls.key_log", .path(canBeEmpty: true), "\"\"", "INSECURE: a file for session keys, to read a link."),
    ]

    private static let limits = [
        row("limits", .section, "What is accepted."),
        row(
            "limits.lifetime_default", .duration(minute...180 * day), "30d", "How long a document lives unless it says."
        ),
        row("limits.lifetime_max", .duration(minute...365 * day), "180d", "The longest lifetime accepted."),
        row("limits.document_max", .size(mib...64 * gib), "4GiB", "The largest document accepted."),
        row("limits.recipients_max", .count(1...1_000), "1000", "Recipients of one document."),
        row("limits.hops_max", .count(1...64), "32", "Hops after which an envelope is refused as a loop."),
        row("limits.active_max", .count(16...1_000_000), "20000", "Envelopes chosen for links at once."),
        row("limits.staged_max", .size(16 * mib...16 * gib), "32MiB", "Bytes received and not yet durable."),
        row(
            "limits.header_max", .size(4 * kib...256 * kib), "32KiB",
            "Bytes of a bundle's header beside its recipients and its path; blocks of other makes are in it."),
        row(
            "limits.incoming_wait", .duration(0...30 * day), "2h",
            "After so long without an octet, what is half-received loses the room promised to it; 0s is never."),
        row(
            "limits.record_lifetime", .duration(hour...180 * day), "30d",
            "The longest that a report of another node is kept here."),
    ]

    private static let retry = [
        row("retry", .section, "When the next attempt is."),
        row("retry.dial_backoff_min", .duration(100...hour), "1s", "The first wait before dialling a peer again."),
        row("retry.dial_backoff_max", .duration(second...day), "5m", "The longest wait before dialling a peer again."),
        row("retry.envelope_backoff_min", .duration(100...hour), "30s", "The first wait of a deferred envelope."),
        row("retry.envelope_backoff_max", .duration(second...day), "1h", "The longest wait of a deferred envelope."),
        row("retry.pause_min", .duration(100...hour), "5s", "The first pause of a peer that has no resources."),
        row("retry.pause_max", .duration(second...day), "5m", "The longest pause of a peer that has no resources."),
        row(
            "retry.refusal_grace", .duration(0...7 * day), "4h",
            "How long an envelope that every hop refuses is kept."),
        row("retry.in_doubt_wait", .duration(second...day), "2m", "When an envelope in doubt may go to another hop."),
        row("retry.in_doubt_wait_urgent", .duration(second...day), "5s", "The same for an urgent envelope."),
        row(
            "retry.failover_wait", .duration(0...day), "30s",
            "How long the preferred hop may be down before the next."),
    ]

    private static let reportAndQuotas = [
        row("report", .section, "Reports to the nodes where documents were submitted."),
        row("report.gather", .duration(0...second), "20ms", "How long rows are gathered for one report."),
        row(
            "report.status_reports", .yesNo, "no",
            "Whether foreign bundles that ask for the status reports of RFC 9171 get them."),
        row("report.rows", .count(1...500), "500", "Rows in one report."),
        row(
            "report.delay_after", .duration(0...30 * day), "4h",
            "How long a document may wait at a node, or in an inbox, before its submitter is told; 0s is never."),
        row("report.delay_after_urgent", .duration(0...30 * day), "15m", "The same for an urgent document."),
        row("quotas", .section, "What may wait in the store; beyond it: no resources."),
        row(
            "quotas.peer_bytes", .share(mib...64 * tib), "25%",
            "Bytes that came from one peer, headers and what is still coming included."),
        row("quotas.peer_envelopes", .count(1...100_000_000), "1000000", "Envelopes that came from one peer."),
        row("quotas.sender_bytes", .share(mib...64 * tib), "12%", "Bytes of one sender agency."),
        row("quotas.sender_envelopes", .count(1...100_000_000), "500000", "Envelopes of one sender agency."),
        row(
            "quotas.record_bytes", .share(mib...64 * tib), "1%",
            "Bytes of the administrative records (reports of others) that came from one peer."),
        row("quotas.record_envelopes", .count(1...100_000_000), "100000", "Administrative records from one peer."),
    ]

    private static let control = [
        row("control", .section, "The sockets on this machine."),
        row("control.socket", .path(canBeEmpty: false), "/run/edocd/control.sock", "For edocctl and document systems."),
        row("control.submit_socket", .path(canBeEmpty: true), "/run/edocd/submit.sock", "For bulk submission."),
        row(
            "control.take_socket", .path(canBeEmpty: true), "take.sock",
            "For taking documents in bulk; a name without a folder lies beside control.socket."),
        row(
            "control.client_timeout", .duration(100...hour), "30s",
            "How long a client may leave its answer unread, or a submission unfinished, before it is dropped."),
        row(
            "control.body_timeout", .duration(100...day), "30m",
            "How long a client may take for one request or submission, or keep documents and acknowledge none."),
        row(
            "control.connections_per_user", .count(1...256), "64",
            "Connections of one user on each socket; root has places of its own."),
        row(
            "control.undo_window", .duration(second...day), "15m",
            "How long an operator's deed can be undone; a deletion is reported after that."),
        row("control.rights", .items, "[]", "Who may do what; root may do everything, and nobody else anything."),
        row("control.rights[].user", .text(canBeEmpty: true), "\"\"", "A user of this machine; either this or group."),
        row("control.rights[].group", .text(canBeEmpty: true), "\"\"", "A group of this machine; either this or user."),
        row(
            "control.rights[].verbs", .choices(ControlVerb.allCases.map(\.rawValue)), "[]",
            "Submit as agencies, have their inbox, see their outcomes (see_agencies); see all, act on all."),
        row("control.rights[].agencies", .agencyPatterns, "[]", "The agencies for submit_as, inbox and see_agencies."),
    ]

    private static let backup = [
        row("backup", .section, "Copies of the store, made by edocctl backup and edoc-backup.timer."),
        row(
            "backup.directory", .path(canBeEmpty: true), "/var/backups/edoc",
            "Where a copy goes that is asked for without a path; the daemon must be able to write there."),
        row(
            "backup.max_age", .duration(0...400 * day), "2d",
            "The last copy may be so old before the operators are told, once copies are made; 0s is for ever."),
    ]

    private static let metrics = [
        row("metrics", .section, "Figures for monitors, beside those on the control socket."),
        row(
            "metrics.listen", .address(canBeEmpty: true), "\"\"",
            "A loopback address for a Prometheus on this machine; who can reach it can read all figures."),
    ]

    private static let spool = [
        row("spool", .named, "{}", "Agencies at home here that take their documents from a directory, by code."),
        row(
            "spool.<name>.directory", .path(canBeEmpty: true), "\"\"",
            "The directory; it must be given, and hold tmp and new on one disk. Documents are taken from new."),
        row(
            "spool.<name>.mode", .choice(["0600", "0640", "0644", "0660", "0664"]), "\"0640\"",
            "Who may read the files."),
        row(
            "spool.<name>.group", .text(canBeEmpty: true), "\"\"",
            "The group of the files; without it, the daemon's own."),
        row("spool.<name>.reserve", .size(0...tib), "64MiB", "What stays free on the disk of the directory."),
        row("spool.<name>.at_once", .count(1...4_096), "512", "Documents on their way at once."),
        row(
            "spool.<name>.sidecar", .yesNo, "yes",
            "Whether each file gets another, its name and .json, with what the relay has verified of it."),
        row(
            "spool.<name>.answer_within", .duration(100...hour), "30s",
            "How long its disk may be silent before the operators are told."),
        row(
            "spool.<name>.receipts", .path(canBeEmpty: true), "\"\"",
            "A directory for files that say what became of what the agency has sent."),
    ]

    private static let peers = [
        row("peers", .named, "{}", "The neighbour nodes, by name."),
        row("peers.<name>.node", .nodeID(word: "by-name"), "by-name", "Its node ID; by-name means dtn://<name>/."),
        row("peers.<name>.address", .address(canBeEmpty: true), "\"\"", "Where it listens."),
        row("peers.<name>.dial", .yesNo, "no", "Whether this node connects to it; it may connect here in any case."),
        row("peers.<name>.edoc", .yesNo, "yes", "It understands the document and copy blocks and our reports."),
        row(
            "peers.<name>.foreign", .choice(["unset", "yes", "no"]), "unset",
            "It may send bundles that name no sender; unset is yes where edoc is no, else no (in 0.4 yes, with a warning)."
        ),
        row("peers.<name>.fragments", .yesNo, "yes", "It takes large documents in pieces."),
        row(
            "peers.<name>.segment_size", .size(kib...16 * mib, word: "inherit"), "inherit",
            "The segments sent to it; inherit means session.segment_size."),
        row(
            "peers.<name>.segment_mru", .size(4 * kib...64 * mib, word: "inherit"), "inherit",
            "The largest segment taken from it; inherit means session.segment_mru."),
        row(
            "peers.<name>.transfer_mru", .size(8 * mib...16 * gib, word: "inherit"), "inherit",
            "The largest transfer taken from it; inherit means session.transfer_mru."),
        row(
            "peers.<name>.keepalive", .duration(0...65_535 * second, word: "inherit"), "inherit",
            "The keepalive offered to it, in whole seconds; inherit means session.keepalive."),
        row(
            "peers.<name>.urgent_session", .choice(["auto", "yes", "no"]), "auto",
            "Whether a second session is kept with it for urgent documents; auto means as edoc says."),
        row("peers.<name>.accept_uri_san", .yesNo, "no", "Its certificate may carry the node ID as a URI instead."),
        row("peers.<name>.may_send_from", .section, "In whose name it may send; own means its node and agencies."),
        row("peers.<name>.may_send_from.nodes", .nodePatterns, "[own]", "Source nodes."),
        row("peers.<name>.may_send_from.agencies", .agencyPatterns, "[own]", "Sender agencies."),
        row("peers.<name>.may_send_to", .agencyPatterns, "[\"*\"]", "The recipients that it may send to."),
        row("peers.<name>.quotas", .section, "What of it may wait in the store."),
        row(
            "peers.<name>.quotas.bytes", .share(mib...64 * tib, word: "inherit"), "inherit",
            "Bytes; inherit means quotas.peer_bytes."),
        row(
            "peers.<name>.quotas.envelopes", .count(1...100_000_000, word: "inherit"), "inherit",
            "Envelopes; inherit means quotas.peer_envelopes."),
    ]

    private static func row(_ path: String, _ kind: Kind, _ standard: String?, _ help: String) -> ConfigurationKey {
        ConfigurationKey(path: path, kind: kind, standard: standard, help: help)
    }

    private static func row(_ path: String, _ kind: Kind, _ help: String) -> ConfigurationKey {
        ConfigurationKey(path: path, kind: kind, standard: "", help: help)
    }
}
