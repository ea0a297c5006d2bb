// DirectoryCommand: `edocctl directory`: an authority's desk. It proposes, approves and publishes editions of the directory, and answers
// what they say at a date, against each other, and of one code. Files only: no daemon is asked, and no key leaves its place.

import ArgumentParser
import Editions
import Glibc
import Language
import OpenSSLCMS
import RelayModel

struct DirectoryCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "directory",
        abstract: phrase(
            "Editions of the directory: makes, signs, checks and compares them.",
            "Các ấn bản danh bạ: lập, ký, kiểm tra và so sánh."),
        subcommands: [
            DirectoryProposeCommand.self, DirectoryApproveCommand.self, DirectoryPublishCommand.self,
            DirectoryCheckCommand.self, DirectoryVerifyCommand.self, DirectoryAtCommand.self,
            DirectoryDiffCommand.self, DirectoryHistoryCommand.self, DirectoryImportCommand.self,
            DirectoryFingerprintCommand.self,
        ])
}

/// Where an authority's editions lie.
struct DeskOptions: ParsableArguments {
    @Option(
        help: .init(
            phrase("The authority: root, or a code such as H29.", "Cơ quan cấp: root, hoặc mã như H29."),
            valueName: "agency"))
    var authority: String
    @Option(help: .init(phrase("The folder of its editions.", "Thư mục chứa các ấn bản."), valueName: "store"))
    var folder = "."
    @Option(
        help: .init(
            phrase(
                "The root edition that counts; without it the last one of the folder.",
                "Ấn bản gốc đang có hiệu lực; nếu bỏ trống là ấn bản gốc cuối cùng trong thư mục."), valueName: "file"))
    var root: String?

    func editions() throws -> EditionFolder {
        guard let code = AgencyCode(authority) else {
            throw UsageError(sentence: DirectorySentences.badCode(authority))
        }
        return EditionFolder(folder, code)
    }

    /// What stands in the folder: what counts, and what is proposed on top of it.
    func standing() throws -> DeskStanding {
        let editions = try editions()
        if editions.authority == EditionHead.root {
            guard root == nil else {
                throw UsageError(
                    sentence: phrase(
                        "--root is for other authorities: the root's editions follow those in its folder",
                        "--root dành cho cơ quan cấp khác: ấn bản gốc nối tiếp các ấn bản trong thư mục"))
            }
            return try DeskStanding(ofRoot: editions)
        }
        if let root {
            let edition = try RootFile(root).edition
            return try DeskStanding(editions, root: edition, named: [Authorities(edition).rows])
        }
        let roots = try DeskStanding(ofRoot: EditionFolder(folder, EditionHead.root))
        guard let last = roots.counting.last else {
            throw NegativeAnswer(
                sentence: phrase(
                    "no root edition that is signed enough lies in \(Shown.text(folder)): name it with --root",
                    "trong \(Shown.text(folder)) không có ấn bản gốc đã đủ chữ ký: hãy nêu bằng --root"))
        }
        return try DeskStanding(editions, root: last.edition, named: roots.named)
    }
}

enum DirectorySentences {
    static func badCode(_ text: String) -> String {
        phrase("\(Shown.text(text)) is not a code of an agency", "\(Shown.text(text)) không phải là mã cơ quan")
    }
    static func badMoment(_ text: String) -> String {
        phrase(
            "\(Shown.text(text)) is no day such as 2026-07-01, nor a moment such as 2026-07-01T12:00:00+07:00",
            "\(Shown.text(text)) không phải ngày như 2026-07-01, cũng không phải thời điểm như 2026-07-01T12:00:00+07:00"
        )
    }
    static func badNode(_ text: String) -> String {
        phrase("\(Shown.text(text)) is not a node's name", "\(Shown.text(text)) không phải là tên nút")
    }
}

extension Moment {
    static var now: Moment { Moment(seconds: Int64(time(nil))) }

    init(typed text: String) throws(UsageError) {
        guard let moment = Moment(text) else { throw UsageError(sentence: DirectorySentences.badMoment(text)) }
        self = moment
    }
}

// MARK: - Propose, approve, publish

