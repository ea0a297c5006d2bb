// Network: real edocd processes around one hub, their folder, certificates and configuration. It owns all of them: `end` stops
// what it started and removes what it made. A node that does not start is an error with the end of its log.

import ControlAPI
import FoundationEssentials
import Glibc

/// Where the programs and the disk are.
struct Place: Sendable {
    var edocd: String
    var certificates: String
    /// On the disk that is to be measured.
    var directory: String
    var isQuick: Bool
    /// Lines added to every edocd.yaml.
    var settings: [String] = []
    /// How often what is compared by turns is measured.
    var rounds = 3
    /// Programs of others that are measured beside edocd.
    var rabbitmq: String?
    var nats: String?
    /// Nodes count what they do.
    var counting: CountingLibrary?
    /// The source of the library that counts; what was counted before, and whether to write it anew.
    var counters: String?
    var limits: String?
    var renews = false
    var countsInstructions = false
    /// How many pass in the script of the case `engine`.
    var envelopes = 2_048
}

enum Folder {
    static func make(_ path: String) throws {
        guard mkdir(path, 0o700) == 0 || errno == EEXIST else {
            throw BenchFailure("\(path): \(String(cString: strerror(errno)))")
        }
    }
    static func remove(_ path: String) { try? FileManager.default.removeItem(atPath: path) }
    static func write(_ text: String, to path: String) throws {
        guard FileManager.default.createFile(atPath: path, contents: Data(text.utf8)) else {
            throw BenchFailure("\(path): cannot be written")
        }
    }
}

/// One node of the network.
struct NodePlan: Sendable {
    var name: String
    var agencies: [String]
    /// The port at which it looks for the hub; the hub's own unless a proxy stands between.
    var hubPort: UInt16?
    /// More of edocd.yaml.
    var more: [String] = []
}

final class Network {
    static let hub = "truc"
    let place: Place
    let directory: String
    let hubPort: UInt16
    let sampler = MemorySampler()
    private let mapSize: String
    private var plans: [String: NodePlan] = [:]
    private var running: [String: Child] = [:]
    private var watches: [String: StoreWatch] = [:]
    private var counted: [String: SharedCounts] = [:]

    /// The three nodes of most cases: G22 at vpcp, the hub, H29 at hcm.
    static let first = NodePlan(name: "vpcp", agencies: ["G22"])
    static let last = NodePlan(name: "hcm", agencies: ["H29"])

    init(_ place: Place, mapSize: String = "8GiB") throws {
        self.place = place
        self.mapSize = mapSize
        directory = place.directory + "/network"
        hubPort = try Socket.freePort()
        Folder.remove(directory)
        try Folder.make(directory)
    }

    deinit { end() }

    func end() {
        watches = [:]
        for child in running.values { child.signal(SIGTERM) }
        for child in running.values { child.end() }
        running = [:]
        sampler.end()
        Folder.remove(directory)
    }

    /// Writes certificates and configuration of all nodes; the hub's plan may name agencies at home there.
    func make(hub: NodePlan = NodePlan(name: Network.hub, agencies: []), homes: [NodePlan]) throws {
        let names = [hub.name] + homes.map(\.name)
        try Child.run(
            [place.certificates, directory + "/tls"] + names, output: directory + "/certificates.log")
        try Folder.write(agencies(hub, homes), to: directory + "/agencies.yaml")
        for plan in [hub] + homes {
            plans[plan.name] = plan
            try Folder.make("\(directory)/\(plan.name)")
            let peers = plan.name == hub.name ? homes.map { "  \($0.name): {}" } : dialling(plan)
            try Folder.write(configuration(plan, peers: peers), to: "\(directory)/\(plan.name).yaml")
        }
    }

    private func agencies(_ hub: NodePlan, _ homes: [NodePlan]) -> String {
        var lines = ["nodes:"] + ([hub] + homes).map { "  \($0.name): \($0.name)" } + ["agencies:"]
        for plan in [hub] + homes {
            for agency in plan.agencies { lines.append("  \(agency): {name: \(agency), home: \(plan.name)}") }
        }
        lines += ["routes:", "  - {to: \"*\", via: [\(hub.name)], at: [\(homes.map(\.name).joined(separator: ", "))]}"]
        for home in homes { lines.append("  - {to: \(home.name), via: [\(home.name)], at: [\(hub.name)]}") }
        return lines.joined(separator: "\n") + "\n"
    }

    private func dialling(_ plan: NodePlan) -> [String] {
        [
            "  \(Network.hub):", "    address: 127.0.0.1:\(plan.hubPort ?? hubPort)", "    dial: yes",
            "    may_send_from: {nodes: [\"*\"], agencies: [\"*\"]}",
        ]
    }

