// ConfigurationPage: the page of edocd.yaml, from the file with every key that `edocd --print-defaults` prints: comments above a key
// are its sentence, what stands in brackets at their end is what is expected, the rest of the line is the default.

import Foundation

struct ConfigurationPage {
    private(set) var page: Page
    private var parents: [(indent: Int, name: String)] = []
    private var comment: [String] = []
    private var count = 0

    init(_ input: Data, version: String) throws {
        page = Page("edocd.yaml", section: 5, version: version)
        page.heading("name")
        page.paragraph("edocd.yaml - the configuration of the e-Doc relay")
        page.heading("description")
        page.paragraph(
            "edocd(8) reads /etc/edoc/edocd.yaml at its start and, at a reload, again. A key that is left out has its default; only node.name must be given. Relative paths begin at the folder of the file. Durations end in ms, s, m, h or d, sizes in B, KiB, MiB, GiB or TiB. Unknown keys, wrong types and values out of range are errors with file, line and key; edocd --check-config tells all of them."
        )
        page.paragraph(
            "tls.key may be credential:NAME: the file that the service manager hands over under that name. The key then belongs to root alone. With LoadCredential=NAME:FILE in a drop-in of edocd.service (systemctl edit edocd.service); a new key is seen after a restart, not at a reload. By hand, CREDENTIALS_DIRECTORY=FOLDER edocd --check-config."
        )
        page.paragraph(
            "listen and the sockets under control are held open over a restart by edocd.socket and edocd-control.socket. Whoever changes them here changes them there too (systemctl edit --full edocd.socket), or disables that unit, and the daemon opens its own; a socket that the configuration does not name keeps the daemon from starting, with a sentence that says so."
        )
        page.heading("keys")
        for line in String(decoding: input, as: UTF8.self).split(separator: "\n", omittingEmptySubsequences: false) {
            read(String(line))
        }
        guard count > 20 else { throw InputFailure(description: "these are not the printed defaults of edocd") }
        page.heading("files")
        page.item("/etc/edoc/edocd.yaml", "The configuration.")
        page.item("/etc/edoc/agencies.yaml", "The agencies, their homes and the routes; the file explains itself.")
        page.heading("see also")
        page.paragraph("edocd(8), edocctl(8)")
    }

    private mutating func read(_ line: String) {
        // Examples are commented out at the first column: `#` and the line as it would stand.
        var body = line
        let isExample =
            line.hasPrefix("#") && line.dropFirst().first == " "
            && line.dropFirst().drop { $0 == " " } != line.dropFirst(2)
        if isExample { body = String(line.dropFirst()) }
        let indent = body.prefix { $0 == " " }.count
        let text = body.dropFirst(indent)
        if text.isEmpty {
            comment = []
        } else if text.hasPrefix("#") {
            comment.append(text.drop { $0 == "#" || $0 == " " }.description)
        } else if text == "-" {
            parents.removeAll { $0.indent >= indent }
            parents.append((indent, "[]"))
            comment = []
        } else if let colon = text.firstIndex(of: ":") {
            key(
                String(text[..<colon]), value: text[text.index(after: colon)...].drop { $0 == " " }.description, indent,
                isExample)
        }
    }

    private mutating func key(_ name: String, value: String, _ indent: Int, _ isExample: Bool) {
        parents.removeAll { $0.indent >= indent }
        // The name of a member of the example stands for any.
        let isMember = isExample && parents.last?.name == "peers" && name == "name"
        parents.append((indent, isMember ? "<name>" : name))
        defer { comment = [] }
        guard !isMember, !comment.isEmpty else { return }
        count += 1
        var meaning = comment.joined(separator: " ")
        if !value.isEmpty { meaning += " Default: \(value)." }
        page.item(parents.map(\.name).joined(separator: ".").replacingOccurrences(of: ".[]", with: "[]"), meaning)
    }
}
