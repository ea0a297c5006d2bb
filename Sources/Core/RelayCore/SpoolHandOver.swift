// SpoolHandOver: a document that has arrived goes into its agency's spool. Written into `tmp` and synced while it is *arrived*; then
// *handing over* is committed, and only then it is renamed into `new`; then *delivered* is committed. Whatever the process is killed
// at, the file in `tmp` tells what was done: it is there, and is renamed; or it is gone, and was.
//
// The steps of many documents are given to the shell in one turn, which does them together, and their answers come in one batch: a
// commit for all. What is under way to an agency is bounded in number and octets, what a turn begins for all agencies in number.
//
// Failures: what the directory does not allow pauses its agency's spool, with one notice for each kind of trouble, until no document is
// in trouble. What was written into a folder that another has replaced waits by itself, and others pass it. A document whose bytes are
// not what they should be is set aside as *corrupt*.

import RelayModel
import RelayRows

extension RelayCore {
    /// What was *handing over* when the process ended goes on.
    mutating func loadSpools(_ turn: inout Turn) {
        var unreadable: [(RowKey, [UInt8])] = []
        turn.rows.scan(.spool, prefix: RowKey()) { key, value in
            guard let end = key.firstIndex(of: 0), key.count == end + 9,
                let agency = AgencyCode(String(decoding: key[..<end], as: UTF8.self)),
                let row = SpoolRow(record: value)
            else {
                unreadable.append((RowKey(copying: key), [UInt8](value)))
                return true
            }
            var state = spools[agency] ?? SpoolState(agency: agency)
            let number = key.number(at: end + 1)
            state.flights[number] = SpoolFlight(
                bundle: BundleID(source: .none, creationTime: 0, sequence: 0), directory: row.directory,
                file: row.file, weight: 0, step: .moving(folder: row.folder))
            state.moves.insert(number)
            spools[agency] = state
            return true
        }
        for (key, record) in unreadable { setAside(.spool, key, record, &turn) }
        for agency in spools.order {
            for number in spools[agency]?.flights.keys.sorted() ?? [] {
                guard let row = envelope(number, &turn) else { continue }
                spools[agency]?.flights[number]?.bundle = row.bundle
                spools[agency]?.flights[number]?.weight = row.spoolWeight
                let recipient = row.recipients.first { $0.name == agency.text && $0.state == .handing }
                spools[agency]?.flights[number]?.since = recipient?.since
            }
        }
        inHand(0)
        spools.configure(configuration.spools)
    }

    /// Gives the shell what can be done now: renames that wait, then documents of the inbox, the oldest first. The agency at which the
    /// turn ends is the first of the next one.
    mutating func feedSpools(_ turn: inout Turn) {
        spools.due = nil
        guard !spools.order.isEmpty else { return }
        var budget = SpoolTable.rowsPerTurn
        for agency in spools.takeOrder() {
            guard budget > 0 else {
                spools.first = agency
                spools.wake(at: .zero)
                break
            }
            // Out of the table while it changes: a copy would be one of all that is under way.
            guard var state = spools.take(agency) else { continue }
            beginMoves(&state, &budget, &turn)
            if let spool = state.spool {
                if state.notBefore <= turn.now.relay {
                    fill(&state, spool, &budget, &turn)
                    forgetGone(&state, &turn)
                } else if !state.isDry {
                    spools.wake(at: state.notBefore)
                }
            }
            spools.put(state)
        }
        inHand(0)
    }

    private mutating func beginMoves(_ state: inout SpoolState, _ budget: inout Int, _ turn: inout Turn) {
        if state.moves.isEmpty { return }
        guard state.notBefore <= turn.now.relay else { return spools.wake(at: state.notBefore) }
        for number in state.moves.sorted() {
            guard let flight = state.flights[number], case .moving(let folder) = flight.step else { continue }
            guard flight.notBefore <= turn.now.relay else {
                spools.wake(at: flight.notBefore)
                continue
            }
            guard budget > 0 else { return spools.wake(at: .zero) }
            budget -= 1
            let content = envelope(number, &turn).map {
                HandOver.Content(length: $0.payloadLength, digest: $0.document?.digest)
            }
            state.moves.remove(number)
            let ticket = begin(state, number, flight, .move(folder: folder, document: content), &turn)
            state.flights[number]?.ticket = ticket
        }
    }

