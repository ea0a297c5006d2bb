// MetricsFigures: all that a metrics page shows, gathered from counters, the engine's view and the process: nothing is counted for the page
// alone, and no envelope is looked at. Peers are those of the configuration; agencies are no labels. A value.

import ControlAPI
import RelayCore
import RelayModel
import RelayRows

struct MetricsFigures: Sendable {
    var node: String
    var now: ClockReading
    var findings: [Finding] = []
    var facts: NodeFacts
    var watch: WatchFacts
    var rows: Rows
    /// Nil when the engine has not answered in time.
    var engine: EngineFigures?
    var sessions: [SessionInfo]
    /// By configuration, in its order.
    var peers: [NodeID]
    /// Clients dropped, by socket.
    var drops: [(socket: String, count: UInt64)] = []

    /// How long the oldest document has waited to be taken, from an inbox or through a spool; nil when none waits.
    var oldestArrivedSeconds: UInt64? {
        let ages = [
            rows.inboxes.agencies > 0 ? rows.inboxes.oldestSeconds : nil,
            engine?.oldestHanding.map { now.relay.since($0).count / 1_000 },
        ]
        return ages.compactMap(\.self).max()
    }

    /// Of one snapshot of the store.
    struct Rows: Sendable {
        /// Pairs by state word; of documents and of reports.
        var states: [[String: UInt64]] = [[:], [:]]
        var ended: [[String: UInt64]] = [[:], [:]]
        var submitted: [UInt64] = [0, 0]
        var taken: [UInt64] = [0, 0]
        var balances = [true, true]
        var ledger: [LedgerAnswer.Peer] = []
        var refusedTransfers: [String: UInt64] = [:]
        var refusedSubmissions: [String: UInt64] = [:]
        var corrupt: UInt64 = 0
        /// The last good copy of the store.
        var backup: WallTime?
        /// The end of the oldest copy in history.
        var historyFrom: RelayTime?
        var suspensions: UInt64 = 0
        var refusedEverywhere: UInt64 = 0
        var envelopes: UInt64 = 0
        var payloadBytes: UInt64 = 0
        var queues: [QueueFigures.Key: QueueFigures] = [:]
        var inboxes: OldestArrived = OldestArrived()
        /// Changes of outcomes, and open ones, by what they are.
        var outcomes: [ReportedState: UInt64] = [:]
        var openOutcomes: [ReportedState: UInt64] = [:]
        /// What of each peer was refused, by cause, where it was.
        var refusedOf: [(peer: NodeID, cause: RefusalCause, count: UInt64)] = []
    }

    /// What only the engine knows.
    struct EngineFigures: Sendable {
        var peers: [PeerView]
        var active: Int
        var staged: UInt64
        var isClockDoubted: Bool
        var spoolsTroubled: Int
        /// Since when the oldest document that is *handing over* to a spool has been so.
        var oldestHanding: RelayTime?
        var hopTimes: HopTimes
        var milliseconds: UInt64
    }
}

/// What waits for one peer in one urgency. A copy that may go to several peers counts for the one that its route prefers.
struct QueueFigures: Sendable, Hashable {
    enum Place: Sendable, Hashable {
        case peer(NodeID)
        /// For agencies that are suspended, whatever their hops are.
        case suspended
        /// At home here, its digest being checked; or for a hop that is no peer any more.
        case none

        var label: String {
            switch self {
            case .peer(let node): node.name
            case .suspended: "(suspended)"
            case .none: "(none)"
            }
        }
    }

    struct Key: Sendable, Hashable {
        var place: Place
        var urgency: Urgency
    }
    var count: UInt64 = 0
    var bytes: UInt64 = 0
    var oldestSeconds: UInt64 = 0

    /// From the age cells of the counters.
    static func all(_ reader: any RowReader, peers: [NodeID], now: RelayTime) -> [Key: QueueFigures] {
        let known = Set(peers)
        var places: [UInt32: Place] = [:]
        reader.scan(.routeClass, prefix: RowKey()) { key, value in
            guard key.count == 4, let row = RouteClassRow(record: value) else { return true }
            if row.isSuspended {
                places[key.number32(at: 0)] = .suspended
            } else if let first = row.hops.first, known.contains(first) {
                places[key.number32(at: 0)] = .peer(first)
            }
            return true
        }
        var result: [Key: QueueFigures] = [:]
        for (cell, seconds) in AgeCell.aged(reader, at: now) where cell.count > 0 {
            guard case .queued(let routeClass) = cell.place else { continue }
            let key = Key(place: places[routeClass] ?? .none, urgency: cell.urgency)
            var figures = result[key] ?? QueueFigures()
            figures.count &+= cell.count
            figures.bytes &+= cell.bytes
            figures.oldestSeconds = max(figures.oldestSeconds, seconds)
            result[key] = figures
        }
        return result
    }
}

/// What waits in inboxes, from the same cells.
struct OldestArrived: Sendable {
    /// Agencies at home here for which something waits.
    var agencies = 0
    var oldestSeconds: UInt64 = 0

    init() {}

    init(_ rows: any RowReader, now: RelayTime) {
        var names: Set<String> = []
        for (cell, seconds) in AgeCell.aged(rows, at: now) where cell.count > 0 {
            guard case .arrived(let agency) = cell.place else { continue }
            names.insert(agency)
            oldestSeconds = max(oldestSeconds, seconds)
        }
        agencies = names.count
    }
}

extension MetricsFigures.Rows {
    init(_ rows: any RowReader, peers: [NodeID], now: RelayTime) {
        self.init()
        for (index, admin) in [false, true].enumerated() {
            let book = Books.book(rows, admin: admin)
            states[index] = book.inStore
            ended[index] = book.ended
            submitted[index] = book.submitted
            taken[index] = book.taken
            balances[index] = book.balances
        }
        ledger = peers.map { Books.peer($0, rows) }
        refusedTransfers = Books.causes(rows, RefusalCause.allCases.map(\.rawValue)) { .refusedToPeer($0) }
        refusedSubmissions = Books.causes(rows, SubmissionRefusal.allCases.map(\.rawValue)) { .submissionRefused($0) }
        refusedEverywhere = rows.number(.counter, CounterKey.refusedEverywhere.name)
        corrupt = rows.number(.counter, CounterKey.corruptRecord.name)
        backup = LastBackup.read(rows)
        historyFrom = rows.row(.history, atOrAfter: RowKey()).map { RelayTime(milliseconds: $0.key.number(at: 0)) }
        suspensions = rows.count(.suspension)
        envelopes = rows.number(.counter, CounterKey.stockCount(.everything).name)
        payloadBytes = rows.number(.counter, CounterKey.stockBytes(.everything).name)
        queues = QueueFigures.all(rows, peers: peers, now: now)
        inboxes = OldestArrived(rows, now: now)
        for state in ReportedState.allCases {
            outcomes[state] = rows.number(.counter, CounterKey.outcome(state).name)
        }
        for peer in peers {
            for cause in RefusalCause.allCases {
                let count = rows.number(.counter, CounterKey.refusedOf(peer, cause.rawValue).name)
                if count > 0 { refusedOf.append((peer, cause, count)) }
            }
        }
        for (cause, count) in Outcomes.open(rows) { openOutcomes[cause.state, default: 0] += count }
    }
}
