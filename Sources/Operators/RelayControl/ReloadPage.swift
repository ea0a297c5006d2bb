// ReloadPage: POST /v1/reload: what SIGHUP does, with an answer, and with `force=true` also when more than 5 % of the rows would be moved
// or removed. Needs the right to act; every call is logged with its caller.

import ControlAPI
import Hummingbird

extension ControlServer {
    func addReload(to router: Router<ControlContext>) {
        router.post("v1/reload") { request, context in
            let rights = try await rights(context)
            guard rights.may(.act) else { throw denied(rights.caller, "act") }
            let query = try ControlQuery(request, known: ["force"])
            let force: Bool
            switch try query.one("force") {
            case nil, "false": force = false
            case "true": force = true
            default: throw ControlError.badRequest("force is true or false")
            }
            let (isApplied, lines) = try await node.reload(force: force)
            await record(
                rights.caller, "reload", subject: force ? "configuration, with force" : "configuration",
                outcome: isApplied ? "done" : "refused: " + (lines.first ?? ""))
            return try json(ReloadAnswer(isApplied: isApplied, lines: lines))
        }
    }
}
