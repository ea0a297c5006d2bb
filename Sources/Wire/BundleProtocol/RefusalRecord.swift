// RefusalRecord: our administrative record of refused envelopes (docs/protocol.md), sent to neighbours that have said that they understand
// it, and to nobody else: others would refuse it and keep it. Its content begins with the text `edoc` and a version. Fails with a
// BundleError.

import NIOCore
import RelayModel

public enum RefusalRecord {
    /// The content's items: the mark's two, the refusing node, the cause, the names.
    static let itemCount = 5

    /// Writes the whole record, ready to be a payload.
    public static func encode(_ notice: RefusalNotice, into buffer: inout ByteBuffer) throws(BundleError) {
        guard (1...RefusalNotice.namesMax).contains(notice.names.count) else {
            throw BundleError(.badRecord, "a refusal record has 1 to \(RefusalNotice.namesMax) names")
        }
        guard notice.names.allSatisfy({ !$0.recipients.isEmpty }),
            notice.names.reduce(0, { $0 + $1.recipients.count }) <= RefusalNotice.recipientsMax
        else {
            throw BundleError(
                .badRecord, "a refusal record has 1 to \(RefusalNotice.recipientsMax) recipients, and one for each name"
            )
        }
        buffer.writeCBOR(arrayOf: 2)
        buffer.writeCBOR(unsigned: AdministrativeRecord.refusalsType)
        PrivateMark.write(into: &buffer, items: itemCount)
        buffer.writeCBOR(endpoint: notice.refuser.endpoint)
        buffer.writeCBOR(unsigned: notice.cause)
        buffer.writeCBOR(arrayOf: notice.names.count)
        for name in notice.names {
            buffer.writeCBOR(arrayOf: 4)
            buffer.writeCBOR(endpoint: name.bundle.source)
            buffer.writeCBOR(unsigned: name.bundle.creationTime)
            buffer.writeCBOR(unsigned: name.bundle.sequence)
            buffer.writeCBOR(arrayOf: name.recipients.count)
            for recipient in name.recipients { buffer.writeCBOR(text: recipient.text) }
        }
    }
}

extension CBORReader {
    /// The content of a refusal record, nil if it is another project's.
    mutating func readRefusals() throws(BundleError) -> RefusalNotice? {
        guard let end = try PrivateMark.read(&self, items: UInt64(RefusalRecord.itemCount)) else { return nil }
        let refuser = try readNodeID()
        let cause = try readUnsigned()
        var list = try openList(countMax: RefusalNotice.namesMax)
        var names: [RefusalNotice.Name] = []
        var left = RefusalNotice.recipientsMax
        while try list.hasNext(&self) {
            let item = try openArray(4)
            let source = try readEndpointID()
            let bundle = BundleID(source: source, creationTime: try readUnsigned(), sequence: try readUnsigned())
            var codes = try openList(countMax: left)
            var recipients: [AgencyCode] = []
            while try codes.hasNext(&self) { recipients.append(try readAgencyCode(.badRecord)) }
            try closeArray(item)
            guard !recipients.isEmpty else {
                throw failure(.badRecord, "a refusal record has a name without recipients")
            }
            left -= recipients.count
            names.append(RefusalNotice.Name(bundle, recipients))
        }
        try closeArray(end)
        guard !names.isEmpty else { throw failure(.badRecord, "a refusal record has no names") }
        return RefusalNotice(refuser: refuser, cause: cause, names: names)
    }
}
