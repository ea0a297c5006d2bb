// QueueListPage: GET /v1/queue/list: the pairs that a selector means, by the narrowest index, a bounded number of rows an answer. The rows
// are read on a snapshot, and what is on links on the last picture of the decisions: the engine is not waited for.

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
        let node = node
        return try await node.read { rows in
            let isActiveOnly = values.state == [PairState.active.rawValue]
            var selector = try Selector(values, node.configuration, rows)
            var picture = try node.picture(of: isActiveOnly ? nil : [])
            var context = picture.selectorContext(now: now.relay)
            // What is on links alone is few, and no index finds it among all that waits.
            if isActiveOnly, selector.numbers == nil {
                selector.numbers = Array(context.active.keys.sorted().prefix(Page.scanMax))
            }
            let page = QueueListScan.page(selector, context, rows, from: place ?? ScanPlace(), limit: limit)
            if !isActiveOnly {
                picture = try node.picture(of: page.found.map(\.row.number))
                context = picture.selectorContext(now: now.relay)
            }
            var answer = QueueListAnswer(now: now.wall.timestamp)
            answer.cursor = page.place?.text
            answer.scanned = page.scanned
            answer.total = page.total
            for entry in page.found {
                for index in entry.indexes where page.selector.matches(entry.row, recipient: index, context) {
                    var line = QueueListAnswer.Line(entry.row, index, context, now: now)
                    // What `show` says of it, from the same place.
                    line.nextAttempt = picture.wait(entry.row, index, now: now.relay).nextAttempt.flatMap(now.timestamp)
                    answer.lines.append(line)
                }
            }
            return answer
        }
    }
}

/// One page of a selector's way through the store.
struct QueueListScan: Sendable {
    struct Found: Sendable {
        var row: EnvelopeRow
        var indexes: [Int]
    }

    /// Rows looked at for one page: some tens of milliseconds where nothing fits.
    static let budget = 1_500

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
        // What is on a link looks like waiting to a snapshot; which it is is said by the picture afterwards.
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
        // An envelope that was tried between two pages is looked at again.
        page.total = page.total.map { max($0, scan.scanned) }
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
            attempts: recipient.attempts, lastAnswer: recipient.lastAnswer)
        kind = row.kind.word
        sender = row.document?.sender.text
        documentID = row.document?.documentID
        origin = row.origin?.name
        since = now.timestamp(recipient.since)
        if !state.isEnd, state != .arrived { expires = now.timestamp(row.expiry) }
        nextHops = recipient.state.isQueued ? (context.hops[recipient.routeClass] ?? []).map(\.name) : []
        reason = recipient.reason == .none ? nil : recipient.reason.word
    }
}
