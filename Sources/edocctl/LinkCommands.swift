// PeersCommand, RoutesCommand and LedgerCommand: `edocctl peers`, `edocctl routes` and `edocctl ledger`.

import ArgumentParser
import ControlAPI

struct PeersCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "peers", abstract: "The neighbour nodes and their links.")

    @OptionGroup var common: CommonOptions

    func run() async throws { try await common.show(ControlPath.peers, PeersView.text) }
}

struct RoutesCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "routes", abstract: "The routes, and where a copy would go.",
        subcommands: [ListRoutesCommand.self, ExplainCommand.self], defaultSubcommand: ListRoutesCommand.self)
}

struct ListRoutesCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(commandName: "list", abstract: "The route table.")

    @OptionGroup var common: CommonOptions
    @Option(help: "Lines at most.") var limit = 1_000
    @Option(help: "Where an earlier list ended.") var cursor: String?

    func run() async throws {
        try await common.show(
            ControlPath.query(ControlPath.routes, [("limit", String(limit)), ("cursor", cursor)]), RoutesView.table)
    }
}

struct ExplainCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "explain", abstract: "Where a copy for an agency or node would go now, and why.")

    @OptionGroup var common: CommonOptions
    @Argument(help: "An agency code in any spelling, or a node name.") var agency: String

    func run() async throws {
        try await common.show(ControlPath.query(ControlPath.explain, [("agency", agency)]), RoutesView.explanation)
    }
}

struct LedgerCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "ledger", abstract: "The books: what was accepted, and what became of it.")

    @OptionGroup var common: CommonOptions
    @Argument(help: "One neighbour node only.") var peer: String?

    func run() async throws {
        let uri = peer.map(ControlPath.ledger(of:)) ?? ControlPath.ledger
        let answer = try await common.shown(try await common.client.get(uri), LedgerView.text)
        for book in [answer.documents, answer.reports] {
            if let book, !book.balances { throw NegativeAnswer(sentence: LedgerView.imbalance) }
        }
    }
}

enum PeersView {
    static func text(_ answer: PeersAnswer) -> String {
        guard !answer.peers.isEmpty else { return Sentences.none + "\n" }
        var table = TextTable([
            ("PEER", .left), ("STATE", .left), ("FOR", .right), ("LINKS", .right), ("FLYING", .right),
            ("DOUBT", .right),
            ("SENT", .right), ("TAKEN", .right), ("CERT", .right), ("NEXT DIAL", .left),
        ])
        var notes = ""
        for peer in answer.peers {
            let certificate = peer.sessions.compactMap(\.certificateExpires).min()
            table.add([
                peer.node, peer.state, peer.since.map { Shown.span($0.seconds(until: answer.now)) } ?? "-",
                String(peer.sessions.count), String(peer.transfersInFlight), String(peer.inDoubt),
                Shown.size(peer.sessions.reduce(0) { $0 &+ $1.bytesSent }),
                Shown.size(peer.sessions.reduce(0) { $0 &+ $1.bytesReceived }),
                certificate.map { Shown.span(answer.now.seconds(until: $0)) } ?? "-",
                peer.nextDial.map { Shown.distance($0, from: answer.now) } ?? (peer.dials ? "-" : Sentences.dialsUs),
            ])
            for session in peer.sessions {
                let tls = [session.tlsVersion, session.cipher].compactMap { $0 }.joined(separator: " ")
                let way = session.dialled ? Sentences.dialled : Sentences.taken
                notes += Shown.text("\(peer.node): \(session.address), \(way), \(tls.isEmpty ? Sentences.plain : tls)")
                notes += ", since \(Shown.time(session.since))\n"
            }
            if !peer.lastError.isEmpty { notes += Shown.text("\(peer.node): \(peer.lastError)") + "\n" }
        }
        return table.text + (notes.isEmpty ? "" : "\n" + notes)
    }

    private enum Sentences {
        static let none = "This node has no peers."
        static let dialsUs = "it dials us"
        static let dialled = "dialled"
        static let taken = "taken"
        static let plain = "WITHOUT TLS"
    }
}

enum RoutesView {
    static func table(_ answer: RoutesAnswer) -> String {
        var table = TextTable([("TO", .left), ("VIA", .left)])
        for route in answer.routes { table.add([route.target, route.via.joined(separator: ", ")]) }
        let more = answer.cursor.map { "There is more: --cursor \(Shown.text($0))\n" } ?? ""
        return table.text + more + "\n\(answer.agencies) agencies in the directory of \(Shown.text(answer.node)).\n"
    }

    static func explanation(_ answer: ExplainAnswer) -> String {
        var facts = FactList()
        facts.add("asked", answer.asked)
        facts.add("agency", answer.agency.map { code in answer.name.map { "\(code), \($0)" } ?? code })
        facts.add("home", answer.home)
        facts.add("outcome", answer.destination)
        facts.add("route", answer.row.map { row in "\(row) (\(answer.rule ?? "-"))" })
        facts.add("next hops", answer.nextHops.isEmpty ? nil : answer.nextHops.joined(separator: ", then "))
        if !answer.nextHops.isEmpty { facts.add("now", answer.liveHop ?? "no next hop is live: it would wait") }
        for note in answer.notes { facts.add("", note) }
        for row in answer.passedOver { facts.add("not", "\(row.row): \(row.reason)") }
        return facts.text
    }
}

enum LedgerView {
    static let imbalance = "the books do not balance; keep the store as it is and report this"

    static func text(_ answer: LedgerAnswer) -> String {
        var text = ""
        for (name, book) in [("documents", answer.documents), ("reports", answer.reports)] {
            guard let book else { continue }
            var facts = FactList()
            facts.add(name, "accepted \(book.accepted) = submitted \(book.submitted) + taken \(book.taken)")
            let ends = ["delivered", "forwarded", "refused", "expired", "deleted"]
            facts.add("ended", sum(book.ended, ends))
            facts.add("in store", sum(book.inStore, ["waiting", "deferred", "held", "deleting", "arrived", "corrupt"]))
            facts.add(
                "balance",
                "accepted \(book.accepted) \(book.balances ? "=" : "≠") accounted for \(book.accountedFor): "
                    + (book.balances ? "balances" : "DOES NOT BALANCE"))
            text += facts.text + "\n"
        }
        text += peers(answer.peers)
        for (name, causes) in [
            ("refused transfers", answer.refusedTransfers), ("refused submissions", answer.refusedSubmissions),
        ] where !causes.isEmpty {
            let list = causes.sorted { $0.key < $1.key }.map { "\($0.key) \($0.value)" }
            text += Shown.text("\(name): " + list.joined(separator: ", ")) + "\n"
        }
        return text
    }

    private static func sum(_ counts: [String: UInt64], _ order: [String]) -> String {
        order.map { "\($0) \(counts[$0] ?? 0)" }.joined(separator: " + ")
    }

    private static func peers(_ peers: [LedgerAnswer.Peer]) -> String {
        guard !peers.isEmpty else { return "" }
        var table = TextTable([
            ("PEER", .left), ("TAKEN", .right), ("BYTES", .right), ("FORWARDED", .right), ("BYTES", .right),
            ("REFUSALS", .right), ("PAUSES", .right), ("LINK UPS", .right),
        ])
        for peer in peers {
            table.add([
                peer.node, String(peer.taken), Shown.size(peer.takenBytes), String(peer.forwarded),
                Shown.size(peer.forwardedBytes), String(peer.refusals), String(peer.pauses), String(peer.linkUps),
            ])
        }
        return table.text
    }
}
