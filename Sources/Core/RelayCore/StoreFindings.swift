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
        let held = rows.number(.counter, CounterKey.state(.held, admin: false).name)
        if held > 0 { found.append(Finding(.warning, .held, "held: \(held)")) }
        if let phase = RestorationRow.read(rows)?.phase, phase != .released {
            found.append(
                Finding(
                    .warning, .restored,
                    "the store was restored from a copy and is \(phase): edocctl restore list, compare and release"))
        }
        return found
    }
}
