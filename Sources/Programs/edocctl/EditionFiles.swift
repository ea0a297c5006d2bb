// EditionFiles: editions of the directory and their signatures as files: read and written whole, with the path in every complaint.
// An authority's folder holds them by name: AUTHORITY-NUMBER.json is the whole, AUTHORITY-NUMBER.changes.json what changed, and the
// signature of each lies beside it as .p7s. Fails by NegativeAnswer and FileError.

import Editions
import Glibc
import Language
import OpenSSLCMS
import OpenSSLTLS
import RelayModel

extension HashFunction {
    /// SHA-256, by which editions are named.
    static var sha256: HashFunction {
        HashFunction {
            let hasher = SHA256Hasher()
            return RunningHash(update: { hasher.update($0) }, finish: { hasher.finish() })
        }
    }
}

/// An edition that was read, with its octets.
struct EditionFile {
    var path: String
    var octets: [UInt8]
    var edition: Edition

    init(path: String, octets: [UInt8], edition: Edition) {
        self.path = path
        self.octets = octets
        self.edition = edition
    }

    /// Reads a whole.
    init(_ path: String) throws {
        let octets = try Self.contents(path, max: EditionBounds.national.bytesMax)
        let edition = try Self.complaining(of: path) { () throws(EditionError) in
            try Edition(reading: octets, hash: .sha256)
        }
        self.init(path: path, octets: octets, edition: edition)
    }

    /// The octets of a file of bounded size.
    static func contents(_ path: String, max: Int) throws(FileError) -> [UInt8] {
        let file = try InputFile(path)
        guard file.length <= UInt64(max) else {
            throw FileError("cannot read \(path): it is larger than \(max) octets")
        }
        var result: [UInt8] = []
        result.reserveCapacity(Int(file.length))
        while case let run = try file.next(), run.readableBytes > 0 {
            result += run.readableBytesView
            guard result.count <= max else { throw FileError("cannot read \(path): it is larger than \(max) octets") }
        }
        return result
    }

    /// What is wrong with a file is said with its path.
    static func complaining<Result>(of path: String, _ body: () throws(EditionError) -> Result) throws -> Result {
        do throws(EditionError) {
            return try body()
        } catch {
            throw NegativeAnswer(
                sentence: Shown.text(
                    path + ", "
                        + phrase("line \(error.line)", "dòng \(error.line)")
                        + (error.field.isEmpty ? "" : ", \(error.field)") + ": "
                        + Shown.sentence(error.sentence) + " [\(error.code.rawValue)]"))
        }
    }

    static func write(_ octets: [UInt8], to path: String, overwrites: Bool) throws {
        let file = try OutputFile(path, overwrites: overwrites)
        try octets.withUnsafeBytes { try file.write($0) }
        try file.finish()
    }

    /// The same of signatures and keys.
    static func complaining<Result>(_ body: () throws(CMSError) -> Result) throws -> Result {
        do throws(CMSError) {
            return try body()
        } catch {
            throw NegativeAnswer(
                sentence: Shown.text(
                    Shown.sentence(error.sentence) + " [\(error.code.rawValue)]"
                        + (error.details.isEmpty ? "" : ": " + error.details.joined(separator: "; "))))
        }
    }
}

/// The editions of one authority in its folder.
struct EditionFolder {
    var folder: String
    var authority: AgencyCode

    init(_ folder: String, _ authority: AgencyCode) {
        self.folder = folder
        self.authority = authority
    }

    func whole(_ number: UInt64) -> String { "\(folder)/\(authority)-\(number).json" }
    func changes(_ number: UInt64) -> String { "\(folder)/\(authority)-\(number).changes.json" }
    static func signature(of path: String) -> String { path + ".p7s" }

