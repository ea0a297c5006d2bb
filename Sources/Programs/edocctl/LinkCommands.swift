// PeersCommand, RoutesCommand and LedgerCommand: `edocctl peers`, `edocctl routes` and `edocctl ledger`. What peers look like is in
// PeersView.swift.

import ArgumentParser
import ControlAPI
import Language

struct PeersCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "peers",
        abstract: phrase(
            "The neighbour nodes, their links, and which are stuck and why.",
            "Các nút kề, liên kết của chúng, nút nào bị kẹt và vì sao."))

    @OptionGroup var common: LiveOptions
    @Argument(
        help: .init(
            phrase("One neighbour only, with everything that is known of it.", "Chỉ một nút kề, với mọi điều đã biết."),
            valueName: phrase("peer", "nút-kề")))
    var peer: String?
    @Flag(
        help: .init(
            phrase(
                "Only those that are not up, or are stuck.", "Chỉ những nút không thông hoặc bị kẹt.")))
    var down = false

    func validate() throws {
        guard peer == nil || !down else {
            throw ValidationError(
                phrase("--down is for the list of all", "--down chỉ dùng khi liệt kê mọi nút kề"))
        }
    }

    func run() async throws {
        let bytes = try await common.client.get(ControlPath.peers)
        guard peer != nil || down else {
            _ = try await common.shown(bytes) { PeersView.text($0, columns: Terminal.columns) }
            return
        }
        let all = try common.decoded(PeersAnswer.self, bytes)
        var answer = all
        guard let peer else {
            answer.peers = all.peers.filter(PeersView.isDown)
            return Output.say(
                common.json
                    ? Shown.json(String(decoding: try ControlJSON.bytes(answer), as: UTF8.self)) + "\n"
                    : PeersView.text(answer, of: all, columns: Terminal.columns))
        }
        answer.peers = answer.peers.filter { $0.node == peer }
        guard let found = answer.peers.first else {
            let name = Shown.text(peer)
            throw NegativeAnswer(
                sentence: phrase(
                    "no peer \(name) is known here; edocctl peers lists them",
                    "nút này không có nút kề nào tên \(name); edocctl peers liệt kê các nút kề"))
        }
        if common.json {
            Output.say(Shown.json(String(decoding: try ControlJSON.bytes(answer), as: UTF8.self)) + "\n")
        } else {
            Output.say(PeersView.details(found, answer.now, columns: Terminal.columns))
        }
    }
}

struct RoutesCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "routes",
        abstract: phrase("The routes, and where a copy would go.", "Các tuyến, và bản sao sẽ đi đâu."),
        subcommands: [ListRoutesCommand.self, ExplainCommand.self], defaultSubcommand: ListRoutesCommand.self)
}

struct ListRoutesCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "list", abstract: phrase("The route table.", "Bảng tuyến."))

    @OptionGroup var common: LiveOptions
    @Option(help: .init(phrase("Lines at most.", "Số dòng tối đa."))) var limit = 1_000
    @Option(help: .init(phrase("Where an earlier list ended.", "Nơi danh sách trước kết thúc."))) var cursor: String?

    func run() async throws {
        try await common.show(
            ControlPath.query(ControlPath.routes, [("limit", String(limit)), ("cursor", cursor)]), RoutesView.table)
    }
}

struct ExplainCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "explain",
        abstract: phrase(
            "Where a copy for an agency or node would go now, and why.",
            "Bản sao cho một cơ quan hoặc nút lúc này sẽ đi đâu, và vì sao."))

    @OptionGroup var common: LiveOptions
    @Argument(
        help: .init(
            phrase(
                "An agency code in any spelling, or a node name.",
                "Mã cơ quan viết theo cách nào cũng được, hoặc tên nút."),
            valueName: phrase("agency", "cơ-quan")))
    var agency: String

    func run() async throws {
        try await common.show(ControlPath.query(ControlPath.explain, [("agency", agency)])) {
            RoutesView.explanation($0, columns: Terminal.columns)
        }
    }
}

