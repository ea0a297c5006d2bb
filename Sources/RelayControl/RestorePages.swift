// RestorePages: GET /v1/restore lists what a restored store holds and what its agencies may get twice; POST /v1/restore/compare sets it
// against the books of other nodes, and ends what they prove to have; POST /v1/restore/release lets the rest go. What changes needs
// the right to act, and is decided by the core.

import ControlAPI
import Hummingbird
import RelayCore
import RelayModel
import RelayRows

extension ControlServer {
    private static var compareBytesMax: Int { 1 << 20 }

    func addRestore(to router: Router<ControlContext>) {
        router.get("v1/restore") { request, context in
            try await requireSee(context)
            let query = try ControlQuery(request, known: ["state", "limit", "cursor"])
            return try json(try await restored(query))
        }
        router.post("v1/restore/compare") { request, context in
            let rights = try await rights(context)
            let bytes = try await request.body.collect(upTo: Self.compareBytesMax)
            guard let order = try? ControlJSON.answer(CompareOrder.self, from: Array(bytes.readableBytesView)),
                order.lines.count <= CompareOrder.linesMax
            else {
                throw ControlError.badRequest(
                    "the body has at most \(CompareOrder.linesMax) lines of another node's books")
            }
            guard rights.may(order.isApplied ? .act : .see) else {
                throw denied(rights.caller, order.isApplied ? "act" : "see")
            }
            return try json(try await compare(order, rights.caller))
        }
        router.post("v1/restore/release") { request, context in
            let rights = try await rights(context)
            guard rights.may(.act) else { throw denied(rights.caller, "act") }
            let bytes = try await request.body.collect(upTo: Self.compareBytesMax)
            guard let order = try? ControlJSON.answer(ReleaseOrder.self, from: Array(bytes.readableBytesView)),
                !order.reason.isEmpty
            else { throw ControlError.badRequest("a release needs a reason: {\"reason\": \"…\"}") }
            guard try await mayRelease(order) else {
                throw ControlError(
                    status: .conflict,
                    error:
                        "nothing has been compared with the books of others yet; edocctl restore compare FILE --apply, or release with --uncompared"
                )
            }
            let deed = deed(rights.caller, "restore release", order.reason)
            guard try await node.releaseRestored(deed) else { throw Self.notHeld }
            return try json(try await restored(nil))
        }
    }

    private func mayRelease(_ order: ReleaseOrder) async throws -> Bool {
        if order.isUncompared ?? false { return true }
        return try await node.read { RestorationRow.read($0)?.isCompared ?? true }
    }

    private static var notHeld: ControlError {
        ControlError(
            status: .conflict,
            error: "this store was not restored from a copy, or is still being held; edocctl restore list tells")
    }

    private func deed(_ caller: Caller, _ verb: String, _ reason: String) -> Deed {
        Deed(uid: caller.uid, login: caller.user ?? "", verb: verb, subject: "restored store", reason: reason)
    }

    private func restored(_ query: ControlQuery?) async throws -> RestoreAnswer {
        let limit = try query?.limit() ?? 0
        let state = try query?.one("state")
        if let state, !["held", "held-before", "arrived"].contains(state) {
            throw ControlError.badRequest("state is held, held-before or arrived")
        }
        let from = try query?.number("cursor", in: 0...UInt64.max) ?? 0
        return try await node.read { rows in
            guard let mark = RestorationRow.read(rows) else { return RestoreAnswer(phase: "never") }
            var answer = RestoreAnswer(phase: String(describing: mark.phase))
            answer.source = mark.source
            answer.login = mark.login
            answer.reason = mark.reason
            answer.copied = mark.copied.timestamp
            guard mark.phase != .brought else { return answer }
            answer.restored = mark.wall.timestamp
            guard limit > 0 else { return answer }
            Keys.envelope(from).withBytes { raw in
                rows.scan(.envelope, from: raw) { key, value in
                    let number = key.number(at: 0)
                    guard number <= mark.last else { return false }
                    guard answer.rows.count < limit, answer.scanned < Page.scanMax else {
                        answer.cursor = String(number)
                        return false
                    }
                    answer.scanned += 1
                    guard let row = EnvelopeRow(number: number, record: value) else { return true }
                    for recipient in row.recipients {
                        let word: String
                        if mark.holds(recipient, of: number) {
                            word = "held"
                        } else if mark.mayBeGone(recipient, of: number) {
                            word = "held-before"
                        } else if mark.mayRepeat(recipient, of: number) {
                            word = "arrived"
                        } else {
                            continue
                        }
                        if let state, state != word { continue }
                        answer.rows.append(
                            .init(
                                name: row.bundle.envelopeName, number: number, recipient: recipient.name, state: word,
                                documentID: row.document?.documentID))
                    }
                    return true
                }
            }
            return answer
        }
    }