    private mutating func fill(
        _ state: inout SpoolState, _ spool: Spool, _ budget: inout Int, _ turn: inout Turn
    ) {
        if state.isDry { return }
        let prefix = RowKey(text: spool.agency.text)
        var underWay = state.underWay(in: spool.directory)
        while !state.isDry, underWay.count < spool.atOnce {
            guard budget > 0 else { return spools.wake(at: .zero) }
            budget -= 1
            let from = Keys.inbox(spool.agency.text, number: state.scanned + 1)
            guard let found = turn.rows.row(.inbox, atOrAfter: from), prefix.isPrefix(of: found.key) else {
                state.isDry = true
                return
            }
            let number = found.key.number(at: found.key.count - 8)
            let before = state.scanned
            state.scanned = number
            // What came with the copy that this store was restored from may have been taken before: its release is the operator's.
            if restoration?.row.keepsFromSpool(number) ?? false { continue }
            guard state.flights[number] == nil, let row = envelope(number, &turn),
                row.recipients.contains(where: { $0.name == spool.agency.text && $0.state == .arrived })
            else { continue }
            let weight = row.spoolWeight
            guard underWay.takes(weight) else {
                // When others have ended.
                state.scanned = before
                return
            }
            underWay.add(weight)
            var flight = SpoolFlight(
                bundle: row.bundle, directory: spool.directory,
                file: Self.fileName(row.bundle, number: number, spool.agency), weight: weight, step: .writing)
            let step = HandOver.Step.write(
                payload: payload(of: row, turn.rows), length: row.payloadLength, digest: row.document?.digest,
                spool: spool)
            flight.ticket = begin(
                state, number, flight, step, &turn, facts: spool.hasSidecar ? facts(of: row, spool.agency, turn) : nil)
            state.flights[number] = flight
        }
    }

    private func facts(of row: EnvelopeRow, _ agency: AgencyCode, _ turn: Turn) -> HandOver.Facts {
        let since = row.recipients.first { $0.name == agency.text }?.since ?? turn.now.relay
        let ago = turn.now.relay.since(since).count
        let wall = turn.now.wall.milliseconds
        return HandOver.Facts(
            document: row.document, source: row.bundle.source,
            arrived: WallTime(milliseconds: wall > ago ? wall - ago : 0), length: row.payloadLength)
    }

    private func payload(of row: EnvelopeRow, _ rows: any RowReader) -> [ExtentRange] {
        guard row.isInPieces else { return [ExtentRange(extent: row.extent, offset: 0, length: row.payloadLength)] }
        return pieces(of: row.number, rows).map {
            ExtentRange(extent: $0.extent, offset: $0.extentOffset, length: $0.length)
        }
    }

    /// A ticket is drawn, not counted: an answer to the engine before this one must not be taken for another's.
    private mutating func begin(
        _ state: borrowing SpoolState, _ number: UInt64, _ flight: SpoolFlight, _ step: HandOver.Step,
        _ turn: inout Turn, facts: HandOver.Facts? = nil
    ) -> Ticket {
        let ticket = Ticket(random.next())
        var order = HandOver(
            ticket: ticket, agency: state.agency, number: number, bundle: flight.bundle, directory: flight.directory,
            file: flight.file, step: step, patience: state.spool?.patience ?? Spool.patience)
        order.facts = facts
        turn.effects.append(.handOver(order))
        if case .discard = step { return ticket }
        spools.tickets[ticket] = (state.agency, number)
        return ticket
    }

    // MARK: - Answers of the shell

