// AlikeRecipients: recipients of one envelope of whom the same is to be said, as one line: a circular for a hundred agencies fits on a page.
// What differs among them by time alone is shown from the first to the last. Pure.

import Language

enum AlikeRecipients {
    struct Group<Member> {
        var members: [Member]
        /// Of one state, and each for reasons of its own: too many different ones to be told one by one.
        var isMixed = false
    }

    /// So few are told one by one, whatever they have in common.
    static let fewMax = 3
    /// More different things are not told of one envelope.
    static let groupsMax = 8
    /// Names in one line.
    static let namesMax = 24

    static var help: String {
        phrase("Each recipient by itself.", "Từng nơi nhận một.")
    }
    static var mixed: String {
        phrase("for different reasons: --all tells each", "vì các lý do khác nhau: --all cho biết từng nơi")
    }

    /// In the order of their first members.
    static func groups<Member>(
        _ all: [Member], isAll: Bool, state: (Member) -> String, key: (Member) -> [String]
    ) -> [Group<Member>] {
        guard !isAll, all.count > fewMax else { return all.map { Group(members: [$0]) } }
        let alike = gathered(all.map { Group(members: [$0]) }, isMixing: false) { key($0.members[0]) }
        guard alike.count > groupsMax else { return alike }
        return gathered(alike, isMixing: true) { [state($0.members[0])] }
    }

    private static func gathered<Member>(
        _ groups: [Group<Member>], isMixing: Bool, by key: (Group<Member>) -> [String]
    ) -> [Group<Member>] {
        var places: [[String]: Int] = [:]
        var result: [Group<Member>] = []
        for group in groups {
            let key = key(group)
            if let place = places[key] {
                result[place].members += group.members
                result[place].isMixed = isMixing
            } else {
                places[key] = result.count
                result.append(group)
            }
        }
        return result
    }

    /// The name of one, or how many they are.
    static func title(_ names: [String]) -> String {
        names.count == 1 ? names[0] : Shown.counted(UInt64(names.count), "recipient", "recipients", "nơi nhận")
    }

    /// The line of names below the title; none for one.
    static func names(_ names: [String], _ columns: Int?) -> String {
        names.count == 1 ? "" : steps([Shown.names(names, max: namesMax)], columns)
    }

    static func steps(_ steps: [String], _ columns: Int?) -> String {
        let width = columns.map { max($0 - 6, 20) } ?? .max
        return steps.map { step in
            "    " + Shown.broken(Shown.text(step), to: width).joined(separator: "\n      ") + "\n"
        }.joined()
    }

    /// The first and the last of texts in their order; one where they are the same; nil for none.
    static func range(_ texts: [String]) -> String? {
        guard let first = texts.first, let last = texts.last else { return nil }
        return first == last ? first : phrase("\(first) to \(last)", "\(first) đến \(last)")
    }
}
