// SubmissionKeys: a caller that did not hear the answer to its submission hands the same document in again, under the key that it gave
// the first time, and is answered with the envelope that was made then. The rows are those of one table, under the day on which
// they were made, so that the old ones lie together and go by and by; a look asks each of the days that are kept. A row that cannot
// be read is as none: the caller then has two envelopes, never none. A key that comes back with other content is refused.

import RelayModel
import RelayRows

/// The key of a submission, and whose it is.
public struct SubmissionKey: Sendable, Hashable {
    /// Keys of different users never meet.
    public var uid: UInt32
    public let text: String

    public static let bytesMax = 128

    /// Nil: empty, too long, or not printable ASCII.
    public init?(uid: UInt32, text: String) {
        let isRight = text.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7f }
        guard isRight, (1...Self.bytesMax).contains(text.utf8.count) else { return nil }
        self.uid = uid
        self.text = text
    }
}

extension RelayCore {
    /// Days for which keys are kept.
    static let submissionKeyDays: UInt64 = 7
    private static let dayMilliseconds: UInt64 = 86_400_000

    /// The answer that stands for a key that was used before; nil for a new one.
    func answer(
        to key: SubmissionKey, _ submission: Submission, digest: Digest, _ turn: Turn
    ) -> SubmissionAnswer? {
        let today = turn.now.relay.milliseconds / Self.dayMilliseconds
        for day in (today - min(today, Self.submissionKeyDays))...today {
            guard let raw = turn.rows.value(.submissionKey, Self.rowKey(day, key)),
                let row = SubmissionKeyRow(record: raw)
            else { continue }
            // Seven days to the moment, whatever the day began with.
            let age = turn.now.relay.since(RelayTime(milliseconds: row.accepted))
            guard age.count <= Self.submissionKeyDays * Self.dayMilliseconds else { continue }
            guard row.content == content(of: submission, digest: digest) else {
                return .refused(
                    ["the key \(key.text) was used for another document, \(row.bundle.envelopeName)"],
                    cause: .keyConflict)
            }
            return .repeated(row.bundle, number: row.number)
        }
        return nil
    }

    /// Written in the transaction of the envelope.
    func remember(
        _ key: SubmissionKey, _ submission: Submission, digest: Digest, _ envelope: EnvelopeRow, _ turn: Turn
    ) {
        let now = turn.now.relay.milliseconds
        let row = SubmissionKeyRow(
            accepted: now, bundle: envelope.bundle, number: envelope.number,
            content: content(of: submission, digest: digest))
        turn.rows.put(.submissionKey, Self.rowKey(now / Self.dayMilliseconds, key), row.encoded())
    }

    /// Everything that the caller said of the document: the same key with any of it changed is another submission.
    private func content(of submission: Submission, digest: Digest) -> Digest {
        var out = RowWriter()
        out.text(submission.sender.text)
        out.number(UInt64(submission.recipients.count))
        for recipient in submission.recipients { out.text(recipient) }
        out.byte(submission.urgency.rawValue)
        out.text(submission.documentID)
        out.number(submission.payloadLength)
        out.number(submission.lifetime?.count ?? 0)
        out.digest(digest)
        return out.bytes.withUnsafeBytes { hash($0) }
    }

    private static func rowKey(_ day: UInt64, _ key: SubmissionKey) -> RowKey {
        var result = RowKey(day)
        result.append(key.uid)
        result.append(text: key.text)
        return result
    }

    /// Days that are over, a bounded number of rows a turn.
    mutating func dropSubmissionKeys(_ turn: inout Turn) {
        let today = turn.now.relay.milliseconds / Self.dayMilliseconds
        guard today > Self.submissionKeyDays else { return }
        var keys: [RowKey] = []
        turn.rows.scan(.submissionKey, prefix: RowKey()) { key, _ in
            guard key.count >= 8, key.number(at: 0) < today - Self.submissionKeyDays, keys.count < 1_024 else {
                return false
            }
            keys.append(RowKey(copying: key))
            return true
        }
        for key in keys { turn.rows.delete(.submissionKey, key) }
        if keys.count == 1_024 { housekeepingDue = min(housekeepingDue, turn.now.relay + .seconds(1)) }
    }
}
