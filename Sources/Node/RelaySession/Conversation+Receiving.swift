// Conversation, what the peer sends: one bundle at a time becomes an offer, its payload, and its completion. Records for this
// node are read here and become an event.

import BundleProtocol
import NIOCore
import OpenSSLTLS
import RelayCore
import RelayEngine
import RelayModel
import TCPCL

/// The transfer that is coming in; changed in its place, portion by portion, by the one conversation that has it.
final class Reception {
    let id: TransferID
    var bundle = IncomingBundle()
    /// Set once the engine knows of it.
    var ticket: Ticket?
    /// For whole documents.
    var hasher: SHA256Hasher?
    /// For records addressed to this node.
    var record: Record?
    /// The first octets of a record for another node, until they say what it is.
    var head: ByteBuffer?
    var payloadLeft: UInt64 = 0

    init(id: TransferID) { self.id = id }

    struct Record {
        var reporter: NodeID
        var bundle: BundleID
        /// As its bundle age block says.
        var age: Milliseconds?
        /// What it says that its maker understands.
        var features: [Feature]?
        var octets = ByteBuffer()
    }
}

extension Conversation {
    /// Bundles that are refused here and named in notices; further ones of a session are only counted.
    static var refusalNoticesMax: UInt64 { 32 }

    /// Octets of a transfer. Those of one that was refused meanwhile find no reception, and fall to the ground.
    mutating func receptionContinued(
        _ id: TransferID, _ bytes: ByteBuffer, _ now: RelayTime, _ output: inout ConversationOutput
    ) {
        guard let current = reception.take(), current.id == id else { return }
        var bytes = bytes
        do throws(BundleError) {
            while let part = try current.bundle.next(&bytes) {
                switch part {
                case .header(let header):
                    output.note(isSent: false, id, header)
                    if let fault = headerCame(header, current, &output) {
                        return refuse(current, unacceptable: fault, now, &output)
                    }
                case .payload(let slice):
                    if let fault = headFault(slice, current) {
                        return refuse(current, unacceptable: fault, now, &output)
                    }
                    payloadCame(slice, current, &output)
                }
            }
            reception = current
        } catch {
            refuse(current, malformed: error, now, &output)
        }
    }

    /// The transfer is here whole.
    mutating func receptionEnded(_ id: TransferID, _ now: RelayTime, _ output: inout ConversationOutput) {
        guard let current = reception.take(), current.id == id else { return }
        do throws(BundleError) {
            try current.bundle.finish()
            guard let record = current.record else {
                guard let ticket = current.ticket else { return }
                output.inputs.append(.offerCompleted(ticket, digest: current.hasher?.finish()))
                return
            }
            try pass(record, current.id, &output)
        } catch {
            refuse(current, malformed: error, now, &output)
        }
    }

    /// The transfer will not end.
    mutating func receptionAborted(_ id: TransferID, _ output: inout ConversationOutput) {
        guard let current = reception.take(), current.id == id else { return }
        abandon(current, &output)
    }

    // MARK: - Parts of a bundle

    /// Offers the bundle; answers with a sentence if it is not acceptable whatever the engine thinks of it.
    private mutating func headerCame(
        _ header: BundleHeader, _ current: Reception, _ output: inout ConversationOutput
    ) -> String? {
        // A payload that cannot come in one transfer is promised no room.
        guard header.payload.length <= settings.session.transferMRU else { return "longer than the transfer MRU" }
        // RFC 9171, 5.6, step 4: a block that is not processed may demand that the bundle be deleted.
        if header.demands.deletesBundle { return "block unsupported" }
        if let issue = header.issues.first(where: { !settings.toleratedIssues.contains($0.code) }) {
            return "\(issue.sentence) (\(issue.clause))"
        }
        if header.primary.flags.contains(.isAdministrativeRecord),
            settings.ownEndpoints.contains(header.primary.destination)
        {
            return recordBegan(header, current)
        }
        var header = header
        header.discardUnprocessedBlocks()
        let ticket = tickets.take()
        guard let offer = offer(header, ticket) else { return "the piece does not lie in its whole" }
        current.ticket = ticket
        if offer.document != nil, offer.piece == nil { current.hasher = SHA256Hasher() }
        if offer.isAdministrative {
            current.head = ByteBuffer()
            current.payloadLeft = offer.payloadLength
        }
        undecided[ticket] = current.id
        counts.offered += 1
        output.inputs.append(.offered(offer))
        return nil
    }

    private func recordBegan(_ header: BundleHeader, _ current: Reception) -> String? {
        guard header.primary.fragment == nil else { return "a piece of a record" }
        guard header.payload.length <= UInt64(AdministrativeRecord.octetsMax) else { return "a record too long" }
        guard let reporter = header.primary.source.node else { return "a record of an anonymous source" }
        current.record = Reception.Record(
            reporter: reporter, bundle: header.primary.bundleID, age: header.age, features: header.features)
        return nil
    }

    /// What is wrong with a record that is to be handed on: types that are not known here are not carried for anybody.
    private func headFault(_ slice: ByteBuffer, _ current: Reception) -> String? {
        guard var head = current.head else { return nil }
        current.payloadLeft -= min(current.payloadLeft, UInt64(slice.readableBytes))
        head.writeBytes(slice.readableBytesView.prefix(AdministrativeRecord.headOctetsMax - head.readableBytes))
        current.head = head
        guard let isHandedOn = AdministrativeRecord.isHandedOn(head: head, isAll: current.payloadLeft == 0) else {
            return nil
        }
        current.head = nil
        return isHandedOn ? nil : "a record of a type that is not handed on"
    }

