// BacklogCase: a million envelopes that cannot leave. The link is down because the hub is not there. The store is filled, drained,
// and filled again:
//
//   growing    the accept rate of the first filling, whose file grows
//   reused     the accept rate of the second filling, into the same file, grown once and drained
//   shallow    the first fifth of the second filling, deep its last fifth: the same file with a short and with a long queue
//
// Then the node is started anew with the whole queue and its hub listening. The first envelope that is durable at the hub is later than
// the first END segment, so the time to it bounds the time asked for.

import Glibc

enum BacklogCase {
    static func run(_ place: Place) throws -> CaseResult {
        let count = place.isQuick ? 20_000 : 1_000_000
        let network = try Network(place, mapSize: "16GiB")
        defer { network.end() }
        // The hub is the home: draining costs one hop. It is redialled soon.
        var first = Network.first
        first.more = ["retry: {dial_backoff_max: 2s}"]
        try network.make(hub: NodePlan(name: Network.hub, agencies: ["H29"]), homes: [first])
        try network.start("vpcp")

        var resident: [Double] = []
        func measureMemory() {
            resident.append(network.sampler.mostMB(of: "vpcp"))
            network.sampler.restart()
        }
        let growing = try fill(network, count)
        measureMemory()
        let fileGrown = network.fileBytes("vpcp")
        try drain(network, count)
        measureMemory()
        let reused = try fill(network, count)
        measureMemory()
        let fileBytes = network.fileBytes("vpcp")
        let used = try network.status("vpcp").store.usedBytes
        let firstOut = try restart(network)
        measureMemory()

        let payload = Double(count) * 4_096
        // A short run is all growth step and first moments; what it has of the file are the pages in use.
        let disk = Double(place.isQuick ? used : fileBytes) / payload
        let rateGrowing = growing.rate(parts: 0..<SubmissionLoad.parts)
        let rateReused = reused.rate(parts: 0..<SubmissionLoad.parts)
        let shallow = reused.rate(parts: 0..<4)
        let deep = reused.rate(parts: 16..<20)
        var result = CaseResult()
        result.targets = [
            .atMost("resident, \(count) queued", 100, "MB", resident.max() ?? 0),
            rate("growing / reused", rateGrowing / rateReused, place),
            .atMost("from exec to the first envelope durable at the hub", 2, "s", firstOut.seconds),
            .atMost("disk for each byte of payload", 1.5, "", disk),
        ]
        result.figures = [
            ("envelopes", .count(count)), ("growingPerSecond", .real(rateGrowing)),
            ("reusedPerSecond", .real(rateReused)), ("shallowPerSecond", .real(shallow)),
            ("deepPerSecond", .real(deep)), ("deepToShallow", .real(deep / shallow)),
            ("growingByTwentieth", .list(growing.rates.map { .real($0) })),
            ("reusedByTwentieth", .list(reused.rates.map { .real($0) })), ("fileBytesGrown", .count(fileGrown)),
            ("fileBytes", .count(fileBytes)), ("usedBytes", .count(used)), ("payloadBytes", .count(UInt64(payload))),
            ("residentMBFillingDrainingFillingStarting", .list(resident.map { .real($0) })),
            ("startToControlSeconds", .real(firstOut.control)),
        ]
        return result
    }

    /// A ratio of two accept rates; a short run cannot judge it.
    private static func rate(_ what: String, _ ratio: Double, _ place: Place) -> Target {
        var target = Target.atLeast("accept rate, \(what)", 0.8, "", ratio)
        if place.isQuick { target.holds = nil }
        return target
    }

    private static func fill(_ network: Network, _ count: Int) throws -> SubmissionLoad {
        let load = SubmissionLoad(LoadPlan(socket: network.submitSocket("vpcp"), count: count, seconds: 1_200))
        try load.start().value()
        return load
    }

    private static func drain(_ network: Network, _ count: Int) throws {
        try network.start(Network.hub)
        let arrivals = try Arrivals(try network.watch(Network.hub))
        defer { arrivals.end() }
        try arrivals.wait(for: count, patience: 120)
        try waitUntil("the queue is empty", seconds: 300, every: 100_000) {
            let status = try network.status("vpcp")
            return status.active == 0 && (status.inStore["waiting"] ?? 0) == 0
        }
        network.stop(Network.hub)
    }

    private struct FirstOut {
        var seconds: Double
        var control: Double
    }

    private static func restart(_ network: Network) throws -> FirstOut {
        network.stop("vpcp")
        try network.start(Network.hub)
        let watch = try network.watch(Network.hub)
        let before = try watch.arrived()
        let start = try network.launch("vpcp")
        try waitUntil("the first envelope leaves", seconds: 120, every: 1_000) { try watch.arrived() > before }
        let seconds = Instant.seconds(since: start)
        try network.waitForControl("vpcp")
        let control = Instant.seconds(since: start)
        // The links are filled in the meantime.
        Instant.pause(microseconds: 500_000)
        return FirstOut(seconds: seconds, control: control)
    }
}
