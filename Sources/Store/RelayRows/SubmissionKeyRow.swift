// SubmissionKeyRow: what became of a submission that came with a key of its caller's. A value and its record; an unreadable one is nil.

import RelayModel

/// One row of the table `submissionKey`.
public struct SubmissionKeyRow: Sendable, Hashable {
    /// Milliseconds of relay time.
    public var accepted: UInt64
    public var bundle: BundleID
    /// The envelope's number on this node.
    public var number: UInt64
    /// SHA-256 of what the caller said of the document, and of its bytes.
    public var content: Digest

    public init(accepted: UInt64, bundle: BundleID, number: UInt64, content: Digest) {
        self.accepted = accepted
        self.bundle = bundle
        self.number = number
        self.content = content
    }

    public func encoded() -> [UInt8] {
        var out = RowWriter(capacity: 96)
        out.number(accepted)
        out.endpoint(bundle.source)
        out.number(bundle.creationTime)
        out.number(bundle.sequence)
        out.number(number)
        out.digest(content)
        return out.record()
    }

    public init?(record: UnsafeRawBufferPointer) {
        guard var row = RowCursor(record) else { return nil }
        accepted = row.number()
        let source = row.endpoint()
        bundle = BundleID(source: source, creationTime: row.number(), sequence: row.number())
        number = row.number()
        content = row.digest()
        guard row.isSound else { return nil }
    }
}