struct LedgerCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "ledger",
        abstract: phrase(
            "The books: what was accepted, and what became of it.", "Sổ cái: đã tiếp nhận những gì, và kết cục ra sao.")
    )

    @OptionGroup var common: CommonOptions
    @Argument(
        help: .init(phrase("One neighbour node only.", "Chỉ một nút kề."), valueName: phrase("peer", "nút-kề")))
    var peer: String?
    @Flag(
        help: .init(
            phrase(
                "Envelope by envelope, as JSON lines: what this node has from the named one, handed to it, and heard of it.",
                "Từng gói tin, mỗi dòng một JSON: những gì nút này nhận từ, giao cho và nghe báo về nút được nêu.")))
    var envelopes = false
    @Option(
        help: .init(phrase("With --envelopes: from this day or time on.", "Với --envelopes: từ ngày hoặc lúc này.")))
    var since: String?

    func run() async throws {
        if envelopes {
            guard let peer else {
                throw UsageError(
                    sentence: phrase(
                        "which node? edocctl ledger NODE --envelopes", "nút nào? edocctl ledger NÚT --envelopes"))
            }
            return try await EvidenceListing.run(peer, since: since, common)
        }
        let uri = peer.map(ControlPath.ledger(of:)) ?? ControlPath.ledger
        let answer = try await common.shown(try await common.client.get(uri)) {
            LedgerView.text($0, columns: Terminal.columns)
        }
        for book in [answer.documents, answer.reports] {
            if let book, !book.balances { throw NegativeAnswer(sentence: LedgerView.imbalance) }
        }
    }
}

enum RoutesView {
    static func table(_ answer: RoutesAnswer, columns: Int? = nil) -> String {
        var table = TextTable([(phrase("TO", "TỚI"), .left), (phrase("VIA", "QUA"), .left)])
        for route in answer.routes { table.add([route.target, route.via.joined(separator: ", ")]) }
        let more = answer.cursor.map(Shown.text).map {
            phrase("There is more: --cursor \($0)\n", "Còn nữa: --cursor \($0)\n")
        }
        let node = Shown.text(answer.node)
        let agencies = Shown.counted(UInt64(max(answer.agencies, 0)), "agency", "agencies", "cơ quan")
        return table.text(columns: columns, wrapping: true) + (more ?? "")
            + phrase(
                "\n\(agencies) in the directory of \(node).\n",
                "\nDanh bạ của \(node) có \(agencies).\n")
    }

    static func explanation(_ answer: ExplainAnswer, columns: Int? = nil) -> String {
        var facts = FactList()
        facts.add(phrase("asked", "hỏi"), answer.asked)
        if let code = answer.agency {
            let name = answer.name.map { "\(code), \($0)" } ?? code
            facts.add(
                phrase("agency", "cơ quan"),
                code == answer.asked
                    ? name : phrase("\(name) (\(answer.asked) is its alias)", "\(name) (\(answer.asked) là tên khác)"))
        }
        facts.add(phrase("home", "nút chủ"), answer.home)
        facts.add(phrase("understands", "hiểu được"), answer.homeUnderstands.map { $0.joined(separator: ", ") })
        facts.add(phrase("outcome", "kết quả"), Shown.sentence(answer.destination))
        facts.add(
            phrase("route", "tuyến"), answer.row.map { row in "\(row) (\(answer.rule.map(Shown.sentence) ?? "-"))" })
        for row in answer.passedOver { facts.add(phrase("not", "không"), "\(row.row): \(Shown.sentence(row.reason))") }
        if !answer.nextHops.isEmpty {
            let separator = phrase(", then ", ", rồi ")
            facts.add(phrase("next hops", "các chặng kế"), answer.nextHops.joined(separator: separator))
            facts.add(
                phrase("now", "lúc này"),
                answer.suspension.map { Shown.sentence($0) } ?? answer.liveHop
                    ?? phrase("no next hop is live: it would wait", "không chặng kế nào thông: sẽ phải chờ"))
        }
        for hop in answer.hops { facts.add(hop.isTaken ? "→ \(hop.node)" : "  \(hop.node)", Shown.sentence(hop.why)) }
        if answer.hops.isEmpty { for note in answer.notes { facts.add("", Shown.sentence(note)) } }
        return facts.text(columns: columns)
    }
}

