// The watching side of the interface: rights, an engine that does not answer, a level that is lent, a watcher that does not read.

import ControlAPI
import Foundation
import Glibc
import RelayConfiguration
import RelayModel
import Testing

@testable import RelayControl
@testable import edocctl

@Suite(.serialized) struct WatchingTests {
    private static let rights = "[{user: mai, verbs: [see]}, {user: an, verbs: [see, act]}]"

    @Test func whoMayWatch() async throws {
        try await World.with(rights: Self.rights) { world in
            let seeing = [ControlPath.metrics, ControlPath.health, ControlPath.notices, ControlPath.logLevel]
            world.caller.set(Caller(uid: 1_000, user: "lan", groups: []))
            for uri in seeing { #expect(try await world.refusal { _ = try await world.client.get(uri) }.status == 403) }
            world.caller.set(Caller(uid: 1_001, user: "mai", groups: []))
            for uri in seeing { _ = try await world.client.get(uri) }
            let set = ControlPath.query(ControlPath.logLevel, [("level", "debug")])
            #expect(try await world.refusal { _ = try await world.client.post(set, json: []) }.status == 403)
            #expect(
                try await world.refusal { _ = try await world.client.get(ControlPath.wire("truc")) }.status == 403)
            #expect(world.node.logLevel.level == .info)
            world.caller.set(Caller(uid: 1_002, user: "an", groups: []))
            _ = try await world.client.post(set, json: [])
            #expect(world.node.logLevel.level == .debug)
            #expect(
                try await world.refusal { _ = try await world.client.get(ControlPath.wire("nobody")) }.status == 404)
        }
    }

    @Test func levelsMakeSense() async throws {
        try await World.with { world in
            for (level, span) in [("loud", nil), ("debug", "2d"), ("debug", "0s"), ("debug", "soon")] {
                let uri = ControlPath.query(ControlPath.logLevel, [("level", level), ("for", span)])
                #expect(try await world.refusal { _ = try await world.client.post(uri, json: []) }.status == 400)
            }
            let uri = ControlPath.query(ControlPath.logLevel, [("level", "trace"), ("for", "10m")])
            let answer = try ControlJSON.answer(LogLevelAnswer.self, from: try await world.client.post(uri, json: []))
            #expect(answer.level == "trace" && answer.configured == "info")
            let left = try #require(answer.until).unixMilliseconds - world.node.now.wall.timestamp.unixMilliseconds
            #expect(left == 600_000)
        }
    }

    /// Nothing that lies on the disk can be read: health is answered all the same, however often it is asked.
    @Test func aDiskThatDoesNotAnswer() async throws {
        try await World.with { world in
            world.node.watching.state.withLock { $0.isDiskDead = true }
            for _ in 0..<3 {
                let health: HealthAnswer = try await world.get(ControlPath.health + "?commit=true")
                #expect(!health.engineAnswers && health.node == "vpcp")
                #expect(health.storeError == "the store cannot be read: its disk does not answer")
                #expect(health.commitError == health.storeError)
            }
            #expect(await Entry.run(["check", "--socket", world.socket]) == .usage, "critical is 2")
            // What cannot be read has not been looked at.
            #expect(await Entry.run(["check", "backup", "--socket", world.socket]) == .unknown)
            world.node.watching.state.withLock { $0.isDiskDead = false }
            let health: HealthAnswer = try await world.get(ControlPath.health)
            #expect(health.engineAnswers && health.storeError == nil)
        }
    }

    @Test func figuresAreGatheredByABoundedNumber() {
        let gathering = Gathering()
        let begun = (0..<40).count { _ in gathering.begin() }
        #expect(begun == 16)
        gathering.end()
        #expect(gathering.begin() && !gathering.begin())
    }

    /// A monitor must be told that the engine does not answer, and not hang with it.
    @Test func anEngineThatDoesNotAnswer() async throws {
        try await World.with { world in
            world.node.watching.state.withLock { $0.isStuck = true }
            let page = String(decoding: try await world.client.get(ControlPath.metrics), as: UTF8.self)
            #expect(page.contains("\nedoc_engine_up{node=\"vpcp\"} 0\n") && page.hasSuffix("# EOF\n"))
            #expect(page.contains("edoc_recipients{") && !page.contains("edoc_link_up{"))
            let health: HealthAnswer = try await world.get(ControlPath.health)
            #expect(!health.engineAnswers && health.clockDoubted == nil)
            #expect(await Entry.run(["check", "--socket", world.socket]) == .usage, "critical is 2")
            world.node.watching.state.withLock { $0.isStuck = false }
            #expect(await Entry.run(["check", "running", "engine", "--socket", world.socket]) == .done)
        }
    }

    @Test func figuresOfTheQueue() async throws {
        try await World.with { world in
            _ = try await world.submit([("sender", "G22"), ("to", "H29"), ("urgency", "3")], [1, 2, 3])
            _ = try await world.submit([("sender", "G22"), ("to", "G22.1")], [1])
            world.node.advance(.minutes(30))
            let page = String(decoding: try await world.client.get(ControlPath.metrics), as: UTF8.self)
            #expect(page.contains("edoc_queued_recipients{node=\"vpcp\",peer=\"truc\",urgency=\"3\"} 1\n"))
            #expect(page.contains("edoc_queued_bytes{node=\"vpcp\",peer=\"truc\",urgency=\"3\"} 3\n"))
            let line = page.split(separator: "\n").first {
                $0.hasPrefix("edoc_queue_oldest_seconds{node=\"vpcp\",peer=\"truc\",urgency=\"3\"}")
            }
            let age = try #require(line?.split(separator: " ").last.flatMap { UInt64($0) })
            // By the minute of acceptance.
            #expect((1_800...1_860).contains(age))
            #expect(page.contains("edoc_queue_oldest_seconds{node=\"vpcp\",peer=\"truc\",urgency=\"0\"} 0\n"))
            #expect(page.contains("edoc_inbox_agencies{node=\"vpcp\"} 1\n"))
            let inbox = page.split(separator: "\n").first { $0.hasPrefix("edoc_inbox_oldest_seconds{") }
            let waited = try #require(inbox?.split(separator: " ").last.flatMap { UInt64($0) })
            #expect((1_800...1_860).contains(waited))
            // Half an hour of urgency 3 is a warning, and critical where the operator says so.
            let socket = ["--socket", world.socket]
            #expect(await Entry.run(["check", "oldest"] + socket) == .negative)
            #expect(await Entry.run(["check", "oldest", "--crit", "3=20m"] + socket) == .usage)
            #expect(await Entry.run(["check", "oldest", "--warn", "2h", "--crit", "3h"] + socket) == .done)
            #expect(await Entry.run(["check", "arrived", "--warn-arrived", "10m"] + socket) == .negative)
            #expect(await Entry.run(["check", "certificates"] + socket) == .usage, "one day is left")
            #expect(await Entry.run(["check", "--warn", "5=1h"] + socket) == .unknown)
            #expect(await Entry.run(["check", "nonsense"] + socket) == .unknown)
            #expect(await Entry.run(["check", "--nonsense"] + socket) == .unknown)
            world.caller.set(Caller(uid: 1_000, user: "lan", groups: []))
            #expect(await Entry.run(["check"] + socket) == .unknown)
        }
    }

    /// The sessions never wait for one who watches: who does not read loses the connection.
    @Test func aWatcherThatDoesNotRead() async throws {
        try await World.with { world in
            let reader = try SilentClient(world.socket, "GET /v1/wire/truc HTTP/1.1\r\nHost: x\r\n\r\n")
            #expect(try await soon { world.node.watching.state.withLock { $0.taps.count } == 1 })
            let tap = try #require(world.node.watching.state.withLock { $0.taps.first })
            var line = WireLine(time: world.node.now.wall.timestamp, way: "in", message: "XFER_SEGMENT")
            line.reason = String(repeating: "x", count: 10_000)
            var batches = 0
            while tap(Array(repeating: line, count: 10)), batches < 10_000 { batches += 1 }
            #expect(batches < 10_000, "the tap is told to stop")
            #expect(try await soon { world.node.watching.state.withLock { $0.ended } == 1 })
            #expect(reader.isClosedByPeer())
            // Its place is free again: as many as may watch can.
            let others = try (0..<Watchers.countMax).map { _ in
                try SilentClient(world.socket, "GET /v1/wire/truc HTTP/1.1\r\nHost: x\r\n\r\n")
            }
            #expect(
                try await soon { world.node.watching.state.withLock { $0.taps.count } == 1 + Watchers.countMax })
            let refusal = try await world.refusal { _ = try await world.client.get(ControlPath.wire("truc")) }
            #expect(refusal.status == 409)
            withExtendedLifetime(others) {}
        }
    }

    @Test func aWatchEndsByItself() async throws {
        try await World.with { world in
            let uri = ControlPath.query(ControlPath.wire("truc"), [("for", "1s")])
            let bytes = try await world.client.get(uri)
            let lines = try String(decoding: bytes, as: UTF8.self).split(separator: "\n").map {
                try ControlJSON.answer(WireLine.self, from: Array($0.utf8))
            }
            #expect(lines.first?.message == "WATCH" && lines.last?.message == "END")
            #expect(try await soon { world.node.watching.state.withLock { $0.ended } == 1 })
        }
    }

    @Test func theLastEntriesAreShown() async throws {
        try await World.with { world in
            world.node.watching.state.withLock {
                $0.entries = [
                    RecentEntry(unixMilliseconds: 1_800_000_000_000, level: "notice", event: "linkUp", text: "link up")
                ]
            }
            let answer: NoticesAnswer = try await world.get(ControlPath.notices)
            #expect(answer.notices.map(\.text) == ["link up"] && answer.notices.first?.event == "linkUp")
        }
    }

    private func soon(_ condition: () -> Bool) async throws -> Bool {
        for _ in 0..<5_000 {
            if condition() { return true }
            try await Task.sleep(for: .milliseconds(2))
        }
        return false
    }
}

/// A client that asks and then reads nothing.
private final class SilentClient {
    private let descriptor: Int32

    init(_ path: String, _ request: String) throws {
        descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8.prefix($0.count - 1)) }
        let length = socklen_t(MemoryLayout<sockaddr_un>.size)
        let answer = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { connect(descriptor, $0, length) }
        }
        guard answer == 0 else { throw FileError("cannot connect", path) }
        _ = request.withCString { write(descriptor, $0, strlen($0)) }
    }

    deinit { close(descriptor) }

    /// Reads what is there to its end; false when the connection stays open for ten seconds.
    func isClosedByPeer() -> Bool {
        var bytes = [UInt8](repeating: 0, count: 1 << 20)
        while true {
            var state = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
            guard poll(&state, 1, 10_000) > 0 else { return false }
            let count = read(descriptor, &bytes, bytes.count)
            if count <= 0 { return true }
        }
    }
}