    /// The numbers of the wholes that are there, in order.
    func numbers() throws(FileError) -> [UInt64] {
        guard let directory = opendir(folder) else {
            throw FileError("cannot read \(folder): \(String(cString: strerror(errno)))")
        }
        defer { closedir(directory) }
        var result: [UInt64] = []
        while let entry = readdir(directory) {
            let name = withUnsafeBytes(of: &entry.pointee.d_name) {
                String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self)
            }
            guard name.hasPrefix("\(authority)-"), name.hasSuffix(".json"), !name.hasSuffix(".changes.json") else {
                continue
            }
            let digits = name.dropFirst(authority.text.utf8.count + 1).dropLast(".json".utf8.count)
            guard let number = UInt64(digits), String(number) == digits else { continue }
            result.append(number)
        }
        return result.sorted()
    }

    /// The edition of a number, which must say so itself.
    func edition(_ number: UInt64) throws -> EditionFile {
        let file = try EditionFile(whole(number))
        guard file.edition.head.authority == authority, file.edition.head.number == number else {
            throw NegativeAnswer(
                sentence: Shown.text(
                    phrase(
                        "\(file.path): it is edition \(file.edition.head.number) of \(file.edition.head.authority)",
                        "\(file.path): đây là ấn bản \(file.edition.head.number) của \(file.edition.head.authority)")))
        }
        return file
    }

    /// The changes of an edition, which must make this very edition of the one before.
    func changes(of file: EditionFile, after before: EditionFile) throws -> (path: String, octets: [UInt8]) {
        let path = changes(file.edition.head.number)
        let octets = try EditionFile.contents(path, max: EditionBounds.national.bytesMax)
        let made = try EditionFile.complaining(of: path) { () throws(EditionError) in
            try EditionChanges(reading: octets, hash: .sha256).applied(to: before.edition, hash: .sha256)
        }
        guard made == file.edition else {
            throw NegativeAnswer(
                sentence: phrase(
                    "\(Shown.text(path)) makes another edition of the one before",
                    "\(Shown.text(path)) tạo ra ấn bản khác từ ấn bản trước"))
        }
        return (path, octets)
    }

    /// Somebody has begun to sign it.
    func isTouched(_ number: UInt64) -> Bool {
        [whole(number), changes(number)].contains { Self.isThere(Self.signature(of: $0)) }
    }

    static func isThere(_ path: String) -> Bool {
        var found = stat()
        return lstat(path, &found) == 0
    }
}

/// One desk works in a folder at a time.
struct FolderLock {
    private let descriptor: Int32

    init(_ folder: String) throws(FileError) {
        descriptor = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard descriptor >= 0 else {
            throw FileError("cannot read \(folder): \(String(cString: strerror(errno)))")
        }
        while flock(descriptor, LOCK_EX) != 0, errno == EINTR {}
    }

    func release() { _ = close(descriptor) }
}

/// What counts of an authority's editions in its folder, and what is proposed on top of it. An edition counts if enough have signed it:
/// of the root, by the word of the one before it, the first by its own; of others, by the word of a root edition that counts.
struct DeskStanding {
    let editions: EditionFolder
    /// The last two, in order: an edition and the one before it. Each may be large, and a folder has many.
    private(set) var counting: [EditionFile] = []
    /// The authorities that the root editions name, of each that counts, in order.
    private(set) var named: [[AuthorityRow]] = []
    /// The next one, which has not all it needs.
    private(set) var proposal: EditionFile?
    /// The root edition by whose word others are judged; of the root itself, none.
    private let root: Edition?
    /// Who may sign the next edition of the root: where heirs have signed, they have taken their places.
    private var rootRow: AuthorityRow?
    /// Who could sign the one that counts.
    private var rowBefore: AuthorityRow?

    init(ofRoot editions: EditionFolder) throws {
        self.editions = editions
        root = nil
        try walk { file, known in
            let row = try known ?? Authorities(file.edition).row(EditionHead.root)
            return [row]
        }
    }

    /// `named`: what root editions up to this one name; an older edition was signed by whom an older one named.
    init(_ editions: EditionFolder, root: Edition, named: [[AuthorityRow]]) throws {
        self.editions = editions
        self.root = root
        let rows = named.reversed().compactMap { $0.first { $0.authority == editions.authority } }
        try walk { _, _ in rows }
    }

    private mutating func walk(_ rows: (EditionFile, AuthorityRow?) throws -> [AuthorityRow]) throws {
        for number in try editions.numbers() {
            let file = try editions.edition(number)
            if let last = counting.last?.edition.head.number, number != last + 1 { throw gap(last, number) }
            guard proposal == nil else { throw gap(proposal?.edition.head.number ?? 0, number) }
            var enough: SignatureCount?
            if EditionFolder.isThere(EditionFolder.signature(of: file.path)) {
                for row in try rows(file, rootRow) where enough == nil {
                    let count = try SignatureCount(of: file.path, file.octets, by: row, at: file.edition.head.from)
                    if count.isEnough { enough = count }
                }
            }
            guard let enough else {
                proposal = file
                continue
            }
            counting = counting.suffix(1) + [file]
            guard file.edition.head.isRoot else { continue }
            rowBefore = enough.row
            let authorities = Authorities(file.edition)
            named.append(authorities.rows)
            rootRow = try authorities.row(EditionHead.root).after(signers: enough.verdict.counted)
        }
    }

