// Deadlines: the end of lifetimes and of memories, in relay time, which no step of the wall clock moves.

import RelayModel
import RelayRows

extension RelayCore {
    private static let deadlinesPerTurn = 512

    mutating func deadlinesDue(_ turn: inout Turn) {
        var due: [(RelayTime, UInt64)] = []
        turn.rows.scan(.deadline, prefix: RowKey()) { key, _ in
            let time = RelayTime(milliseconds: key.number(at: 0))
            guard time <= turn.now.relay, due.count < Self.deadlinesPerTurn else { return false }
            due.append((time, key.number(at: 8)))
            return true
        }
        for (time, number) in due where turn.recipientsLeft > 0 {
            turn.rows.delete(.deadline, Keys.deadline(time, number: number))
            deadline(number, &turn)
        }
    }

    private mutating func deadline(_ number: UInt64, _ turn: inout Turn) {
        guard var row = envelope(number, &turn) else { return }
        let hasReported = lookForDelays(&row, &turn)
        if row.ended != .zero {
            // A deadline of its lifetime that was put off may be older than its end.
            let end = row.ended + limits.transitMemory
            if end <= turn.now.relay { return purge(row, turn.rows) }
            turn.rows.put(.deadline, Keys.deadline(end, number: number))
            if hasReported { save(row, turn.rows) }
            return
        }
        if row.expiry > turn.now.relay {
            if takeBackPromise(&row, &turn) { return }
            // It was a look at its delay only.
            row.nextLook = nextLook(row, turn.now.relay)
            turn.rows.put(.deadline, Keys.deadline(row.nextLook, number: number))
            return save(row, turn.rows)
        }
        if clockJudge.isDoubted {
            // Nothing expires while the clock is doubted; looked at again in a while.
            turn.rows.put(.deadline, Keys.deadline(turn.now.relay + .minutes(10), number: number))
            return
        }
        // Pieces that are not here cannot be waited for any longer.
        for copy in active[number]?.copies ?? [] where copy.flights.isEmpty { closeCopy(number, copy.session) }
        let busy = Set(active[number]?.copies.flatMap(\.recipients) ?? [])
        var isLeft = false
        for index in row.recipients.indices where !row.recipients[index].state.isEnd {
            switch row.recipients[index].state {
            case .waiting, .deferred:
                if busy.contains(index), !has(.expiresOnLink) {
                    // On the link at this moment: the answer decides.
                    isLeft = true
                } else {
                    unqueue(row, index, turn.rows)
                    end(&row, index, .expired, .lifetimeExpired, &turn)
                }
            // Held, it stays as *held, expired*: release ends it. What is being deleted ends with its window.
            default: break
            }
        }
        turn.recipientsLeft -= row.recipients.count
        // What has arrived has no lifetime any more; that nobody takes it is still to be told.
        let look = nextLook(row, turn.now.relay)
        if isLeft {
            turn.rows.put(.deadline, Keys.deadline(turn.now.relay + .seconds(30), number: number))
        } else if look > turn.now.relay, look != .never, !row.isEnded {
            row.nextLook = look
            turn.rows.put(.deadline, Keys.deadline(look, number: number))
        }
        settle(&row, &turn)
    }

    /// The memory of an ended envelope is over. What has arrived here stays remembered in `seen`.
    private mutating func purge(_ row: EnvelopeRow, _ rows: any RowTransaction) {
        rows.delete(.envelope, Keys.envelope(row.number))
        rows.delete(.bundle, Keys.bundle(row.bundle, number: row.number))
        forgetIndex(row, rows)
    }

    /// Once a minute: old history and old dedup rows go, a bounded number at a time; so do doubts that nobody settled.
    mutating func housekeeping(_ turn: inout Turn) {
        guard turn.now.relay >= housekeepingDue else { return }
        housekeepingDue = turn.now.relay + .minutes(1)
        let now = turn.now.relay
        dropHistory(&turn)
        dropSeen(&turn)
        dropReports(&turn)
        dropOutcomes(&turn)
        dropPreviews(&turn)
        dropSubmissionKeys(&turn)
        dropUntouched(&turn)
        if !isHoldingRestored { endForgottenDeletions(&turn) }
        verifyBySchedule(&turn)
        doubts.drop(until: now, turn.rows)
        forgetReoffers(now)
        noteLinks(&turn)
        judgeClock(&turn)
        askForTheTime(&turn)
        // A backlog of an earlier version is put together an hour a second.
        if ledger.compactAges(turn.rows, now: now) {
            housekeepingDue = min(housekeepingDue, turn.now.relay + .seconds(1))
        }
        turn.rows.setNumber(.meta, "relayTime", now.milliseconds)
    }

