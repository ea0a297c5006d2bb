// SpoolSidecar: the file beside a document in a spool, which says what this relay has verified of it. JSON of one object, so that any
// system can read it. It is in `new` before the document is. Written and renamed like the document, by the same thread; fails as
// that does.

import ControlAPI
import NIOCore
import RelayControl
import RelayCore
import RelayModel

enum SpoolSidecar {
    /// Beside `<file>`.
    static func name(_ file: String) -> String { file + ".json" }

    private struct Content: Encodable {
        var schema = 1
        var envelope: String
        /// The agency whose spool it is.
        var agency: String
        /// True where the sender was checked against the node that handed it in. Nobody vouches for a document without a sender.
        var vouched: Bool
        var sender: String?
        var source: String
        var recipients: [String]?
        var documentID: String?
        var urgency: Int?
        var bytes: UInt64
        /// SHA-256 in hexadecimal; compared with the file's bytes.
        var digest: String?
        /// When the sender's node took it, by its clock; nil where that was not known to be right.
        var submitted: Timestamp?
        /// When it was whole at this node.
        var arrived: Timestamp
    }

    /// Writes it into `tmp`, or removes what an earlier attempt has left where there is to be none.
    static func write(
        _ step: HandOver, _ rights: SpoolFolder.Rights, to folder: borrowing SpoolFolder
    ) throws(SpoolFailure) -> SpoolFolder.Written? {
        let file = name(step.file)
        guard let facts = step.facts else {
            try folder.remove(file)
            return nil
        }
        let created = step.bundle.creationTime
        let content = Content(
            envelope: step.bundle.envelopeName, agency: step.agency.text, vouched: facts.document != nil,
            sender: facts.document?.sender.text, source: facts.source.text,
            recipients: facts.document?.recipients.map(\.text), documentID: facts.document?.documentID,
            urgency: (facts.document?.urgency).map { Int($0.rawValue) }, bytes: facts.length,
            digest: facts.document?.digest.hex,
            submitted: created > 0 ? WallTime(milliseconds: created).timestamp : nil, arrived: facts.arrived.timestamp)
        var rest: ByteBuffer?
        do {
            rest = ByteBuffer(bytes: try ControlJSON.bytes(content) + [UInt8(ascii: "\n")])
        } catch {
            throw .document("what was verified of it cannot be written: \(error)")
        }
        let length = UInt64(rest?.readableBytes ?? 0)
        return try folder.write(file, length: length, digest: nil, rights: rights) {
            (buffer) throws(SpoolFailure) in
            if let bytes = rest.take() { buffer = bytes }
        }
    }
}
