// World: what a test of the interface stands in: a folder, a node, the real server on a socket in that folder, and the real client.

import ControlAPI
import Glibc
import Logging
import NIOCore
import RelayConfiguration
import RelayModel
import ServiceLifecycle
import Synchronization
import Testing

@testable import RelayControl
@testable import edocctl

/// Everything a test uses, taken down after it.
struct World: Sendable {
    var folder: String
    var node: FakeNode
    var client: ControlClient
    var caller: CallerBox
    var log: LogLines

    var socket: String { folder + "/c.sock" }

    static func with(
        node name: String = "vpcp", rights: String = "[]", patience: TimeAmount = .seconds(30),
        _ body: @Sendable (World) async throws -> Void
    ) async throws {
        var template = Array("/tmp/edocctl.XXXXXX".utf8CString)
        guard mkdtemp(&template) != nil else { throw FileError("cannot make", "a folder") }
        let folder = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
        defer { remove(folder) }
        let store = folder + "/store"
        mkdir(store, 0o700)
        let node = try FakeNode(directory: store, configuration: try configuration(name, rights: rights))
        let log = LogLines()
        let caller = CallerBox()
        let (ready, signal) = AsyncStream<Void>.makeStream()
        let server = ControlServer(
            node: node, socket: folder + "/c.sock", names: CallerNames { caller.caller(of: $0) }, logger: log.logger,
            patience: patience, onReady: { signal.finish() })
        let group = ServiceGroup(configuration: .init(services: [server], logger: log.logger))
        let world = World(
            folder: folder, node: node, client: ControlClient(socket: folder + "/c.sock"), caller: caller, log: log)
        try await withThrowingTaskGroup(of: Void.self) { tasks in
            tasks.addTask {
                defer { signal.finish() }
                try await group.run()
            }
            for await _ in ready {}
            do {
                try await body(world)
            } catch {
                await group.triggerGracefulShutdown()
                throw error
            }
            await group.triggerGracefulShutdown()
            try await tasks.waitForAll()
        }
        #expect(access(folder + "/c.sock", F_OK) != 0, "the socket is removed at stop")
    }

    static func configuration(_ name: String, rights: String) throws -> Configuration {
        let edocd = """
            node: {name: \(name)}
            control:
              rights: \(rights)
            peers:
              truc:
                address: 127.0.0.1:4556
                dial: yes
                may_send_from: {nodes: ["*"], agencies: ["*"]}
            """
        let agencies = """
            nodes: {vpcp: Nút VPCP, truc: Trục, hcm: Nút HCM, hanoi: Nút Hà Nội}
            agencies:
              G22: {name: Văn phòng Chính phủ, home: vpcp, aliases: [000.00.00.G22]}
              G22.1: {name: Cục Hành chính, home: vpcp}
              H29: {name: UBND TP.HCM, home: hcm, aliases: [000.00.00.H29]}
              H26: {name: UBND Hà Nội, home: hanoi}
            routes:
              - {to: "*", via: [truc]}
            """
        return try Configuration.parse(edocd: edocd, agencies: agencies)
    }

    private static func remove(_ folder: String) {
        guard let directory = opendir(folder) else { return }
        while let entry = readdir(directory) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) {
                $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            if name == "." || name == ".." { continue }
            let path = folder + "/" + name
            if entry.pointee.d_type == UInt8(DT_DIR) { remove(path) } else { unlink(path) }
        }
        closedir(directory)
        rmdir(folder)
    }

    // MARK: Shorthands

    func get<Answer: Decodable>(_ uri: String, as type: Answer.Type = Answer.self) async throws -> Answer {
        try ControlJSON.answer(type, from: try await client.get(uri))
    }

    func submit(_ query: [(name: String, value: String?)], _ body: [UInt8]) async throws -> SubmitAnswer {
        let parts = BodyParts(body, size: 1_000)
        let bytes = try await client.post(ControlPath.query(ControlPath.submit, query), length: UInt64(body.count)) {
            parts.next()
        }
        return try ControlJSON.answer(SubmitAnswer.self, from: bytes)
    }

    /// Runs a request that must be refused.
    func refusal(_ body: () async throws -> Void) async throws -> (status: UInt, answer: ErrorAnswer) {
        do {
            try await body()
        } catch ClientError.refused(let status, let answer) {
            return (status, answer)
        }
        Issue.record("the request was not refused")
        return (0, ErrorAnswer(error: ""))
    }

    func file(_ name: String, _ bytes: [UInt8]) throws -> String {
        let path = folder + "/" + name
        let file = try OutputFile(path, overwrites: true)
        try file.write(ByteBuffer(bytes: bytes))
        try file.finish()
        return path
    }
}

/// A body in parts.
final class BodyParts: Sendable {
    private let rest: Mutex<ByteBuffer>
    private let size: Int

    init(_ bytes: [UInt8], size: Int) {
        rest = Mutex(ByteBuffer(bytes: bytes))
        self.size = size
    }

    func next() -> ByteBuffer {
        rest.withLock { $0.readSlice(length: min(size, $0.readableBytes)) ?? ByteBuffer() }
    }
}

/// Who the server believes is calling.
final class CallerBox: Sendable {
    private let value = Mutex(Caller(uid: 0, user: "root", groups: []))
    private let seen = Mutex<[PeerCredentials]>([])

    func set(_ caller: Caller) { value.withLock { $0 = caller } }
    func caller(of credentials: PeerCredentials) -> Caller {
        seen.withLock { $0.append(credentials) }
        return value.withLock { $0 }
    }
    /// What the kernel has said.
    var credentials: [PeerCredentials] { seen.withLock { $0 } }
}

/// What was logged.
final class LogLines: Sendable {
    private let lines = Mutex<[String]>([])
    var all: [String] { lines.withLock { $0 } }
    func add(_ line: String) { lines.withLock { $0.append(line) } }

    var logger: Logger { Logger(label: "test") { _ in Handler(lines: self) } }

    private struct Handler: LogHandler {
        let lines: LogLines
        var metadata: Logger.Metadata = [:]
        var logLevel: Logger.Level = .debug

        subscript(metadataKey key: String) -> Logger.Metadata.Value? {
            get { metadata[key] }
            set { metadata[key] = newValue }
        }

        func log(event: LogEvent) {
            let pairs = (event.metadata ?? [:]).sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" }
            lines.add(([event.message.description] + pairs).joined(separator: " "))
        }
    }
}
