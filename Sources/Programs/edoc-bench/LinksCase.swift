// LinksCase: what neighbours cost a hub that have nothing to do, and documents for many of them: a hub's engine with a session to each of
// so many peers, all played by this thread (ScriptedNode). The time is that of deciding alone, without the commit; the counts are exact and
// come from a second run of the same script under Scripts/counters.c.

import Glibc
import RelayCore
import RelayModel
import RelayRouting
import RelaySession

enum LinksCase {
    static let script = "links-script"
    private static let idle = [2, 125, 250, 500]
    private static let wide = [5, 50, 500]

    static func run(_ place: Place) throws -> CaseResult {
        let found = try measure(place, counts: nil)
        let path = place.directory + "/counts"
        _ = try SharedCounts(path, makes: true)
        let output = place.directory + "/script.log"
        let words =
            [EngineCase.program, "--edocd", place.edocd, "--directory", place.directory]
            + (place.isQuick ? ["--quick"] : []) + [script]
        try Child.run(try CountingLibrary(place).words(words, counts: path), output: output)
        guard let line = try JSONLines.read(file: output).first, line["error"].text == nil else {
            throw BenchFailure(SmallFile.text(output))
        }
        let counted = line["figures"].numbers.sorted { $0.key < $1.key }.map { ($0.key, Figure.real($0.value)) }
        var result = CaseResult()
        if let most = found.idle.last {
            result.targets.append(
                .reach(
                    "the hub's engine for a batch, \(most.links) links, 2 of them busy", "ms", most.batchMilliseconds))
        }
        if let most = found.wide.last {
            result.targets.append(
                .reach("the hub's engine for a copy of a document for \(most.links)", "µs", most.copyMicroseconds))
        }
        result.figures = found.figures + [("counted", .fields(counted))]
        return result
    }

    /// Under the library: the same, with its counts.
    static func runScript(_ place: Place) throws -> CaseResult {
        guard let path = getenv("EDOC_COUNTS") else { throw BenchFailure("nothing counts") }
        let counts = try SharedCounts(String(cString: path), makes: false)
        let found = try measure(place, counts: counts)
        var result = CaseResult()
        for one in found.idle {
            result.figures.append(("\(one.links) links, allocations a copy", .real(one.allocations)))
        }
        for one in found.wide {
            result.figures.append(("\(one.links) recipients, allocations a copy", .real(one.allocations)))
            result.figures.append(("\(one.links) recipients, octets of envelope rows a copy", .real(one.rowBytes)))
        }
        return result
    }

    /// What the hub did for one load.
    struct One: Sendable {
        var links: Int
        var copies: Int
        var batches: Int
        var nanoseconds: UInt64
        var allocations = 0.0
        var rowBytes = 0.0

        var batchMilliseconds: Double { Double(nanoseconds) / 1e6 / Double(max(batches, 1)) }
        var copyMicroseconds: Double { Double(nanoseconds) / 1e3 / Double(max(copies, 1)) }

        var figure: Figure {
            .fields([
                ("copies", .count(copies)), ("batches", .count(batches)), ("msPerBatch", .real(batchMilliseconds)),
                ("microsecondsPerCopy", .real(copyMicroseconds)),
            ])
        }
    }

    struct Found: Sendable {
        var idle: [One] = []
        var wide: [One] = []

        var figures: [(String, Figure)] {
            [
                ("twoOfLinksBusy", .fields(idle.map { (String($0.links), $0.figure) })),
                ("documentsForAll", .fields(wide.map { (String($0.links), $0.figure) })),
            ]
        }
    }

    private static func measure(_ place: Place, counts: SharedCounts?) throws -> Found {
        var found = Found()
        for links in idle {
            let star = try ScriptedStar(directory: place.directory + "/idle-\(links)", links: links, counts: counts)
            let two = star.agencies.prefix(2).map { [$0] }
            let count = place.isQuick ? 256 : 2_048
            _ = try star.pass(two, 256)
            found.idle.append(try star.pass(two, count))
        }
        for links in wide {
            let star = try ScriptedStar(directory: place.directory + "/wide-\(links)", links: links, counts: counts)
            let all = [star.agencies]
            _ = try star.pass(all, 2)
            found.wide.append(try star.pass(all, max((place.isQuick ? 500 : 3_000) / links, 2)))
        }
        return found
    }
}

