// Reckoning: the books and the indexes made anew from the envelopes' rows, a bounded number of rows a turn, while everything goes on. It
// begins when something does not fit: a counter that would fall below zero, a row under a key that it was not written under, a
// record that cannot be read, an order of keys that is broken; and when an operator or the schedule asks for it. Rows of an index
// that lead nowhere go, those that are missing come, what has a label and no record is set aside by its name, and at the end the
// counters say what is there.
//
// Changes meanwhile are counted on both sides: of an envelope that has been passed they count in the tally, of the others when they
// are met. A restart begins anew; a mark in `meta` says that one is due.

import RelayModel
import RelayRows

/// What a reckoning has found and done.
public struct ReckoningResult: Sendable, Hashable {
    public var why: String = ""
    public var envelopes: UInt64 = 0
    /// Rows of indexes that led nowhere, and rows that were missing.
    public var strays: UInt64 = 0
    public var missing: UInt64 = 0
    /// Envelopes set aside by name, and records set aside that nothing names.
    public var named: UInt64 = 0
    public var unnamed: UInt64 = 0
    public var counters: UInt64 = 0
    /// Totals of what was accepted and ended that did not balance, and were set by what rows tell.
    public var totals: UInt64 = 0
    public var payloads: UInt64 = 0
    public var badPayloads: UInt64 = 0
    public var began: WallTime = WallTime(milliseconds: 0)
    /// Zero while it runs.
    public var ended: WallTime = WallTime(milliseconds: 0)

    public var isClean: Bool { strays + missing + named + unnamed + counters + totals + badPayloads == 0 }
}

/// The counts of the envelopes that have been passed.
struct Tally {
    /// Envelopes up to this number are in it.
    var through: UInt64 = 0
    var counts: [String: Int64] = [:]
    var ages: [AgeKey: AgeChange] = [:]

    mutating func add(_ key: CounterKey, _ amount: Int64) { counts[key.name, default: 0] += amount }
}

/// One reckoning under way.
struct Reckoning {
    enum Step: Equatable {
        case strays(Int)
        case envelopes
        case labels
        case payloads
        case books
        case history
    }
    var step = Step.strays(0)
    /// Behind the last row that was looked at.
    var place: RowKey?
    var result = ReckoningResult()
    /// Payloads are read as well, and how much of them a second.
    var bytesPerSecond: UInt64 = 0
    var rowsPerTurn = Reckoning.rowsPerTurn
    var notBefore = RelayTime.zero
    /// Being read by the verifier.
    var reading: UInt64 = 0
    /// What the history says of the totals.
    var history: HistoryTally?

    static let rowsPerTurn = 256
    static let strayTables: [Table] = [.queue, .inbox, .deadline, .bundle, .lookup]
    static let mark = "reckoningDue"
    /// The value of the mark when payloads are looked at, too; else 1.
    static let verificationMark: UInt64 = 2
    /// A walk of so many rows is no longer than a large batch.
    static let mendableRows: UInt64 = 200_000
}

extension RelayCore {
    static let payloadPauseMax = Milliseconds.minutes(1)

    /// The books, or an index, do not fit: they are made anew.
    mutating func reckon(_ why: String, _ rows: any RowTransaction) {
        guard !isOffline else { return }
        guard reckoning == nil else { return }
        rows.setNumber(.meta, Reckoning.mark, 1)
        reckoning = Reckoning()
        reckoning?.result.why = why
    }

    /// At start: one that was due and did not come to its end, or a store from before labels.
    mutating func loadReckoning(_ turn: inout Turn) {
        reckoned = ReckoningResult.read(turn.rows)
        if reckoned == nil, turn.rows.count(.envelope) == 0 {
            // A new store has nothing to be made anew.
            var result = ReckoningResult()
            result.ended = turn.now.wall
            turn.rows.put(.meta, ReckoningResult.key, result.encoded())
            reckoned = result
        }
        let cut = turn.rows.number(.meta, Reckoning.mark)
        if cut != 0 {
            reckon("the one before was cut off", turn.rows)
            // A verification is one only with its payloads.
            if cut == Reckoning.verificationMark {
                let rate = limits.verifyRate
                reckoning?.bytesPerSecond = rate
                turn.rows.setNumber(.meta, Reckoning.mark, Reckoning.verificationMark)
            }
        } else if reckoned == nil {
            reckon("a store of an earlier version: its envelopes get their labels", turn.rows)
        }
    }

