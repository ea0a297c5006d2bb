// Redaction: what a report may say of settings, answers and log entries, without what people have typed. Pure.

import ControlAPI

/// Takes out of a configuration file what is not a setting: comments, which may hold anything, and blocks that somebody has pasted. The
/// settings themselves name files and hold no secrets. Takes out of answers what operators have typed: reasons, and the conditions of
/// selectors that name documents.
enum Redaction {
    static let mark = "(redacted)"

    /// An answer as it may be given away; nil when what is in it cannot be told.
    static func answer(_ name: String, _ bytes: [UInt8]) -> [UInt8]? {
        switch name {
        case "jobs.json":
            guard var answer = try? ControlJSON.answer(JobsAnswer.self, from: bytes) else { return nil }
            for index in answer.jobs.indices {
                answer.jobs[index].selector = selector(answer.jobs[index].selector)
                answer.jobs[index].reason = hidden(answer.jobs[index].reason)
            }
            return try? ControlJSON.bytes(answer)
        case "suspensions.json":
            guard var answer = try? ControlJSON.answer(SuspensionsAnswer.self, from: bytes) else { return nil }
            for index in answer.suspensions.indices {
                answer.suspensions[index].reason = hidden(answer.suspensions[index].reason)
            }
            return try? ControlJSON.bytes(answer)
        case "peers.json":
            guard var answer = try? ControlJSON.answer(PeersAnswer.self, from: bytes) else { return nil }
            // The sentence of a suspension ends with its reason.
            for index in answer.peers.indices where answer.peers[index].stuck?.word == "suspended" {
                answer.peers[index].stuck?.why = mark
            }
            return try? ControlJSON.bytes(answer)
        case "notices.json":
            guard var answer = try? ControlJSON.answer(NoticesAnswer.self, from: bytes) else { return nil }
            for index in answer.notices.indices { answer.notices[index].text = notice(answer.notices[index].text) }
            return try? ControlJSON.bytes(answer)
        default: return bytes
        }
    }

    private static func hidden(_ text: String) -> String { text.isEmpty ? "" : mark }

    /// A selector in words, without the values of the conditions that name documents. They stand at its end.
    static func selector(_ text: String) -> String {
        let padded = " " + text
        for option in [" --answer ", " --document "] {
            guard let place = padded.firstRange(of: option) else { continue }
            return String((padded[..<place.upperBound] + mark).dropFirst())
        }
        return text
    }

    /// An entry of the log. The fields stand behind the sentence in the order of their names, and their values may hold anything: of a
    /// deed what stands behind the first that an operator has typed is left out, up to the plain fields at the end.
    static func notice(_ text: String) -> String {
        guard text.hasPrefix("operator log") || text.hasPrefix("control: ") else { return text }
        if let place = text.firstRange(of: " reason=") { return text[..<place.upperBound] + mark + plainEnd(text) }
        guard let place = text.firstRange(of: " subject=") else { return text }
        let subject = String(text[place.upperBound...])
        let kept = selector(subject)
        return kept == subject ? text : text[..<place.upperBound] + kept + plainEnd(text)
    }

    /// ` uid=0 verb=hold` at the end, or nothing.
    private static func plainEnd(_ text: String) -> Substring {
        guard let place = text.ranges(of: " uid=").last else { return "" }
        let words = text[place.lowerBound...].split(separator: " ")
        guard let number = words.first?.dropFirst(4), !number.isEmpty, number.allSatisfy(\.isNumber) else { return "" }
        guard let verb = words.dropFirst().first else { return text[place.lowerBound...] }
        guard words.count == 2, verb.hasPrefix("verb="), verb.dropFirst(5).allSatisfy({ $0.isLetter || $0 == "-" })
        else { return "" }
        return text[place.lowerBound...]
    }

    static func settings(_ text: String) -> String {
        var result = ""
        var isInBlock = false
        for line in text.split(separator: "\n", omittingEmptySubsequences: false) {
            if line.contains("-----BEGIN") { isInBlock = true }
            defer { if line.contains("-----END") { isInBlock = false } }
            guard !isInBlock else { continue }
            let kept = withoutComment(line)
            guard kept.contains(where: { $0 != " " && $0 != "\t" }) else { continue }
            result += Shown.text(secretHidden(kept)) + "\n"
        }
        return result
    }

    /// A comment begins with # at the line's beginning or behind a space, outside of quotes.
    private static func withoutComment(_ line: Substring) -> String {
        var result = ""
        var quote: Character?
        var before: Character = " "
        for character in line {
            if let open = quote {
                if character == open { quote = nil }
            } else if character == "\"" || character == "'" {
                quote = character
            } else if character == "#", before == " " || before == "\t" {
                break
            }
            result.append(character)
            before = character
        }
        while result.last == " " { result.removeLast() }
        return result
    }

    private static let secretWords = ["password", "passphrase", "secret", "token", "mat_khau"]

    private static func secretHidden(_ line: String) -> String {
        guard let colon = line.firstIndex(of: ":") else { return line }
        let name = line[..<colon].lowercased()
        return secretWords.contains { name.contains($0) } ? line[...colon] + " " + mark : line
    }
}