struct DirectoryProposeCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "propose",
        abstract: phrase(
            "Makes the next edition of rows; nothing counts before it is signed.",
            "Lập ấn bản kế tiếp từ các dòng; chưa ký thì chưa có hiệu lực."),
        discussion: phrase(
            "FILE has one row a line, in any order: an edited copy of the last edition will do. An unsigned proposal is replaced.",
            "TỆP có mỗi dòng một mục, thứ tự tùy ý: có thể sửa từ bản sao của ấn bản cuối. Đề nghị chưa ký sẽ bị thay.")
    )

    @OptionGroup var desk: DeskOptions
    @Option(help: .init(phrase("The file of rows.", "Tệp chứa các dòng."), valueName: "file")) var rows: String
    @Option(
        help: .init(
            phrase("Valid from this day or moment.", "Có hiệu lực từ ngày hoặc thời điểm này."), valueName: "date"))
    var from: String
    @Option(
        help: .init(
            phrase("Valid until this day or moment.", "Có hiệu lực đến ngày hoặc thời điểm này."), valueName: "date"))
    var until: String

    func run() throws {
        let lock = try FolderLock(desk.folder)
        defer { lock.release() }
        let standing = try desk.standing()
        let editions = standing.editions
        let (from, until) = (try Moment(typed: from), try Moment(typed: until))
        if let proposal = standing.proposal, editions.isTouched(proposal.edition.head.number) {
            let number = proposal.edition.head.number
            throw NegativeAnswer(
                sentence: phrase(
                    "edition \(number) is being signed, and has not all it needs: approve it, or remove its files",
                    "ấn bản \(number) đang được ký và chưa đủ: hãy phê duyệt, hoặc xóa các tệp của ấn bản đó"))
        }
        let octets = try EditionFile.contents(rows, max: EditionBounds.national.bytesMax)
        let rows = try EditionFile.complaining(of: rows) { () throws(EditionError) in
            try RowLines.rows(reading: octets)
        }
        let before = standing.counting.last
        let draft = EditionDraft(
            authority: editions.authority, number: (before?.edition.head.number ?? 0) + 1,
            before: before?.edition.sealed.hash, from: from, until: until)
        let path = editions.whole(draft.number)
        let edition = try EditionFile.complaining(of: path) { () throws(EditionError) in
            try Edition(draft, rows: rows, hash: .sha256)
        }
        let whole = try EditionFile.complaining(of: path) { () throws(EditionError) in
            try edition.written(hash: .sha256)
        }
        let file = EditionFile(path: path, octets: whole, edition: edition)
        let report = try EditionReport(file, before: before, standing, at: nil)
        Output.say(report.text)
        guard report.isSound else { throw QuietExit(status: .negative) }
        if let before {
            let changes = try EditionFile.complaining(of: path) { () throws(EditionError) in
                try EditionChanges(from: before.edition, to: edition).written(hash: .sha256)
            }
            try EditionFile.write(changes, to: editions.changes(draft.number), overwrites: true)
        }
        try EditionFile.write(whole, to: path, overwrites: true)
        Output.say(
            phrase(
                "Proposed: \(Shown.text(path)). Now it is to be approved.",
                "Đã lập đề nghị: \(Shown.text(path)). Bước tiếp theo là phê duyệt.") + "\n")
    }
}