    mutating func runReckoning(_ turn: inout Turn) {
        guard !isHoldingRestored else { return }
        let found = turn.rows.damagedTables.tables.filter { !knownDamage.contains($0) }
        if !found.isEmpty {
            mend(found, &turn)
            sweep = RouteSweep()
        }
        if reckoning == nil {
            if !found.isEmpty {
                reckon("rows out of their place in: " + found.map(\.name).joined(separator: " "), turn.rows)
            } else if ledger.hasMisfit {
                reckon("a counter would have fallen below zero", turn.rows)
            }
        }
        guard var work = reckoning else { return }
        if work.result.began.milliseconds == 0 { begin(&work, &turn) }
        guard work.notBefore <= turn.now.relay else { return }
        switch work.step {
        case .strays(let index): removeStrays(index, &work, turn)
        case .envelopes: reckonEnvelopes(&work, &turn)
        case .labels: followLabels(&work, &turn)
        case .payloads: readPayloads(&work, &turn)
        case .books: return settleBooks(work, &turn)
        case .history: return reckonTotals(work, &turn)
        }
        reckoning = work
    }

    /// Brings the rows of these tables to where look-ups find them, and takes out what does not belong there. It walks a table as a
    /// whole: one that is too large for a turn is left to the next start.
    private mutating func mend(_ tables: [Table], _ turn: inout Turn) {
        for table in tables {
            let isMended = turn.rows.count(table) <= Reckoning.mendableRows && turn.rows.mend(table)
            if !isMended { knownDamage.insert(table) }
            turn.effects.append(
                .notice(
                    Notice(
                        .alarm,
                        "rows of the table \(table.name) are out of their place; "
                            + (isMended
                                ? "they are where they belong again" : "the next start of the daemon puts them right"),
                        kind: .storeReckoned)))
        }
    }

    private mutating func begin(_ work: inout Reckoning, _ turn: inout Turn) {
        work.result.began = turn.now.wall
        ledger.tally = nil
        ledger.hasMisfit = false
        turn.effects.append(
            .notice(Notice(.notice, "the store's books are made anew: \(work.result.why)", kind: .storeReckoned)))
    }

    // MARK: Rows that lead nowhere

    private func removeStrays(_ index: Int, _ work: inout Reckoning, _ turn: Turn) {
        let table = Reckoning.strayTables[index]
        var keys: [RowKey] = []
        var looked = 0
        var last: RowKey?
        (work.place ?? RowKey()).withBytes { from in
            turn.rows.scan(table, from: from) { key, _ in
                looked += 1
                if !isWanted(table, key, turn.rows) { keys.append(RowKey(copying: key)) }
                last = RowKey(copying: key)
                return looked < work.rowsPerTurn
            }
        }
        for key in keys where turn.rows.delete(table, key) { work.result.strays += 1 }
        // The row that was last is looked at once more: nothing is lost by it.
        if looked < work.rowsPerTurn || last == work.place {
            work.place = nil
            let next = index + 1
            work.step = next < Reckoning.strayTables.count ? .strays(next) : .envelopes
        } else {
            work.place = last
        }
    }

    /// Does the envelope that a row of an index names want it?
    private func isWanted(_ table: Table, _ key: UnsafeRawBufferPointer, _ rows: any RowReader) -> Bool {
        guard key.count >= 8 else { return false }
        let number = key.number(at: key.count - 8)
        guard let raw = rows.value(.envelope, Keys.envelope(number)) else {
            // What has a label comes back by it, and its index rows say what it was.
            return rows.value(.label, Keys.envelope(number)) != nil
        }
        guard let row = EnvelopeRow(number: number, record: raw) else { return true }
        switch table {
        case .queue:
            guard let queue = QueueKey(key) else { return false }
            return row.urgency == queue.urgency
                && row.recipients.contains {
                    $0.state.isQueued && $0.routeClass == queue.routeClass && $0.due == queue.due
                }
        case .inbox:
            return row.recipients.contains {
                $0.state.isAtHome && Keys.inbox($0.name, number: number) == RowKey(copying: key)
            }
        case .bundle: return Keys.bundle(row.bundle, number: number) == RowKey(copying: key)
        default: return true
        }
    }

