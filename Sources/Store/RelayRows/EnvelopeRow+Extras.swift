// EnvelopeRow, the extras: what few envelopes have stands behind all other fields, each with a number of its own and of one shape (a
// text and two numbers), so that the many cost nothing, a store from before still opens, and a number that is not known is passed over.

import RelayModel

extension EnvelopeRow {
    private enum Extra: UInt64 {
        case extent = 1
        case formerly, resubmittedAs, via, hasArrived, heldBecause, isRefusedEverywhere, lastAnswer, crashDoubt
        // Those of 0.4 on, far from what others may have added.
        case formerName = 40
        case isReturning, isRenewed
        case statusRequest = 20
        case payloadCover, sibling
        case holding = 60
        case holdingTimes = 61
    }

    func writeExtras(to out: inout RowWriter) {
        func write(_ extra: Extra, _ text: String, _ first: UInt64, _ second: UInt64) {
            out.number(extra.rawValue)
            out.text(text)
            out.number(first)
            out.number(second)
        }
        if extent != number { write(.extent, "", extent, 0) }
        if holding.overhead != 0 || holding.flags != 0 { write(.holding, "", holding.overhead, holding.flags) }
        if holding.touched != .zero || holding.askedAnew != .zero {
            write(.holdingTimes, "", holding.touched.milliseconds, holding.askedAnew.milliseconds)
        }
        if let formerly { write(.formerly, formerly.source.text, formerly.creationTime, formerly.sequence) }
        if let formerName { write(.formerName, formerName.source.text, formerName.creationTime, formerName.sequence) }
        for name in resubmittedAs { write(.resubmittedAs, name.source.text, name.creationTime, name.sequence) }
        if !statusRequest.isEmpty { write(.statusRequest, "", UInt64(statusRequest.rawValue), 0) }
        if let payloadCover { write(.payloadCover, payloadCover, 0, 0) }
        for name in siblings { write(.sibling, name.source.text, name.creationTime, name.sequence) }
        for index in recipients.indices where recipients[index].hasExtras(beside: recipients[0]) {
            let recipient = recipients[index]
            if let via = recipient.via { write(.via, via.text, UInt64(index), 0) }
            if recipient.hasArrived { write(.hasArrived, "", UInt64(index), 0) }
            if recipient.isReturning { write(.isReturning, "", UInt64(index), 0) }
            if recipient.isRenewed { write(.isRenewed, "", UInt64(index), 0) }
            if recipient.isRefusedEverywhere { write(.isRefusedEverywhere, "", UInt64(index), 0) }
            if let doubt = recipient.crashDoubt {
                write(.crashDoubt, doubt.peer.text, UInt64(index), doubt.until.milliseconds)
            }
            if recipient.lastAnswer != recipients[0].lastAnswer {
                write(.lastAnswer, recipient.lastAnswer, UInt64(index), 0)
            }
            if !recipient.heldBecause.isEmpty { write(.heldBecause, recipient.heldBecause, UInt64(index), 0) }
        }
    }

    /// False when they make no sense.
    mutating func readExtras(_ row: inout RowCursor) -> Bool {
        while row.isSound, !row.isAtEnd {
            let extra = Extra(rawValue: row.number())
            let text = row.text()
            let (first, second) = (row.number(), row.number())
            let name = EndpointID(text: text).map { BundleID(source: $0, creationTime: first, sequence: second) }
            switch extra {
            case .extent: extent = first
            case .formerly: formerly = name
            case .formerName: formerName = name
            case .isReturning:
                guard first < UInt64(recipients.count) else { return false }
                recipients[Int(first)].isReturning = true
            case .isRenewed:
                guard first < UInt64(recipients.count) else { return false }
                recipients[Int(first)].isRenewed = true
            case .holding:
                holding.overhead = first
                holding.setFlags(second)
            case .holdingTimes:
                holding.touched = RelayTime(milliseconds: first)
                holding.askedAnew = RelayTime(milliseconds: second)
            case .resubmittedAs: if let name { resubmittedAs.append(name) }
            case .via:
                guard first < UInt64(recipients.count) else { return false }
                recipients[Int(first)].via = NodeID(text: text)
            case .hasArrived:
                guard first < UInt64(recipients.count) else { return false }
                recipients[Int(first)].hasArrived = true
            case .heldBecause:
                guard first < UInt64(recipients.count) else { return false }
                recipients[Int(first)].heldBecause = text
            case .isRefusedEverywhere:
                guard first < UInt64(recipients.count) else { return false }
                recipients[Int(first)].isRefusedEverywhere = true
            case .lastAnswer:
                guard first < UInt64(recipients.count) else { return false }
                recipients[Int(first)].lastAnswer = text
            case .crashDoubt:
                guard first < UInt64(recipients.count) else { return false }
                recipients[Int(first)].crashDoubt = NodeID(text: text).map {
                    DoubtRow(peer: $0, until: RelayTime(milliseconds: second))
                }
            case .statusRequest: statusRequest = StatusRequest(rawValue: UInt8(truncatingIfNeeded: first))
            case .payloadCover: payloadCover = text
            case .sibling: if let name { siblings.append(name) }
            case nil: break
            }
        }
        return true
    }
}

extension RecipientRow {
    /// Anything of it stands among the extras, where the first recipient's last answer is known.
    fileprivate func hasExtras(beside first: RecipientRow) -> Bool {
        via != nil || hasArrived || isReturning || isRenewed || isRefusedEverywhere || crashDoubt != nil
            || !heldBecause.isEmpty || lastAnswer != first.lastAnswer
    }
}
