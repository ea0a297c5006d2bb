// RowGrammar: the lines of an edition and their fields, in the order in which they must stand. What a line says is made from it here;
// LineWriter+Rows writes the same.

import RelayModel

/// The fields of the objects of the format, each list in its order.
enum Fields {
    static let edition: [StaticString] = [
        "format", "authority", "number", "before", "from", "until", "count", "rows",
    ]
    static let authority: [StaticString] = ["authority", "subtrees", "nodes", "certificates", "needs", "heirs"]
    static let heir: [StaticString] = ["of", "sha256"]
    static let node: [StaticString] = [
        "node", "role", "watching", "addresses", "certificates", "issuers", "encryption", "evidence", "features",
    ]
    static let certificate: [StaticString] = ["sha256", "from", "until", "der"]
    static let agency: [StaticString] = [
        "agency", "vi", "en", "parent", "aliases", "mail", "phone", "homes", "states", "successor",
    ]
    static let home: [StaticString] = ["node", "from"]
    static let state: [StaticString] = ["state", "from"]
    static let successor: [StaticString] = ["kind", "from", "to", "parts"]
    static let part: [StaticString] = ["agency", "takes"]
}

extension LineReader {
    /// The head, from the beginning of its line to the comma at its end.
    mutating func head(bounds: EditionBounds) throws(EditionFault) -> EditionHead {
        try expect("{\"edition\":{\"format\":")
        field = "format"
        guard try number(max: EditionBounds.numberMax) == EditionHead.format else {
            throw fault(.unknownFormat, "another format than \(EditionHead.format), which this program reads")
        }
        try require("authority", of: Fields.edition)
        let authority = try code()
        try require("number", of: Fields.edition)
        let number = try number(max: EditionBounds.numberMax)
        if number == 0 { throw fault(.badNumber, "editions are counted from 1") }
        var before: Digest?
        if number > 1 {
            try require("before", of: Fields.edition)
            before = try digest()
        } else if has("before") {
            throw fault(.unexpected, "edition 1 has none before it")
        }
        try require("from", of: Fields.edition)
        let from = try moment()
        try require("until", of: Fields.edition)
        let until = try moment()
        try require("count", of: Fields.edition)
        let count = try self.number(max: EditionBounds.numberMax)
        guard count <= UInt64(clamping: bounds.rowsMax) else {
            throw fault(.tooManyRows, "more than \(bounds.rowsMax) rows")
        }
        try require("rows", of: Fields.edition)
        let rows = try digest()
        try close(known: Fields.edition)
        field = ""
        try expect(",")
        return EditionHead(
            authority: authority, number: number, before: before, from: from, until: until, count: Int(count),
            rows: rows)
    }

    /// One row, or one key to remove.
    mutating func change() throws(EditionFault) -> EditionChange {
        if skip("{\"agency\":") { return .set(.agency(try agency())) }
        if skip("{\"node\":") { return .set(.node(try nodeRow())) }
        if skip("{\"authority\":") { return .set(.authority(try authority())) }
        if skip("{\"remove\":{") {
            let key = try key()
            try expect("}}")
            return .remove(key)
        }
        if skip("{\"") { throw fault(.unknownKind, "no row of a kind that is known: agency, node or authority") }
        throw unexpected()
    }

    private mutating func key() throws(EditionFault) -> EditionKey {
        field = "remove"
        if skip("\"agency\":") { return .agency(try code()) }
        if skip("\"node\":") { return .node(try node()) }
        if skip("\"authority\":") { return .authority(try code()) }
        throw fault(.unknownKind, "no row of a kind that is known: agency, node or authority")
    }

    // MARK: Agencies

