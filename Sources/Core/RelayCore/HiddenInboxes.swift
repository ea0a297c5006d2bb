// HiddenInboxes: agencies whose documents wait here under a code that a new directory would make another agency's spelling: nobody could
// ask for them any more. Reads a snapshot; looks at one row for each agency that has an inbox and each alias.

import RelayModel
import RelayRouting
import RelayRows

public struct HiddenInbox: Sendable, Hashable {
    public var agency: AgencyCode
    /// Whose spelling the code would become.
    public var owner: AgencyCode
    public var count: UInt64
    /// More were not counted.
    public var isMore: Bool

    private static let countMax: UInt64 = 10_000

    /// Agencies of the old directory with documents in their inbox that the new one has as aliases.
    public static func found(from old: Directory, to new: Directory, _ rows: any RowReader) -> [HiddenInbox] {
        var result: [HiddenInbox] = []
        var from = RowKey()
        while let row = rows.row(.inbox, atOrAfter: from) {
            let name = String(decoding: row.key.prefix { $0 != 0 }, as: UTF8.self)
            if let code = AgencyCode(name), old.contains(code), let owner = new.canonical(code), owner != code {
                var found = HiddenInbox(agency: code, owner: owner, count: 0, isMore: false)
                rows.scan(.inbox, prefix: RowKey(text: name)) { _, _ in
                    if found.count == countMax {
                        found.isMore = true
                        return false
                    }
                    found.count += 1
                    return true
                }
                result.append(found)
            }
            // On to the next agency.
            from = RowKey()
            for byte in name.utf8 { from.append(byte) }
            from.append(UInt8(1))
        }
        return result
    }

    public var sentence: String {
        "\(agency) would become another spelling of \(owner), and \(isMore ? "more than " : "")\(count) documents lie in its inbox here: have them taken first"
    }
}