    mutating func handedOver(_ ticket: Ticket, folder: UInt64, _ turn: inout Turn) {
        guard let (agency, number) = spools.tickets.removeValue(forKey: ticket), var state = spools.take(agency)
        else { return }
        defer { spools.put(state) }
        guard let flight = state.flights[number] else { return }
        relieve(&state, [number], &turn)
        state.attempts = 0
        switch flight.step {
        case .writing: written(&state, number, flight, folder, &turn)
        case .moving: moved(&state, number, &turn)
        }
    }

    /// It is in `tmp`, whole and on disk. From now on it belongs to the spool.
    private mutating func written(
        _ state: inout SpoolState, _ number: UInt64, _ flight: SpoolFlight, _ folder: UInt64, _ turn: inout Turn
    ) {
        let name = state.agency.text
        guard state.spool?.directory == flight.directory, var row = envelope(number, &turn),
            let index = row.recipients.firstIndex(where: { $0.name == name && $0.state == .arrived })
        else {
            // Taken from the inbox while it was written, or the spool is another one now.
            state.flights[number] = nil
            _ = begin(state, number, flight, .discard, &turn)
            return state.offer(number)
        }
        move(&row, index, to: .handing, turn.now.relay)
        turn.rows.put(
            .spool, Keys.spool(name, number: number),
            SpoolRow(directory: flight.directory, file: flight.file, folder: folder).encoded())
        save(row, turn.rows)
        var next = flight
        next.step = .moving(folder: folder)
        next.ticket = nil
        next.since = turn.now.relay
        state.flights[number] = next
        state.moves.insert(number)
    }

    /// It is in `new`: delivered, which is final.
    private mutating func moved(_ state: inout SpoolState, _ number: UInt64, _ turn: inout Turn) {
        state.flights[number] = nil
        turn.rows.delete(.spool, Keys.spool(state.agency.text, number: number))
        guard var row = envelope(number, &turn),
            let index = row.recipients.firstIndex(where: { $0.name == state.agency.text && $0.state == .handing })
        else { return }
        end(&row, index, .delivered, .none, &turn)
        settle(&row, &turn)
    }

    mutating func handOverFailed(_ ticket: Ticket, _ failure: HandOverFailure, _ turn: inout Turn) {
        guard let (agency, number) = spools.tickets.removeValue(forKey: ticket), var state = spools.take(agency)
        else { return }
        defer { spools.put(state) }
        guard let flight = state.flights[number] else { return }
        if flight.step == .writing {
            state.flights[number] = nil
        } else {
            state.flights[number]?.ticket = nil
            state.moves.insert(number)
        }
        switch failure {
        case .document(let why):
            setAsideDamaged(agency, number, why, &turn)
            relieve(&state, [number], &turn)
        case .place where flight.step != .writing, .folderGone where flight.step != .writing:
            let attempts = flight.attempts &+ 1
            state.flights[number]?.attempts = attempts
            state.flights[number]?.notBefore = turn.now.relay + pause(attempts)
            guard state.note(number, failure) else { return }
            // The others will fail at the same.
            let alike = state.flights.values.count { $0.directory == flight.directory && $0.step == flight.step }
            turn.effects.append(
                .notice(
                    Notice(
                        .alarm,
                        "the spool of \(agency) does not take documents that are handing over (\(alike)), tried again: \(failure.sentence)",
                        agency: agency, kind: .spoolTroubled)))
        case .spool, .room, .place, .folderGone:
            if flight.step == .writing { state.offer(number) }
            // Several steps may fail for one reason: they are one failure.
            if state.notBefore <= turn.now.relay {
                state.attempts = state.attempts &+ 1
                state.notBefore = turn.now.relay + pause(state.attempts)
            }
            guard state.note(number, failure) else { return }
            turn.effects.append(
                .notice(
                    Notice(
                        .alarm, "the spool of \(agency) takes no documents, tried again: \(failure.sentence)",
                        agency: agency, kind: .spoolTroubled)))
        }
    }

