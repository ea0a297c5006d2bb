// StoreFindings: what stands in the store that a person should know: the part of the one list of findings (RelayModel, Finding) that is read
// from counters and marks, at the same cost whatever is in the store. Pure.

import RelayModel
import RelayRows

extension Finding {
    public static func ofStore(_ rows: any RowReader, at now: ClockReading) -> [Finding] {
        var found: [Finding] = []
        let refused = rows.number(.counter, CounterKey.refusedEverywhere.name)
        if refused > 0 {
            found.append(
                Finding(
                    .warning, .refusedEverywhere,
                    "refused by every next hop, tried until retry.refusal_grace is over: \(refused); edocctl queue list --answer \"not acceptable\""
                ))
        }
        let corrupt = rows.number(.counter, CounterKey.corruptRecord.name)
        if corrupt > 0 {
            found.append(Finding(.critical, .recordsCorrupt, "unreadable records set aside: \(corrupt)"))
        }
        let unreadable = rows.number(.counter, CounterKey.state(.corrupt, admin: false).name)
        if unreadable > 0 {
            found.append(
                Finding(
                    .critical, .unreadable,
                    "unreadable, and set aside: \(unreadable); edocctl queue list --state corrupt"))
        }
        if let last = ReckoningResult.read(rows), !last.isClean {
            found.append(
                Finding(
                    .warning, .storeMended, since: last.ended,
                    "the store was not in order when it was verified last, and was mended; edocctl verify says what was found"
                ))
        }
        let held = rows.number(.counter, CounterKey.state(.held, admin: false).name)
        if held > 0 { found.append(Finding(.warning, .held, "held: \(held)")) }
        if let phase = RestorationRow.read(rows)?.phase, phase != .released {
            found.append(
                Finding(
                    .warning, .restored,
                    "the store was restored from a copy and is \(phase): edocctl restore list, compare and release"))
        }
        return found + ofOutcomes(rows)
    }

    /// By cause: there may be many.
    private static func ofOutcomes(_ rows: any RowReader) -> [Finding] {
        Outcomes.open(rows).map { cause, count in
            cause.state == .delayed
                ? Finding(
                    .warning, .documentsLate, subject: cause.code,
                    "documents handed in here are late (\(cause.reason.word)), for recipients: \(count); edocctl outcomes"
                )
                : Finding(
                    .critical, .endedBadly, subject: cause.code,
                    "documents handed in here have ended as \(cause.state) (\(cause.reason.word)), for recipients: \(count); edocctl outcomes"
                )
        }
    }
}
