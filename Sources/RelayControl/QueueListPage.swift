// QueueListPage: GET /v1/queue/list: the pairs that a selector means, by the narrowest index, a bounded number of rows an answer. The rows
// are read on a snapshot, off the engine's thread; what is on a link is asked of the engine for the rows that were found, so that a page
// costs the engine as much as it is long, whatever the active set.

import ControlAPI
import Hummingbird
import RelayCore
import RelayModel
import RelayRows

extension ControlServer {
    func addQueueList(to router: Router<ControlContext>) {
        router.get("v1/queue/list") { request, context in
            try await requireSee(context)
            let query = try ControlQuery(request, known: Set(SelectorValues.names + ["limit", "cursor"]))
            return try json(try await queueList(query))
        }
    }

    private func queueList(_ query: ControlQuery) async throws -> QueueListAnswer {
        let now = node.now
        let limit = try query.limit()
        let values = try SelectorValues(query)
        let place = try query.one("cursor").map { text -> ScanPlace in
            guard let place = ScanPlace(text: text) else {
                throw ControlError.badRequest("the cursor is not one that this node gave")
            }
            return place
        }
        let configuration = node.configuration
        // What is on links alone is few, and no index finds it among all that waits.
        let isActiveOnly = values.state == [PairState.active.rawValue]
        // Only a peer's own are found by what the core knows of the links; each question waits for the engine's turn.
        var context = SelectorContext(now: now.relay)
        if isActiveOnly || values.peer != nil {
            context = try await node.ask { core, _ in
                core.selectorContext(now: now.relay, withActive: isActiveOnly)
            }
        }
        let known = context
        let page = try await node.read { rows in
            var selector = try Selector(values, configuration, rows)
            if isActiveOnly, selector.numbers == nil {
                selector.numbers = Array(known.active.keys.sorted().prefix(Page.scanMax))
            }
            return QueueListScan.page(selector, known, rows, from: place ?? ScanPlace(), limit: limit)
        }
        var answer = QueueListAnswer(now: now.wall.timestamp)
        answer.cursor = page.place?.text
        answer.scanned = page.scanned
        answer.total = page.total
        if page.found.isEmpty { return answer }
        let numbers = page.found.map(\.row.number)
        let settled = try await node.ask { core, _ in
            var settled = core.selectorContext(now: now.relay, withActive: false)
            settled.active = isActiveOnly ? known.active : core.activeRecipients(of: numbers)
            return settled
        }
        for entry in page.found {
            for index in entry.indexes where page.selector.matches(entry.row, recipient: index, settled) {
                answer.lines.append(.init(entry.row, index, settled, now: now))
            }
        }
        return answer
    }

}

/// One page of a selector's way through the store.
struct QueueListScan: Sendable {
    struct Found: Sendable {
        var row: EnvelopeRow
        var indexes: [Int]
    }

    /// Rows looked at for one page: some tens of milliseconds where nothing fits.
    static let budget = 2_500

    /// As it was asked for.
    var selector: Selector
    var found: [Found] = []
    var place: ScanPlace?
    var scanned: UInt64 = 0
    var total: UInt64?

    static func page(
        _ selector: Selector, _ context: SelectorContext, _ rows: any RowReader, from place: ScanPlace, limit: Int
    ) -> QueueListScan {
        var page = QueueListScan(selector: selector)
        // What is on a link looks like waiting to a snapshot; which it is is said by the engine afterwards.
        var wide = selector
        if wide.states.contains(.active) { wide.states.formUnion([.waiting, .deferred, .incoming]) }
        var scan = SelectorScan(wide, context, rows, from: place)
        page.total = scan.total(rows)
        var count = 0
        scan.run(rows, context, budget: budget) { row, indexes in
            page.found.append(Found(row: row, indexes: indexes))
            count += indexes.count
            return count < limit
        }
        page.place = scan.place
        page.scanned = scan.scanned
        return page
    }
}

extension QueueListAnswer.Line {
    fileprivate init(_ row: EnvelopeRow, _ index: Int, _ context: SelectorContext, now: ClockReading) {
        let recipient = row.recipients[index]
        let state = context.state(row, index)
        self.init(
            number: row.number, name: row.bundle.envelopeName, recipient: recipient.name, state: state.rawValue,
            urgency: Int(row.urgency.rawValue), bytes: row.payloadLength, accepted: row.arrivalWall.timestamp,
            attempts: recipient.attempts, lastAnswer: row.lastAnswer)
        sender = row.document?.sender.text
        documentID = row.document?.documentID
        origin = row.origin?.name
        since = now.timestamp(recipient.since)
        if !state.isEnd, state != .arrived { expires = now.timestamp(row.expiry) }
        if state == .deferred { nextAttempt = now.timestamp(recipient.due) }
        nextHops = recipient.state.isQueued ? (context.hops[recipient.routeClass] ?? []).map(\.name) : []
        reason = recipient.reason == .none ? nil : recipient.reason.word
    }
}