    /// How many rows of history the store's share has room for.
    func historyRowsMax(_ room: HeadRoom) -> UInt64 { limits.historyRowsMax(room) }

    /// The oldest rows go when their time is over, or when all together take more than their share of the store.
    private mutating func dropHistory(_ turn: inout Turn) {
        let kept = historyRowsMax(turn.room)
        let count = turn.rows.count(.history)
        let surplus = Int(clamping: count > kept ? count - kept : 0)
        var keys: [RowKey] = []
        var cut: RelayTime?
        turn.rows.scan(.history, prefix: RowKey()) { key, _ in
            let end = RelayTime(milliseconds: key.number(at: 0))
            let isOver = end + limits.historyMemory <= turn.now.relay
            guard keys.count < 4_096, keys.count < surplus || isOver else { return false }
            keys.append(RowKey(copying: key))
            if !isOver { cut = end }
            return true
        }
        for key in keys { turn.rows.delete(.history, key) }
        if let cut { turn.rows.setNumber(.meta, HistoryReach.mark, cut.milliseconds) }
        // A burst is worked off without waiting for the next minute.
        if surplus > keys.count { housekeepingDue = turn.now.relay + .seconds(1) }
    }

    /// Report rows stand under the creation time of their envelope.
    private mutating func dropReports(_ turn: inout Turn) {
        let wall = turn.now.wall.milliseconds
        guard isClockConfirmed(turn), wall > limits.historyMemory.count else { return }
        let oldest = wall - limits.historyMemory.count
        let prefix = RowKey(text: node.endpoint.text)
        var keys = oldWithoutTime(prefix, turn.now.relay, turn.rows)
        prefix.adding(UInt64(1)).withBytes { first in
            turn.rows.scan(.report, from: first) { key, _ in
                guard prefix.isPrefix(of: key), key.number(at: prefix.bytes.count) < oldest, keys.count < 4_096 else {
                    return false
                }
                keys.append(RowKey(copying: key))
                return true
            }
        }
        for key in keys { turn.rows.delete(.report, key) }
    }

    /// Envelopes made while the clock was doubted have no creation time: their report rows go by the time at which they came. A part
    /// of them is looked at each time, going round.
    private mutating func oldWithoutTime(
        _ prefix: RowKey, _ now: RelayTime, _ rows: any RowTransaction
    ) -> [RowKey] {
        let timeless = prefix.adding(UInt64(0))
        let from = timelessSweep.flatMap { $0 < timeless ? nil : $0 } ?? timeless
        var keys: [RowKey] = []
        var looked = 0
        timelessSweep = nil
        from.withBytes { first in
            rows.scan(.report, from: first) { key, value in
                guard timeless.isPrefix(of: key) else { return false }
                if looked == 512 {
                    timelessSweep = RowKey(copying: key)
                    return false
                }
                looked += 1
                var received: RelayTime?
                if ReportRow(record: value, received: &received) != nil, let received,
                    received + limits.historyMemory <= now
                {
                    keys.append(RowKey(copying: key))
                }
                return true
            }
        }
        return keys
    }

    private func dropSeen(_ turn: inout Turn) {
        let today = turn.now.relay.milliseconds / Milliseconds.days(1).count
        let memory = limits.dedupMemory.count / Milliseconds.days(1).count
        var from = RowKey()
        if let raw = turn.rows.value(.meta, Keys.meta("seenSweep")) {
            for byte in raw { from.append(byte) }
        }
        var old: [RowKey] = []
        var unsealed: [(key: RowKey, value: [UInt8])] = []
        var last: RowKey?
        var looked = 0
        from.withBytes { start in
            turn.rows.scan(.seen, from: start) { key, value in
                looked += 1
                last = RowKey(copying: key)
                if let row = SeenRow(record: value), row.day + memory < today {
                    old.append(RowKey(copying: key))
                } else if value.first == 1, unsealed.count < 512 {
                    // Of schema 1: it gets its key's check, by and by.
                    unsealed.append((RowKey(copying: key), [UInt8](value)))
                }
                return looked < 4_096
            }
        }
        for key in old { turn.rows.delete(.seen, key) }
        for row in unsealed { turn.rows.put(.seen, row.key, row.value) }
        if looked < 4_096 {
            turn.rows.delete(.meta, Keys.meta("seenSweep"))
        } else if let last {
            turn.rows.put(.meta, Keys.meta("seenSweep"), last.bytes)
        }
    }
}