/// A ministry, a hub, and so many homes behind it.
private final class ScriptedStar {
    let agencies: [String]
    private let first: ScriptedNode
    private let hub: ScriptedNode
    private let peers: [ScriptedPeer]
    private let tickets = TicketSource()
    private let document = ScriptedDocument(payloadBytes: 4_096)
    private let counts: SharedCounts?
    private var time: UInt64 = 1_000_000
    /// The hub's work, and all other.
    private static let (hubs, elsewhere) = (1, 3)

    init(directory: String, links: Int, counts: SharedCounts?) throws {
        self.counts = counts
        counts?.slot = Self.elsewhere
        guard let here = NodeID(name: "vpcp"), let centre = NodeID(name: "truc"), let sender = AgencyCode("G22") else {
            throw BenchFailure("no names")
        }
        let homes = (0..<links).compactMap { NodeID(name: "home\($0)") }
        let codes = (0..<links).compactMap { AgencyCode("H\(10 + $0 / 50).\($0 % 50 + 1)") }
        guard homes.count == links, codes.count == links else { throw BenchFailure("no names") }
        agencies = codes.map(\.text)
        var directoryOfAll = Directory()
        try directoryOfAll.insert(Directory.Agency(code: sender, name: "G22", home: here, aliases: []))
        for (code, home) in zip(codes, homes) {
            try directoryOfAll.insert(Directory.Agency(code: code, name: code.text, home: home, aliases: []))
        }
        let open = SendRights(fromNodes: [.any], fromAgencies: [.any], toAgencies: [.any])
        guard let outward = RouteTable([Route(target: .anything, via: [centre])]),
            let inward = RouteTable(([here] + homes).map { Route(target: .node($0), via: [$0]) })
        else { throw BenchFailure("no routes") }
        let now = ScriptedRow.reading(time)
        first = try ScriptedNode(
            directory: directory + "-first",
            configuration: CoreConfiguration(
                node: here, directory: directoryOfAll, routes: outward,
                peers: [Peer(node: centre, dials: true, rights: open)], limits: CoreLimits()),
            tickets: tickets, now: now)
        hub = try ScriptedNode(
            directory: directory + "-hub",
            configuration: CoreConfiguration(
                node: centre, directory: directoryOfAll, routes: inward,
                peers: ([here] + homes).map { Peer(node: $0, dials: false, rights: open) }, limits: CoreLimits()),
            tickets: tickets, now: now)
        let tickets = tickets
        peers = homes.map { ScriptedPeer($0, hub: centre, tickets: tickets) }
        ScriptedEnd.connect(first.end(with: centre, dials: true), hub.end(with: here, dials: false), now.relay)
        for peer in peers { ScriptedEnd.connect(peer.end, hub.end(with: peer.id, dials: false), now.relay) }
        try run(looks: true)
    }

    /// Documents by turns for each of these lists of recipients; what the hub did for them.
    func pass(_ recipients: [[String]], _ count: Int) throws -> LinksCase.One {
        let before = (taken: taken, batches: hub.batches, time: hub.deciding, work: counts?.read(Self.hubs))
        var wanted = 0
        for start in stride(from: 0, to: count, by: 128) {
            for index in start..<min(start + 128, count) {
                let list = recipients[index % recipients.count]
                wanted += list.count
                try document.submit(at: first, to: list, tickets.take())
            }
            try run()
        }
        // What is gathered for some milliseconds, such as reports.
        for _ in 0..<4 {
            time += 25
            try run(looks: true)
        }
        let copies = taken - before.taken
        guard copies == wanted else { throw BenchFailure("\(copies) of \(wanted) copies went out") }
        var one = LinksCase.One(
            links: peers.count, copies: copies, batches: hub.batches - before.batches,
            nanoseconds: hub.deciding - before.time)
        if let counts, let work = before.work {
            let done = counts.read(Self.hubs).since(work)
            one.allocations = Double(done[.allocations]) / Double(copies)
            one.rowBytes = Double(done.putBytes["envelope"] ?? 0) / Double(copies)
        }
        return one
    }

    private var taken: Int { peers.reduce(0) { $0 + $1.taken } }

    private func run(looks: Bool = false) throws {
        var isBusy = true
        var turns = 0
        while isBusy {
            time += 1
            let now = ScriptedRow.reading(time)
            isBusy = try first.step(now, looks: looks && turns == 0)
            counts?.slot = Self.hubs
            isBusy = try hub.step(now, looks: looks && turns == 0) || isBusy
            counts?.slot = Self.elsewhere
            for peer in peers { isBusy = peer.step(now) || isBusy }
            turns += 1
            guard turns < 100_000 else { throw BenchFailure("the script does not come to rest") }
        }
    }
}
