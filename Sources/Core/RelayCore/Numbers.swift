// Numbers: which numbers this node gives to bundles, which it has given, and which of its neighbours' it has taken. A new incarnation
// begins with every start: a copy of a store, a store put back, or a clone that starts never gives a number twice. What goes back
// without a start (a resumed snapshot of a running machine) hears from each neighbour, before it sends, the highest counter that was
// taken of its incarnation.
//
// The table `numbers` keeps, of this node, the incarnations that it has used (reports name them for as long as history lasts), and of
// each neighbour the highest counter of its last incarnations. Both are bounded. Nothing here can fail but by an unreadable row, which
// is taken for none.

import RelayModel
import RelayRows

/// What is in memory of it.
struct Numbers: Sendable {
    /// Of the neighbours' incarnations, the ones of which something came last at the end.
    private(set) var taken: [NodeID: [TakenNumbers]] = [:]
    /// Own incarnations of which numbers were given, and that are not in the store yet.
    var retired: [TakenNumbers] = []
    /// The own incarnation that `meta` names, as far as this process knows.
    var written: UInt32 = 0
    /// Rows that are to be written at the end of the batch, in the order in which they changed.
    private(set) var changed: [(node: NodeID, incarnation: UInt32)] = []

    func taken(of node: NodeID) -> [TakenNumbers] { taken[node] ?? [] }

    /// A neighbour's incarnations, as they stand in the store.
    mutating func load(_ node: NodeID, _ list: [TakenNumbers]) { taken[node] = list.isEmpty ? nil : list }

    /// A bundle of a neighbour's own is here. Answers the incarnation that is forgotten for it.
    mutating func note(_ node: NodeID, _ bundle: BundleID) -> UInt32? {
        let new = TakenNumbers(
            incarnation: bundle.incarnation, counter: bundle.counter, created: bundle.creationTime)
        var list = taken[node] ?? []
        if let last = list.last, last.incarnation == new.incarnation, last.counter >= new.counter { return nil }
        var forgotten: UInt32?
        if let position = list.firstIndex(where: { $0.incarnation == new.incarnation }) {
            let old = list.remove(at: position)
            list.append(old.counter >= new.counter ? old : new)
            guard old.counter < new.counter else {
                taken[node] = list
                return nil
            }
        } else {
            list.append(new)
            if list.count > TakenNumbers.countMax { forgotten = list.removeFirst().incarnation }
        }
        taken[node] = list
        if !changed.contains(where: { $0.node == node && $0.incarnation == new.incarnation }) {
            changed.append((node, new.incarnation))
        }
        return forgotten
    }

    mutating func takeChanged() -> [(node: NodeID, incarnation: UInt32)] {
        defer { changed = [] }
        return changed
    }
}

extension RelayCore {
    /// So many own incarnations are remembered; the oldest are forgotten.
    private static let ownMax = 4_096

    /// What has been taken of each neighbour's numbers.
    mutating func loadNumbers(_ rows: any RowReader) {
        for state in peers.states where numbers.taken[state.peer.node] == nil {
            let node = state.peer.node
            var found: [(numbers: TakenNumbers, changed: RelayTime)] = []
            scanNumbers(of: node, rows) { found.append(($0, $1)) }
            found.sort { ($0.changed, $0.numbers.incarnation) < ($1.changed, $1.numbers.incarnation) }
            numbers.load(node, found.suffix(TakenNumbers.countMax).map(\.numbers))
        }
    }

    private func scanNumbers(
        of node: NodeID, _ rows: any RowReader, _ body: (TakenNumbers, RelayTime) -> Void
    ) {
        let prefix = Keys.numbers(node)
        rows.scan(.numbers, prefix: prefix) { key, value in
            if key.count == prefix.bytes.count + 4, let row = NumbersRow(record: value) {
                body(
                    TakenNumbers(
                        incarnation: key.number32(at: prefix.bytes.count), counter: row.counter, created: row.created),
                    row.changed)
            }
            return true
        }
    }

    /// From now on numbers of another incarnation are given. Nothing is written before the first is.
    mutating func drawIncarnation(_ rows: any RowReader) {
        if incarnation != 0, nextCounter > 1 {
            numbers.retired.append(TakenNumbers(incarnation: incarnation, counter: nextCounter - 1, created: 0))
        }
        var drawn: UInt32
        repeat {
            drawn = UInt32(truncatingIfNeeded: random.next()) & 0x7fff_ffff
        } while drawn == 0
            || drawn == incarnation || isOwn(drawn, rows)
        incarnation = drawn
        nextCounter = 1
    }

