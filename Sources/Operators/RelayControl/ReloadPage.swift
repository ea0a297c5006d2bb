// ReloadPage: POST /v1/reload: what SIGHUP does, with an answer, and with `force=true` also when more than 5 % of the rows would be moved
// or removed; with `dry=true` it only says what it would do. Needs the right to act; every call is logged with its caller.

import ControlAPI
import Hummingbird

/// How a new configuration is taken.
public enum ReloadManner: Sendable, Hashable {
    /// Refused when it moves too much.
    case guarded
    /// Whatever it moves.
    case forced
    /// Only looked at: nothing changes.
    case rehearsed
}

extension ControlServer {
    func addReload(to router: Router<ControlContext>) {
        router.post("v1/reload") { request, context in
            let rights = try await rights(context)
            guard rights.may(.act) else { throw denied(rights.caller, "act") }
            let query = try ControlQuery(request, known: ["force", "dry"])
            let (force, dry) = (try query.flag("force"), try query.flag("dry"))
            if force, dry { throw ControlError.badRequest("force and dry exclude each other") }
            let manner: ReloadManner = dry ? .rehearsed : force ? .forced : .guarded
            let (isApplied, lines) = try await node.reload(manner)
            if manner == .rehearsed { return try json(ReloadAnswer(isApplied: isApplied, lines: lines, isDry: true)) }
            await record(
                rights.caller, "reload", subject: force ? "configuration, with force" : "configuration",
                outcome: isApplied ? "done" : "refused: " + (lines.first ?? ""))
            return try json(ReloadAnswer(isApplied: isApplied, lines: lines))
        }
    }
}
