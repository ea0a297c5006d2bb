// VerifyPages: POST /v1/verify begins to look through the whole store, at a bounded rate, while everything goes on; GET says how it stands or
// how the last one ended. Beginning needs the right to act.

import ControlAPI
import Hummingbird
import RelayCore
import RelayModel
import Trap

extension ControlServer {
    func addVerify(to router: Router<ControlContext>) {
        router.get("v1/verify") { _, context in
            try await requireSee(context)
            return try json(try await verifyAnswer())
        }
        router.post("v1/verify") { request, context in
            let rights = try await rights(context)
            guard rights.may(.act) else { throw denied(rights.caller, "act") }
            let query = try ControlQuery(request, known: ["rate", "reason"])
            var rate = node.configuration.settings.store.verifyRate
            if let text = try query.one("rate") {
                guard let number = UInt64(text), number > 0 else {
                    throw ControlError.badRequest("rate is a number of octets a second")
                }
                rate = number
            }
            let caller = Operator(uid: rights.caller.uid, login: printable(rights.caller.text))
            let reason = try query.one("reason") ?? ""
            switch try await node.operate(caller, .verify(bytesPerSecond: rate, reason: reason)) {
            case .verifying: return try json(try await verifyAnswer())
            case .unknown(let sentence), .refused(let sentence):
                throw ControlError(status: .conflict, error: sentence)
            case .job, .draining, .acknowledged: trap("a verification was answered as something else")
            }
        }
    }

    private func verifyAnswer() async throws -> VerifyAnswer {
        let view = try await node.ask { core, _ in core.verification }
        let result = view.result
        func stamp(_ time: WallTime) -> Timestamp? { time.milliseconds == 0 ? nil : time.timestamp }
        return VerifyAnswer(
            now: node.now.wall.timestamp, isRunning: view.isRunning, step: view.isRunning ? view.step : nil,
            why: result.why, began: stamp(result.began), ended: stamp(result.ended), envelopes: result.envelopes,
            payloads: result.payloads, strays: result.strays, missing: result.missing, counters: result.counters,
            named: result.named, unnamed: result.unnamed, badPayloads: result.badPayloads, isClean: result.isClean)
    }
}