    private mutating func agency() throws(EditionFault) -> AgencyRow {
        field = "agency"
        let code = try code()
        try require("vi", of: Fields.agency)
        var row = AgencyRow(code: code, vietnamese: try name(max: EditionBounds.nameBytesMax))
        if has("en") { row.english = try name(max: EditionBounds.nameBytesMax) }
        if has("parent") { row.parent = try self.code() }
        if has("aliases") {
            try open()
            repeat {
                let alias = try self.code()
                if let last = row.aliases.last, alias <= last { throw listOrder() }
                row.aliases.append(alias)
            } while try more(after: row.aliases.count, max: EditionBounds.aliasesMax)
        }
        if has("mail") { row.contact.mail = try name(max: EditionBounds.mailBytesMax) }
        if has("phone") { row.contact.phone = try name(max: EditionBounds.phoneBytesMax) }
        if has("homes") { row.homes = try homes() }
        try require("states", of: Fields.agency)
        row.states = try states()
        if has("successor") { row.successor = try successor() }
        try close(known: Fields.agency)
        return row
    }

    private mutating func homes() throws(EditionFault) -> [DatedHome] {
        var homes: [DatedHome] = []
        try open()
        repeat {
            try expect("{\"node\":")
            field = "node"
            let node = try node()
            try require("from", of: Fields.home)
            let from = try moment()
            try close(known: Fields.home)
            field = "homes"
            if let last = homes.last, from <= last.from { throw listOrder() }
            homes.append(DatedHome(node, from: from))
        } while try more(after: homes.count, max: EditionBounds.homesMax)
        return homes
    }

    private mutating func states() throws(EditionFault) -> [DatedState] {
        var states: [DatedState] = []
        try open()
        repeat {
            try expect("{\"state\":")
            field = "state"
            let state = try word(AgencyState.self)
            try require("from", of: Fields.state)
            let from = try moment()
            try close(known: Fields.state)
            field = "states"
            if let last = states.last, from <= last.from { throw listOrder() }
            states.append(DatedState(state, from: from))
        } while try more(after: states.count, max: EditionBounds.statesMax)
        return states
    }

    private mutating func successor() throws(EditionFault) -> Successor {
        try expect("{\"kind\":")
        field = "kind"
        let kind = try word(Successor.Kind.self)
        try require("from", of: Fields.successor)
        let from = try moment()
        try require("to", of: Fields.successor)
        var successor = Successor(kind, from: from, to: try code())
        if kind == .split {
            try require("parts", of: Fields.successor)
            try open()
            repeat {
                try expect("{\"agency\":")
                field = "agency"
                let part = try code()
                if let last = successor.parts.last, part <= last.agency { throw listOrder() }
                try require("takes", of: Fields.part)
                successor.parts.append(
                    Successor.Part(part, takes: try name(max: EditionBounds.takesBytesMax)))
                try close(known: Fields.part)
                field = "parts"
            } while try more(after: successor.parts.count, max: EditionBounds.partsMax)
        }
        try close(known: Fields.successor)
        return successor
    }

    // MARK: Nodes

    private mutating func nodeRow() throws(EditionFault) -> NodeRow {
        field = "node"
        let node = try node()
        try require("role", of: Fields.node)
        var row = NodeRow(node: node, role: try word(NodeRow.Role.self))
        if has("watching") {
            guard skip("true") else { throw fault(.badWord, "not one of true") }
            row.isWatching = true
        }
        if has("addresses") {
            try open()
            repeat {
                let address = try text(max: EditionBounds.addressBytesMax)
                guard NodeAddress.isSound(address) else {
                    throw fault(.badAddress, "not an address such as edoc.example.vn:4556")
                }
                if row.addresses.contains(address) {
                    throw fault(.listOrder, "the list has an element twice")
                }
                row.addresses.append(address)
            } while try more(after: row.addresses.count, max: EditionBounds.addressesMax)
        }
        if has("certificates") { row.certificates = try certificates() }
        if has("issuers") { row.issuers = try certificates() }
        if has("encryption") { row.encryption = try certificates() }
        if has("evidence") { row.evidence = try certificates() }
        if has("features") {
            try open()
            repeat {
                let feature = try feature()
                if let last = row.features.last, feature <= last { throw listOrder() }
                row.features.append(feature)
            } while try more(after: row.features.count, max: Feature.countMax)
        }
        try close(known: Fields.node)
        return row
    }