    /// Whether the agency has had it, nobody here can know: it may be ended by who does.
    func hasLostItsFolder(_ number: UInt64, _ agency: AgencyCode) -> Bool {
        guard let state = spools[agency], let flight = state.flights[number], flight.ticket == nil else { return false }
        if case .folderGone = state.troubles[number] { return true }
        return false
    }

    /// A recipient ends while it is *handing over*, for somebody knows that its agency has the document.
    mutating func leaveSpool(_ recipient: RecipientRow, _ number: UInt64, _ turn: inout Turn) {
        guard recipient.state == .handing, let agency = AgencyCode(recipient.name) else { return }
        turn.rows.delete(.spool, Keys.spool(recipient.name, number: number))
        guard var state = spools.take(agency) else { return }
        state.flights[number] = nil
        state.moves.remove(number)
        relieve(&state, [number], &turn)
        spools.put(state)
    }

    private mutating func pause(_ attempts: UInt32) -> Milliseconds {
        Backoff(minimum: limits.pauseMin, maximum: limits.pauseMax).delay(attempt: attempts, random: &random)
    }

    /// These documents are out of trouble. It is over when no document is in any.
    private func relieve(_ state: inout SpoolState, _ numbers: [UInt64], _ turn: inout Turn) {
        if state.troubles.isEmpty { return }
        for number in numbers { state.troubles[number] = nil }
        guard state.troubles.isEmpty, state.stall.isEmpty else { return }
        turn.effects.append(.notice(Self.resumed(state.agency)))
    }

    private static func resumed(_ agency: AgencyCode) -> Notice {
        Notice(.notice, "the spool of \(agency) takes documents again", agency: agency, kind: .spoolResumed)
    }

    /// What could not be written, and is no longer in the inbox: somebody has taken it there.
    private func forgetGone(_ state: inout SpoolState, _ turn: inout Turn) {
        if state.troubles.isEmpty { return }
        let gone = state.troubles.keys.filter {
            state.flights[$0] == nil && (state.isDry || $0 <= state.scanned)
        }
        relieve(&state, gone, &turn)
    }

    /// A call on its disk has not returned. What is under way there stays so; a new engine finds what became of it.
    mutating func spoolStalled(
        _ agency: AgencyCode, _ directory: String, after time: Milliseconds, _ turn: inout Turn
    ) {
        guard var state = spools[agency], state.stall.isEmpty else { return }
        state.stall = "\(directory): its disk has not answered for \(time.count / 1_000) s"
        turn.effects.append(
            .notice(
                Notice(
                    .alarm, "the spool of \(agency) takes no documents: \(state.stall)", agency: agency,
                    kind: .spoolTroubled)))
        spools[agency] = state
    }

    /// That it takes documents is said here only if nothing else is wrong.
    mutating func spoolAnswers(_ agency: AgencyCode, _ turn: inout Turn) {
        guard var state = spools[agency], !state.stall.isEmpty else { return }
        state.stall = ""
        if state.troubles.isEmpty { turn.effects.append(.notice(Self.resumed(agency))) }
        spools[agency] = state
    }

    /// The store has lost a part of it. It stays under the eyes of the operator.
    private mutating func setAsideDamaged(
        _ agency: AgencyCode, _ number: UInt64, _ why: String, _ turn: inout Turn
    ) {
        guard var row = envelope(number, &turn),
            let index = row.recipients.firstIndex(where: { $0.name == agency.text && $0.state == .arrived })
        else { return }
        turn.rows.delete(.inbox, Keys.inbox(agency.text, number: number))
        move(&row, index, to: .corrupt, turn.now.relay)
        row.recipients[index].hasArrived = true
        LookupIndex.park(row, turn.rows)
        row.recipients[index].lastAnswer = why
        ledger.count(.corruptRecord)
        turn.effects.append(
            .notice(
                Notice(
                    .alarm, "not handed over to \(agency), set aside: \(why)", envelope: row.bundle, agency: agency,
                    kind: .spoolSetAside)))
        save(row, turn.rows)
    }

    mutating func reconfigureSpools() { spools.configure(configuration.spools) }

    // MARK: - What operators may see

