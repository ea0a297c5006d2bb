// OutcomeScan: what is known of the ends of pairs, read from a snapshot: of one pair, and of many by what operators select, the newest
// first, a bounded number of rows a page. Pure over the rows of one snapshot.

import RelayModel
import RelayRouting
import RelayRows

/// One pair as a list shows it.
public struct KnownOutcome: Sendable, Hashable {
    public var about: OutcomeSubject
    /// Nil: nothing has been heard.
    public var state: ReportedState?
    public var reason: ReportReason
    public var reporter: NodeID?
    public var time: WallTime
    public var order: UInt64
    public var isOpen: Bool
    /// Of a change: the name under which the document goes on.
    public var successor: BundleID?

    init(_ row: OutcomeRow) {
        about = row.about
        state = row.state
        reason = row.reason
        reporter = row.reporter
        time = row.time
        order = row.order
        isOpen = row.isOpen
    }

    public init(_ row: OutcomeChangeRow, order: UInt64) {
        about = row.about
        state = row.state
        reason = row.reason
        reporter = row.reporter
        time = row.time
        self.order = order
        isOpen = false
        successor = row.successor
    }
}

/// What was reported of a pair last, and by whom.
public struct HeardOutcome: Sendable, Hashable {
    public var state: ReportedState
    public var reason: ReportReason
    public var reporter: NodeID?
}

public enum Outcomes {
    /// Of one pair; nil: it was not handed in here, or its memory is over. The inner nil: nothing has been heard.
    public static func state(_ bundle: BundleID, _ recipient: AgencyCode, _ rows: any RowReader) -> ReportedState?? {
        for isBad in [false, true] {
            guard let raw = rows.value(.outcome, Keys.outcome(isBad: isBad, bundle, recipient)),
                let row = OutcomeRow(record: raw), row.about.bundle == bundle
            else { continue }
            return .some(row.state)
        }
        let key = Keys.report(bundle, recipient: recipient, order: UInt64(ReportedState.delivered.rawValue))
        return rows.value(.report, key) == nil ? nil : .some(.delivered)
    }

    /// What the node where a document was handed in has heard of one recipient; nil where that is nothing, and at any other node.
    public static func heard(of bundle: BundleID, _ recipient: String, _ rows: any RowReader) -> HeardOutcome? {
        guard let code = AgencyCode(recipient) else { return nil }
        for isBad in [true, false] {
            guard let raw = rows.value(.outcome, Keys.outcome(isBad: isBad, bundle, code)),
                let row = OutcomeRow(record: raw), row.about.bundle == bundle
            else { continue }
            return row.state.map { HeardOutcome(state: $0, reason: row.reason, reporter: row.reporter) }
        }
        let key = Keys.report(bundle, recipient: code, order: UInt64(ReportedState.delivered.rawValue))
        return rows.value(.report, key).flatMap { ReportRow(record: $0) }.map {
            HeardOutcome(state: .delivered, reason: $0.reason, reporter: $0.reporter)
        }
    }

    /// All pairs of one document that are not delivered.
    public static func all(of bundle: BundleID, _ rows: any RowReader) -> [KnownOutcome] {
        var found: [KnownOutcome] = []
        for isBad in [true, false] {
            rows.scan(.outcome, prefix: Keys.outcomes(isBad: isBad, of: bundle)) { _, value in
                // A number that another node has made is not this node's.
                if let row = OutcomeRow(record: value), row.about.bundle == bundle { found.append(KnownOutcome(row)) }
                return found.count < 1_000
            }
        }
        return found
    }

    /// Open bad ends and delays, by cause, the most first.
    public static func open(_ rows: any RowReader) -> [(cause: OutcomeCause, count: UInt64)] {
        OutcomeCause.all.compactMap { cause in
            let count = rows.number(.counter, CounterKey.outcomeOpen(cause).name)
            return count > 0 ? (cause, count) : nil
        }.sorted { ($1.count, $0.cause) < ($0.count, $1.cause) }
    }