struct DirectoryApproveCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "approve",
        abstract: phrase(
            "Signs the last edition, after examining it once more.", "Ký ấn bản cuối cùng, sau khi kiểm tra lại."),
        discussion: phrase(
            "KEY is a file, or a pkcs11: URI of a token. What is asked for to open it is typed, or read from --secret.",
            "KEY là một tệp, hoặc URI pkcs11: của thiết bị ký. Mật khẩu được gõ vào, hoặc đọc từ --secret."))

    @OptionGroup var desk: DeskOptions
    @Option(help: .init(phrase("The signer's certificate.", "Chứng thư của người ký."), valueName: "file"))
    var certificate: String
    @Option(help: .init(phrase("The signer's key.", "Khóa của người ký."))) var key: String
    @Option(help: .init(phrase("The library of the token.", "Thư viện của thiết bị ký."), valueName: "file"))
    var module: String?
    @Option(
        help: .init(phrase("A file with the passphrase or PIN.", "Tệp chứa mật khẩu hoặc mã PIN."), valueName: "file"))
    var secret: String?
    @Option(
        help: .init(
            phrase(
                "Sign only if the edition has this hash; its first digits will do.",
                "Chỉ ký nếu ấn bản có mã băm này; ghi vài chữ số đầu là đủ."), valueName: "anchor")) var hash: String?

    func run() throws {
        let lock = try FolderLock(desk.folder)
        defer { lock.release() }
        let standing = try desk.standing()
        // One that has all it needs may be signed by others as well.
        guard let file = standing.proposal ?? standing.counting.last else { throw standing.nothing }
        let before = standing.before(file)
        let report = try EditionReport(file, before: before, standing, at: nil)
        Output.say(report.text)
        guard report.isSound else { throw QuietExit(status: .negative) }
        let digits = hash?.filter { $0 != ":" }.lowercased()
        if let digits, digits.count < 8 || !file.edition.sealed.hash.hex.hasPrefix(digits) {
            throw NegativeAnswer(
                sentence: phrase(
                    "the edition has another hash than --hash says; nothing is signed",
                    "mã băm của ấn bản khác với --hash; không ký gì"))
        }
        // The whole comes last: it is what an edition is known to be signed by.
        var files = [(path: file.path, octets: file.octets)]
        if let before { files.insert(try standing.editions.changes(of: file, after: before), at: 0) }
        let signer = try signer()
        let now = Moment.now
        var written: [(path: String, octets: [UInt8], isThere: Bool)] = []
        var last: SignatureCount?
        for (path, octets) in files {
            let beside = EditionFolder.signature(of: path)
            let there = EditionFolder.isThere(beside) ? try SignatureCount.signature(beside: path) : nil
            if let there {
                let count = try SignatureCount(there, octets, by: report.row, at: file.edition.head.from)
                last = count
                if count.verdict.counted.contains(signer.certificate.fingerprint) { continue }
            }
            let digests = SignatureCount.digests(of: octets, for: nil)
            let signature = try EditionFile.complaining { () throws(CMSError) in
                if let there { return try there.adding(signer, digests, at: now.seconds) }
                return try DetachedSignature.sign(digests, by: signer, at: now.seconds)
            }
            // A signature that would not count is not written: it would stand there like one that does.
            let count = try SignatureCount(signature, octets, by: report.row, at: file.edition.head.from)
            guard count.verdict.counted.contains(signer.certificate.fingerprint) else {
                Output.say(count.text)
                throw NegativeAnswer(
                    sentence: phrase(
                        "this signature would not count; nothing is signed",
                        "chữ ký này sẽ không được tính; không ký gì"))
            }
            last = count
            written.append((beside, signature.octets, there != nil))
        }
        guard !written.isEmpty else {
            throw NegativeAnswer(
                sentence: phrase(
                    "this certificate has signed the edition already, and counts once",
                    "chứng thư này đã ký ấn bản, và chỉ được tính một lần"))
        }
        for file in written { try EditionFile.write(file.octets, to: file.path, overwrites: file.isThere) }
        guard let last else { return }
        Output.say(last.text)
        Output.say(DirectoryPublishCommand.standing(last) + "\n")
    }

    private func signer() throws -> SignatureSigner {
        let read = try secret.map { try EditionFile.contents($0, max: 4_096).firstLine }
        let source: SecretSource = {
            if let read { return read }
            guard isatty(STDIN_FILENO) == 1, let typed = getpass(phrase("Secret of the key: ", "Mật khẩu của khóa: "))
            else { return nil }
            defer { memset(typed, 0, strlen(typed)) }
            let octets = Array(UnsafeRawBufferPointer(start: typed, count: strlen(typed)))
            // Ctrl-C is a character here: whoever types it, or nothing, gives up; a token counts wrong ones.
            return octets.isEmpty || octets.contains(3) ? nil : octets
        }
        return try EditionFile.complaining { () throws(CMSError) in
            let key =
                self.key.hasPrefix("pkcs11:")
                ? try SigningKey(token: self.key, module: module, pin: source)
                : try SigningKey(file: self.key, passphrase: source)
            return try SignatureSigner(certificateFile: certificate, key: key)
        }
    }
}

extension [UInt8] {
    fileprivate var firstLine: [UInt8] { Array(prefix { $0 != 10 && $0 != 13 }) }
}

