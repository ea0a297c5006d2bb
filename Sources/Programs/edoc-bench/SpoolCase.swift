// SpoolCase: how fast a node hands what has arrived over into a directory: files of 4 KiB a second, and megabytes a second of documents of
// 1 MiB, sidecars beside them. The documents are in the store before the node has a spool, so that nothing else is measured; from the
// first that is delivered to the last, which is when the commit says so.

import FoundationEssentials
import Glibc

enum SpoolCase {
    static func run(_ place: Place) throws -> CaseResult {
        let letters = try measure(place, count: place.isQuick ? 1_000 : 20_000, bytes: 4_096)
        let documents = try measure(place, count: place.isQuick ? 100 : 1_000, bytes: 1 << 20)
        let megabytes = documents.perSecond * Double(1 << 20) / 1e6
        var result = CaseResult()
        result.targets = [
            .reach("files of 4 KiB into a spool", "a second", letters.perSecond),
            .reach("files of 1 MiB into a spool", "MB/s", megabytes),
        ]
        result.figures = [
            ("letters", .fields(letters.figures)), ("documents", .fields(documents.figures)),
            ("disk", try DiskRate.measure(place).figure),
        ]
        return result
    }

    private struct Found {
        var perSecond: Double
        var figures: [(String, Figure)]
    }

    private static let node = NodePlan(name: Network.hub, agencies: ["G22", "H29"])

    private static func measure(_ place: Place, count: Int, bytes: Int) throws -> Found {
        let network = try Network(place)
        defer { network.end() }
        try network.make(hub: node, homes: [])
        try network.start(node.name)
        var plan = LoadPlan(socket: network.submitSocket(node.name), count: count, payloadBytes: bytes)
        if bytes > 65_536 { plan.window = 64 }
        try SubmissionLoad(plan).start().value()
        guard try network.watch(node.name).arrived() == UInt64(count) else {
            throw BenchFailure("not all documents have arrived")
        }
        network.stop(node.name)

        let spool = network.directory + "/spool"
        for folder in [spool, spool + "/tmp", spool + "/new"] { try Folder.make(folder) }
        var spooled = node
        spooled.more = ["spool: {H29: {directory: spool}}"]
        try network.make(hub: spooled, homes: [])
        let watch = try network.watch(node.name)
        func left() throws -> Int { Int(try watch.arrived()) }
        try network.launch(node.name)
        try waitUntil("the first documents are delivered", seconds: 60, every: 200) { try left() < count }
        let before = try NodeCosts(network, [node.name: watch])
        let start = Instant.now()
        let first = try left()
        guard first > 0 else { throw BenchFailure("too few documents to measure") }
        try waitUntil("all documents are delivered", seconds: 900, every: 2_000) { try left() == 0 }
        let seconds = Instant.seconds(since: start)
        let after = try NodeCosts(network, [node.name: watch])
        let files = try FileManager.default.contentsOfDirectory(atPath: spool + "/new").count
        guard files == 2 * count else { throw BenchFailure("\(files) files in the spool for \(count) documents") }
        let perSecond = Double(first) / seconds
        return Found(
            perSecond: perSecond,
            figures: [
                ("documents", .count(first)), ("payloadBytes", .count(bytes)), ("seconds", .real(seconds)),
                ("perSecond", .real(perSecond)), ("MBs", .real(perSecond * Double(bytes) / 1e6)),
                ("nodes", before.figure(until: after, envelopes: first)), ("memory", network.sampler.figure),
            ])
    }
}
