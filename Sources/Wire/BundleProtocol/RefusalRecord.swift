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
        guard (1...RefusalNotice.bundlesMax).contains(notice.bundles.count) else {
            throw BundleError(.badRecord, "a refusal record has 1 to \(RefusalNotice.bundlesMax) names")
        }
        buffer.writeCBOR(arrayOf: 2)
        buffer.writeCBOR(unsigned: AdministrativeRecord.refusalsType)
        PrivateMark.write(into: &buffer, items: itemCount)
        buffer.writeCBOR(endpoint: notice.refuser.endpoint)
        buffer.writeCBOR(unsigned: notice.cause)
        buffer.writeCBOR(arrayOf: notice.bundles.count)
        for bundle in notice.bundles {
            buffer.writeCBOR(arrayOf: 3)
            buffer.writeCBOR(endpoint: bundle.source)
            buffer.writeCBOR(unsigned: bundle.creationTime)
            buffer.writeCBOR(unsigned: bundle.sequence)
        }
    }
}

extension CBORReader {
    /// The content of a refusal record, nil if it is another project's.
    mutating func readRefusals() throws(BundleError) -> RefusalNotice? {
        guard let end = try PrivateMark.read(&self, items: UInt64(RefusalRecord.itemCount)) else { return nil }
        let refuser = try readNodeID()
        let cause = try readUnsigned()
        var list = try openList(countMax: RefusalNotice.bundlesMax)
        var bundles: [BundleID] = []
        while try list.hasNext(&self) {
            let item = try openArray(3)
            let source = try readEndpointID()
            bundles.append(BundleID(source: source, creationTime: try readUnsigned(), sequence: try readUnsigned()))
            try closeArray(item)
        }
        try closeArray(end)
        guard !bundles.isEmpty else { throw failure(.badRecord, "a refusal record has no names") }
        return RefusalNotice(refuser: refuser, cause: cause, bundles: bundles)
    }
}
