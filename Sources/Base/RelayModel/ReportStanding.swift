// ReportStanding: which of several report rows of one recipient counts. Rows are never thrown away because others contradict them;
// this says which one stands. A rule over values; it cannot fail.

extension ReportRow {
    /// The node that says it.
    public var reporter: NodeID? { path.last?.node }
    public var isNonDelivery: Bool { state == .refused || state == .expired || state == .deleted }
    public var isArrival: Bool { state == .arrived || state == .delivered }

    /// The row that counts for one recipient; nil when there is none but delays. *Delivered* is final. An arrival, which only a home
    /// can say, stands against what another node says of a copy that it had; the home itself may take its word back.
    public static func standing(_ rows: some Sequence<ReportRow>) -> ReportRow? {
        let rows = Array(rows)
        let homes = rows.filter(\.isArrival).compactMap(\.reporter)
        func rank(_ row: ReportRow) -> (Int, UInt64) {
            switch row.state {
            case .delivered: (3, row.time.milliseconds)
            case .refused, .expired, .deleted:
                (homes.isEmpty || row.reporter.map(homes.contains) ?? false ? 2 : 0, row.time.milliseconds)
            case .arrived: (1, row.time.milliseconds)
            case .delayed: (-1, row.time.milliseconds)
            }
        }
        return rows.filter { $0.state != .delayed }.max { rank($0) < rank($1) }
    }

    /// What says otherwise of the same recipient: an arrival, and another node's word that it was not delivered.
    public func contradicts(_ other: ReportRow) -> Bool {
        reporter != other.reporter && (isArrival && other.isNonDelivery || isNonDelivery && other.isArrival)
    }
}
