// StoreJudge: are the tables of one node's store of one mind? It reads rows and nothing else, and counts anew what the counters
// say. Made for one judgement; it answers with the first sentence that is wrong.

import RelayCore
import RelayModel
import RelayRows
import RelayStore

final class StoreJudge {
    private let node: NodeID
    private let rows: any RowReader
    private let limits: CoreLimits
    private var envelopes: [EnvelopeRow] = []
    private(set) var fault: String?

    static func judge(_ node: NodeID, _ rows: any RowReader, _ limits: CoreLimits) -> String? {
        let judge = StoreJudge(node: node, rows: rows, limits: limits)
        judge.readEnvelopes()
        judge.conservation()
        judge.counters()
        judge.queue()
        judge.indexes()
        judge.deadlines()
        judge.payload()
        judge.inbox()
        judge.history()
        judge.ages()
        judge.lookups()
        judge.labels()
        judge.deletions()
        return judge.fault
    }

    private init(node: NodeID, rows: any RowReader, limits: CoreLimits) {
        self.node = node
        self.rows = rows
        self.limits = limits
    }

    private func expect(_ isRight: Bool, _ sentence: @autoclosure () -> String) {
        if !isRight, fault == nil { fault = "\(node): " + sentence() }
    }

    private func readEnvelopes() {
        var read: [EnvelopeRow] = []
        var bad = 0
        rows.scan(.envelope, prefix: RowKey()) { key, value in
            if let row = EnvelopeRow(number: key.number(at: 0), record: value) { read.append(row) } else { bad += 1 }
            return true
        }
        envelopes = read
        expect(bad == 0, "\(bad) envelope rows cannot be read")
        expect(rows.count(.corrupt) == 0, "records were set aside as corrupt")
    }

    private func counter(_ key: CounterKey) -> UInt64 { rows.number(.counter, key.name) }

    /// Invariant 2: accepted = ended + in store, for documents and for records.
    private func conservation() {
        for admin in [false, true] {
            let accepted = counter(.acceptedSubmitted(admin: admin)) + counter(.acceptedTaken(admin: admin))
            let states = RecipientState.allCases.map { counter(.state($0, admin: admin)) }
            expect(
                accepted == states.reduce(0, +),
                "the books do not balance (\(admin ? "records" : "documents")): accepted \(accepted), states \(states)")
        }
    }

    /// What is counted in the store is what lies in the store.
    private func counters() {
        var inStore: [Bool: [RecipientState: UInt64]] = [:]
        var stock: [Stock: (count: UInt64, bytes: UInt64)] = [:]
        var reserved: UInt64 = 0
        var refused: UInt64 = 0
        for row in envelopes {
            let admin = row.kind == .administrative
            refused += UInt64(row.recipients.count { $0.isRefusedEverywhere })
            if row.isComplete {
                for recipient in row.recipients where !recipient.state.isEnd {
                    inStore[admin, default: [:]][recipient.state, default: 0] += 1
                }
            } else if row.ended == .zero {
                reserved += row.reservedBytes
            }
            guard row.ended == .zero, !admin || row.origin != nil else { continue }
            var places: [Stock] = admin ? [] : [.everything]
            if let origin = row.origin { places.append(admin ? .records(origin) : .origin(origin)) }
            if let sender = row.document?.sender { places.append(.sender(sender)) }
            for place in places {
                let before = stock[place] ?? (0, 0)
                let bytes = place == .everything ? row.stockedPayload : row.stockedBytes
                stock[place] = (before.count + 1, before.bytes + bytes)
            }
        }
        for admin in [false, true] {
            for state in RecipientState.allCases where !state.isEnd {
                let found = inStore[admin]?[state] ?? 0
                let counted = counter(.state(state, admin: admin))
                expect(
                    found == counted,
                    "\(counted) \(admin ? "records" : "copies") are counted as \(state), and \(found) are there")
            }
        }
        expect(
            counter(.reservedBytes) == reserved,
            "\(counter(.reservedBytes)) bytes are counted as reserved, and \(reserved) are missing")
        expect(
            counter(.refusedEverywhere) == refused,
            "\(counter(.refusedEverywhere)) copies are counted as refused by every hop, and \(refused) are")
        let all = stock[.everything] ?? (0, 0)
        expect(
            counter(.stockCount(.everything)) == all.count && counter(.stockBytes(.everything)) == all.bytes,
            "the stock is counted as \(counter(.stockCount(.everything))) envelopes of \(counter(.stockBytes(.everything))) bytes, and is \(all)"
        )
        for (place, found) in stock {
            expect(
                counter(.stockCount(place)) == found.count && counter(.stockBytes(place)) == found.bytes,
                "the stock of one origin or sender is counted wrongly: \(place.self)")
        }
    }

