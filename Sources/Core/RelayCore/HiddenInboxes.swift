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
    /// More agencies than a country has.
    private static let agenciesMax = 100_000

    /// Agencies of the old directory with documents in their inbox that the new one has as aliases.
    public static func found(from old: Directory, to new: Directory, _ rows: any RowReader) -> [HiddenInbox] {
        found(in: new, rows) { old.contains($0) }
    }

    /// Agencies with documents in their inbox that a directory in force has as aliases: a restart has not asked.
    public static func found(in directory: Directory, _ rows: any RowReader) -> [HiddenInbox] {
        found(in: directory, rows) { _ in true }
    }

    private static func found(
        in new: Directory, _ rows: any RowReader, _ means: (AgencyCode) -> Bool
    ) -> [HiddenInbox] {
        var result: [HiddenInbox] = []
        var looked = 0
        var from = RowKey()
        while looked < agenciesMax, let row = rows.row(.inbox, atOrAfter: from) {
            looked += 1
            let name = String(decoding: row.key.prefix { $0 != 0 }, as: UTF8.self)
            if let code = AgencyCode(name), means(code), let owner = new.canonical(code), owner != code {
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
            from.append(unended: name)
            from.append(UInt8(1))
        }
        return result
    }

    public var sentence: String {
        "\(agency) would become another spelling of \(owner), and \(isMore ? "more than " : "")\(count) documents lie in its inbox here: have them taken first"
    }

    /// Where it has happened already.
    public var standing: String {
        "\(agency) is another spelling of \(owner) now, and nobody can take what lies in its inbox here: \(isMore ? "more than " : "")\(count); take the alias away, reload, and have it taken first"
    }

    public var finding: Finding { Finding(.critical, .inboxHidden, subject: agency.text, standing) }
}