    // MARK: Comparing

    private func compare(_ order: CompareOrder, _ caller: Caller) async throws -> CompareAnswer {
        let own = node.configuration.settings.node
        var evidence: [(line: EvidenceLine, bundle: BundleID, from: NodeID)] = []
        for line in order.lines {
            guard line.about == own.name else {
                throw ControlError.badRequest(
                    "a line speaks of node \(printable(line.about)), this is \(own.name); "
                        + "make the file with: edocctl ledger \(own.name) --envelopes")
            }
            guard let bundle = BundleID(envelopeName: line.name), let from = NodeID(shortName: line.from),
                ["taken", "forwarded", "delivered"].contains(line.what)
            else {
                throw ControlError.badRequest("a line makes no sense: \(printable(line.name)), \(printable(line.what))")
            }
            evidence.append((line, bundle, from))
        }
        let lines = evidence
        let judged = try await node.read { rows -> CompareAnswer? in
            guard let mark = RestorationRow.read(rows), mark.phase != .brought, mark.phase != .holding else {
                return nil
            }
            return Self.judge(lines, mark, rows)
        }
        guard var answer = judged else { throw Self.notHeld }
        guard order.isApplied else { return answer }
        let useful = Set(answer.forwarded + answer.delivered)
        let facts = lines.filter { useful.contains($0.line) }.map { line, bundle, from in
            Evidence(
                bundle: bundle, recipient: line.recipient,
                fact: line.what == "delivered" ? .delivered : .taken(by: from))
        }
        let names = Set(lines.map(\.line.from)).sorted().joined(separator: ", ")
        var deed = deed(caller, "restore compare", order.reason)
        deed.subject = "the books of \(names)"
        guard let counts = try await node.compareRestored(deed, facts) else { throw Self.notHeld }
        answer.ended = counts.forwarded + counts.delivered
        return answer
    }

    private static func judge(
        _ lines: [(line: EvidenceLine, bundle: BundleID, from: NodeID)], _ mark: RestorationRow, _ rows: any RowReader
    ) -> CompareAnswer {
        var answer = CompareAnswer()
        for (line, bundle, _) in lines {
            let copies = EnvelopeSearch.copies(of: bundle, rows).compactMap { EnvelopeSearch.envelope($0, rows) }
            let standing = copies.flatMap { row in
                row.recipients.filter { $0.name == line.recipient && !$0.isDuplicate }.map { (row, $0) }
            }
            switch line.what {
            case "taken"
            where standing.contains { row, recipient in mark.mayBeGone(recipient, of: row.number) && row.isComplete }:
                answer.forwarded.append(line)
            case "delivered" where standing.contains { row, recipient in mark.mayRepeat(recipient, of: row.number) }:
                answer.delivered.append(line)
            // What ended here is remembered for days. A line that is older than the copy by a day, for clocks differ, was.
            case "forwarded"
            where standing.isEmpty
                && line.time.unixMilliseconds + 86_400_000 > mark.copied.timestamp.unixMilliseconds:
                answer.missing.append(line)
            default: answer.agreeing += 1
            }
        }
        return answer
    }
}