    /// Every waiting recipient has its queue row, and every queue row a waiting recipient.
    private func queue() {
        var wanted: Set<RowKey> = []
        for row in envelopes where row.ended == .zero {
            for recipient in row.recipients where recipient.state.isQueued {
                if recipient.routeClass == 0 {
                    // At home: an incomplete document needs no place; a complete one in pieces waits to be verified.
                    guard row.isComplete else { continue }
                    expect(row.isInPieces, "\(row.bundle) is whole and at home, but waits for \(recipient.name)")
                } else {
                    expect(
                        rows.value(.routeClass, Keys.routeClass(recipient.routeClass)) != nil,
                        "\(row.bundle) waits in route class \(recipient.routeClass), which does not exist")
                }
                wanted.insert(
                    QueueKey(
                        routeClass: recipient.routeClass, urgency: row.urgency, due: recipient.due, number: row.number
                    ).key)
            }
        }
        var found: Set<RowKey> = []
        rows.scan(.queue, prefix: RowKey()) { key, _ in
            found.insert(RowKey(copying: key))
            return true
        }
        for key in wanted.subtracting(found).sorted().prefix(1) {
            expect(false, "a recipient waits without a row in the queue: \(Self.text(key))")
        }
        for key in found.subtracting(wanted).sorted().prefix(1) {
            expect(false, "a row in the queue has no waiting recipient: \(Self.text(key))")
        }
    }

    private static func text(_ key: RowKey) -> String {
        guard let queue = key.withBytes({ QueueKey($0) }) else { return "unreadable key" }
        return "class \(queue.routeClass), \(queue.urgency), due \(queue.due.milliseconds), envelope \(queue.number)"
    }

    private func indexes() {
        for row in envelopes {
            expect(
                rows.value(.bundle, Keys.bundle(row.bundle, number: row.number)) != nil,
                "envelope \(row.number) is not found by its bundle ID")
            expect(
                row.isEnded == (row.ended != .zero),
                "envelope \(row.number) \(row.isEnded ? "has ended for all, but its row has not" : "is called ended and is not")"
            )
            expect(row.receivedBytes <= row.payloadLength, "envelope \(row.number) has more bytes than it is long")
        }
        expect(
            rows.count(.bundle) == UInt64(envelopes.count), "the bundle index has other rows than there are envelopes")
    }

    private func deadlines() {
        var times: [UInt64: [RelayTime]] = [:]
        rows.scan(.deadline, prefix: RowKey()) { key, _ in
            times[key.number(at: 8), default: []].append(RelayTime(milliseconds: key.number(at: 0)))
            return true
        }
        for row in envelopes {
            let has = times.removeValue(forKey: row.number) ?? []
            let needs = row.ended != .zero || row.recipients.contains { $0.state.isQueued }
            expect(!needs || !has.isEmpty, "envelope \(row.number) has no deadline")
            if row.ended != .zero {
                // At its submitter the look for a report comes first, and writes the other one.
                let awaitsReport = row.kind == .document && row.origin == nil && has.contains(row.nextLook)
                expect(
                    awaitsReport || has.contains { $0 >= row.ended + limits.transitMemory },
                    "the memory of envelope \(row.number) would end too early")
            }
        }
        for number in times.keys.sorted().prefix(1) {
            expect(false, "a deadline names envelope \(number), which is not there")
        }
    }

