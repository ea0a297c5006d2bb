// ControlContext: one request: its connection, its path parameters and its query. Owned by the task that answers the request.
// What a caller wrote wrongly is a `ControlError` that names the parameter.

import ControlAPI
import Hummingbird
import Logging
import NIOCore
import RelayModel

struct ControlContext: RequestContext {
    var coreContext: CoreRequestContextStorage
    /// Nil when nobody is connected: the store of a stopped daemon is read by who may read its files.
    let channel: (any Channel)?
    /// Who is at the other end, where the listener has noted it.
    var credentials: PeerCredentials?

    init(source: ApplicationRequestContextSource) {
        coreContext = .init(source: source)
        channel = source.channel
    }

    /// A request that comes over no connection.
    init(logger: Logger) {
        coreContext = .init(source: NoConnection(logger: logger))
        channel = nil
    }

    private struct NoConnection: RequestContextSource {
        var logger: Logger
    }

    /// A parameter of the path, percent-decoded.
    func text(_ name: String) throws -> String {
        guard let raw = parameters.get(name), let text = ControlPath.decoded(raw), !text.isEmpty else {
            throw ControlError.badRequest("the path has no sound \(name); percent-encode it as UTF-8")
        }
        return text
    }
}

/// The query of a request.
struct ControlQuery {
    private let values: [(name: String, value: String)]

    /// Unknown names are errors: a misspelt filter must not answer with everything.
    init(_ request: Request, known: Set<String>) throws {
        var values: [(name: String, value: String)] = []
        for item in (request.uri.query ?? "").split(separator: "&") {
            let parts = item.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            let name = String(parts[0])
            guard !known.isEmpty else {
                throw ControlError.badRequest("unknown parameter \(printable(name)); none is known here")
            }
            guard known.contains(name) else {
                throw ControlError.badRequest(
                    "unknown parameter \(printable(name)); known here: \(known.sorted().joined(separator: ", "))")
            }
            guard let value = ControlPath.decoded(parts.count > 1 ? parts[1] : "") else {
                throw ControlError.badRequest("the parameter \(name) is not percent-encoded UTF-8")
            }
            values.append((name, value))
        }
        self.values = values
    }

    func all(_ name: String) -> [String] { values.filter { $0.name == name }.map(\.value) }

    /// As often as it is given, and never empty.
    func every(_ name: String) throws -> [String] {
        let found = all(name)
        guard !found.contains("") else { throw Self.empty(name) }
        return found
    }

    static func empty(_ name: String) -> ControlError {
        .badRequest("\(name) is empty; give it a value, or leave it out")
    }

    /// Nil when it is absent. Empty, it is an error: a script's unset variable must not ask for everything.
    func one(_ name: String) throws -> String? {
        let found = all(name)
        guard found.count <= 1 else { throw ControlError.badRequest("the parameter \(name) is given twice") }
        guard found.first?.isEmpty != true else { throw Self.empty(name) }
        return found.first
    }

    func number(_ name: String, in range: ClosedRange<UInt64>) throws -> UInt64? {
        guard let text = try one(name) else { return nil }
        guard let number = UInt64(text), range.contains(number) else {
            throw ControlError.badRequest("\(name) must be a number from \(range.lowerBound) to \(range.upperBound)")
        }
        return number
    }

    func flag(_ name: String) throws -> Bool {
        switch try one(name) {
        case nil, "false": false
        case "true": true
        default: throw ControlError.badRequest("\(name) is true or false")
        }
    }

    func time(_ name: String) throws -> Timestamp? {
        guard let text = try one(name) else { return nil }
        guard let time = Timestamp(text: text) else {
            throw ControlError.badRequest("\(name) must be a time such as 2026-03-09 or 2026-03-09T07:05:00+07:00")
        }
        return time
    }

    /// How many lines an answer may have.
    func limit() throws -> Int { Int(try number("limit", in: 1...Page.limitMax) ?? Page.limitDefault) }
}

extension ControlServer {
    /// A call without parameters says so: who gives one believes that it is heeded.
    func requireNoQuery(_ request: Request) throws { _ = try ControlQuery(request, known: []) }
}

/// The bounds of one answer: what it may show, and how many rows it may look at.
enum Page {
    static let limitDefault: UInt64 = 100
    static let limitMax: UInt64 = 1_000
    /// Rows looked at in one snapshot: some tens of milliseconds.
    static let scanMax = 10_000
}

/// Moments of the node's clocks as answers show them.
extension ClockReading {
    /// The wall time at which the residence clock shows `time`, as far as can be said now; nil for no time.
    func timestamp(_ time: RelayTime) -> Timestamp? {
        guard time != .zero, time != .never else { return nil }
        let here = wall.timestamp.unixMilliseconds
        if time >= relay {
            return Timestamp(clamping: (wall.unixMilliseconds).addingSaturating(time.since(relay).count))
        }
        let past = relay.since(time).count
        return Timestamp(unixMilliseconds: past > UInt64(here) ? 0 : here - Int64(past))
    }
}

extension ClockReading {
    /// So many seconds ago.
    func timestamp(before seconds: UInt64) -> Timestamp {
        let back = Int64(clamping: seconds.saturatingTimes(1_000))
        let here = wall.timestamp.unixMilliseconds
        return Timestamp(unixMilliseconds: back > here ? 0 : here - back)
    }
}

extension WallTime {
    public var timestamp: Timestamp { Timestamp(clamping: unixMilliseconds) }
}

extension UInt64 {
    func addingSaturating(_ other: UInt64) -> UInt64 {
        let (sum, overflow) = addingReportingOverflow(other)
        return overflow ? .max : sum
    }
}
