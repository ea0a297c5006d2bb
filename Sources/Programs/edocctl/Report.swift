// Report: what a support file holds, part by part, and what is missing in it and why. It asks the daemon, or the pages over a stopped
// one's store; it writes nothing. A daemon that hangs is waited for once.

import ControlAPI
import Language
import RelayControl

struct Report {
    enum Content {
        case bytes([UInt8])
        /// Why it is not there.
        case missing(String)
        /// Not there, and nobody would expect it.
        case leftOut(String)
    }

    /// What is asked of the daemon: first what does not wait for the engine. Pages that an older daemon does not have are passed over.
    static let pages: [(name: String, uri: String)] = [
        ("health.json", ControlPath.query(ControlPath.health, [("commit", "true")])),
        ("metrics.txt", ControlPath.metrics), ("notices.json", ControlPath.notices),
        ("log-level.json", ControlPath.logLevel), ("status.json", ControlPath.status),
        ("limits.json", "/v1/limits"), ("queue.json", ControlPath.queue), ("peers.json", ControlPath.peers),
        ("routes.json", ControlPath.query(ControlPath.routes, [("limit", "1000")])),
        ("ledger.json", ControlPath.ledger), ("suspensions.json", "/v1/suspensions"), ("jobs.json", "/v1/jobs"),
    ]

    /// What a store tells by itself.
    static let storePages: [(name: String, uri: String)] = [
        ("status.json", ControlPath.status), ("queue.json", ControlPath.queue), ("ledger.json", ControlPath.ledger),
    ]

    /// Longer than a commit is waited for by the daemon itself.
    private static let patience = 15

    private(set) var health: HealthAnswer?
    private var parts: [(name: String, content: Content)] = []
    private var storeNode: String?

    var node: String { health?.node ?? storeNode ?? "node" }
    var isIncomplete: Bool { !missing.isEmpty }

    private var missing: [(name: String, why: String)] {
        parts.compactMap { part -> (name: String, why: String)? in
            if case .missing(let why) = part.content { return (part.name, why) }
            return nil
        }
    }

    mutating func add(_ name: String, _ content: Content) { parts.append((name, content)) }

    mutating func ask(_ client: ControlClient, _ pages: [(name: String, uri: String)], prefix: String = "") async {
        var given: String?
        for (name, uri) in pages {
            if let given {
                add(prefix + name, .missing(given))
                continue
            }
            do {
                let bytes = try await Patience.within(seconds: Self.patience) { try await client.get(uri) }
                note(name, bytes, isLive: client.offline == nil)
                add(
                    prefix + name,
                    Redaction.answer(name, bytes).map { .bytes($0) } ?? .leftOut("left out, it is not understood"))
            } catch let error as ClientError {
                add(prefix + name, Self.content(error))
                given = Self.end(error)
            } catch {
                add(prefix + name, .missing("no answer in time"))
                given = Self.notAsked
            }
        }
    }

    /// What the store of a daemon that does not answer tells, by what was found in its configuration.
    mutating func addStopped(_ examination: [UInt8]) async {
        guard let answer = try? ControlJSON.answer(ExaminationAnswer.self, from: examination),
            let directory = answer.store?.directory, let offline = try? OfflineControl(directory: directory)
        else { return }
        storeNode = answer.node?.name
        await ask(ControlClient(socket: "", offline: offline), Self.storePages, prefix: "store-")
    }

    private mutating func note(_ name: String, _ bytes: [UInt8], isLive: Bool) {
        if name == "health.json" { health = try? ControlJSON.answer(HealthAnswer.self, from: bytes) }
        if name == "status.json", !isLive {
            storeNode = (try? ControlJSON.answer(StatusAnswer.self, from: bytes))?.node ?? storeNode
        }
    }

    private static let notAsked = "not asked, the daemon had not answered before"

    /// Why the others need not be asked; nil when they must.
    private static func end(_ error: ClientError) -> String? {
        switch error {
        case .unreachable: "no daemon answers"
        case .notPermitted: "not permitted"
        case .silent: notAsked
        case .refused, .broken: nil
        }
    }

    private static func content(_ error: ClientError) -> Content {
        switch error {
        case .unreachable: .missing("no daemon answers")
        case .notPermitted: .missing("not permitted")
        case .refused(404, _): .leftOut("left out, this daemon has no such page")
        case .refused(let status, let answer): .missing("\(status) \(Shown.text(answer.error))")
        case .silent: .missing("no answer in time")
        case .broken(let why): .missing(Shown.text(why))
        }
    }

    // MARK: What is told of it

    /// The files of the archive, the list of all parts first.
    func members(at time: Int) -> [(name: String, bytes: [UInt8])] {
        let head = "edocctl report, \(Shown.time(Timestamp(unixMilliseconds: Int64(time) * 1_000)))\n"
        var lines: [String] = []
        var members: [(name: String, bytes: [UInt8])] = []
        for (name, content) in parts {
            switch content {
            case .bytes(let bytes):
                lines.append("\(name): \(bytes.count) bytes")
                members.append((name, bytes))
            case .missing(let why), .leftOut(let why): lines.append("\(name): \(why)")
            }
        }
        return [("manifest.txt", Array((head + lines.joined(separator: "\n") + "\n").utf8))] + members
    }

    func text(_ target: String) -> String {
        var text = phrase(
            "\(Shown.text(target)) is written; look through it before you send it.\n",
            "Đã ghi \(Shown.text(target)); hãy xem qua trước khi gửi.\n")
        if let first = missing.first {
            let names = missing.map(\.name).joined(separator: ", ")
            text += phrase(
                "Not all is in it: \(names). First cause: \(first.why).\n",
                "Còn thiếu: \(names). Nguyên nhân đầu tiên: \(Shown.sentence(first.why)).\n")
        }
        return text
    }

    private struct Line: Encodable {
        var name: String
        var bytes: Int?
        var missing: String?
        var leftOut: String?
    }

    private struct Lines: Encodable {
        var schema = ControlPath.schema
        var file: String
        var isComplete: Bool
        var parts: [Line]
    }

    func json(_ target: String) -> String {
        let lines = parts.map { part in
            switch part.content {
            case .bytes(let bytes): Line(name: part.name, bytes: bytes.count)
            case .missing(let why): Line(name: part.name, missing: why)
            case .leftOut(let why): Line(name: part.name, leftOut: why)
            }
        }
        let bytes = try? ControlJSON.bytes(Lines(file: target, isComplete: !isIncomplete, parts: lines))
        return Shown.json(String(decoding: bytes ?? [], as: UTF8.self)) + "\n"
    }
}