    /// Every extent of the chunk table belongs to a live envelope, or a row in `staging` says that it is being filled or removed.
    private func payload() {
        var owned: Set<UInt64> = []
        for row in envelopes {
            let pieces = rows.pieces(of: row.number)
            if row.ended != .zero {
                expect(pieces.isEmpty, "envelope \(row.number) has ended and keeps pieces")
                continue
            }
            if row.isInPieces {
                expect(
                    pieces.reduce(0) { $0 + $1.length } == row.receivedBytes,
                    "the pieces of envelope \(row.number) do not add up to \(row.receivedBytes)")
                for piece in pieces {
                    owned.insert(piece.extent)
                    expect(
                        extentLength(piece.extent) >= piece.extentOffset + piece.length,
                        "the bytes of a piece of envelope \(row.number) are not all there")
                }
            } else {
                owned.insert(row.extent)
                expect(
                    extentLength(row.extent) == row.payloadLength,
                    "the bytes of envelope \(row.number) are not all there: \(extentLength(row.extent)) of \(row.payloadLength)"
                )
            }
        }
        expect(
            rows.count(.piece) == envelopes.reduce(0) { $0 + UInt64(rows.pieces(of: $1.number).count) },
            "a piece has no envelope")
        rows.scan(.staging, prefix: RowKey()) { key, _ in
            let extent = key.number(at: 0)
            if owned.contains(extent) {
                self.expect(false, "extent \(extent) is to be removed, and a live envelope needs it")
            }
            owned.insert(extent)
            return true
        }
        var from = RowKey()
        while let found = rows.row(.chunk, atOrAfter: from) {
            let extent = found.key.number(at: 0)
            if !owned.contains(extent) { return expect(false, "the bytes of extent \(extent) belong to nothing") }
            from = RowKey(extent + 1)
        }
    }

    private func extentLength(_ extent: UInt64) -> UInt64 { PayloadReader.length(of: extent, in: rows) }

    /// Inbox rows are arrived recipients; nothing has arrived twice; what has arrived is remembered.
    private func inbox() {
        var wanted: Set<RowKey> = []
        var spooled: Set<RowKey> = []
        var homes: Set<Pair> = []
        for row in envelopes {
            for recipient in row.recipients where recipient.state.isAtHome || recipient.state == .delivered {
                if recipient.state.isAtHome { wanted.insert(Keys.inbox(recipient.name, number: row.number)) }
                if recipient.state == .handing { spooled.insert(Keys.spool(recipient.name, number: row.number)) }
                expect(
                    homes.insert(Pair(bundle: row.bundle, recipient: recipient.name)).inserted,
                    "\(row.bundle) has arrived twice for \(recipient.name)")
                expect(
                    row.kind != .document || rows.hasSeen(row.bundle, recipient.name),
                    "\(row.bundle) has arrived for \(recipient.name), and is not remembered")
            }
        }
        var found: Set<RowKey> = []
        rows.scan(.inbox, prefix: RowKey()) { key, _ in
            found.insert(RowKey(copying: key))
            return true
        }
        expect(found == wanted, "the inboxes hold other envelopes than have arrived")
        var spools: Set<RowKey> = []
        rows.scan(.spool, prefix: RowKey()) { key, _ in
            spools.insert(RowKey(copying: key))
            return true
        }
        expect(spools == spooled, "the table of spools has other rows than are handing over")
    }

    /// Every end of a document's copy is in the history, once.
    private func history() {
        var ends: [RecipientState: UInt64] = [:]
        var handed: [NodeID: UInt64] = [:]
        rows.scan(.history, prefix: RowKey()) { _, value in
            guard let row = HistoryRow(record: value) else { return true }
            ends[row.state, default: 0] += 1
            if row.state == .forwarded, let peer = row.peer { handed[peer, default: 0] += 1 }
            return true
        }
        for state in RecipientState.allCases where state.isEnd {
            expect(
                counter(.state(state, admin: false)) == ends[state] ?? 0,
                "\(counter(.state(state, admin: false))) copies are counted as \(state), and the history has \(ends[state] ?? 0)"
            )
        }
        for (peer, count) in handed {
            expect(
                counter(.forwardedTo(peer)) == count,
                "\(counter(.forwardedTo(peer))) copies are counted as forwarded to \(peer), and the history has \(count)"
            )
        }
    }

