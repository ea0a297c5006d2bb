// LineWriter: writes one line of an edition in the one way that LineReader takes. It judges nothing: EditionWriter reads what it wrote.

import RelayModel

struct LineWriter {
    private(set) var bytes: [UInt8] = []
    /// The fields of the row itself, with the places of their values.
    private(set) var fields: [(name: StaticString, start: Int, end: Int)] = []
    private var depth = 0
    private var isFirst = true

    mutating func removeAll() {
        bytes.removeAll(keepingCapacity: true)
        fields.removeAll(keepingCapacity: true)
        depth = 0
        isFirst = true
    }

    mutating func put(_ text: StaticString) {
        bytes.append(contentsOf: UnsafeBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount))
    }

    private mutating func comma() {
        if !isFirst { put(",") }
        isFirst = false
    }

    mutating func object(_ body: (inout LineWriter) -> Void) {
        put("{")
        depth += 1
        isFirst = true
        body(&self)
        depth -= 1
        isFirst = false
        put("}")
    }

    mutating func list<Element>(_ elements: [Element], _ body: (inout LineWriter, Element) -> Void) {
        put("[")
        depth += 1
        for (index, element) in elements.enumerated() {
            if index > 0 { put(",") }
            body(&self, element)
        }
        depth -= 1
        put("]")
        isFirst = false
    }

    mutating func field(_ name: StaticString, _ value: (inout LineWriter) -> Void) {
        comma()
        put("\"")
        put(name)
        put("\":")
        let start = bytes.count
        value(&self)
        isFirst = false
        if depth == 1 { fields.append((name, start, bytes.count)) }
    }

    mutating func field(_ name: StaticString, _ text: String) {
        field(name) { $0.text(text) }
    }

    mutating func field(_ name: StaticString, unlessEmpty text: String) {
        if !text.isEmpty { field(name, text) }
    }

    mutating func field<Element>(
        _ name: StaticString, unlessEmpty elements: [Element], _ body: (inout LineWriter, Element) -> Void
    ) {
        if !elements.isEmpty { field(name) { $0.list(elements, body) } }
    }

    mutating func field(_ name: StaticString, _ number: UInt64) {
        field(name) { $0.bytes.append(contentsOf: String(number).utf8) }
    }

    mutating func text(_ text: String) {
        put("\"")
        for byte in text.utf8 {
            if byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "\\") { put("\\") }
            bytes.append(byte)
        }
        put("\"")
    }

    mutating func base64(_ octets: [UInt8]) {
        put("\"")
        bytes.append(contentsOf: Base64.encoded(octets))
        put("\"")
    }
}

// The lines.
extension LineWriter {
    mutating func head(_ head: EditionHead) {
        put("{\"edition\":")
        object { line in
            line.field("format", EditionHead.format)
            line.field("authority", head.authority.text)
            line.field("number", head.number)
            if let before = head.before { line.field("before", before.hex) }
            line.field("from", head.from.text)
            line.field("until", head.until.text)
            line.field("count", UInt64(clamping: head.count))
            line.field("rows", head.rows.hex)
        }
        put(",")
    }

    mutating func change(_ change: EditionChange) {
        switch change {
        case .set(.agency(let row)): agency(row)
        case .set(.node(let row)): node(row)
        case .set(.authority(let row)): authority(row)
        case .remove(let key):
            put("{\"remove\":{\"")
            bytes.append(contentsOf: key.kind.utf8)
            put("\":")
            text(key.code)
            put("}}")
        }
    }

    private mutating func agency(_ row: AgencyRow) {
        object { line in
            line.field("agency", row.code.text)
            line.field("vi", row.vietnamese)
            line.field("en", unlessEmpty: row.english)
            if let parent = row.parent { line.field("parent", parent.text) }
            line.field("aliases", unlessEmpty: row.aliases) { $0.text($1.text) }
            line.field("mail", unlessEmpty: row.contact.mail)
            line.field("phone", unlessEmpty: row.contact.phone)
            line.field("homes", unlessEmpty: row.homes) { line, home in
                line.object {
                    $0.field("node", home.node.name)
                    $0.field("from", home.from.text)
                }
            }
            line.field("states") { line in
                line.list(row.states) { line, state in
                    line.object {
                        $0.field("state", state.state.rawValue)
                        $0.field("from", state.from.text)
                    }
                }
            }
            if let successor = row.successor { line.field("successor") { $0.successor(successor) } }
        }
    }

    private mutating func successor(_ successor: Successor) {
        object { line in
            line.field("kind", successor.kind.rawValue)
            line.field("from", successor.from.text)
            line.field("to", successor.to.text)
            line.field("parts", unlessEmpty: successor.parts) { line, part in
                line.object {
                    $0.field("agency", part.agency.text)
                    $0.field("takes", part.takes)
                }
            }
        }
    }

    private mutating func node(_ row: NodeRow) {
        object { line in
            line.field("node", row.node.name)
            line.field("role", row.role.rawValue)
            if row.isWatching { line.field("watching") { $0.put("true") } }
            line.field("addresses", unlessEmpty: row.addresses) { $0.text($1) }
            line.field("certificates", unlessEmpty: row.certificates) { $0.certificate($1) }
            line.field("issuers", unlessEmpty: row.issuers) { $0.certificate($1) }
            line.field("encryption", unlessEmpty: row.encryption) { $0.certificate($1) }
            line.field("evidence", unlessEmpty: row.evidence) { $0.certificate($1) }
            line.field("features", unlessEmpty: row.features) { $0.text($1.name) }
        }
    }

    private mutating func certificate(_ certificate: DatedCertificate) {
        object { line in
            line.field("sha256", certificate.fingerprint.hex)
            line.field("from", certificate.from.text)
            if let until = certificate.until { line.field("until", until.text) }
            if !certificate.der.isEmpty { line.field("der") { $0.base64(certificate.der) } }
        }
    }

    private mutating func authority(_ row: AuthorityRow) {
        object { line in
            line.field("authority", row.authority.text)
            line.field("subtrees") { line in line.list(row.subtrees) { $0.text($1.text) } }
            line.field("nodes", unlessEmpty: row.nodes) { $0.text($1.name) }
            line.field("certificates") { line in line.list(row.certificates) { $0.text($1.hex) } }
            line.field("needs", UInt64(clamping: row.needs))
            line.field("heirs", unlessEmpty: row.heirs) { line, heir in
                line.object {
                    $0.field("of", heir.of.hex)
                    $0.field("sha256", heir.fingerprint.hex)
                }
            }
        }
    }
}