    private mutating func certificates() throws(EditionFault) -> [DatedCertificate] {
        let list = field
        var result: [DatedCertificate] = []
        try open()
        repeat {
            try expect("{\"sha256\":")
            field = "sha256"
            let fingerprint = try digest()
            try require("from", of: Fields.certificate)
            var certificate = DatedCertificate(fingerprint, from: try moment())
            if has("until") { certificate.until = try moment() }
            if has("der") { certificate.der = try der() }
            try close(known: Fields.certificate)
            field = list
            if let last = result.last, !last.precedes(certificate) { throw listOrder() }
            result.append(certificate)
        } while try more(after: result.count, max: EditionBounds.certificatesMax)
        return result
    }

    // MARK: Authorities

    private mutating func authority() throws(EditionFault) -> AuthorityRow {
        field = "authority"
        var row = AuthorityRow(authority: try code(), subtrees: [], certificates: [], needs: 0)
        try require("subtrees", of: Fields.authority)
        try open()
        repeat {
            let subtree = try subtree()
            if let last = row.subtrees.last, subtree <= last { throw listOrder() }
            row.subtrees.append(subtree)
        } while try more(after: row.subtrees.count, max: EditionBounds.subtreesMax)
        if has("nodes") {
            try open()
            repeat {
                let node = try node()
                if let last = row.nodes.last, node.name <= last.name { throw listOrder() }
                row.nodes.append(node)
            } while try more(after: row.nodes.count, max: EditionBounds.nodesMax)
        }
        try require("certificates", of: Fields.authority)
        try open()
        repeat {
            let fingerprint = try digest()
            if let last = row.certificates.last, !Digest.precedes(last, fingerprint) { throw listOrder() }
            row.certificates.append(fingerprint)
        } while try more(after: row.certificates.count, max: EditionBounds.certificatesMax)
        try require("needs", of: Fields.authority)
        row.needs = Int(try number(max: EditionBounds.numberMax))
        if has("heirs") {
            try open()
            repeat {
                try expect("{\"of\":")
                field = "of"
                let lost = try digest()
                try require("sha256", of: Fields.heir)
                let heir = AuthorityRow.Heir(of: lost, try digest())
                try close(known: Fields.heir)
                field = "heirs"
                if let last = row.heirs.last, !Digest.precedes(last.of, heir.of) { throw listOrder() }
                row.heirs.append(heir)
            } while try more(after: row.heirs.count, max: EditionBounds.certificatesMax)
        }
        try close(known: Fields.authority)
        return row
    }
}

extension DatedCertificate {
    func precedes(_ other: DatedCertificate) -> Bool {
        from == other.from ? Digest.precedes(fingerprint, other.fingerprint) : from < other.from
    }
}

/// Addresses of nodes as text.
enum NodeAddress {
    /// `host:port`: a name or an IPv4 address, or an IPv6 address in brackets; a port from 1 without a zero before it.
    static func isSound(_ text: String) -> Bool {
        guard let colon = text.utf8.lastIndex(of: UInt8(ascii: ":")) else { return false }
        let host = text.utf8[..<colon]
        let port = text.utf8[text.utf8.index(after: colon)...]
        guard (1...5).contains(port.count), port.allSatisfy({ (0x30...0x39).contains($0) }), port.first != 0x30,
            let number = Int(Substring(port)), number <= 65_535, (1...253).contains(host.count)
        else { return false }
        if host.first == UInt8(ascii: "[") {
            return host.last == UInt8(ascii: "]") && host.count > 3
                && host.dropFirst().dropLast().allSatisfy { isHexadecimal($0) || $0 == 0x3a || $0 == 0x2e }
        }
        return host.allSatisfy { byte in
            (0x30...0x39).contains(byte) || (0x61...0x7a).contains(byte) || byte == 0x2d || byte == 0x2e
        }
    }

    private static func isHexadecimal(_ byte: UInt8) -> Bool {
        (0x30...0x39).contains(byte) || (0x61...0x66).contains(byte)
    }
}
