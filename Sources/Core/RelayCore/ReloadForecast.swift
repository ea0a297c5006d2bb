// ReloadForecast: how many waiting copies a new configuration would send another way, before it takes effect. Reads a snapshot of the
// queue up to a budget of rows, so that it costs the same with a million; what it has not looked at, it says.

import RelayModel
import RelayRows

/// What a reload would do to the queue.
public struct ReloadForecast: Sendable, Hashable {
    /// (Envelope, recipient) pairs that would be routed anew.
    public var affected = 0
    /// Those that would have no route, and keep the way that they have.
    public var stranded = 0
    public var lookedAt = 0
    public var waiting: UInt64 = 0
    public var isWhole = true

    /// Queue rows looked at.
    public static let rowsMax = 20_000

    public init(from old: CoreConfiguration, to new: CoreConfiguration, _ rows: any RowReader) {
        waiting =
            rows.number(.counter, CounterKey.state(.waiting, admin: false).name)
            + rows.number(.counter, CounterKey.state(.deferred, admin: false).name)
        guard old.routesDigest != new.routesDigest else { return }
        let (oldPeers, newPeers) = (Set(old.peers.map(\.node)), Set(new.peers.map(\.node)))
        var known: [String: Change] = [:]
        var queueRows = 0
        rows.scan(.queue, prefix: RowKey()) { key, _ in
            guard queueRows < Self.rowsMax else {
                isWhole = false
                return false
            }
            queueRows += 1
            guard let queueKey = QueueKey(key), queueKey.routeClass != 0,
                let raw = rows.value(.envelope, Keys.envelope(queueKey.number)),
                let row = EnvelopeRow(number: queueKey.number, record: raw), row.kind != .administrative
            else { return true }
            for recipient in row.recipients
            where recipient.state.isQueued && recipient.routeClass == queueKey.routeClass
                && recipient.due == queueKey.due
            {
                lookedAt += 1
                let name = recipient.name
                let change = known[name] ?? Change(old.way(of: name, oldPeers), new.way(of: name, newPeers))
                known[name] = change
                switch change {
                case .none: break
                case .moves: affected += 1
                case .isStranded: stranded += 1
                }
            }
            return true
        }
    }

    private enum Change {
        case none, moves, isStranded

        init(_ old: [NodeID]?, _ new: [NodeID]?) {
            self = new == [] ? .isStranded : old == new ? .none : .moves
        }
    }

    /// Lines for the operator.
    public var lines: [String] {
        let moved =
            isWhole
            ? "waiting copies routed anew: \(affected) of \(waiting)"
            : "waiting copies routed anew: \(affected) of the first \(lookedAt) looked at; \(waiting) wait"
        if stranded == 0 { return [moved] }
        return [moved, "waiting copies that have no route, and keep the way that they had: \(stranded)"]
    }
}

extension CoreConfiguration {
    /// Where a recipient's copies go by these tables: nil at home, else the hops that are peers here.
    fileprivate func way(of name: String, _ known: Set<NodeID>) -> [NodeID]? {
        if let agency = AgencyCode(name) {
            guard let home = directory.home(of: agency) else { return [] }
            return home == node ? nil : routes.hops(for: agency, home: home).filter(known.contains)
        }
        guard let destination = EndpointID(text: name)?.node else { return [] }
        return destination == node ? nil : routes.hops(forNode: destination).filter(known.contains)
    }
}
