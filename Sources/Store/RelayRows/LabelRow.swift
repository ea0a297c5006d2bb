// LabelRow: what names an envelope, kept a second time and apart: in a table of its own, on other pages than its record. When the record
// cannot be read any more, it is set aside by this name, with its recipients, and what lies in an inbox stays there. Written when the
// envelope is accepted, removed when its last recipient has ended. A value.

import RelayModel

public struct LabelRow: Sendable, Hashable {
    public var bundle: BundleID
    public var kind: EnvelopeKind
    public var urgency: Urgency
    public var lifetime: Milliseconds
    public var ageAtArrival: Milliseconds
    public var arrival: ClockReading
    public var origin: NodeID?
    public var destination: EndpointID
    public var payloadLength: UInt64
    public var extent: UInt64
    /// Empty without a document block.
    public var sender: String
    public var documentID: String
    public var digest: Digest
    public var recipients: [String]
    /// All recipients of the document, where they are more than those of this copy.
    public var addressees: [String]

    public init(_ row: EnvelopeRow) {
        bundle = row.bundle
        kind = row.kind
        urgency = row.urgency
        lifetime = row.lifetime
        ageAtArrival = row.ageAtArrival
        arrival = row.arrivalReading
        origin = row.origin
        destination = row.destination
        payloadLength = row.payloadLength
        extent = row.extent
        sender = row.document?.sender.text ?? ""
        documentID = row.document?.documentID ?? ""
        digest = row.document?.digest ?? .zero
        recipients = row.recipients.map(\.name)
        let all = row.document?.recipients ?? []
        let isWhole = all.count == row.recipients.count && zip(all, row.recipients).allSatisfy { $0.text == $1.name }
        addressees = isWhole ? [] : all.map(\.text)
    }

    public func encoded() -> [UInt8] {
        var out = RowWriter(capacity: 256 + recipients.count * 16)
        out.endpoint(bundle.source)
        out.number(bundle.creationTime)
        out.number(bundle.sequence)
        out.byte(kind.rawValue)
        out.byte(urgency.rawValue)
        out.number(lifetime.count)
        out.number(ageAtArrival.count)
        out.number(arrival.relay.milliseconds)
        out.number(arrival.wall.milliseconds)
        out.number(payloadLength)
        out.number(extent)
        out.node(origin)
        out.endpoint(destination)
        out.text(sender)
        out.text(documentID)
        out.digest(digest)
        Self.write(recipients, to: &out)
        Self.write(addressees, to: &out)
        return out.record()
    }

    private static func write(_ names: [String], to out: inout RowWriter) {
        out.number(UInt64(names.count))
        for name in names { out.text(name) }
    }

    public init?(record: UnsafeRawBufferPointer) {
        guard var row = RowCursor(record) else { return nil }
        bundle = BundleID(source: row.endpoint(), creationTime: row.number(), sequence: row.number())
        guard let kind = EnvelopeKind(rawValue: row.byte()), let urgency = Urgency(rawValue: row.byte()) else {
            return nil
        }
        self.kind = kind
        self.urgency = urgency
        lifetime = Milliseconds(row.number())
        ageAtArrival = Milliseconds(row.number())
        arrival = ClockReading(
            relay: RelayTime(milliseconds: row.number()), wall: WallTime(milliseconds: row.number()))
        payloadLength = row.number()
        extent = row.number()
        origin = row.node()
        destination = row.endpoint()
        sender = row.text()
        documentID = row.text()
        digest = row.digest()
        recipients = (0..<row.count()).map { _ in row.text() }
        addressees = (0..<row.count()).map { _ in row.text() }
        guard row.isSound else { return nil }
    }

    /// The envelope's row as far as its label goes: whole, with no header and no way, and nothing known of its recipients.
    public func row(_ number: UInt64, reportTo: EndpointID, since: RelayTime) -> EnvelopeRow {
        var row = EnvelopeRow(
            number: number, bundle: bundle, kind: kind, urgency: urgency, lifetime: lifetime,
            ageAtArrival: ageAtArrival, arrival: arrival, origin: origin, destination: destination,
            reportTo: reportTo, payloadLength: payloadLength)
        row.receivedBytes = payloadLength
        row.extent = extent
        row.isStocked = true
        if kind == .document, let code = AgencyCode(sender) {
            row.document = DocumentDescription(
                sender: code, recipients: (addressees.isEmpty ? recipients : addressees).compactMap { AgencyCode($0) },
                urgency: urgency, documentID: documentID, payloadLength: payloadLength, digest: digest)
        }
        for name in recipients {
            row.recipients.append(
                RecipientRow(name: name, state: .corrupt, routeClass: 0, due: since, since: since))
        }
        return row
    }
}

extension EnvelopeRow {
    /// Both clocks at its arrival.
    public var arrivalReading: ClockReading { ClockReading(relay: arrival, wall: arrivalWall) }
}