    public var spoolViews: [SpoolView] {
        spools.order.compactMap { spools[$0] }.map { state in
            let common = state.commonTrouble
            let stuck = state.flights.filter { state.isStuck($0.key) }
            var view = SpoolView(
                agency: state.agency, directory: state.spool?.directory, underWay: state.flights.count,
                trouble: common ?? state.ownTrouble ?? "", stuck: common == nil ? stuck.count : 0,
                oldest: state.flights.values.compactMap(\.since).min())
            if common == nil {
                view.nextAttempt = stuck.values.map(\.notBefore).min()
            } else if state.stall.isEmpty {
                view.nextAttempt = state.notBefore
            }
            view.unknown = state.flights.keys.filter { hasLostItsFolder($0, state.agency) }.sorted()
            view.waitsForRelease = state.spool != nil && restoration.map { $0.row.phase != .released } ?? false
            return view
        }
    }

    /// Why a recipient at home is not delivered yet; nil when it waits for its agency to come.
    func spoolSentences(_ row: EnvelopeRow, _ recipient: RecipientRow) -> [String]? {
        guard let agency = AgencyCode(recipient.name), let state = spools[agency] else { return nil }
        var lines: [String] = []
        switch (recipient.state, state.flights[row.number]) {
        case (.handing, let flight?):
            let place = flight.directory
            lines = ["handing over: written to \(place)/tmp/\(flight.file), on its way into \(place)/new"]
            if restoration?.row.mayRepeat(recipient, of: row.number) ?? false {
                lines.append("the store was restored from a copy: the agency may have taken it since; ask it first")
            }
        case (.arrived, let flight?): lines = ["arrived; is being written to \(flight.directory)/tmp/\(flight.file)"]
        case (.arrived, nil):
            guard let spool = state.spool else { return nil }
            lines =
                restoration?.row.keepsFromSpool(row.number) ?? false
                ? ["arrived; held since the restore: edocctl restore release gives it to the spool \(spool.directory)"]
                : ["arrived; waits for the spool \(spool.directory)"]
        default: return nil
        }
        if let common = state.commonTrouble {
            lines.append("the spool takes no documents: \(common)")
        } else if let own = state.troubles[row.number] {
            lines.append("the spool does not take it: \(own.sentence)")
        }
        return lines
    }

    func spoolAttempt(_ row: EnvelopeRow, _ recipient: RecipientRow) -> RelayTime? {
        guard let agency = AgencyCode(recipient.name), let state = spools[agency], state.stall.isEmpty else {
            return nil
        }
        if state.isStuck(row.number), let flight = state.flights[row.number] {
            return max(flight.notBefore, state.notBefore)
        }
        return state.commonTrouble == nil ? nil : state.notBefore
    }

    // MARK: - Names

    /// Octets of a file's name that every file system takes.
    static let fileNameBytesMax = 255

    /// `<envelope>-<recipient>`. Names of foreign envelopes hold whatever their source likes: what could mean something to a file
    /// system or a shell is written as its number, so that no two names become one.
    static func fileName(_ bundle: BundleID, number: UInt64, _ agency: AgencyCode) -> String {
        let suffix = "-" + agency.text
        let digits = Array("0123456789abcdef".utf8)
        var name: [UInt8] = []
        for byte in bundle.envelopeName.utf8 {
            switch byte {
            case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "a")...UInt8(ascii: "z"),
                UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "-"), UInt8(ascii: "_"), UInt8(ascii: "@"):
                name.append(byte)
            case UInt8(ascii: ".") where !name.isEmpty: name.append(byte)
            default: name += [UInt8(ascii: "%"), digits[Int(byte >> 4)], digits[Int(byte & 15)]]
            }
        }
        if name.count > fileNameBytesMax - suffix.utf8.count {
            // Two long names that begin alike still have their own numbers on this node.
            name = Array(name.prefix(fileNameBytesMax - suffix.utf8.count - 24)) + Array("~\(number)".utf8)
        }
        return String(decoding: name, as: UTF8.self) + suffix
    }
}
