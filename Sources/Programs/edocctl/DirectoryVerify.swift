// DirectoryVerify: what is wrong with an edition that was handed on, and whether enough have signed it. A first root edition is believed by
// fingerprints that were read over the telephone, a later one by the one before it, the others by a root edition.

import ArgumentParser
import Editions
import Language
import OpenSSLCMS
import RelayModel

/// An edition as it came, and what it is judged by.
struct ReceivedOptions: ParsableArguments {
    @Argument(help: .init(phrase("The edition, whole.", "Ấn bản, đầy đủ."))) var file: String
    @Option(help: .init(phrase("The edition before it.", "Ấn bản trước đó."), valueName: "file")) var after: String?
    @Option(
        help: .init(
            phrase(
                "For editions of others: the root edition that counts.",
                "Với ấn bản của cơ quan khác: ấn bản gốc đang có hiệu lực."), valueName: "file"))
    var root: String?

    func read() throws -> (file: EditionFile, before: EditionFile?, root: RootFile?) {
        let file = try EditionFile(file)
        let before = try after.map { try EditionFile($0) }
        if file.edition.head.isRoot {
            guard root == nil else {
                throw UsageError(
                    sentence: phrase(
                        "a root edition is judged by the one before it: name that with --after",
                        "ấn bản gốc được xét theo ấn bản trước: hãy nêu bằng --after"))
            }
            return (file, before, nil)
        }
        guard let root else {
            throw UsageError(
                sentence: phrase(
                    "name the root edition with --root: it says what \(file.edition.head.authority) may publish",
                    "hãy nêu ấn bản gốc bằng --root: ấn bản đó cho biết \(file.edition.head.authority) được công bố những gì"
                ))
        }
        return (file, before, try RootFile(root))
    }
}

/// A root edition by whose word others are judged. By its own word it must be signed enough; whether it is the right one is for whoever
/// names it to know.
struct RootFile {
    var file: EditionFile
    var count: SignatureCount
    var edition: Edition { file.edition }

    init(_ path: String) throws {
        file = try EditionFile(path)
        guard file.edition.head.isRoot else {
            throw NegativeAnswer(
                sentence: phrase(
                    "\(Shown.text(path)) is no root edition", "\(Shown.text(path)) không phải là ấn bản gốc"))
        }
        let row = try Authorities(file.edition).row(EditionHead.root)
        count = try SignatureCount(of: path, file.octets, by: row, at: file.edition.head.from)
        guard count.isEnough else {
            throw NegativeAnswer(sentence: Shown.text(path) + ": " + DirectoryPublishCommand.standing(count))
        }
    }

    var text: String {
        let head = edition.head
        return phrase(
            "Judged by root edition \(head.number), which ends at \(head.until), hash \(edition.sealed.hash.groups)",
            "Xét theo ấn bản gốc \(head.number), hết hiệu lực lúc \(head.until), mã băm \(edition.sealed.hash.groups)")
            + "\n"
    }
}

struct DirectoryCheckCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "check",
        abstract: phrase(
            "Says all that is wrong with an edition; ends with 1 where it may not count.",
            "Nêu mọi chỗ sai của một ấn bản; kết thúc bằng 1 nếu ấn bản không thể có hiệu lực."))

    @OptionGroup var received: ReceivedOptions

    func run() throws {
        let (file, before, root) = try received.read()
        let authorities = Authorities((root?.file ?? before ?? file).edition)
        let report = try EditionReport(
            file, before: before, authorities, row: try authorities.row(file.edition.head.authority), at: nil)
        Output.say(report.text)
        guard report.isSound else { throw QuietExit(status: .negative) }
    }
}

struct DirectoryVerifyCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "verify",
        abstract: phrase(
            "Says who has signed an edition, whether that is enough, and whether it counts at a moment.",
            "Cho biết ai đã ký ấn bản, đã đủ chưa, và ấn bản có hiệu lực vào thời điểm nào đó không."),
        discussion: phrase(
            "The first root edition is believed by fingerprints that were read over the telephone; give each one.",
            "Ấn bản gốc đầu tiên được tin theo các dấu vân tay đã đọc qua điện thoại; hãy ghi từng dấu."))

    @OptionGroup var received: ReceivedOptions
    @Option(
        help: .init(
            phrase(
                "A fingerprint by which a root edition is believed; each must have signed it.",
                "Dấu vân tay để tin ấn bản gốc; mỗi chứng thư phải đã ký."), valueName: "anchor")) var fingerprint:
        [String] = []
    @Option(
        help: .init(
            phrase("Whether it counts at this moment; now without it.", "Xét tại thời điểm này; bỏ trống là bây giờ."),
            valueName: "date"))
    var at: String?

    func run() throws {
        let moment = try at.map { text throws(UsageError) in try Moment(typed: text) } ?? .now
        let (file, before, root) = try received.read()
        let head = file.edition.head
        let known = try fingerprint.map { text throws(UsageError) in
            guard let digest = Digest(fingerprint: text) else {
                throw UsageError(
                    sentence: phrase(
                        "--fingerprint must have 64 hexadecimal digits", "--fingerprint phải có 64 chữ số thập lục phân"
                    ))
            }
            return digest
        }
        let authorities = Authorities((root?.file ?? before ?? file).edition)
        var row = try authorities.row(head.authority)
        if head.isRoot, let before {
            guard known.isEmpty else { throw Self.needlessFingerprint }
            // Heirs that have signed the one before have taken their places.
            let count = try SignatureCount(of: before.path, before.octets, by: row, at: before.edition.head.from)
            guard count.isEnough else {
                throw NegativeAnswer(
                    sentence: Shown.text(before.path) + ": " + DirectoryPublishCommand.standing(count))
            }
            row = row.after(signers: count.verdict.counted)
        } else if head.isRoot, known.isEmpty {
            throw UsageError(
                sentence: phrase(
                    "give --fingerprint, or --after: a root edition cannot vouch for itself",
                    "hãy ghi --fingerprint, hoặc --after: ấn bản gốc không thể tự bảo chứng"))
        }
        let report = try EditionReport(file, before: before, authorities, row: row, at: moment)
        let count = try SignatureCount(of: file.path, file.octets, by: row, at: head.from)
        Output.say((root?.text ?? "") + report.text + count.text)
        try Self.check(known, in: root?.count ?? count)
        guard count.isEnough else { throw NegativeAnswer(sentence: DirectoryPublishCommand.standing(count)) }
        Output.say(DirectoryPublishCommand.standing(count) + "\n")
        if let root, root.edition.head.until <= moment {
            throw NegativeAnswer(
                sentence: phrase(
                    "the root edition ended at \(root.edition.head.until)",
                    "ấn bản gốc đã hết hiệu lực lúc \(root.edition.head.until)"))
        }
        guard report.isSound else { throw QuietExit(status: .negative) }
    }

    /// Each is among the root's own, and has signed.
    private static func check(_ known: [Digest], in count: SignatureCount) throws {
        for digest in known where !count.row.certificates.contains(digest) || !count.verdict.counted.contains(digest) {
            throw NegativeAnswer(
                sentence: phrase(
                    "the root edition is not signed by the certificate \(digest.groups), or does not name it",
                    "ấn bản gốc không được chứng thư \(digest.groups) ký, hoặc không nêu chứng thư đó"))
        }
    }

    private static var needlessFingerprint: UsageError {
        UsageError(
            sentence: phrase(
                "--fingerprint is for a root edition without --after",
                "--fingerprint dành cho ấn bản gốc khi không có --after"))
    }
}