    private func isOwn(_ incarnation: UInt32, _ rows: any RowReader) -> Bool {
        numbers.retired.contains { $0.incarnation == incarnation }
            || rows.value(.numbers, Keys.numbers(node, incarnation: incarnation)) != nil
    }

    /// Has this store given this number to a bundle?
    func hasGiven(_ bundle: BundleID, _ rows: any RowReader) -> Bool {
        guard bundle.source == node.endpoint else { return false }
        if bundle.incarnation == incarnation { return bundle.counter < nextCounter }
        if let old = numbers.retired.first(where: { $0.incarnation == bundle.incarnation }) {
            return bundle.counter <= old.counter
        }
        guard let raw = rows.value(.numbers, Keys.numbers(node, incarnation: bundle.incarnation)),
            let row = NumbersRow(record: raw)
        else { return false }
        return bundle.counter <= row.counter
    }

    /// A bundle is here for good. What a neighbour has made itself counts, whichever way it came.
    mutating func noteTaken(_ bundle: BundleID, _ rows: any RowTransaction) {
        guard let source = bundle.source.node, source != node, peers.position(source) != nil, bundle.incarnation != 0
        else { return }
        if let forgotten = numbers.note(source, bundle) {
            rows.delete(.numbers, Keys.numbers(source, incarnation: forgotten))
        }
    }

    /// At the end of a batch.
    mutating func writeNumbers(_ turn: inout Turn) {
        if metaChanged {
            turn.rows.setNumber(.meta, "nextNumber", nextNumber)
            // Before the first number of an incarnation the counter in the store is still that of the one before.
            if nextCounter > 1 {
                writeIncarnation(&turn)
                turn.rows.setNumber(.meta, "nextCounter", UInt64(nextCounter))
            }
            metaChanged = false
        }
        for (node, incarnation) in numbers.takeChanged() {
            guard let entry = numbers.taken(of: node).last(where: { $0.incarnation == incarnation }) else { continue }
            turn.rows.put(
                .numbers, Keys.numbers(node, incarnation: incarnation),
                NumbersRow(counter: entry.counter, created: entry.created, changed: turn.now.relay).encoded())
        }
    }

    /// The first numbers of this incarnation are given: those before it are written down.
    private mutating func writeIncarnation(_ turn: inout Turn) {
        guard numbers.written != incarnation else { return }
        numbers.written = incarnation
        turn.rows.setNumber(.meta, "incarnation", UInt64(incarnation))
        for old in numbers.retired {
            turn.rows.put(
                .numbers, Keys.numbers(node, incarnation: old.incarnation),
                NumbersRow(counter: old.counter, created: 0, changed: turn.now.relay).encoded())
        }
        numbers.retired = []
        forgetOwn(&turn)
    }

    /// Reports on what is older than history are not believed any more.
    private func forgetOwn(_ turn: inout Turn) {
        var own: [(incarnation: UInt32, changed: RelayTime)] = []
        scanNumbers(of: node, turn.rows) { own.append(($0.incarnation, $1)) }
        own.sort { ($0.changed, $0.incarnation) < ($1.changed, $1.incarnation) }
        let surplus = own.count - Self.ownMax
        for (index, entry) in own.enumerated()
        where index < surplus || entry.changed + limits.historyMemory <= turn.now.relay {
            turn.rows.delete(.numbers, Keys.numbers(node, incarnation: entry.incarnation))
        }
    }

    /// What to tell a node in SESS_INIT.
    func greeting(for other: NodeID?, version: String, wall: WallTime? = nil) -> Greeting {
        Greeting(
            version: version, incarnation: incarnation, counter: nextCounter - 1,
            taken: other.map { numbers.taken(of: $0) } ?? [], clock: wall)
    }

    /// Has the neighbour said, on each session that there is with it, that it understands something that was added since 0.3? Without a
    /// session nothing is known of it.
    public func understands(_ feature: Feature, _ node: NodeID) -> Bool {
        guard let state = peers[node], state.isUp else { return false }
        return state.sessions.allSatisfy { sessions[$0]?.facts.understands(feature) ?? false }
    }