    private func payloadCame(
        _ slice: ByteBuffer, _ current: Reception, _ output: inout ConversationOutput
    ) {
        if current.record != nil {
            current.record?.octets.writeImmutableBuffer(slice)
        } else if let ticket = current.ticket {
            if let hasher = current.hasher { slice.withUnsafeReadableBytes { hasher.update($0) } }
            output.inputs.append(.offerBytes(ticket, slice))
        }
    }

    /// Reads a record addressed to this node; the engine acknowledges it when its rows are on disk.
    private mutating func pass(
        _ record: Reception.Record, _ id: TransferID, _ output: inout ConversationOutput
    ) throws(BundleError) {
        let rows: [ReportRow]
        switch try AdministrativeRecord(decoding: record.octets) {
        case .reports(let reported): rows = reported
        case .refusals(let notice): return passRefusals(notice, record, id, &output)
        // What a foreign node says of a foreign envelope is taken off its hands; nothing here depends on it.
        case .statusReport: rows = []
        case .unknown(let type):
            throw BundleError(.badRecord, "a record of type \(type), which is not known here")
        }
        let ticket = tickets.take()
        undecided[ticket] = id
        counts.recordsReceived += 1
        if let age = record.age { output.event(.recordHeard(ticket: ticket, age: age)) }
        if let features = record.features { output.event(.featuresHeard(ticket: ticket, features)) }
        output.event(
            .reported(
                ticket: ticket, session: session, reporter: record.reporter, bundle: record.bundle, rows: rows))
    }

    /// What a neighbour says of its refusals; its own word, or that of one behind it.
    private mutating func passRefusals(
        _ notice: RefusalNotice, _ record: Reception.Record, _ id: TransferID, _ output: inout ConversationOutput
    ) {
        let ticket = tickets.take()
        undecided[ticket] = id
        counts.recordsReceived += 1
        if let age = record.age { output.event(.recordHeard(ticket: ticket, age: age)) }
        output.event(.refusalsTold(ticket: ticket, session: session, bundle: record.bundle, notice))
    }

    private func offer(_ header: BundleHeader, _ ticket: Ticket) -> Offer? {
        let primary = header.primary
        var piece: PieceRange?
        if let place = primary.fragment {
            guard
                let range = PieceRange(
                    offset: place.offset, length: header.payload.length, total: place.totalLength)
            else { return nil }
            piece = range
        }
        var offer = Offer(
            ticket: ticket, session: session, bundle: primary.bundleID, destination: primary.destination,
            reportTo: primary.reportTo, piece: piece, payloadLength: header.payload.length,
            lifetime: primary.lifetime, age: header.age, hopLimit: header.hopCount.map { UInt64($0.limit) },
            hopCount: header.hopCount?.count,
            isAdministrative: primary.flags.contains(.isAdministrativeRecord),
            wantsStatusReports: !primary.flags.isDisjoint(with: .reports),
            document: header.document, copy: header.copy, header: header.octets)
        offer.formerName = header.formerName
        offer.isReturn = header.isReturn
        offer.statusRequest = StatusRequest(primary.flags)
        offer.payloadCover = header.payloadCover
        return offer
    }

    // MARK: - Answers

    /// The engine has it on disk.
    mutating func acknowledge(_ offer: Ticket, now: RelayTime, _ output: inout ConversationOutput) {
        guard let id = undecided.removeValue(forKey: offer) else { return }
        counts.acknowledged += 1
        machine.acknowledgeEnd(id, now: now.milliseconds, &output.effects)
        settle(now, &output)
    }

    /// The engine does not take it; the rest of its octets, if there is one, is not wanted.
    mutating func refuse(
        _ offer: Ticket, _ refusal: Refusal, now: RelayTime, _ output: inout ConversationOutput
    ) {
        guard let id = undecided.removeValue(forKey: offer) else { return }
        counts.refused += 1
        if reception?.id == id { reception = nil }
        machine.refuse(id, TransferRefusalReason(code: refusal.rawValue), now: now.milliseconds, &output.effects)
        settle(now, &output)
    }

    private mutating func refuse(
        _ current: Reception, malformed error: BundleError, _ now: RelayTime, _ output: inout ConversationOutput
    ) {
        counts.malformed += 1
        output.count(.badPayload)
        refuse(current, notice: "malformed bundle refused: \(error)", now, &output)
    }

    private mutating func refuse(
        _ current: Reception, unacceptable why: String, _ now: RelayTime, _ output: inout ConversationOutput
    ) {
        counts.unacceptable += 1
        output.count(.badCopy)
        refuse(current, notice: "bundle refused: \(why)", now, &output)
    }

    /// The machine's events about it are handled by the caller, in their turn.
    private mutating func refuse(
        _ current: Reception, notice: String, _ now: RelayTime, _ output: inout ConversationOutput
    ) {
        if counts.malformed + counts.unacceptable <= Self.refusalNoticesMax {
            output.notices.append(Notice(.warning, notice, peer: peer, kind: .bundleRefused))
        }
        abandon(current, &output)
        machine.refuse(current.id, .notAcceptable, now: now.milliseconds, &output.effects)
    }

    private mutating func abandon(_ current: Reception, _ output: inout ConversationOutput) {
        guard let ticket = current.ticket else { return }
        undecided[ticket] = nil
        output.inputs.append(.offerAbandoned(ticket))
    }
}

extension StatusRequest {
    init(_ flags: BundleFlags) {
        self = []
        for (flag, request) in [
            (BundleFlags.reportReception, StatusRequest.received), (.reportForwarding, .forwarded),
            (.reportDelivery, .delivered), (.reportDeletion, .deleted), (.statusTimeRequested, .time),
        ] where flags.contains(flag) {
            insert(request)
        }
    }
}