    // MARK: The envelopes

    private mutating func reckonEnvelopes(_ work: inout Reckoning, _ turn: inout Turn) {
        if ledger.tally == nil { ledger.tally = Tally() }
        var found: [(number: UInt64, row: EnvelopeRow?)] = []
        // Of schema 1: they get the check of their key.
        var unsealed: [UInt64] = []
        let from = Keys.envelope((ledger.tally?.through ?? 0) + 1)
        from.withBytes { start in
            turn.rows.scan(.envelope, from: start) { key, value in
                guard key.count == 8 else { return true }
                let number = key.number(at: 0)
                found.append((number, EnvelopeRow(number: number, record: value)))
                if value.first == 1, found.last?.row != nil { unsealed.append(number) }
                return found.count < work.rowsPerTurn
            }
        }
        for number in unsealed {
            let key = Keys.envelope(number)
            if let value = turn.rows.value(.envelope, key).map({ [UInt8]($0) }) { turn.rows.put(.envelope, key, value) }
        }
        for (number, row) in found {
            var row = row
            if row == nil {
                let unreadable = turn.rows.value(.envelope, Keys.envelope(number)).map { [UInt8]($0) } ?? []
                // Its label, if it has one, stands in for it.
                setAside(.envelope, Keys.envelope(number), unreadable, &turn)
                row = standIn(for: number, &turn)
                if row == nil { work.result.unnamed += 1 } else { work.result.named += 1 }
            }
            ledger.tally?.through = number
            guard var row else { continue }
            work.result.envelopes += 1
            comparePieces(&row, &turn)
            work.result.missing += addMissing(row, &turn)
            tally(row)
        }
        if found.count < work.rowsPerTurn {
            // What comes from now on is counted as it comes.
            ledger.tally?.through = .max
            work.step = .labels
            work.place = nil
        }
    }

    /// A piece of which the record is gone: of a whole document its payload cannot be read any more, another one is received anew.
    private mutating func comparePieces(_ row: inout EnvelopeRow, _ turn: inout Turn) {
        guard row.isInPieces, row.ended == .zero else { return }
        let bytes = pieces(of: row.number, turn.rows).reduce(0) { $0 &+ $1.length }
        guard bytes != row.receivedBytes else { return }
        if row.isComplete {
            damaged.insert(row.number)
        } else {
            row.receivedBytes = min(bytes, row.payloadLength)
            save(row, turn.rows)
        }
    }

    /// The index rows that an envelope must have and has not.
    private mutating func addMissing(_ row: EnvelopeRow, _ turn: inout Turn) -> UInt64 {
        let rows = turn.rows
        var added: UInt64 = 0
        func need(_ table: Table, _ key: RowKey) -> Bool {
            if rows.value(table, key) != nil { return false }
            rows.put(table, key)
            added += 1
            return true
        }
        _ = need(.bundle, Keys.bundle(row.bundle, number: row.number))
        if row.origin == nil, let document = row.document, !document.documentID.isEmpty {
            _ = need(.lookup, LookupIndex.key(.documentID, document.documentID, row.number))
        }
        if row.ended != .zero {
            if !keepsLook(row, turn.now.relay), row.nextLook <= turn.now.relay || row.nextLook == .zero {
                _ = need(.deadline, Keys.deadline(row.ended + limits.transitMemory, number: row.number))
            }
            return added
        }
        if row.number < indexedBelow { for key in LookupIndex.keys(row) { _ = need(.lookup, key) } }
        if row.sharesPayload { _ = need(.lookup, LookupIndex.key(.sharer, String(row.extent), row.number)) }
        if row.recipients.contains(where: { LookupIndex.isParked($0, in: row) }) {
            _ = need(.lookup, LookupIndex.key(.parked, "", row.number))
        }
        if let origin = row.origin, row.isInPieces, !row.isComplete {
            _ = need(.lookup, LookupIndex.key(.incoming, origin.text, row.number))
        }
        for recipient in row.recipients {
            if recipient.state.isAtHome { _ = need(.inbox, Keys.inbox(recipient.name, number: row.number)) }
            guard recipient.state.isQueued, recipient.routeClass != 0 || row.isComplete else { continue }
            let key = QueueKey(
                routeClass: recipient.routeClass, urgency: row.urgency, due: recipient.due, number: row.number)
            if need(.queue, key.key) { offer(key) }
        }
        // Its next look: for its expiry, or because it lies in an inbox for too long.
        if row.look > turn.now.relay, row.look != .never {
            _ = need(.deadline, Keys.deadline(row.look, number: row.number))
        }
        if isLabelled(row), rows.value(.label, Keys.envelope(row.number)) == nil { label(row, rows) }
        return added
    }

