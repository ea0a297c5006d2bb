// ThroughputCase, DocumentsCase: how much goes through three nodes when enough is under way, from the first submit request to the
// commit at the recipient's home; for large documents beside what the disk itself can do.

import Glibc

enum ThroughputCase {
    static func run(_ place: Place) throws -> CaseResult {
        let count = place.isQuick ? 2_000 : 100_000
        var result = CaseResult()
        let found = try measure(place, LoadPlan(socket: "", count: count, underWay: 16_000), warmUp: count / 10)
        result.targets = [.reach("4 KiB envelopes from submit request to arrived commit", "a second", found.perSecond)]
        result.figures = found.figures
        return result
    }

    struct Found {
        var perSecond: Double
        var figures: [(String, Figure)]
    }

    /// Starts three nodes, warms them up, and measures one load. `far`: makes what stands on the first link, before the hub's port.
    static func measure(
        _ place: Place, _ plan: LoadPlan, warmUp: Int, far: ((UInt16) throws -> FarLink)? = nil
    ) throws -> Found {
        let network = try Network(place)
        defer { network.end() }
        let cable = try far?(network.hubPort)
        defer { cable?.end() }
        var first = Network.first
        first.hubPort = cable?.port
        try network.make(homes: [first, Network.last])
        try network.start("truc", "vpcp", "hcm")
        try network.waitForLinks("truc", 2)
        let home = try network.watch("hcm")
        let watches = ["vpcp": try network.watch("vpcp"), "truc": try network.watch("truc"), "hcm": home]
        var plan = plan
        plan.socket = network.submitSocket("vpcp")
        var warm = plan
        warm.count = warmUp
        _ = try pass(warm, home)

        network.sampler.restart()
        let before = try NodeCosts(network, watches)
        let ownBefore = ProcessorTime.of(getpid())
        let (load, arrivals) = try pass(plan, home)
        let own = ProcessorTime.of(getpid()) - ownBefore
        let after = try NodeCosts(network, watches)
        let seconds = Instant.seconds(since: load.firstSent.load(ordering: .relaxed), until: arrivals.last ?? 0)
        let perSecond = Double(plan.count) / seconds
        return Found(
            perSecond: perSecond,
            figures: [
                ("envelopes", .count(plan.count)), ("payloadBytes", .count(plan.payloadBytes)),
                ("connections", .count(plan.connections)), ("unansweredMax", .count(plan.window)),
                ("underWayMax", .count(min(plan.underWay, plan.count))), ("seconds", .real(seconds)),
                ("perSecond", .real(perSecond)), ("perSecondMiddle", .real(arrivals.middleRate(of: plan.count))),
                ("acceptedPerSecond", .real(load.rate(parts: 0..<SubmissionLoad.parts))),
                ("payloadMBs", .real(perSecond * Double(plan.payloadBytes) / 1e6)),
                ("nodes", before.figure(until: after, envelopes: plan.count)), ("memory", network.sampler.figure),
                ("coresOfTheBenchmark", .real(own / seconds)),
            ])
    }

    static func pass(_ plan: LoadPlan, _ home: StoreWatch) throws -> (SubmissionLoad, Arrivals) {
        let load = SubmissionLoad(plan)
        let arrivals = try Arrivals(home, every: 2_000, load: load)
        defer { arrivals.end() }
        let worker = load.start()
        do {
            try arrivals.wait(for: plan.count, patience: 30)
        } catch {
            load.cancel()
            try worker.value()
            throw error
        }
        try worker.value()
        return (load, arrivals)
    }
}

enum DocumentsCase {
    static func run(_ place: Place) throws -> CaseResult {
        let count = place.isQuick ? 16 : 1_000
        let before = try DiskRate.measure(place)
        let found = try ThroughputCase.measure(
            place,
            LoadPlan(
                socket: "", count: count, payloadBytes: 1 << 20, connections: 2, window: 64, underWay: 128),
            warmUp: max(count / 10, 4))
        let after = try DiskRate.measure(place)
        let megabytes = found.perSecond * Double(1 << 20) / 1e6
        let disk = (before.megabytesPerSecond + after.megabytesPerSecond) / 2
        var result = CaseResult()
        result.targets = [
            .reach("documents of 1 MiB from submit request to arrived commit", "MB/s", megabytes),
            .reach("of what the disk writes, with three nodes writing", "of 1", megabytes * 3 / disk),
        ]
        result.figures =
            [("MBs", .real(megabytes)), ("diskBefore", before.figure), ("diskAfter", after.figure)] + found.figures
        return result
    }
}

/// The disk's own: portions of 4 MiB one behind the other into an allocated file with a sync after each, and small writes with a
/// sync.
struct DiskRate {
    var megabytesPerSecond: Double
    var smallSyncMilliseconds: Double

    var figure: Figure {
        .fields([
            ("sequentialMBs", .real(megabytesPerSecond)), ("sync4KiBMedianMs", .real(smallSyncMilliseconds)),
        ])
    }

    static func measure(_ place: Place) throws -> DiskRate {
        let path = place.directory + "/disk-rate"
        let file = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600)
        guard file >= 0 else { throw BenchFailure("\(path): \(String(cString: strerror(errno)))") }
        defer {
            close(file)
            unlink(path)
        }
        var random = PseudoRandom(state: 5)
        let portion = random.bytes(4 << 20)
        let portions = place.isQuick ? 8 : 128
        guard posix_fallocate(file, 0, off_t(portions * portion.count)) == 0, fsync(file) == 0 else {
            throw BenchFailure("\(path): no room")
        }
        // The first pass turns allocated blocks into written ones, as a store in use has them.
        _ = try pass(file, portion, portions)
        let seconds = try pass(file, portion, portions)
        var small: [UInt64] = []
        for index in 0..<(place.isQuick ? 20 : 200) {
            let start = Instant.now()
            guard pwrite(file, portion, 4_096, off_t(index * 8_192)) == 4_096, fdatasync(file) == 0 else {
                throw BenchFailure("\(path): \(String(cString: strerror(errno)))")
            }
            small.append(Instant.now() - start)
        }
        return DiskRate(
            megabytesPerSecond: Double(portions * portion.count) / 1e6 / seconds,
            smallSyncMilliseconds: Double(small.sorted()[small.count / 2]) / 1e6)
    }

    private static func pass(_ file: Int32, _ portion: [UInt8], _ portions: Int) throws -> Double {
        let start = Instant.now()
        for index in 0..<portions {
            guard pwrite(file, portion, portion.count, off_t(index * portion.count)) == portion.count,
                fdatasync(file) == 0
            else { throw BenchFailure("the disk: \(String(cString: strerror(errno)))") }
        }
        return Instant.seconds(since: start)
    }
}