    /// The age picture is that of the queue and of the inboxes.
    private func ages() {
        let hourlyBefore = rows.number(.meta, "agesHourlyBefore")
        var wanted: [Place: (count: UInt64, bytes: UInt64)] = [:]
        for row in envelopes where row.isComplete && row.kind != .administrative {
            for recipient in row.recipients where recipient.state.isQueued || recipient.state == .arrived {
                let isQueued = recipient.state.isQueued
                var minute = (isQueued ? row.arrival : recipient.since).milliseconds / 60_000
                if minute < hourlyBefore { minute -= minute % 60 }
                let place = Place(
                    place: isQueued ? .queued(recipient.routeClass) : .arrived(recipient.name),
                    urgency: isQueued ? row.urgency : .normal, minute: minute)
                let before = wanted[place] ?? (0, 0)
                wanted[place] = (before.count + 1, before.bytes + row.payloadLength)
            }
        }
        var found = 0
        var wrong = 0
        for cell in AgeCell.all(rows) {
            let place = Place(place: cell.place, urgency: cell.urgency, minute: cell.minute)
            if let want = wanted[place], want == (cell.count, cell.bytes) { found += 1 } else { wrong += 1 }
        }
        expect(
            wrong == 0 && found == wanted.count,
            "the age picture is not that of the queue: \(wrong) cells wrong, \(wanted.count - found) missing")
    }

    /// Operators find by the index what is there, and nothing else.
    private func lookups() {
        let mark = rows.number(.meta, "lookupBelow")
        var wanted: Set<RowKey> = []
        for row in envelopes {
            func want(_ kind: LookupKind, _ text: String) { wanted.insert(Keys.lookup(kind, text).adding(row.number)) }
            let isIndexed = row.ended == .zero && row.number < mark
            if let document = row.document, row.origin == nil || isIndexed, !document.documentID.isEmpty {
                want(.documentID, document.documentID)
            }
            guard row.ended == .zero else { continue }
            if isIndexed, let sender = row.document?.sender { want(.sender, sender.text) }
            if let origin = row.origin, row.isInPieces, !row.isComplete { want(.incoming, origin.text) }
            if row.formerly != nil || !row.resubmittedAs.isEmpty { want(.sharer, String(row.extent)) }
            for recipient in row.recipients where !recipient.state.isEnd {
                if isIndexed, row.kind != .administrative { want(.recipient, recipient.name) }
                let isNowhere = recipient.state.isQueued && recipient.routeClass == 0 && !row.isComplete
                if isNowhere || [.held, .deleting, .corrupt].contains(recipient.state) { want(.parked, "") }
            }
        }
        var found: Set<RowKey> = []
        rows.scan(.lookup, prefix: RowKey()) { key, _ in
            found.insert(RowKey(copying: key))
            return true
        }
        for key in wanted.subtracting(found).sorted().prefix(1) {
            expect(
                false,
                "operators do not find an envelope: \(String(decoding: key.bytes, as: UTF8.self).debugDescription)")
        }
        for key in found.subtracting(wanted).sorted().prefix(1) {
            expect(
                false,
                "the operators' index has a row too many: \(String(decoding: key.bytes, as: UTF8.self).debugDescription)"
            )
        }
    }

    /// What names an envelope is kept apart from its row for as long as it has not ended.
    private func labels() {
        var wanted: Set<RowKey> = []
        for row in envelopes where row.ended == .zero && row.kind != .administrative {
            wanted.insert(Keys.envelope(row.number))
        }
        var found: Set<RowKey> = []
        rows.scan(.label, prefix: RowKey()) { key, value in
            found.insert(RowKey(copying: key))
            self.expect(LabelRow(record: value) != nil, "a label cannot be read")
            return true
        }
        expect(found == wanted, "the labels are of other envelopes than have not ended")
    }

    /// What is being deleted is named by a job that can still be undone, or it would never end.
    private func deletions() {
        var named: Set<PairName> = []
        rows.scan(.undo, prefix: RowKey()) { _, value in
            if let row = UndoRow(record: value) { named.formUnion(row.entries.map(\.pair)) }
            return true
        }
        for row in envelopes {
            for (index, recipient) in row.recipients.enumerated() where recipient.state == .deleting {
                expect(
                    named.contains(PairName(number: row.number, index: UInt32(index))),
                    "\(row.bundle) for \(recipient.name) is being deleted by no job")
            }
        }
    }

    private struct Place: Hashable {
        var place: AgePlace
        var urgency: Urgency
        var minute: UInt64
    }
}