    private func gap(_ last: UInt64, _ number: UInt64) -> NegativeAnswer {
        NegativeAnswer(
            sentence: phrase(
                "edition \(number) of \(editions.authority) lies behind edition \(last), which has not all it needs or is not the one before",
                "ấn bản \(number) của \(editions.authority) nằm sau ấn bản \(last), là ấn bản chưa đủ điều kiện hoặc không liền trước"
            ))
    }

    /// The one before it that counts.
    func before(_ file: EditionFile) -> EditionFile? {
        counting.last { $0.edition.head.number < file.edition.head.number }
    }

    /// By whose word it may publish what.
    func authorities(for file: EditionFile) -> Authorities {
        if let root { return Authorities(root) }
        return Authorities((before(file) ?? file).edition)
    }

    /// Who may sign it.
    func row(for file: EditionFile, _ authorities: Authorities) throws -> AuthorityRow {
        guard root == nil else { return try authorities.row(editions.authority) }
        if before(file) == nil { return try authorities.row(EditionHead.root) }
        let isCounting = counting.last.map { $0.path == file.path } ?? false
        return try (isCounting ? rowBefore : rootRow) ?? authorities.row(EditionHead.root)
    }

    var nothing: NegativeAnswer {
        NegativeAnswer(
            sentence: phrase(
                "no edition of \(editions.authority) lies in \(Shown.text(editions.folder))",
                "trong \(Shown.text(editions.folder)) không có ấn bản của \(editions.authority)"))
    }
}

/// Who may publish what, as a root edition says it.
struct Authorities {
    var rows: [AuthorityRow]
    private var root: Edition

    init(_ root: Edition) {
        rows = root.rows.compactMap { if case .authority(let row) = $0 { row } else { nil } }
        self.root = root
    }

    /// What an edition below may name without having it: agencies and nodes of the root.
    var surroundings: Surroundings {
        Surroundings(
            agency: { [root] code in
                if case .agency(let row) = root.row(.agency(code)) { row } else { nil }
            },
            node: { [root] node in
                if case .node(let row) = root.row(.node(node)) { row } else { nil }
            })
    }

    func row(_ authority: AgencyCode) throws(NegativeAnswer) -> AuthorityRow {
        guard let row = rows.first(where: { $0.authority == authority }) else { throw Self.unnamed(authority) }
        return row
    }

    func remit(_ authority: AgencyCode) throws(NegativeAnswer) -> Remit {
        guard let remit = Remit(of: authority, in: rows) else { throw Self.unnamed(authority) }
        return remit
    }

    private static func unnamed(_ authority: AgencyCode) -> NegativeAnswer {
        NegativeAnswer(
            sentence: phrase(
                "the root edition names no authority \(authority)", "ấn bản gốc không nêu cơ quan cấp \(authority)"))
    }
}

/// Who has signed a file, judged by what an authority's row says.
struct SignatureCount {
    var verdict: SignatureVerdict
    var row: AuthorityRow

    var places: Int { row.places(filledBy: verdict.counted) }
    var isEnough: Bool { row.isSatisfied(by: verdict.counted) }

    /// Certificates must be valid when the edition becomes so.
    init(of path: String, _ octets: [UInt8], by row: AuthorityRow, at moment: Moment) throws {
        try self.init(Self.signature(beside: path), octets, by: row, at: moment)
    }

    init(_ signature: DetachedSignature, _ octets: [UInt8], by row: AuthorityRow, at moment: Moment) throws {
        self.row = row
        let trust = SignatureTrust(certificates: Set(row.certificates + row.heirs.map(\.fingerprint)))
        verdict = try EditionFile.complaining { () throws(CMSError) in
            try signature.verify(Self.digests(of: octets, for: signature), trust: trust, at: moment.seconds)
        }
    }

    static func signature(beside path: String) throws -> DetachedSignature {
        let octets = try EditionFile.contents(EditionFolder.signature(of: path), max: DetachedSignature.octetsMax)
        return try EditionFile.complaining { () throws(CMSError) in try DetachedSignature(octets: octets) }
    }

    static func digests(of octets: [UInt8], for signature: DetachedSignature?) -> ContentDigests {
        let digests = signature.map { ContentDigests(for: $0) } ?? ContentDigests()
        octets.withUnsafeBytes { digests.update($0) }
        return digests
    }

    /// A line for each signer.
    var text: String {
        verdict.signers.map { signer in
            let who = signer.certificate.map { "\($0.subject), \($0.fingerprint.groups)" } ?? "?"
            let what =
                signer.refusal.map { phrase("does not count: ", "không được tính: ") + Shown.sentence($0.sentence) }
                ?? phrase("counts", "được tính")
            return Shown.text("  \(who): \(what)") + "\n"
        }.joined()
    }
}