    /// Changes behind an order, the oldest first. `order`: up to where it has looked.
    public static func changes(
        after order: UInt64, limit: Int, budget: Int, _ rows: any RowReader, _ means: (OutcomeChangeRow) -> Bool
    ) -> (changes: [KnownOutcome], order: UInt64) {
        var found: [KnownOutcome] = []
        var last = order
        var looked = 0
        guard order < .max else { return ([], order) }
        Keys.outcomeChange(order + 1).withBytes { first in
            rows.scan(.outcomeChange, from: first) { key, value in
                guard looked < budget, found.count < limit else { return false }
                looked += 1
                last = key.number(at: 0)
                if let row = OutcomeChangeRow(record: value), means(row) {
                    found.append(KnownOutcome(row, order: last))
                }
                return true
            }
        }
        return (found, last)
    }
}

/// One selection's way through the pairs.
public struct OutcomeScan: Sendable {
    public var choice: OutcomeChoice
    public var isOpenOnly = false
    public var cause: OutcomeCause?
    public var from: AgencyPattern?
    public var to: AgencyPattern?

    public init(_ choice: OutcomeChoice) { self.choice = choice }

    private enum Leg: Int { case bad, underWay, delivered }

    private var legs: [Leg] {
        switch choice {
        case .undelivered: isOpenOnly || cause != nil ? [.bad] : [.bad, .underWay]
        case .delivered: [.delivered]
        default: [.bad]
        }
    }

    /// `place`: where an earlier page ended, nil at the end.
    public func page(
        _ rows: any RowReader, from place: ScanPlace?, limit: Int, budget: Int, _ may: (OutcomeSubject) -> Bool
    ) -> (found: [KnownOutcome], place: ScanPlace?, scanned: UInt64) {
        var found: [KnownOutcome] = []
        var scanned = 0
        let legs = legs
        var here = place
        for leg in legs where leg.rawValue >= here?.leg ?? 0 {
            var before = start(leg)
            if let place = here, place.leg == leg.rawValue, !place.after.isEmpty {
                before = place.after.withUnsafeBytes { RowKey(copying: $0) }
            }
            here = nil
            while let row = rows.row(leg == .delivered ? .outcomeChange : .outcome, before: before) {
                guard belongs(row.key, leg) else { break }
                guard scanned < budget, found.count < limit else {
                    return (found, ScanPlace(leg: leg.rawValue, after: before.bytes), UInt64(scanned))
                }
                scanned += 1
                before = RowKey(copying: row.key)
                guard let known = read(row.key, row.value, leg), means(known), may(known.about) else { continue }
                found.append(known)
            }
        }
        return (found, nil, UInt64(scanned))
    }

    private func start(_ leg: Leg) -> RowKey {
        switch leg {
        case .bad: Keys.outcomes(isBad: true).adding(UInt64.max)
        case .underWay: Keys.outcomes(isBad: true)
        case .delivered: Keys.outcomeChange(.max)
        }
    }

    private func belongs(_ key: UnsafeRawBufferPointer, _ leg: Leg) -> Bool {
        switch leg {
        case .bad: Keys.outcomes(isBad: true).isPrefix(of: key)
        case .underWay: Keys.outcomes(isBad: false).isPrefix(of: key)
        case .delivered: true
        }
    }

    private func read(
        _ key: UnsafeRawBufferPointer, _ value: UnsafeRawBufferPointer, _ leg: Leg
    ) -> KnownOutcome? {
        guard leg == .delivered else { return OutcomeRow(record: value).map(KnownOutcome.init) }
        let order = key.number(at: 0)
        return OutcomeChangeRow(record: value).map { KnownOutcome($0, order: order) }
    }

    private func means(_ known: KnownOutcome) -> Bool {
        guard choice.means(known.state), !isOpenOnly || known.isOpen else { return false }
        if let cause, known.state.flatMap({ OutcomeCause($0, known.reason) }) != cause { return false }
        if let from {
            guard let sender = AgencyCode(known.about.sender), from.covers(sender) else { return false }
        }
        return to?.covers(known.about.recipient) ?? true
    }
}