    /// What one envelope counts for in the books.
    private mutating func tally(_ row: EnvelopeRow) {
        let admin = row.kind == .administrative
        let refused = row.recipients.count { $0.isRefusedEverywhere }
        ledger.tally?.add(.refusedEverywhere, Int64(refused))
        if row.isComplete {
            for recipient in row.recipients where !recipient.state.isEnd {
                ledger.tally?.add(.state(recipient.state, admin: admin), 1)
                if !admin { ledger.tallyAge(row, recipient) }
            }
        } else if row.ended == .zero {
            ledger.tally?.add(.reservedBytes, Int64(clamping: row.reservedBytes))
        }
        if row.ended == .zero, row.isStocked || row.isComplete && !admin { ledger.tallyStock(row) }
    }

    // MARK: Labels without an envelope

    private mutating func followLabels(_ work: inout Reckoning, _ turn: inout Turn) {
        var numbers: [UInt64] = []
        var last: RowKey?
        var looked = 0
        (work.place ?? RowKey()).withBytes { from in
            turn.rows.scan(.label, from: from) { key, _ in
                looked += 1
                if key.count == 8 { numbers.append(key.number(at: 0)) }
                last = RowKey(copying: key)
                return looked < work.rowsPerTurn
            }
        }
        for number in numbers {
            if let raw = turn.rows.value(.envelope, Keys.envelope(number)) {
                if let row = EnvelopeRow(number: number, record: raw), row.ended != .zero { unlabel(row, turn.rows) }
                continue
            }
            if let row = standIn(for: number, &turn) {
                work.result.named += 1
                ledger.count(.corruptRecord)
                tally(row)
            }
        }
        if looked < work.rowsPerTurn || last == work.place {
            work.place = nil
            work.step = work.bytesPerSecond > 0 ? .payloads : .books
        } else {
            work.place = last
        }
    }

    // MARK: Payloads, one after the other, on the verifier's thread

    private mutating func readPayloads(_ work: inout Reckoning, _ turn: inout Turn) {
        if work.reading != 0, verifying.contains(work.reading) { return }
        work.reading = 0
        var next: EnvelopeRow?
        var looked = 0
        (work.place ?? RowKey()).withBytes { from in
            turn.rows.scan(.envelope, from: from) { key, value in
                looked += 1
                work.place = RowKey(key.number(at: 0) &+ 1)
                if let row = EnvelopeRow(number: key.number(at: 0), record: value), row.ended == .zero, row.isComplete,
                    row.document != nil, !verifying.contains(row.number),
                    row.recipients.contains(where: { !$0.state.isEnd && $0.state != .corrupt })
                {
                    next = row
                }
                return next == nil && looked < work.rowsPerTurn
            }
        }
        guard let row = next, let document = row.document else {
            if looked < work.rowsPerTurn { work.step = .books }
            return
        }
        let payload =
            row.isInPieces
            ? pieces(of: row.number, turn.rows).map {
                ExtentRange(extent: $0.extent, offset: $0.extentOffset, length: $0.length)
            } : [ExtentRange(extent: row.extent, offset: 0, length: row.payloadLength)]
        work.reading = row.number
        work.result.payloads += 1
        verifying.insert(row.number)
        // A rate of nearly nothing must not keep everything else from being made anew for days.
        let pause = Milliseconds(row.payloadLength.saturatingTimes(1_000) / work.bytesPerSecond)
        work.notBefore = turn.now.relay + min(pause, Self.payloadPauseMax)
        turn.effects.append(.verify(number: row.number, payload: payload, digest: document.digest))
    }

