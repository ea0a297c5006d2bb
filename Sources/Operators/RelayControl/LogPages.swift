// LogPages: GET /v1/notices, the last entries of the log, and GET and POST /v1/log-level, its level at run time. Also `noteDeed`, through
// which every deed of the watching side goes that leaves a trail.

import ControlAPI
import Hummingbird
import Logging
import RelayCore
import RelayModel

extension ControlServer {
    /// A level for a while goes back after this at the latest.
    static var loanMax: Milliseconds { .days(1) }

    func addLogs(to router: Router<ControlContext>) {
        router.get("v1/notices") { request, context in
            try await requireSee(context)
            try requireNoQuery(request)
            return try json(
                NoticesAnswer(
                    notices: node.recentEntries.map {
                        .init(
                            time: Timestamp(unixMilliseconds: $0.unixMilliseconds), level: $0.level, event: $0.event,
                            text: $0.text)
                    }))
        }
        router.get("v1/log-level") { request, context in
            try await requireSee(context)
            try requireNoQuery(request)
            return try json(logLevelAnswer)
        }
        router.post("v1/log-level") { request, context in
            let rights = try await rights(context)
            guard rights.may(.act) else { throw denied(rights.caller, "act") }
            let query = try ControlQuery(request, known: ["level", "for"])
            guard let text = try query.one("level"), let level = Logger.Level(rawValue: text) else {
                throw ControlError.badRequest(
                    "level is one of " + Logger.Level.allCases.map(\.rawValue).joined(separator: ", "))
            }
            let span = try query.one("for").map { text in
                guard let span = DurationText.parse(text), span >= .seconds(1), span <= Self.loanMax else {
                    throw ControlError.badRequest("for is a time from 1s to 1d, such as 10m")
                }
                return span
            }
            try await noteDeed(
                "log-level", by: rights.caller, "\(text) for \(span.map(\.text) ?? "good")")
            node.setLogLevel(level, for: span)
            return try json(logLevelAnswer)
        }
    }

    private var logLevelAnswer: LogLevelAnswer {
        let (level, standard, until) = node.logLevel
        return LogLevelAnswer(level: level.rawValue, configured: standard.rawValue, until: until?.timestamp)
    }

    /// A caller with the right to act does something that is no change of the queue: first the entry in the operator log, then the
    /// deed, or neither.
    func noteDeed(_ verb: String, by caller: Caller, _ subject: String) async throws {
        let deed = Deed(uid: caller.uid, login: caller.user ?? "", verb: verb, subject: subject)
        guard try await node.record(deed) else {
            throw ControlError(
                status: .init(code: 507, reasonPhrase: "Insufficient Storage"),
                error: "the operator log cannot be written: the store is full; nothing was done")
        }
    }
}
