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
    @Option(help: .init(phrase("The authority: root, or a code such as H29.", "Cơ quan cấp: root, hoặc mã như H29.")))
    var authority: String
    @Option(help: .init(phrase("The folder of its editions.", "Thư mục chứa các ấn bản."))) var folder = "."
    @Option(
        help: .init(
            phrase(
                "The root edition that counts; without it the last one of the folder.",
                "Ấn bản gốc đang có hiệu lực; nếu bỏ trống là ấn bản gốc cuối cùng trong thư mục.")))
    var root: String?

    func editions() throws -> EditionFolder {
        guard let code = AgencyCode(authority) else {
            throw UsageError(sentence: DirectorySentences.badCode(authority))
        }
        return EditionFolder(folder, code)
    }

    /// Who may publish what: by the root edition before `number` for the root itself, by the one that counts for others. The first root
    /// edition speaks for itself; who reads it has its certificate's fingerprint from elsewhere.
    func authorities(for file: EditionFile) throws -> Authorities {
        let head = file.edition.head
        if head.isRoot {
            let before = head.number > 1 ? try EditionFolder(folder, head.authority).edition(head.number - 1) : file
            return Authorities(before.edition)
        }
        if let root { return Authorities(try EditionFile(root).edition) }
        guard let last = try EditionFolder(folder, EditionHead.root).last() else {
            throw NegativeAnswer(
                sentence: phrase(
                    "no root edition lies in \(Shown.text(folder)): name it with --root",
                    "trong \(Shown.text(folder)) không có ấn bản gốc: hãy nêu bằng --root"))
        }
        return Authorities(last.edition)
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
    @Option(help: .init(phrase("The file of rows.", "Tệp chứa các dòng."))) var rows: String
    @Option(help: .init(phrase("Valid from this day or moment.", "Có hiệu lực từ ngày hoặc thời điểm này."))) var from:
        String
    @Option(help: .init(phrase("Valid until this day or moment.", "Có hiệu lực đến ngày hoặc thời điểm này.")))
    var until: String

    func run() throws {
        let editions = try desk.editions()
        let (from, until) = (try Moment(typed: from), try Moment(typed: until))
        let octets = try EditionFile.contents(rows, max: EditionBounds.national.bytesMax)
        let rows = try EditionFile.complaining(of: rows) { octets throws(EditionError) in
            try RowLines.rows(reading: octets)
        }(octets)
        var before = try editions.last()
        var isReplaced = false
        if let last = before, !editions.isSigned(last.path) {
            isReplaced = true
            before = last.edition.head.number > 1 ? try editions.edition(last.edition.head.number - 1) : nil
        }
        let draft = EditionDraft(
            authority: editions.authority, number: (before?.edition.head.number ?? 0) + 1,
            before: before?.edition.sealed.hash, from: from, until: until)
        let path = editions.whole(draft.number)
        let edition = try EditionFile.complaining(of: path) { draft throws(EditionError) in
            try Edition(draft, rows: rows, hash: .sha256)
        }(draft)
        let whole = try EditionFile.complaining(of: path) { edition throws(EditionError) in
            try edition.written(hash: .sha256)
        }(edition)
        let file = EditionFile(path: path, octets: whole, edition: edition)
        let examination = try EditionReport(file, before: before, try desk.authorities(for: file), at: nil)
        Output.say(examination.text)
        guard examination.isSound else { throw QuietExit(status: .negative) }
        try EditionFile.write(whole, to: path, overwrites: isReplaced)
        if let before {
            let changes = try EditionFile.complaining(of: path) { pair throws(EditionError) in
                try EditionChanges(from: pair.0, to: pair.1).written(hash: .sha256)
            }((before.edition, edition))
            try EditionFile.write(changes, to: editions.changes(draft.number), overwrites: isReplaced)
        }
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
    @Option(help: .init(phrase("The signer's certificate.", "Chứng thư của người ký."))) var certificate: String
    @Option(help: .init(phrase("The signer's key.", "Khóa của người ký."))) var key: String
    @Option(help: .init(phrase("The library of the token.", "Thư viện của thiết bị ký."))) var module: String?
    @Option(
        help: .init(phrase("A file with the passphrase or PIN.", "Tệp chứa mật khẩu hoặc mã PIN."))) var secret: String?
    @Option(
        help: .init(
            phrase(
                "Sign only if the edition has this hash; its first digits will do.",
                "Chỉ ký nếu ấn bản có mã băm này; ghi vài chữ số đầu là đủ."))) var hash: String?

    func run() throws {
        let editions = try desk.editions()
        guard let file = try editions.last() else {
            throw NegativeAnswer(
                sentence: phrase(
                    "no edition of \(editions.authority) lies in \(Shown.text(desk.folder))",
                    "trong \(Shown.text(desk.folder)) không có ấn bản của \(editions.authority)"))
        }
        let head = file.edition.head
        let before = head.number > 1 ? try editions.edition(head.number - 1) : nil
        let report = try EditionReport(file, before: before, try desk.authorities(for: file), at: nil)
        Output.say(report.text)
        guard report.isSound else { throw QuietExit(status: .negative) }
        let digits = hash?.filter { $0 != ":" }.lowercased()
        if let digits, digits.count < 8 || !file.edition.sealed.hash.hex.hasPrefix(digits) {
            throw NegativeAnswer(
                sentence: phrase(
                    "the edition has another hash than --hash says; nothing is signed",
                    "mã băm của ấn bản khác với --hash; không ký gì"))
        }
        // The changes are signed only as far as they make this very edition of the one before.
        var paths = [(file.path, file.octets)]
        if let before {
            let path = editions.changes(head.number)
            let octets = try EditionFile.contents(path, max: EditionBounds.national.bytesMax)
            let made = try EditionFile.complaining(of: path) { octets throws(EditionError) in
                try EditionChanges(reading: octets, hash: .sha256).applied(to: before.edition, hash: .sha256)
            }(octets)
            guard made == file.edition else {
                throw NegativeAnswer(
                    sentence: phrase(
                        "\(Shown.text(path)) makes another edition of the one before; nothing is signed",
                        "\(Shown.text(path)) tạo ra ấn bản khác từ ấn bản trước; không ký gì"))
            }
            paths.append((path, octets))
        }
        let signer = try signer()
        let now = Moment.now
        var signatures: [(String, [UInt8], Bool)] = []
        var standing: SignatureCount?
        for (path, octets) in paths {
            let beside = EditionFolder.signature(of: path)
            let there = access(beside, F_OK) == 0 ? try SignatureCount.signature(beside: path) : nil
            let digests = SignatureCount.digests(of: octets, for: nil)
            let signature = try EditionFile.complaining { () throws(CMSError) in
                if let there { return try there.adding(signer, digests, at: now.seconds) }
                return try DetachedSignature.sign(digests, by: signer, at: now.seconds)
            }
            // A signature that would not count is not written: it would stand there like one that does.
            let count = try SignatureCount(signature, octets, by: report.row, at: head.from)
            guard count.verdict.counted.contains(signer.certificate.fingerprint) else {
                Output.say(count.text)
                throw NegativeAnswer(
                    sentence: phrase(
                        "this signature would not count; nothing is signed",
                        "chữ ký này sẽ không được tính; không ký gì"))
            }
            if path == file.path { standing = count }
            signatures.append((beside, signature.octets, there != nil))
        }
        for (path, octets, isThere) in signatures { try EditionFile.write(octets, to: path, overwrites: isThere) }
        guard let standing else { return }
        Output.say(standing.text)
        Output.say(DirectoryPublishCommand.standing(standing) + "\n")
    }

    private func signer() throws -> SignatureSigner {
        let source: SecretSource = { [secret] in
            if let secret { return try? EditionFile.contents(secret, max: 4_096).firstLine }
            guard isatty(STDIN_FILENO) == 1, let typed = getpass(phrase("Secret of the key: ", "Mật khẩu của khóa: "))
            else { return nil }
            defer { memset(typed, 0, strlen(typed)) }
            return Array(UnsafeRawBufferPointer(start: typed, count: strlen(typed)))
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
        let editions = try desk.editions()
        guard let file = try editions.last() else {
            throw NegativeAnswer(
                sentence: phrase(
                    "no edition of \(editions.authority) lies in \(Shown.text(desk.folder))",
                    "trong \(Shown.text(desk.folder)) không có ấn bản của \(editions.authority)"))
        }
        let head = file.edition.head
        let before = head.number > 1 ? try editions.edition(head.number - 1) : nil
        let report = try EditionReport(file, before: before, try desk.authorities(for: file), at: nil)
        guard report.isSound else {
            Output.say(report.text)
            throw QuietExit(status: .negative)
        }
        var paths = [file.path]
        if before != nil { paths.append(editions.changes(head.number)) }
        for path in paths {
            guard editions.isSigned(path) else {
                throw NegativeAnswer(
                    sentence: phrase("\(Shown.text(path)) is not signed", "\(Shown.text(path)) chưa được ký"))
            }
            let octets = try EditionFile.contents(path, max: EditionBounds.national.bytesMax)
            let count = try SignatureCount(of: path, octets, by: report.row, at: head.from)
            guard count.isEnough else {
                Output.say(count.text)
                throw NegativeAnswer(sentence: Self.standing(count))
            }
        }
        Output.say(report.text)
        for path in paths { Output.say("  \(Shown.text(path)), \(Shown.text(EditionFolder.signature(of: path)))\n") }
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
    var row: AuthorityRow
    private var head: SealedHead
    private var findings: [EditionFinding]
    private var leftOut: Int
    private var refusal: EditionRefusal?
    private var differences: Int?

    /// `at`: when it is to count; nil leaves aside whether it does now.
    init(_ file: EditionFile, before: EditionFile?, _ authorities: Authorities, at now: Moment?) throws {
        let edition = file.edition
        head = edition.sealed
        row = try authorities.row(edition.head.authority)
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

struct DirectoryCheckCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "check",
        abstract: phrase(
            "Says all that is wrong with an edition; ends with 1 where it may not count.",
            "Nêu mọi chỗ sai của một ấn bản; kết thúc bằng 1 nếu ấn bản không thể có hiệu lực."))

    @Argument(help: .init(phrase("The edition, whole.", "Ấn bản, đầy đủ."))) var file: String
    @Option(help: .init(phrase("The edition before it.", "Ấn bản trước đó."))) var after: String?
    @Option(help: .init(phrase("The root edition that counts.", "Ấn bản gốc đang có hiệu lực."))) var root: String?

    func run() throws {
        let file = try EditionFile(file)
        let before = try after.map { try EditionFile($0) }
        let report = try EditionReport(
            file, before: before, try Self.authorities(for: file, before: before, root: root), at: nil)
        Output.say(report.text)
        guard report.isSound else { throw QuietExit(status: .negative) }
    }

    static func authorities(for file: EditionFile, before: EditionFile?, root: String?) throws -> Authorities {
        if let root { return Authorities(try EditionFile(root).edition) }
        guard file.edition.head.isRoot else {
            throw UsageError(
                sentence: phrase(
                    "name the root edition with --root: it says what \(file.edition.head.authority) may publish",
                    "hãy nêu ấn bản gốc bằng --root: ấn bản đó cho biết \(file.edition.head.authority) được công bố những gì"
                ))
        }
        return Authorities((before ?? file).edition)
    }
}

struct DirectoryVerifyCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "verify",
        abstract: phrase(
            "Says who has signed an edition, and whether that is enough at this moment.",
            "Cho biết ai đã ký ấn bản, và hiện nay đã đủ chưa."),
        discussion: phrase(
            "The first root edition is believed by the fingerprint of a certificate that was read over the telephone.",
            "Ấn bản gốc đầu tiên được tin theo dấu vân tay chứng thư đã đọc qua điện thoại."))

    @Argument(help: .init(phrase("The edition, whole.", "Ấn bản, đầy đủ."))) var file: String
    @Option(help: .init(phrase("The edition before it.", "Ấn bản trước đó."))) var after: String?
    @Option(help: .init(phrase("The root edition that counts.", "Ấn bản gốc đang có hiệu lực."))) var root: String?
    @Option(
        help: .init(
            phrase(
                "The fingerprint by which the first root edition is believed.",
                "Dấu vân tay để tin ấn bản gốc đầu tiên."))) var fingerprint: String?

    func run() throws {
        let file = try EditionFile(file)
        let before = try after.map { try EditionFile($0) }
        let head = file.edition.head
        let isFirst = head.isRoot && before == nil && root == nil
        var report = try EditionReport(
            file, before: before, try DirectoryCheckCommand.authorities(for: file, before: before, root: root),
            at: .now)
        if isFirst {
            guard let text = fingerprint else {
                throw UsageError(
                    sentence: phrase(
                        "give --fingerprint: a first root edition cannot vouch for itself",
                        "hãy ghi --fingerprint: ấn bản gốc đầu tiên không thể tự bảo chứng"))
            }
            guard let known = Digest(fingerprint: text) else {
                throw UsageError(
                    sentence: phrase(
                        "--fingerprint must have 64 hexadecimal digits", "--fingerprint phải có 64 chữ số thập lục phân"
                    ))
            }
            // Only what that certificate has signed is believed, and it is among the root's own.
            guard report.row.certificates.contains(known) else {
                throw NegativeAnswer(
                    sentence: phrase(
                        "the root edition does not name the certificate of --fingerprint",
                        "ấn bản gốc không nêu chứng thư của --fingerprint"))
            }
            let count = try SignatureCount(of: file.path, file.octets, by: report.row, at: head.from)
            guard count.verdict.counted.contains(known) else {
                Output.say(count.text)
                throw NegativeAnswer(
                    sentence: phrase(
                        "the certificate of --fingerprint has not signed the edition",
                        "chứng thư của --fingerprint chưa ký ấn bản"))
            }
        }
        let count = try SignatureCount(of: file.path, file.octets, by: report.row, at: head.from)
        report.row = count.row
        Output.say(report.text + count.text)
        guard count.isEnough else { throw NegativeAnswer(sentence: DirectoryPublishCommand.standing(count)) }
        Output.say(DirectoryPublishCommand.standing(count) + "\n")
        guard report.isSound else { throw QuietExit(status: .negative) }
    }
}
