// VerifyPages: POST /v1/verify begins to look through the whole store, at a bounded rate, while everything goes on; GET says how it stands or
// how the last one ended, and where what cannot be read can be had again. Beginning needs the right to act.

import ControlAPI
import Hummingbird
import RelayConfiguration
import RelayCore
import RelayModel
import RelayRouting
import RelayRows
import Trap

extension ControlServer {
    func addVerify(to router: Router<ControlContext>) {
        router.get("v1/verify") { request, context in
            try await requireSee(context)
            try requireNoQuery(request)
            return try json(try await verifyAnswer())
        }
        router.post("v1/verify") { request, context in
            let rights = try await rights(context)
            guard rights.may(.act) else { throw denied(rights.caller, "act") }
            let query = try ControlQuery(request, known: ["rate", "reason"])
            var rate = node.configuration.settings.store.verifyRate
            if let text = try query.one("rate") {
                guard let number = UInt64(text), number >= 64 << 10 else { throw Self.badRate }
                rate = number
            }
            let order = try await Self.order(request)
            if let number = order.rate {
                guard number >= 64 << 10 else { throw Self.badRate }
                rate = number
            }
            let caller = Operator(uid: rights.caller.uid, login: printable(rights.caller.text))
            let reason = try Self.reason(try query.one("reason") ?? order.reason)
            switch try await node.operate(caller, .verify(bytesPerSecond: rate, reason: reason)) {
            case .verifying: return try json(try await verifyAnswer())
            case .unknown(let sentence), .refused(let sentence):
                throw ControlError(status: .conflict, error: sentence)
            case .job, .draining, .acknowledged: trap("a verification was answered as something else")
            }
        }
    }

    private static var badRate: ControlError {
        .badRequest("rate is a number of octets a second, 65536 at least")
    }

    /// What stands in the query may stand in a body instead. One that is none is an error: its reason would be lost.
    private static func order(_ request: Request) async throws -> VerifyOrder {
        let bytes = try await request.body.collect(upTo: 64 << 10)
        guard bytes.readableBytes > 0 else { return VerifyOrder() }
        guard let order = try? ControlJSON.answer(VerifyOrder.self, from: Array(bytes.readableBytesView)) else {
            throw ControlError.badRequest("the body is not an order to verify: {\"rate\": 1048576, \"reason\": \"…\"}")
        }
        return order
    }

    private func verifyAnswer() async throws -> VerifyAnswer {
        let view = try await node.ask { core, _ in core.verification }
        let result = view.result
        func stamp(_ time: WallTime) -> Timestamp? { time.milliseconds == 0 ? nil : time.timestamp }
        let unreadable = try await node.read { [configuration = node.configuration] rows in
            Unreadable.found(rows, configuration)
        }
        var answer = VerifyAnswer(
            now: node.now.wall.timestamp, isRunning: view.isRunning, step: view.isRunning ? view.step : nil,
            why: result.why, began: stamp(result.began), ended: stamp(result.ended), envelopes: result.envelopes,
            payloads: result.payloads, strays: result.strays, missing: result.missing, counters: result.counters,
            named: result.named, unnamed: result.unnamed, badPayloads: result.badPayloads, isClean: result.isClean)
        if !unreadable.isEmpty { answer.unreadable = unreadable }
        return answer
    }
}

/// What is set aside as unreadable, by the rows of this store alone: no neighbour is asked.
private enum Unreadable {
    static let most = 100
    /// What operators hold lies under the same index.
    static let rowsMax = 10_000

    static func found(_ rows: any RowReader, _ configuration: Configuration) -> [VerifyAnswer.Unreadable] {
        guard rows.number(.counter, CounterKey.state(.corrupt, admin: false).name) > 0 else { return [] }
        var numbers: [UInt64] = []
        rows.scan(.lookup, prefix: Keys.lookup(.parked, "")) { key, _ in
            if key.count >= 8 { numbers.append(key.number(at: key.count - 8)) }
            return numbers.count < rowsMax
        }
        var result: [VerifyAnswer.Unreadable] = []
        for number in numbers where result.count < most {
            guard let row = EnvelopeSearch.envelope(number, rows),
                let line = VerifyAnswer.Unreadable(row, configuration)
            else { continue }
            result.append(line)
        }
        return result
    }
}

extension VerifyAnswer.Unreadable {
    /// Nil when all of it can be read.
    fileprivate init?(_ row: EnvelopeRow, _ configuration: Configuration) {
        let lost = row.recipients.filter { $0.state == .corrupt }
        guard !lost.isEmpty else { return nil }
        var takenBy: [String] = []
        for recipient in row.recipients where recipient.state == .forwarded {
            if let peer = recipient.peer?.name, !takenBy.contains(peer) { takenBy.append(peer) }
        }
        var nextHops: [String] = []
        for code in lost.compactMap({ AgencyCode($0.name) }) {
            let hops = configuration.routes.lookup(code, in: configuration.directory)?.route.via ?? []
            for hop in hops.map(\.name) where !nextHops.contains(hop) { nextHops.append(hop) }
        }
        self.init(
            name: row.bundle.envelopeName, sender: row.document?.sender.text, documentID: row.document?.documentID,
            recipients: lost.map(\.name), cameFrom: row.origin?.name,
            submitter: row.bundle.source.node?.name ?? row.bundle.source.text, takenBy: takenBy, nextHops: nextHops)
    }
}