struct DirectoryPublishCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "publish",
        abstract: phrase(
            "Says whether the last edition has all it needs, and which files are to be handed on.",
            "Cho biết ấn bản cuối đã đủ điều kiện chưa, và cần chuyển những tệp nào."))

    @OptionGroup var desk: DeskOptions

    func run() throws {
        let standing = try desk.standing()
        guard let file = standing.proposal ?? standing.counting.last else { throw standing.nothing }
        let before = standing.before(file)
        let report = try EditionReport(file, before: before, standing, at: nil)
        guard report.isSound else {
            Output.say(report.text)
            throw QuietExit(status: .negative)
        }
        var files = [(path: file.path, octets: file.octets)]
        if let before { files.append(try standing.editions.changes(of: file, after: before)) }
        for (path, octets) in files {
            guard EditionFolder.isThere(EditionFolder.signature(of: path)) else {
                throw NegativeAnswer(
                    sentence: phrase("\(Shown.text(path)) is not signed", "\(Shown.text(path)) chưa được ký"))
            }
            let count = try SignatureCount(of: path, octets, by: report.row, at: file.edition.head.from)
            guard count.isEnough else {
                Output.say(count.text)
                throw NegativeAnswer(sentence: Self.standing(count))
            }
        }
        Output.say(report.text)
        for (path, _) in files {
            Output.say("  \(Shown.text(path)), \(Shown.text(EditionFolder.signature(of: path)))\n")
        }
    }

    static func standing(_ count: SignatureCount) -> String {
        phrase(
            "Signatures that count: \(count.places) of \(count.row.needs) that are needed.",
            "Chữ ký được tính: \(count.places) trên \(count.row.needs) chữ ký cần có.")
    }
}

// MARK: - Check and verify

/// What was found of an edition, by itself and behind the one before.
struct EditionReport {
    let row: AuthorityRow
    private let head: SealedHead
    private var findings: [EditionFinding]
    private var leftOut: Int
    private var refusal: EditionRefusal?
    private var differences: Int?

    init(_ file: EditionFile, before: EditionFile?, _ standing: DeskStanding, at now: Moment?) throws {
        let authorities = standing.authorities(for: file)
        try self.init(file, before: before, authorities, row: standing.row(for: file, authorities), at: now)
    }

    /// `row`: who may sign it. `at`: when it is to count; nil leaves aside whether it does now.
    init(
        _ file: EditionFile, before: EditionFile?, _ authorities: Authorities, row: AuthorityRow, at now: Moment?
    ) throws {
        let edition = file.edition
        head = edition.sealed
        self.row = row
        let remit = try authorities.remit(edition.head.authority)
        let alone = EditionExamination.findings(
            of: edition, remit: remit, surroundings: edition.head.isRoot ? nil : authorities.surroundings,
            hash: .sha256)
        findings = alone.list
        leftOut = alone.leftOut
        if let before {
            let behind = Succession.findings(of: edition, after: before.edition)
            findings += behind.list
            leftOut += behind.leftOut
            differences = EditionDifference.between(before.edition.rows, edition.rows).count
        }
        refusal = Succession.refusal(
            of: edition.sealed, after: before?.edition.sealed, remit: remit, at: now ?? edition.head.from)
    }

    var isSound: Bool { refusal == nil && !findings.contains { $0.grade == .fault } && leftOut == 0 }

    var text: String {
        let edition = head.head
        var lines = [
            phrase(
                "Edition \(edition.number) of \(edition.authority): \(edition.count) rows, \(edition.from) to \(edition.until)",
                "Ấn bản \(edition.number) của \(edition.authority): \(edition.count) dòng, từ \(edition.from) đến \(edition.until)"
            ),
            phrase("Hash: \(head.hash.groups)", "Mã băm: \(head.hash.groups)"),
        ]
        if let differences {
            lines.append(
                phrase(
                    "Rows that differ from the edition before: \(differences)",
                    "Số dòng khác với ấn bản trước: \(differences)"))
        }
        if let refusal { lines.append("  ! " + Shown.sentence(refusal.sentence) + " [\(refusal.code)]") }
        for finding in findings {
            let mark = finding.grade == .fault ? "!" : "-"
            let what = finding.key.map { "\($0.code): " } ?? ""
            lines.append("  \(mark) \(what)\(Shown.sentence(finding.sentence)) [\(finding.code.rawValue)]")
        }
        if leftOut > 0 { lines.append(phrase("  ! and \(leftOut) more", "  ! và \(leftOut) mục nữa")) }
        return lines.map { Shown.text($0) + "\n" }.joined()
    }
}
