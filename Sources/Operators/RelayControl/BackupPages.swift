// BackupPages: POST /v1/backup begins a copy of the store, GET asks how it stands, POST /v1/backup/cancel gives it up. Acting needs the
// right to act. The copy itself runs on a thread of the node; no request waits for it.

import ControlAPI
import Hummingbird
import RelayCore

extension ControlServer {
    private static var orderBytesMax: Int { 16 << 10 }

    func addBackup(to router: Router<ControlContext>) {
        router.get("v1/backup") { request, context in
            try await requireSee(context)
            try requireNoQuery(request)
            return try json(await node.backup)
        }
        router.post("v1/backup") { request, context in
            let rights = try await rights(context)
            guard rights.may(.act) else { throw denied(rights.caller, "act") }
            try requireNoQuery(request)
            let bytes = try await request.body.collect(upTo: Self.orderBytesMax)
            guard let order = try? ControlJSON.answer(BackupOrder.self, from: Array(bytes.readableBytesView)),
                order.path.isEmpty || order.path.hasPrefix("/"), order.bytesPerSecond != 0, order.keep != 0,
                order.keepDays != 0
            else {
                throw ControlError.badRequest(
                    "the body names an absolute path for the copy, or none: {\"path\": \"/…\", \"isWhole\": false, \"reason\": \"\", \"keep\": 7}"
                )
            }
            guard !order.path.contains("\0"), !order.path.split(separator: "/").contains("..") else {
                throw ControlError.badRequest("the path of a copy has no .. in it")
            }
            let deed = Deed(
                uid: rights.caller.uid, login: rights.caller.user ?? "", verb: Deed.backup, reason: order.reason)
            guard let answer = try await node.beginBackup(order, deed) else {
                throw ControlError(
                    status: .conflict, error: "a backup is under way; edocctl backup --state shows it, --cancel ends it"
                )
            }
            return try json(answer)
        }
        router.post("v1/backup/cancel") { request, context in
            let rights = try await rights(context)
            guard rights.may(.act) else { throw denied(rights.caller, "act") }
            try requireNoQuery(request)
            let answer = await node.backup
            guard await node.cancelBackup() else { throw ControlError.notFound("no backup is under way") }
            await record(rights.caller, "backup cancel", subject: answer.path)
            return try json(await node.backup)
        }
    }
}
