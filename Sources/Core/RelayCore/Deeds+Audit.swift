// Deeds, their audit: an entry of the operator log in the transaction of the deed's rows.

import RelayModel
import RelayRows

extension Deed {
    /// What an operator has had the core do. `subject`: the selector, peer, agency or job in words.
    init(
        _ caller: Operator, _ verb: String, _ subject: String, reason: String = "", count: UInt64 = 0,
        bytes: UInt64 = 0, outcome: String = "done"
    ) {
        self.init(
            uid: caller.uid, login: caller.login, verb: verb, subject: subject, reason: reason, count: count,
            bytes: bytes, outcome: outcome)
    }
}

extension RelayCore {
    mutating func noteDeed(_ deed: Deed, _ turn: inout Turn) { audit(deed, &turn) }
}