    private func configuration(_ plan: NodePlan, peers: [String]) -> String {
        let listen = plan.name == Network.hub ? "[\"127.0.0.1:\(hubPort)\"]" : "[]"
        let lines =
            [
                "node: {name: \(plan.name), agencies: agencies.yaml}", "log: {level: notice}",
                "store: {directory: \(plan.name)/store, map_size: \(mapSize), growth_step: 256MiB}",
                "listen: \(listen)",
                "tls: {ca: tls/ca.pem, certificate: tls/\(plan.name).pem, key: tls/\(plan.name).key}",
                "control: {socket: \(plan.name)/control.sock, submit_socket: \(plan.name)/submit.sock}",
                // What is measured here is not the quotas.
                "quotas: {peer_envelopes: 10000000, sender_envelopes: 10000000, peer_bytes: 1TiB, sender_bytes: 1TiB}",
            ] + plan.more + place.settings + ["peers:"] + peers
        return lines.joined(separator: "\n") + "\n"
    }

    func controlSocket(_ node: String) -> String { "\(directory)/\(node)/control.sock" }
    func submitSocket(_ node: String) -> String { "\(directory)/\(node)/submit.sock" }
    func store(_ node: String) -> String { "\(directory)/\(node)/store" }

    /// Starts a node; answers when it was started.
    @discardableResult
    func launch(_ node: String) throws -> UInt64 {
        let start = Instant.now()
        var words = [place.edocd, "--create-store", "--config", "\(directory)/\(node).yaml"]
        if let counting = place.counting {
            let path = "\(directory)/\(node).counts"
            counted[node] = try SharedCounts(path, makes: true)
            words = counting.words(words, counts: path)
        }
        let child = try Child(words, output: "\(directory)/\(node).log")
        running[node] = child
        sampler.watch(node, child.pid)
        return start
    }

    /// Waits until the node answers on its control socket.
    func waitForControl(_ node: String) throws {
        do {
            try waitUntil("\(node) answers", seconds: 60) {
                if running[node]?.poll() != nil { throw BenchFailure("\(node) has ended") }
                return (try? status(node)) != nil
            }
        } catch {
            throw BenchFailure("\(error)\n\(logEnd(node))")
        }
    }

    func start(_ nodes: String...) throws {
        for node in nodes { try launch(node) }
        for node in nodes { try waitForControl(node) }
    }

    /// Waits until the node has as many links.
    func waitForLinks(_ node: String, _ count: Int) throws {
        try waitUntil("\(count) links at \(node)", seconds: 60) { try status(node).links.up >= count }
    }

    func stop(_ node: String) {
        watches[node] = nil
        running.removeValue(forKey: node)?.end()
    }
    func kill(_ node: String) {
        watches[node] = nil
        running.removeValue(forKey: node)?.kill()
    }

    func pid(_ node: String) throws -> pid_t {
        guard let child = running[node], child.poll() == nil else {
            throw BenchFailure("\(node) does not run\n\(logEnd(node))")
        }
        return child.pid
    }

    /// What a node counts since it was launched.
    func counts(_ node: String) throws -> SharedCounts {
        guard let counts = counted[node] else { throw BenchFailure("\(node) does not count") }
        return counts
    }

    func status(_ node: String) throws -> StatusAnswer { try ControlQuestion.status(controlSocket(node)) }

    var names: [String] { plans.keys.sorted() }

    /// The one watch of a node that runs.
    func watch(_ node: String) throws -> StoreWatch {
        if let watch = watches[node] { return watch }
        let watch = try StoreWatch(directory: store(node))
        watches[node] = watch
        return watch
    }

    /// Octets of the store's file on the disk.
    func fileBytes(_ node: String) -> UInt64 {
        var facts = stat()
        return stat(store(node) + "/data.mdb", &facts) == 0 ? UInt64(facts.st_blocks) * 512 : 0
    }

    func logEnd(_ node: String) -> String {
        SmallFile.text("\(directory)/\(node).log").split(separator: "\n").suffix(8).joined(separator: "\n")
    }
}

/// What the nodes use up between two moments.
struct NodeCosts {
    private var processor: [String: Double] = [:]
    private var commits: [String: UInt64] = [:]
    private var written: [String: UInt64] = [:]
    private let start = Instant.now()

    init(_ network: Network, _ watches: [String: StoreWatch]) throws {
        for (node, watch) in watches {
            let pid = try network.pid(node)
            processor[node] = ProcessorTime.of(pid)
            written[node] = DiskWrites.of(pid)
            commits[node] = try watch.commits()
        }
    }

    /// The difference to a later reading, for each envelope.
    func figure(until later: NodeCosts, envelopes: Int) -> Figure {
        let count = Double(max(envelopes, 1))
        return .fields(
            processor.keys.sorted().map { node in
                let cpu = (later.processor[node] ?? 0) - (processor[node] ?? 0)
                let syncs = Double((later.commits[node] ?? 0) - (commits[node] ?? 0))
                let bytes = Double((later.written[node] ?? 0) - (written[node] ?? 0))
                return (
                    node,
                    .fields([
                        ("cpuMicrosecondsPerEnvelope", .real(cpu * 1e6 / count)),
                        ("cores", .real(cpu / Instant.seconds(since: start, until: later.start))),
                        ("commits", .real(syncs)), ("envelopesPerCommit", .real(count / max(syncs, 1))),
                        ("dirtiedBytesPerEnvelope", .real(bytes / count)),
                    ])
                )
            })
    }
}