    /// Another incarnation, while there are sessions: neighbours tell two nodes of one identity apart by it, so sessions begin anew.
    mutating func beginIncarnation(_ turn: inout Turn) {
        drawIncarnation(turn.rows)
        for session in sessionOrder where sessions[session]?.isEnding == false {
            turn.effects.append(.endSession(session: session, why: Self.newNumbers))
            sessionEnding(session, turn.now.relay)
        }
    }

    private static let newNumbers = "this node gives its numbers anew"

    /// A neighbour is not believed more often that this node has gone back.
    private static let believedAgainAfter = Milliseconds.hours(1)

    /// Is what a neighbour says of this node's numbers a reason to leave them? Believed now, it is not again for that time.
    mutating func believesOfNumbers(_ peer: NodeID, _ now: RelayTime) -> Bool {
        guard let state = peers[peer],
            state.numbersBelieved == .zero || state.numbersBelieved + Self.believedAgainAfter <= now
        else { return false }
        peers.change(peer) { $0.numbersBelieved = now }
        return true
    }

    /// Before anything is sent to it a neighbour says what it has taken of this incarnation. More than was given: this node has gone back
    /// without a start, as a resumed snapshot of a running machine does.
    mutating func compareNumbers(_ facts: SessionFacts, _ turn: inout Turn) {
        guard let told = facts.greeting?.taken.first(where: { $0.incarnation == incarnation }),
            told.counter >= nextCounter, believesOfNumbers(facts.peer, turn.now.relay)
        else { return }
        let given = nextCounter - 1
        renaming = told.created > 0 ? RenamePass(incarnation: incarnation, after: told.created, node) : nil
        beginIncarnation(&turn)
        turn.effects.append(
            .notice(
                Notice(
                    .alarm,
                    "this node has gone back to an earlier state: \(facts.peer.name) has taken its number \(told.counter), and it has given \(given)",
                    peer: facts.peer, kind: .numbersGivenTwice)))
    }

    private static let renamedPerTurn = 256

    /// What was accepted since then, and has not been sent, gets a new name: the old one may be another document's. What is older keeps
    /// its name: it may have been sent. What cannot be told apart is found at its home.
    mutating func renameSince(_ turn: inout Turn) {
        guard var pass = renaming else { return }
        var found: [(number: UInt64, next: RowKey)] = []
        let prefix = pass.prefix
        pass.next.withBytes { from in
            turn.rows.scan(.bundle, from: from) { key, _ in
                guard prefix.isPrefix(of: key) else { return false }
                let at = prefix.bytes.count
                if key.count == at + 24, UInt32(truncatingIfNeeded: key.number(at: at + 8) >> 32) == pass.incarnation {
                    var after = RowKey(copying: key)
                    after.append(UInt8(0))
                    found.append((key.number(at: at + 16), after))
                }
                return found.count < Self.renamedPerTurn
            }
        }
        for entry in found {
            if turn.recipientsLeft <= 0 { break }
            pass.next = entry.next
            if renameUnsent(entry.number, &turn) { pass.count += 1 }
        }
        renaming = found.isEmpty ? nil : pass
        if found.isEmpty, pass.count > 0 {
            turn.effects.append(
                .notice(
                    Notice(
                        .warning, "envelopes accepted since then and sent under new names: \(pass.count)",
                        kind: .envelopeRenamed)))
        }
    }

    private mutating func renameUnsent(_ number: UInt64, _ turn: inout Turn) -> Bool {
        guard var row = envelope(number, &turn), row.kind == .document, row.origin == nil, row.former == nil,
            active[number] == nil
        else { return false }
        let indexes = row.recipients.indices.filter { index in
            row.recipients[index].state.isQueued && row.recipients[index].routeClass != 0
                && doubt(row, index, now: turn.now.relay) == nil
        }
        guard !indexes.isEmpty else { return false }
        turn.recipientsLeft -= row.recipients.count
        rename(&row, indexes, isTold: false, &turn)
        settle(&row, &turn)
        return true
    }
}

/// A pass over the bundles of this node that were made after a time.
struct RenamePass: Sendable {
    let incarnation: UInt32
    let prefix: RowKey
    var next: RowKey
    var count = 0

    init(incarnation: UInt32, after created: UInt64, _ node: NodeID) {
        self.incarnation = incarnation
        prefix = RowKey(text: node.endpoint.text)
        next = prefix.adding(created == .max ? .max : created + 1)
    }
}
