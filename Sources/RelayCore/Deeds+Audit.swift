// Deeds, their audit: what is written down of a deed, in the transaction of its rows.

import RelayModel
import RelayRows

/// Who did what, to what, why, and to how many.
public struct Deed: Sendable, Hashable {
    public var uid: UInt32
    public var login: String
    public var verb: String
    /// The selector, peer, agency or job in words.
    public var subject: String
    public var reason: String
    public var count: UInt64
    public var bytes: UInt64

    public init(
        _ caller: Operator, _ verb: String, _ subject: String, reason: String = "", count: UInt64 = 0, bytes: UInt64 = 0
    ) {
        uid = caller.uid
        login = caller.login
        self.verb = verb
        self.subject = subject
        self.reason = reason
        self.count = count
        self.bytes = bytes
    }

    var text: String {
        var text = "\(login) (uid \(uid)): \(verb): \(subject)"
        if count > 0 { text += "; \(count) recipients, \(bytes) bytes" }
        return reason.isEmpty ? text : text + "; \(reason)"
    }
}

extension RelayCore {
    mutating func noteDeed(_ deed: Deed, _ turn: inout Turn) {
        turn.effects.append(.notice(Notice(.notice, deed.text)))
    }
}
