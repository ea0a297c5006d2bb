// Carriers: what is measured side by side: three nodes in a row on this machine, a program that hands in at A, a program (or an
// inbox) behind C. Each has links between its nodes with mutual TLS 1.3, answers the program at A when the message is on disk
// (unless its name says otherwise), and is reached by the two programs without TLS, as edocd is over its Unix socket. Ports are
// chosen by the system, all files stand in a folder that is removed, and only processes that were started here are ended.

import FoundationEssentials
import Glibc
import OpenSSLTLS

/// Three nodes in a row that carry messages.
protocol Carrier: AnyObject {
    var name: String { get }
    /// As the program or its folder says; empty for our own.
    var version: String { get }
    /// The process of each node, by its place in the row.
    func processes() throws -> [(node: String, pid: pid_t)]
    /// A new connection or several, as the plan says.
    func connect(_ plan: LoadPlan) throws -> @Sendable (LoadPlan) throws -> [any SendingLine]
    func consumer() throws -> any Consumer
    /// The next load begins; nothing is under way.
    func beginLoad()
    func end()
}

/// edocd, with the settings of the other cases.
final class OwnCarrier: Carrier {
    let name = "edocd"
    let version = ""
    private let network: Network
    private let taken = TakenTokens()

    init(_ place: Place) throws {
        network = try Network(place)
        try network.make(homes: [Network.first, Network.last])
        try network.start("truc", "vpcp", "hcm")
        try network.waitForLinks("truc", 2)
    }

    func processes() throws -> [(node: String, pid: pid_t)] {
        [("A", try network.pid("vpcp")), ("hub", try network.pid("truc")), ("C", try network.pid("hcm"))]
    }

    func connect(_ plan: LoadPlan) -> @Sendable (LoadPlan) throws -> [any SendingLine] {
        let socket = network.submitSocket("vpcp")
        return { plan in
            var plan = plan
            plan.socket = socket
            return try SubmissionLoad.submissionLines(plan)
        }
    }

    func consumer() throws -> any Consumer {
        try TakingConsumer(socket: "\(network.directory)/hcm/take.sock", into: taken)
    }
    func beginLoad() { taken.beginAnew() }
    func end() { network.end() }
}

/// RabbitMQ: a quorum queue at each node, which is synced before it confirms, and from node to node a shovel that acknowledges at its
/// source when the next queue has confirmed. The two shovels run at the node that sends.
final class RabbitCarrier: Carrier {
    let name = "rabbitmq quorum + shovel"
    let version: String
    private static let user = "bench"
    private static let queue = "q"
    private let directory: String
    private let taken = TakenTokens()
    private var nodes: [(node: String, port: UInt16, child: Child)] = []
    private var mapper: Child?

    init(_ place: Place, server: String) throws {
        // …/rabbitmq_server-VERSION/sbin/rabbitmq-server
        let folder = server.split(separator: "/").first { $0.hasPrefix("rabbitmq_server-") }
        version = folder.map { String($0.dropFirst("rabbitmq_server-".count)) } ?? ""
        directory = place.directory + "/rabbitmq"
        Folder.remove(directory)
        try Folder.make(directory)
        do {
            try start(place, server)
        } catch {
            end()
            throw error
        }
    }

    private func start(_ place: Place, _ server: String) throws {
        let names = ["a", "hub", "c"]
        try Child.run([place.certificates, directory + "/tls"] + names, output: directory + "/certificates.log")
        let mapperPort = try Socket.freePort()
        mapper = try Child(
            ["epmd", "-address", "127.0.0.1", "-port", String(mapperPort)], output: directory + "/epmd.log")
        let secure = try names.map { _ in try Socket.freePort() }
        for (index, name) in names.enumerated() {
            let next = index + 1 < names.count ? secure[index + 1] : nil
            let port = try Socket.freePort()
            try configure(name, port: port, secure: secure[index], next: next)
            let own = "\(directory)/\(name)"
            let environment = [
                "HOME=\(own)", "ERL_EPMD_PORT=\(mapperPort)", "ERL_EPMD_ADDRESS=127.0.0.1", "ERL_CRASH_DUMP=/dev/null",
                "RABBITMQ_NODENAME=bench-\(getpid())-\(name)@localhost", "RABBITMQ_DIST_PORT=\(try Socket.freePort())",
                "RABBITMQ_MNESIA_BASE=\(own)/mnesia", "RABBITMQ_LOG_BASE=\(own)/log",
                "RABBITMQ_CONFIG_FILE=\(own)/rabbitmq", "RABBITMQ_ADVANCED_CONFIG_FILE=\(own)/none",
                "RABBITMQ_CONF_ENV_FILE=/dev/null", "RABBITMQ_GENERATED_CONFIG_DIR=\(own)/generated",
                "RABBITMQ_ENABLED_PLUGINS_FILE=\(own)/plugins", "RABBITMQ_PID_FILE=\(own)/pid",
                // The server takes the place of its script, and asks nobody.
                "RABBITMQ_ALLOW_INPUT=1", "RABBITMQ_SERVER_START_ARGS=-noinput",
                "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS=-kernel inet_dist_use_interface {127,0,0,1}",
            ]
            let child = try Child(["env"] + environment + [server], output: own + "/output")
            nodes.append((["A", "hub", "C"][index], port, child))
        }
        for node in nodes {
            try waitUntil("rabbitmq at \(node.node) answers", seconds: 120, every: 200_000) {
                guard node.child.poll() == nil else { throw BenchFailure("rabbitmq has ended:\n\(logEnd(node.node))") }
                return (try? AMQPConnection(port: node.port, user: Self.user)) != nil
            }
        }
    }

