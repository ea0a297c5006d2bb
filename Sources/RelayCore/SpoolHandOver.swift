// SpoolHandOver: a document that has arrived goes into its agency's spool. Written into `tmp` and synced while it is *arrived*; then
// *handing over* is committed, and only then it is renamed into `new`; then *delivered* is committed. Whatever the process is killed
// at, the file in `tmp` tells what was done: it is there, and is renamed; or it is gone, and was.
//
// Failures: what the directory does not allow pauses its agency's spool, with one notice a change; a document whose bytes are not what
// they should be is set aside as *corrupt*.

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
                file: row.file, step: .moving(folder: row.folder))
            spools[agency] = state
            return true
        }
        for (key, record) in unreadable { setAside(.spool, key, record, &turn) }
        for agency in spools.order {
            for number in spools[agency]?.flights.keys.sorted() ?? [] {
                guard let row = envelope(number, &turn) else { continue }
                spools[agency]?.flights[number]?.bundle = row.bundle
            }
        }
        inHand(0)
        spools.configure(configuration.spools)
    }

    /// Gives the shell what can be done now: renames that wait, then documents of the inbox, the oldest first.
    mutating func feedSpools(_ turn: inout Turn) {
        spools.due = nil
        guard !spools.order.isEmpty else { return }
        for agency in spools.order {
            guard var state = spools[agency] else { continue }
            if state.notBefore > turn.now.relay {
                if !state.isDry || state.flights.values.contains(where: { $0.ticket == nil }) {
                    spools.due = min(spools.due ?? .never, state.notBefore)
                }
                continue
            }
            for number in state.flights.keys.sorted() {
                guard let flight = state.flights[number], flight.ticket == nil, case .moving(let folder) = flight.step
                else { continue }
                state.flights[number]?.ticket = begin(agency, number, flight, .move(folder: folder), &turn)
                state.flights[number]?.hasLostFolder = false
            }
            if let spool = state.spool { fill(&state, spool, &turn) }
            spools[agency] = state
        }
        inHand(0)
    }

    private mutating func fill(_ state: inout SpoolState, _ spool: Spool, _ turn: inout Turn) {
        var budget = SpoolTable.rowsPerTurn
        let prefix = RowKey(text: spool.agency.text)
        // What hangs in a directory that was configured before does not count: it may hang for ever.
        var underWay = state.flights.values.count { $0.directory == spool.directory }
        while !state.isDry, underWay < spool.atOnce {
            guard budget > 0 else {
                spools.due = .zero
                return
            }
            budget -= 1
            let from = Keys.inbox(spool.agency.text, number: state.scanned + 1)
            guard let found = turn.rows.row(.inbox, atOrAfter: from), prefix.isPrefix(of: found.key) else {
                state.isDry = true
                return
            }
            let number = found.key.number(at: found.key.count - 8)
            state.scanned = number
            // What came with the copy that this store was restored from may have been taken before: its release is the operator's.
            if restoration?.row.keepsFromSpool(number) ?? false { continue }
            guard state.flights[number] == nil, let row = envelope(number, &turn),
                row.recipients.contains(where: { $0.name == spool.agency.text && $0.state == .arrived })
            else { continue }
            var flight = SpoolFlight(
                bundle: row.bundle, directory: spool.directory,
                file: Self.fileName(row.bundle, number: number, spool.agency), step: .writing)
            let step = HandOver.Step.write(
                payload: payload(of: row, turn.rows), length: row.payloadLength, digest: row.document?.digest,
                spool: spool)
            flight.ticket = begin(spool.agency, number, flight, step, &turn)
            state.flights[number] = flight
            underWay += 1
        }
    }

    private func payload(of row: EnvelopeRow, _ rows: any RowReader) -> [ExtentRange] {
        guard row.isInPieces else { return [ExtentRange(extent: row.extent, offset: 0, length: row.payloadLength)] }
        return pieces(of: row.number, rows).map {
            ExtentRange(extent: $0.extent, offset: $0.extentOffset, length: $0.length)
        }
    }

    /// A ticket is drawn, not counted: an answer to the engine before this one must not be taken for another's.
    private mutating func begin(
        _ agency: AgencyCode, _ number: UInt64, _ flight: SpoolFlight, _ step: HandOver.Step, _ turn: inout Turn
    ) -> Ticket {
        let ticket = Ticket(random.next())
        turn.effects.append(
            .handOver(
                HandOver(
                    ticket: ticket, agency: agency, number: number, bundle: flight.bundle,
                    directory: flight.directory, file: flight.file, step: step,
                    patience: spools[agency]?.spool?.patience ?? Spool.patience)))
        if case .discard = step { return ticket }
        spools.tickets[ticket] = (agency, number)
        return ticket
    }

    // MARK: - Answers of the shell

    mutating func handedOver(_ ticket: Ticket, folder: UInt64, _ turn: inout Turn) {
        guard let (agency, number) = spools.tickets.removeValue(forKey: ticket), var state = spools[agency],
            let flight = state.flights[number]
        else { return }
        if !state.trouble.isEmpty {
            turn.effects.append(.notice(Self.takesAgain(agency)))
        }
        state.trouble = ""
        state.attempts = 0
        switch flight.step {
        case .writing: written(&state, number, flight, folder, &turn)
        case .moving: moved(&state, number, &turn)
        }
        spools[agency] = state.spool == nil && state.flights.isEmpty ? nil : state
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
            _ = begin(state.agency, number, flight, .discard, &turn)
            return state.offer(number)
        }
        move(&row, index, to: .handing, turn.now.relay)
        turn.rows.put(
            .spool, Keys.spool(name, number: number),
            SpoolRow(directory: flight.directory, file: flight.file, folder: folder).encoded())
        save(row, turn.rows)
        state.flights[number]?.step = .moving(folder: folder)
        state.flights[number]?.ticket = nil
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
        guard let (agency, number) = spools.tickets.removeValue(forKey: ticket), var state = spools[agency],
            let flight = state.flights[number]
        else { return }
        if flight.step == .writing { state.flights[number] = nil } else { state.flights[number]?.ticket = nil }
        switch failure {
        case .document(let why): setAsideDamaged(agency, number, why, &turn)
        case .spool(let why), .folderGone(let why):
            if case .folderGone = failure { state.flights[number]?.hasLostFolder = true }
            if flight.step == .writing { state.offer(number) }
            pause(&state, why, &turn)
        }
        spools[agency] = state.spool == nil && state.flights.isEmpty ? nil : state
    }

    /// Whether the agency has had it, nobody here can know: it may be ended by who does.
    func hasLostItsFolder(_ number: UInt64, _ agency: AgencyCode) -> Bool {
        guard let flight = spools[agency]?.flights[number] else { return false }
        return flight.hasLostFolder && flight.ticket == nil
    }

    /// A recipient ends while it is *handing over*, for somebody knows that its agency has the document.
    mutating func leaveSpool(_ recipient: RecipientRow, _ number: UInt64, _ turn: inout Turn) {
        guard recipient.state == .handing, let agency = AgencyCode(recipient.name) else { return }
        turn.rows.delete(.spool, Keys.spool(recipient.name, number: number))
        guard var state = spools[agency] else { return }
        let flight = state.flights.removeValue(forKey: number)
        if flight?.hasLostFolder ?? false, !state.flights.values.contains(where: \.hasLostFolder) {
            // It was what stood in the way.
            turn.effects.append(.notice(Self.takesAgain(agency)))
            state.trouble = ""
            state.attempts = 0
            state.notBefore = .zero
        }
        spools[agency] = state.spool == nil && state.flights.isEmpty ? nil : state
    }

    /// Several steps may fail for one reason: they are one failure.
    private mutating func pause(_ state: inout SpoolState, _ why: String, _ turn: inout Turn) {
        if state.notBefore <= turn.now.relay {
            state.attempts = state.attempts &+ 1
            let backoff = Backoff(minimum: limits.pauseMin, maximum: limits.pauseMax)
            state.notBefore = turn.now.relay + backoff.delay(attempt: state.attempts, random: &random)
        }
        guard state.trouble != why else { return }
        state.trouble = why
        turn.effects.append(
            .notice(
                Notice(
                    .alarm, "the spool of \(state.agency) takes no documents, tried again: \(why)",
                    agency: state.agency, kind: .spoolTroubled)))
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
        if state.trouble.isEmpty {
            turn.effects.append(.notice(Self.takesAgain(agency)))
        }
        spools[agency] = state
    }

    private static func takesAgain(_ agency: AgencyCode) -> Notice {
        Notice(.notice, "the spool of \(agency) takes documents again", agency: agency, kind: .spoolResumed)
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
            SpoolView(
                agency: state.agency, directory: state.spool?.directory, underWay: state.flights.count,
                trouble: state.problem,
                nextAttempt: state.problem.isEmpty || !state.stall.isEmpty ? nil : state.notBefore,
                unknown: state.flights.keys.filter { hasLostItsFolder($0, state.agency) }.sorted(),
                waitsForRelease: state.spool != nil && restoration.map { $0.row.phase != .released } ?? false)
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
        if !state.problem.isEmpty { lines.append("the spool takes no documents: \(state.problem)") }
        return lines
    }

    func spoolAttempt(_ recipient: RecipientRow) -> RelayTime? {
        guard let agency = AgencyCode(recipient.name), let state = spools[agency], !state.trouble.isEmpty,
            state.stall.isEmpty
        else {
            return nil
        }
        return state.notBefore
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