enum LedgerView {
    static var imbalance: String {
        phrase(
            "the books do not balance; keep the store as it is and report this",
            "sổ cái không cân; hãy giữ nguyên kho và báo lại việc này")
    }

    static func text(_ answer: LedgerAnswer, columns: Int? = nil) -> String {
        var text = ""
        let books = [
            (phrase("documents", "văn bản"), answer.documents), (phrase("reports", "báo cáo"), answer.reports),
        ]
        for (name, book) in books {
            guard let book else { continue }
            var facts = FactList()
            facts.add(
                name,
                phrase(
                    "accepted \(book.accepted) = submitted \(book.submitted) + taken \(book.taken)",
                    "tiếp nhận \(book.accepted) = nộp \(book.submitted) + nhận từ nút khác \(book.taken)"))
            let ends = ["delivered", "forwarded", "refused", "expired", "deleted"]
            facts.add(phrase("ended", "kết thúc"), sum(book.ended, ends))
            // What is rare is named when there is any.
            let rare = ["deleting", "handing"].filter { (book.inStore[$0] ?? 0) > 0 }
            facts.add(
                phrase("in store", "trong kho"),
                sum(book.inStore, ["waiting", "deferred", "held"] + rare + ["arrived", "corrupt"]))
            let (sign, accounted) = (book.balances ? "=" : "≠", book.accountedFor)
            let verdict =
                book.balances ? phrase("balances", "cân") : phrase("DOES NOT BALANCE", "KHÔNG CÂN")
            facts.add(
                phrase("balance", "đối chiếu"),
                phrase(
                    "accepted \(book.accepted) \(sign) accounted for \(accounted): \(verdict)",
                    "tiếp nhận \(book.accepted) \(sign) có kết cục hoặc còn giữ \(accounted): \(verdict)"))
            text += facts.text(columns: columns) + "\n"
        }
        text += peers(answer.peers, columns)
        let causes = [
            (phrase("refused transfers", "từ chối chuyển"), answer.refusedTransfers),
            (phrase("refused submissions", "từ chối nộp"), answer.refusedSubmissions),
        ]
        for (name, causes) in causes where !causes.isEmpty {
            let list = causes.sorted { $0.key < $1.key }.map { "\(Words.cause($0.key)) \($0.value)" }
            text += Shown.folded(Shown.text("\(name): " + list.joined(separator: ", ")), to: columns) + "\n"
        }
        return text
    }

    private static func sum(_ counts: [String: UInt64], _ order: [String]) -> String {
        order.map { "\(Words.state($0)) \(counts[$0] ?? 0)" }.joined(separator: " + ")
    }

    private static func peers(_ peers: [LedgerAnswer.Peer], _ columns: Int?) -> String {
        guard !peers.isEmpty else { return "" }
        var table = TextTable([
            (phrase("PEER", "NÚT KỀ"), .left), (phrase("TAKEN", "NHẬN"), .right), (phrase("BYTES", "CỠ"), .right),
            (phrase("FORWARDED", "CHUYỂN"), .right), (phrase("BYTES", "CỠ"), .right),
            (phrase("REFUSALS", "TỪ CHỐI"), .right), (phrase("PAUSES", "NGHỈ"), .right),
            (phrase("LINK UPS", "SỐ LẦN NỐI"), .right),
        ])
        for peer in peers {
            table.add([
                peer.node, String(peer.taken), Shown.size(peer.takenBytes), String(peer.forwarded),
                Shown.size(peer.forwardedBytes), String(peer.refusals), String(peer.pauses), String(peer.linkUps),
            ])
        }
        return table.text(columns: columns, yielding: [.drop(6), .drop(5), .cut(0)])
    }
}