    private func configure(_ name: String, port: UInt16, secure: UInt16, next: UInt16?) throws {
        let own = "\(directory)/\(name)"
        let tls = directory + "/tls"
        try Folder.make(own)
        try Folder.write("[rabbitmq_shovel].\n", to: own + "/plugins")
        let lines = [
            "listeners.tcp.1 = 127.0.0.1:\(port)", "listeners.ssl.1 = 127.0.0.1:\(secure)",
            "ssl_options.cacertfile = \(tls)/ca.pem", "ssl_options.certfile = \(tls)/\(name).pem",
            "ssl_options.keyfile = \(tls)/\(name).key", "ssl_options.verify = verify_peer",
            "ssl_options.fail_if_no_peer_cert = true", "ssl_options.versions.1 = tlsv1.3",
            "load_definitions = \(own)/definitions.json", "log.console = true", "log.console.level = warning",
            "log.file = false",
        ]
        try Folder.write(lines.joined(separator: "\n") + "\n", to: own + "/rabbitmq.conf")
        var shovel = ""
        if let next {
            let files = "cacertfile=\(tls)/ca.pem&certfile=\(tls)/\(name).pem&keyfile=\(tls)/\(name).key"
            let target = "amqps://\(Self.user):\(Self.user)@127.0.0.1:\(next)?\(files)"
            shovel = """
                {"vhost":"/","component":"shovel","name":"on","value":{"src-protocol":"amqp091","src-uri":"amqp://",\
                "src-queue":"\(Self.queue)","src-prefetch-count":1000,"dest-protocol":"amqp091",\
                "dest-uri":"\(target)&verify=verify_peer&server_name_indication=localhost",\
                "dest-queue":"\(Self.queue)","ack-mode":"on-confirm","reconnect-delay":1}}
                """
        }
        let definitions = """
            {"users":[{"name":"\(Self.user)","password_hash":"\(PasswordHash.text(of: Self.user))",\
            "hashing_algorithm":"rabbit_password_hashing_sha256","tags":"","limits":{}}],"vhosts":[{"name":"/"}],\
            "permissions":[{"user":"\(Self.user)","vhost":"/","configure":".*","write":".*","read":".*"}],\
            "queues":[{"name":"\(Self.queue)","vhost":"/","durable":true,"auto_delete":false,\
            "arguments":{"x-queue-type":"quorum"}}],"parameters":[\(shovel)]}
            """
        try Folder.write(definitions, to: own + "/definitions.json")
    }

    private func logEnd(_ node: String) -> String {
        SmallFile.text("\(directory)/\(node.lowercased())/output").split(separator: "\n").suffix(8).joined(
            separator: "\n")
    }

    func processes() -> [(node: String, pid: pid_t)] { nodes.map { ($0.node, $0.child.pid) } }

    func connect(_ plan: LoadPlan) throws -> @Sendable (LoadPlan) throws -> [any SendingLine] {
        let port = nodes[0].port
        return { plan in
            var random = PseudoRandom(state: 11)
            let payload = random.bytes(plan.payloadBytes)
            return try (0..<plan.connections).map { _ in
                try AMQPLine(port: port, user: Self.user, queue: Self.queue, payload: payload)
            }
        }
    }

    func consumer() throws -> any Consumer {
        try AMQPConsumer(port: nodes[2].port, user: Self.user, queue: Self.queue, into: taken)
    }
    func beginLoad() { taken.beginAnew() }

    func end() {
        for node in nodes { node.child.signal(SIGTERM) }
        for node in nodes { node.child.end() }
        nodes = []
        mapper?.end()
        mapper = nil
        Folder.remove(directory)
    }
}

/// A password as RabbitMQ keeps it: salt and SHA-256 of salt and password. It guards nothing but a server on this machine for minutes.
private enum PasswordHash {
    static func text(of password: String) -> String {
        let salt = Array("edoc".utf8)
        let digest = (salt + Array(password.utf8)).withUnsafeBytes { SHA256Hasher.digest(of: $0) }
        return Data(salt + digest.bytes).base64EncodedString()
    }
}

