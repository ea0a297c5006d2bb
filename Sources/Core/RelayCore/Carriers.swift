// Carriers: the nodes that are known to hand on what others send, as homes have said of the ways by which documents came to them. A node
// behind the next hop is otherwise known by nothing: whether it is a hub or a leaf, only its neighbours' configurations say.
//
// In memory, bounded; at start it is read from the newest report rows. What is forgotten comes back with the next arrival.

import RelayModel
import RelayRows

struct Carriers: Sendable {
    private(set) var nodes: Set<NodeID> = []

    static let countMax = 4_096
    /// Report rows that are read at start.
    private static let rowsRead = 1_024

    /// What a home says has come to it. Who says it is not made a carrier by that.
    mutating func learn(_ line: ReportRow) {
        guard line.isArrival, let home = line.reporter else { return }
        for stop in line.path.dropFirst().dropLast() where stop.node != home && nodes.count < Self.countMax {
            nodes.insert(stop.node)
        }
    }

    mutating func load(_ node: NodeID, _ rows: any RowReader, isHome: (ReportRow) -> Bool) {
        let prefix = RowKey(text: node.endpoint.text)
        var before = prefix.adding(UInt64.max)
        for _ in 0..<Self.rowsRead {
            guard let found = rows.row(.report, before: before), prefix.isPrefix(of: found.key) else { return }
            before = RowKey(copying: found.key)
            if let line = ReportRow(record: found.value), isHome(line) { learn(line) }
        }
    }
}
