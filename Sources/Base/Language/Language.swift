// Language: the two languages in which the programs speak to people, Vietnamese and English, and which of them this process speaks, by
// the locale of its environment. Every sentence for a person is written once, in both: `phrase("…", "…")`. Logs, the control
// interface and what programs read stay English. Cannot fail: an unknown locale means English.

import Glibc

public enum Language: Sendable, Hashable {
    case english
    case vietnamese

    /// By the environment's LC_ALL, LC_MESSAGES and LANG: the first that is set and not empty decides (locale(7)).
    public init(_ environment: (String) -> String?) {
        let locale = ["LC_ALL", "LC_MESSAGES", "LANG"].lazy.compactMap(environment).first { !$0.isEmpty } ?? ""
        self = locale == "vi" || locale.hasPrefix("vi_") || locale.hasPrefix("vi.") ? .vietnamese : .english
    }

    /// The language of this process, but where `spoken` says another.
    public static var current: Language { spoken ?? process }

    /// What a task speaks instead, for those who look at both languages in one process.
    @TaskLocal public static var spoken: Language?

    /// Read once.
    private static let process = Language { name in getenv(name).map { String(cString: $0) } }

    /// Picks the text of this language.
    public func callAsFunction(_ english: String, _ vietnamese: String) -> String {
        self == .vietnamese ? vietnamese : english
    }
}

/// One sentence for a person, in the language of this process.
public func phrase(_ english: String, _ vietnamese: String) -> String { Language.current(english, vietnamese) }