/// NATS: streams of JetStream at each node, and at the hub and at C streams that source from the node before, over leaf node
/// connections which A and C dial. A stream keeps all that it had: nothing is deleted while it is measured, which is the cheapest.
final class NATSCarrier: Carrier {
    let name: String
    let version: String
    private let streams: Int
    private let directory: String
    private let taken = TakenTokens()
    private var nodes: [(node: String, port: UInt16, child: Child)] = []

    init(_ place: Place, server: String, streams: Int, syncs: Bool) throws {
        name = "nats \(syncs ? "sync always" : "no fsync"), \(streams) \(streams == 1 ? "stream" : "streams")"
        self.streams = streams
        version = Conditions.said([server, "--version"], place)
        directory = place.directory + "/nats"
        Folder.remove(directory)
        try Folder.make(directory)
        do {
            try start(place, server, syncs: syncs)
        } catch {
            end()
            throw error
        }
    }

    private func start(_ place: Place, _ server: String, syncs: Bool) throws {
        let names = ["a", "hub", "c"]
        try Child.run([place.certificates, directory + "/tls"] + names, output: directory + "/certificates.log")
        let leafPort = try Socket.freePort()
        for (index, name) in names.enumerated() {
            let port = try Socket.freePort()
            try configure(name, port: port, leafPort: leafPort, syncs: syncs)
            let child = try Child(
                [server, "-c", "\(directory)/\(name).conf"], output: "\(directory)/\(name).log")
            nodes.append((["A", "hub", "C"][index], port, child))
        }
        for (index, node) in nodes.enumerated() {
            try waitUntil("nats at \(node.node) answers", seconds: 60, every: 50_000) {
                guard node.child.poll() == nil else {
                    throw BenchFailure("nats has ended: \(SmallFile.text("\(directory)/\(names[index]).log"))")
                }
                // Of the node before it, over the leaf connection: a stream that cannot reach its source at once tries again much later.
                let before = index == 0 ? "" : names[index - 1] + "."
                let answer = try? NATSConnection(port: node.port).ask("$JS.\(before)API.INFO", "")
                return answer?.contains("\"streams\"") ?? false
            }
        }
        for (index, node) in nodes.enumerated() {
            let connection = try NATSConnection(port: node.port)
            for stream in 0..<streams {
                let source =
                    index == 0
                    ? "\"subjects\":[\"d.\(stream)\"]"
                    : """
                    "sources":[{"name":"S\(stream)","external":{"api":"$JS.\(names[index - 1]).API",\
                    "deliver":"_DELIVER.\(names[index - 1]).\(stream)"}}]
                    """
                let answer = try connection.ask(
                    "$JS.API.STREAM.CREATE.S\(stream)",
                    "{\"name\":\"S\(stream)\",\"storage\":\"file\",\"retention\":\"limits\",\"num_replicas\":1,\(source)}"
                )
                guard !answer.contains("\"error\"") else { throw BenchFailure("no stream: \(answer)") }
            }
        }
    }

    private func configure(_ name: String, port: UInt16, leafPort: UInt16, syncs: Bool) throws {
        let tls = directory + "/tls"
        let certificate =
            "cert_file: \"\(tls)/\(name).pem\", key_file: \"\(tls)/\(name).key\", ca_file: \"\(tls)/ca.pem\""
        let leaf =
            name == "hub"
            ? "leafnodes { listen: \"127.0.0.1:\(leafPort)\", tls { \(certificate), verify: true, timeout: 5 } }"
            : "leafnodes { remotes: [ { url: \"tls://127.0.0.1:\(leafPort)\", tls { \(certificate), timeout: 5 } } ] }"
        let sync = syncs ? "sync_interval: always, " : ""
        try Folder.write(
            """
            server_name: \(name)
            listen: "127.0.0.1:\(port)"
            max_payload: 8MB
            max_pending: 256MB
            jetstream { store_dir: "\(directory)/\(name)", domain: \(name), \(sync)max_mem: 64MB, max_file: 40GB }
            \(leaf)

            """, to: "\(directory)/\(name).conf")
    }

    func processes() -> [(node: String, pid: pid_t)] { nodes.map { ($0.node, $0.child.pid) } }

    func connect(_ plan: LoadPlan) throws -> @Sendable (LoadPlan) throws -> [any SendingLine] {
        let (port, streams) = (nodes[0].port, streams)
        return { plan in
            var random = PseudoRandom(state: 11)
            let payload = random.bytes(plan.payloadBytes)
            return try (0..<plan.connections).map {
                try NATSLine(port: port, number: $0, streams: streams, payload: payload)
            }
        }
    }

    func consumer() throws -> any Consumer { try NATSConsumer(port: nodes[2].port, streams: streams, into: taken) }
    func beginLoad() { taken.beginAnew() }

    func end() {
        for node in nodes { node.child.signal(SIGTERM) }
        for node in nodes { node.child.end() }
        nodes = []
        Folder.remove(directory)
    }
}
