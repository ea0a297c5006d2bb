// SpoolSection: the section `spool` of edocd.yaml: which agencies take their documents from a directory. Pure functions; every error is
// added with its line and key, and reading goes on.

import RelayModel

extension NodeConfigurationReader {
    mutating func spools(_ members: [(name: String, section: ConfigurationSection)]) -> [SpoolConfiguration] {
        var result: [SpoolConfiguration] = []
        for (name, section) in members {
            guard let agency = AgencyCode(name) else {
                errors.add(
                    .badValue, file, section.mark, "spool.\(name)", expected: "an agency code", found: quoted(name))
                continue
            }
            let directory = section.text("directory")
            guard !directory.isEmpty else {
                errors.add(
                    .missingKey, file, section.mark, "spool.\(name).directory", expected: "a directory", found: "none")
                continue
            }
            var spool = SpoolConfiguration(
                agency: agency, directory: Self.plain(path(directory)),
                mode: UInt32(section.text("mode"), radix: 8) ?? 0o640,
                group: section.text("group").isEmpty ? nil : section.text("group"),
                reserve: section.number("reserve"), atOnce: section.number("at_once"),
                answerWithin: section.span("answer_within"), sidecar: section.yesNo("sidecar"))
            let receipts = section.text("receipts")
            if !receipts.isEmpty { spool.receipts = Self.plain(path(receipts)) }
            if let other = result.first(where: { $0.directory == spool.directory }) {
                // Each system would take the other's documents.
                errors.add(
                    .duplicate, file, section.mark("directory"), "spool.\(name).directory",
                    expected: "a directory of its own", found: "\(quoted(directory)), which is that of \(other.agency)")
            }
            result.append(spool)
        }
        return result
    }

    /// Without slashes at its end.
    private static func plain(_ path: String) -> String {
        var path = Substring(path)
        while path.count > 1, path.last == "/" { path = path.dropLast() }
        return String(path)
    }
}

/// Where the members of the section stand, for what only both files together show.
struct SpoolMarks {
    private var marks: [String: ConfigurationMark] = [:]

    init(_ root: ConfigurationSection) {
        for (name, section) in root.members["spool"] ?? [] { marks[name] = section.mark }
    }

    /// A spool is for an agency that is at home here, by its canonical code.
    func check(_ configuration: Configuration, file: String, _ errors: inout ErrorList) {
        let directory = configuration.directory
        for spool in configuration.settings.spools {
            let code = spool.agency
            let key = "spool.\(code)"
            if let home = directory.home(of: code) {
                if home == configuration.settings.node { continue }
                errors.add(
                    .contradiction, file, marks[code.text], key, expected: "an agency that is at home here",
                    found: "\(code), which is at home on \(home.name)")
            } else {
                errors.add(
                    .unknownReference, file, marks[code.text], key, expected: "an agency of agencies.yaml",
                    found: quoted(code.text), suggestion: directory.canonical(code)?.text)
            }
        }
    }
}
