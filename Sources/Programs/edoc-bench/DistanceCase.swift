// DistanceCase: the first link is 100 ms long and carries 1 Gbit/s (FarLink), beside the same nodes without it: what the windows of a session
// do with distance.

import Glibc

enum DistanceCase {
    private static let oneWay: UInt64 = 50_000_000
    private static let octetsPerSecond: UInt64 = 125_000_000

    static func run(_ place: Place) throws -> CaseResult {
        var figures: [(String, Figure)] = [
            ("roundTripMs", .count(Int(oneWay / 500_000))), ("octetsPerSecond", .count(Int(octetsPerSecond))),
        ]
        var result = CaseResult()
        let small = LoadPlan(socket: "", count: place.isQuick ? 2_000 : 60_000, underWay: 16_000)
        let large = LoadPlan(
            socket: "", count: place.isQuick ? 16 : 400, payloadBytes: 1 << 20, connections: 2, window: 64,
            underWay: 128)
        for (name, plan) in [("4 KiB", small), ("1 MiB", large)] {
            let near = try ThroughputCase.measure(place, plan, warmUp: plan.count / 10)
            let far = try ThroughputCase.measure(place, plan, warmUp: plan.count / 4) { port in
                try FarLink(target: port, delay: oneWay, octetsPerSecond: octetsPerSecond)
            }
            let ratio = far.perSecond / near.perSecond
            result.targets.append(.reach("documents of \(name) over 100 ms, of the rate without", "of 1", ratio))
            figures.append((name, .fields([("near", .real(near.perSecond)), ("far", .real(far.perSecond))])))
        }
        result.figures = figures
        return result
    }
}