    // MARK: The books

    private mutating func settleBooks(_ work: Reckoning, _ turn: inout Turn) {
        var work = work
        if let tally = ledger.tally {
            work.result.counters = ledger.settle(tally, turn.rows)
            ledger.tally = nil
        }
        work.result.totals += mendAdminTotals(turn.rows)
        guard totalsGap(admin: false, turn.rows) != 0 else { return finishReckoning(work, &turn) }
        work.step = .history
        work.history = HistoryTally()
        reckoning = work
    }

    private mutating func mendAdminTotals(_ rows: any RowReader) -> UInt64 {
        totalsGap(admin: true, rows) == 0 ? 0 : mendTotals(admin: true, nil, rows)
    }

    private mutating func reckonTotals(_ work: Reckoning, _ turn: inout Turn) {
        var work = work
        var history = work.history ?? HistoryTally()
        let isMore = walkHistory(&history, work.rowsPerTurn, turn.rows)
        work.history = history
        if isMore {
            reckoning = work
            return
        }
        work.result.totals += mendTotals(admin: false, history, turn.rows)
        finishReckoning(work, &turn)
    }

    private mutating func finishReckoning(_ work: Reckoning, _ turn: inout Turn) {
        var result = work.result
        result.ended = turn.now.wall
        reckoned = result
        turn.rows.put(.meta, ReckoningResult.key, result.encoded())
        turn.rows.delete(.meta, Keys.meta(Reckoning.mark))
        reckoning = nil
        turn.effects.append(
            .notice(
                Notice(
                    result.isClean ? .notice : .alarm, "the store was verified: \(result.sentence)",
                    kind: .storeReckoned)))
    }

    /// When it goes on; a payload that is being read comes back by itself.
    var reckoningDue: RelayTime? {
        guard let work = reckoning else { return nil }
        return work.step == .payloads && work.reading != 0 && verifying.contains(work.reading) ? nil : work.notBefore
    }
}

extension ReckoningResult {
    static let key = Keys.meta("reckoned")

    public var sentence: String {
        if isClean { return "\(envelopes) envelopes and \(payloads) payloads are in order" }
        var parts: [String] = []
        if strays > 0 { parts.append("\(strays) index rows led nowhere and are gone") }
        if missing > 0 { parts.append("\(missing) index rows were missing and are there again") }
        if counters > 0 { parts.append("\(counters) counters were set right") }
        if totals > 0 { parts.append("\(totals) totals did not balance and were set by what rows tell") }
        if named > 0 { parts.append("\(named) envelopes were set aside by name") }
        if unnamed > 0 {
            parts.append("\(unnamed) records were set aside that no label names: their envelopes had ended")
        }
        if badPayloads > 0 { parts.append("\(badPayloads) payloads cannot be read") }
        return "of \(envelopes) envelopes and \(payloads) payloads: " + parts.joined(separator: ", ")
    }

    func encoded() -> [UInt8] {
        var out = RowWriter(capacity: 96)
        out.text(why)
        for number in [
            envelopes, strays, missing, named, unnamed, counters, payloads, badPayloads, began.milliseconds,
            ended.milliseconds, totals,
        ] { out.number(number) }
        return out.record()
    }

    public static func read(_ rows: any RowReader) -> ReckoningResult? {
        guard let raw = rows.value(.meta, key), var row = RowCursor(raw) else { return nil }
        var result = ReckoningResult()
        result.why = row.text()
        result.envelopes = row.number()
        result.strays = row.number()
        result.missing = row.number()
        result.named = row.number()
        result.unnamed = row.number()
        result.counters = row.number()
        result.payloads = row.number()
        result.badPayloads = row.number()
        result.began = WallTime(milliseconds: row.number())
        result.ended = WallTime(milliseconds: row.number())
        if !row.isAtEnd { result.totals = row.number() }
        return row.isSound ? result : nil
    }
}
