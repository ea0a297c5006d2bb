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
            try requireNoQuery(request)
            let bytes = try await request.body.collect(upTo: Self.compareBytesMax)
            guard let order = try? ControlJSON.answer(CompareOrder.self, from: Array(bytes.readableBytesView)),
                (1...CompareOrder.linesMax).contains(order.lines.count)
            else {
                throw ControlError.badRequest(
                    "the body has 1 to \(CompareOrder.linesMax) lines of another node's books")
            }
            guard rights.may(order.isApplied ? .act : .see) else {
                throw denied(rights.caller, order.isApplied ? "act" : "see")
            }
            return try json(try await compare(order, rights.caller))
        }
        router.post("v1/restore/release") { request, context in
            let rights = try await rights(context)
            guard rights.may(.act) else { throw denied(rights.caller, "act") }
            try requireNoQuery(request)
            let bytes = try await request.body.collect(upTo: Self.compareBytesMax)
            guard let order = try? ControlJSON.answer(ReleaseOrder.self, from: Array(bytes.readableBytesView)),
                !order.reason.isEmpty
            else { throw ControlError.badRequest("a release needs a reason: {\"reason\": \"…\"}") }
            let left = try await uncompared()
            try requireComparison(order, left)
            var deed = deed(rights.caller, "restore release", order.reason)
            if let left, !left.isEmpty { deed.outcome = "released; not compared: \(left.joined(separator: ", "))" }
            guard try await node.releaseRestored(deed) else { throw Self.notHeld }
            return try json(try await restored(nil))
        }
    }

    /// Neighbours of this network whose books the restored store has not been set against; nil where there is nothing to compare.
    private func uncompared() async throws -> [String]? {
        let neighbours = node.configuration.settings.peers.filter(\.edoc).map(\.node)
        guard let mark = try await node.read({ RestorationRow.read($0) }) else { return nil }
        return mark.uncompared(neighbours).map(\.name).sorted()
    }

    private func requireComparison(_ order: ReleaseOrder, _ left: [String]?) throws {
        guard let left, !left.isEmpty, !(order.isUncompared ?? false) else { return }
        throw ControlError(
            status: .conflict,
            error:
                "not compared with the books of \(left.joined(separator: ", ")), all of them and from before the copy on; "
                + "edocctl restore compare FILE --apply, or release with --uncompared")
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
        if let state, !["held", "held-before", "arrived", "handing", "in-part"].contains(state) {
            throw ControlError.badRequest("state is held, held-before, arrived, handing or in-part")
        }
        let from = try query?.number("cursor", in: 0...UInt64.max) ?? 0
        let left = try await uncompared()
        return try await node.read { rows in
            guard let mark = RestorationRow.read(rows) else { return RestoreAnswer(phase: "never") }
            var answer = RestoreAnswer(phase: String(describing: mark.phase))
            answer.source = mark.source
            answer.login = mark.login
            answer.reason = mark.reason
            answer.copied = mark.copied.timestamp
            guard mark.phase != .brought else { return answer }
            answer.restored = mark.wall.timestamp
            answer.uncompared = left
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
                            word = recipient.state == .handing ? "handing" : "arrived"
                        } else if row.isLostInPart {
                            word = "in-part"
                        } else {
                            continue
                        }
                        // Both may be taken twice.
                        if let state, state != word, !(state == "arrived" && word == "handing") { continue }
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

    private struct JudgedLine: Sendable {
        var line: EvidenceLine
        var bundle: BundleID
        var from: NodeID
        var time: WallTime
    }

    private func compare(_ order: CompareOrder, _ caller: Caller) async throws -> CompareAnswer {
        let ends = order.lines.filter(\.isEnd)
        let lines = try order.lines.filter { !$0.isEnd }.map(read)
        let nodes = try ends.map { line in try author(of: line) }
        let own = node.configuration.settings.node
        let judged = try await node.read { rows -> (CompareAnswer, WallTime)? in
            guard let mark = RestorationRow.read(rows), mark.phase != .brought, mark.phase != .holding else {
                return nil
            }
            return (Self.judge(lines, mark, own, rows), mark.copied)
        }
        guard let (found, copied) = judged else { throw Self.notHeld }
        var answer = found
        for end in ends where end.time > copied.timestamp {
            throw ControlError.badRequest(
                "the books of \(printable(end.from)) begin at \(end.time.text), after the copy was made (\(copied.timestamp.text)); "
                    + "list them anew with an earlier --since")
        }
        answer.compared = nodes.map(\.name)
        guard order.isApplied else { return answer }
        let useful = Set(answer.forwarded + answer.delivered + (answer.unknown ?? []))
        let facts = lines.filter { useful.contains($0.line) }.map {
            Evidence(
                bundle: $0.bundle, recipient: $0.line.recipient,
                fact: $0.line.what == "delivered" ? .delivered : .taken(by: $0.from), time: $0.time)
        }
        let names = Set(order.lines.map(\.from)).sorted().joined(separator: ", ")
        var deed = deed(caller, "restore compare", order.reason)
        deed.subject = "the books of \(names)"
        let portion = Comparison(evidence: facts, nodes: nodes, isLast: order.isLast ?? true)
        guard let counts = try await node.compareRestored(deed, portion) else { throw Self.notHeld }
        answer.ended = counts.forwarded + counts.delivered
        return answer
    }

    /// The node whose books a line is of, if they speak of this one.
    private func author(of line: EvidenceLine) throws -> NodeID {
        let own = node.configuration.settings.node
        guard line.about == own.name else {
            throw ControlError.badRequest(
                "a line speaks of node \(printable(line.about)), this is \(own.name); "
                    + "make the file with: edocctl ledger \(own.name) --envelopes")
        }
        guard let from = NodeID(shortName: line.from), from != own else {
            throw ControlError.badRequest(
                "a line is of the books of \(printable(line.from)); make the file at another node than this")
        }
        return from
    }

    private func read(_ line: EvidenceLine) throws -> JudgedLine {
        let from = try author(of: line)
        // Only the submitter's node knows of a delivery by a report.
        guard let bundle = BundleID(envelopeName: line.name),
            ["taken", "forwarded"].contains(line.what) || line.what == "delivered" && bundle.source.node == from
        else {
            throw ControlError.badRequest("a line makes no sense: \(printable(line.name)), \(printable(line.what))")
        }
        let epoch = Int64(WallTime.unixSecondsAtEpoch) * 1_000
        return JudgedLine(
            line: line, bundle: bundle, from: from,
            time: WallTime(milliseconds: UInt64(max(line.time.unixMilliseconds - epoch, 0))))
    }

    private static func judge(
        _ lines: [JudgedLine], _ mark: RestorationRow, _ own: NodeID, _ rows: any RowReader
    ) -> CompareAnswer {
        var answer = CompareAnswer()
        var unknown: [EvidenceLine] = []
        for judged in lines {
            let (line, bundle) = (judged.line, judged.bundle)
            // What is here in part is not here: whoever handed it over has let go of it.
            let copies = EnvelopeSearch.copies(of: bundle, rows).compactMap { EnvelopeSearch.envelope($0, rows) }
                .filter(\.isComplete)
            let standing = copies.flatMap { row in
                row.recipients.filter { $0.name == line.recipient && !$0.isDuplicate }.map { (row, $0) }
            }
            switch line.what {
            case "taken"
            where standing.contains { row, recipient in
                mark.mayBeGone(recipient, of: row.number) && !row.hasReturned(from: judged.from, after: judged.time)
            }:
                answer.forwarded.append(line)
            case "delivered" where standing.contains { row, recipient in mark.mayRepeat(recipient, of: row.number) }:
                answer.delivered.append(line)
            // What ended here is remembered for days. A line that is older than the copy by a day, for clocks differ, was.
            case "forwarded"
            where standing.isEmpty
                && line.time.unixMilliseconds + 86_400_000 > mark.copied.timestamp.unixMilliseconds:
                answer.missing.append(line)
            case "taken" where copies.isEmpty && isUnknown(judged, mark, own, rows): unknown.append(line)
            default: answer.agreeing += 1
            }
        }
        if !unknown.isEmpty { answer.unknown = unknown }
        return answer
    }

    /// Made here after the copy, and lost with the store; of what is older the memory may just be over.
    private static func isUnknown(
        _ judged: JudgedLine, _ mark: RestorationRow, _ own: NodeID, _ rows: any RowReader
    ) -> Bool {
        guard judged.bundle.source == own.endpoint, let code = AgencyCode(judged.line.recipient),
            judged.line.time.unixMilliseconds + 86_400_000 > mark.copied.timestamp.unixMilliseconds
        else { return false }
        return Outcomes.state(judged.bundle, code, rows) == nil
    }
}
