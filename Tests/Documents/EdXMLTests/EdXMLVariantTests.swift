// EdXMLVariantTests: packages that real builders make against the rules of the format, and that are understood all the same, each
// with a warning that names element and line; and their near neighbours, which stay refused.

import EdXML
import Foundation
import Testing

@Suite struct EdXMLVariantTests {
    struct Variant: Sendable {
        var file: String
        var code: EdXMLWarning.Code
        var element: String
        var line: UInt64
    }

    static let variants = [
        Variant(file: "02-date-unpadded", code: .dateUnpadded, element: "PromulgationDate", line: 10),
        Variant(file: "03-date-with-time", code: .timeIgnored, element: "PromulgationDate", line: 10),
        Variant(file: "06-due-with-time", code: .dueTime, element: "DueDate", line: 13),
        Variant(file: "08-ts-iso", code: .traceTimestamp, element: "TraceHeader/Timestamp", line: 15),
        Variant(file: "09-ts-nosec", code: .traceTimestamp, element: "TraceHeader/Timestamp", line: 15),
        Variant(file: "11-ts-millis", code: .traceTimestamp, element: "TraceHeader/Timestamp", line: 15),
        Variant(file: "18-prio-01", code: .priorityPadded, element: "Priority", line: 13),
        Variant(file: "20-utf16-real", code: .utf16, element: "edXML", line: 1),
        Variant(file: "27-unbound-xlink", code: .unboundPrefix, element: "Reference", line: 17),
        Variant(file: "28-unbound-edXML-outside", code: .unboundPrefix, element: "AttachmentEncoded", line: 19),
        Variant(file: "30-b64-nopad", code: .base64Unpadded, element: "ContentTransferEncoded", line: 19),
        Variant(file: "53-att-ns-empty", code: .noNamespace, element: "AttachmentEncoded", line: 19),
        Variant(file: "75-trace-ts-null", code: .traceTimestamp, element: "TraceHeader/Timestamp", line: 15),
    ]

    static let folder = (1...2).reduce(URL(fileURLWithPath: #filePath)) { path, _ in path.deletingLastPathComponent() }
        .appendingPathComponent("EdXMLVariants")

    static func bytes(_ file: String) throws -> [UInt8] {
        [UInt8](try Data(contentsOf: folder.appendingPathComponent(file + ".edxml")))
    }

    @Test func everyVariantIsListed() throws {
        let files = try FileManager.default.contentsOfDirectory(atPath: Self.folder.path)
        #expect(Set(files) == Set(Self.variants.map { $0.file + ".edxml" }))
    }

    @Test(arguments: variants, [1, 7, 1 << 20]) func isUnderstood(_ variant: Variant, step: Int) throws {
        let summary = try read(try Self.bytes(variant.file), step: step)
        #expect(summary.sender == "G98.01")
        #expect(summary.recipients == ["G99.01"])
        #expect(summary.documentID == "G98.01,2026/03/09,41/STN-VP")
        #expect(summary.subject == "Về việc thử nghiệm")
        #expect(summary.promulgated == EdXMLDate(year: 2026, month: 3, day: 9))
        #expect(summary.priority == (variant.file == "18-prio-01" ? 1 : 0))
        #expect(summary.due?.description == (variant.code == .dueTime ? "2026/03/12 17:00 (+07:00)" : nil))
        #expect(summary.attachmentNames == ["thu.pdf"])
        #expect(summary.attachmentBytes == 13)
        #expect(summary.warnings.count == 1)
        let warning = try #require(summary.warnings.first)
        #expect(warning.code == variant.code)
        #expect(warning.element == variant.element)
        #expect(warning.line == variant.line)
        #expect(warning.sentence.contains(variant.element.split(separator: "/").last!))
    }

    @Test func aRightPackageHasNoWarning() throws {
        #expect(try read(Package.document()).warnings.isEmpty)
        #expect(try read(Package.status()).warnings.isEmpty)
    }

    /// What a reader would have to guess.
    static let guesses: [(EdXMLError.Code, String)] = [
        (.badDate, Package.document(date: "09/03/2026")), (.badDate, Package.document(date: "9/3/2026")),
        (.badDate, Package.document(date: "2026-03-09")), (.badDate, Package.document(date: "2026-03-09T00:00:00")),
        (.badDate, Package.document(date: "2026/03/09 25:00:00")), (.badDate, Package.document(date: "2026/03/09 x")),
        (.badDate, Package.document(date: "2026/003/09")), (.badDate, Package.document(date: "26/3/9")),
        (.badDate, Package.document(dueDate: "2026/13/01")),
        (.badPriority, Package.document(otherInfo: priority("5"))),
        (.badPriority, Package.document(otherInfo: priority("05"))),
        (.badPriority, Package.document(otherInfo: priority("001"))),
        (.badPriority, Package.document(otherInfo: priority("Khẩn"))),
        (.badBase64, Package.document(content: "data:application/pdf;base64,JVBERi0xLjQ=")),
        (.badBase64, Package.document(content: "JVBER")), (.badBase64, Package.document(content: "JVBERh")),
        (.badOrganID, twoRecipients("")), (.badOrganID, twoRecipients("null")),
        (.badOrganID, Package.document(to: to("G98\u{200b}.12"))),
        (
            .duplicateElement,
            Package.document(documentID: "<edXML:DocumentId>1</edXML:DocumentId><edXML:DocumentId>1</edXML:DocumentId>")
        ),
        (.duplicateElement, Package.document(extra: "<edXML:Subject>V/v</edXML:Subject>")),
        (.documentTypePresent, Package.document(start: "<!DOCTYPE edXML>")),
        (.notWellFormed, " " + Package.document()),
        (.notWellFormed, Package.document(extra: "<other:Content/>")),
        (.notWellFormed, Package.document(extra: "<edXML:Content other:a=\"1\"/>")),
        (.notWellFormed, Package.document(extra: "<edXML:Content xmlns:xml=\"urn:x\"/>")),
        (.notWellFormed, Package.document(extra: "<edXML:Content xmlns:p=\"\"/>")),
        (.notWellFormed, Package.document(extra: "<a:b:c xmlns:a=\"urn:a\"/>")),
        (
            .notWellFormed,
            Package.document(extra: "<edXML:Content xmlns:a=\"urn:a\" xmlns:b=\"urn:a\" a:c=\"1\" b:c=\"2\"/>")
        ),
        (
            .tooDeep,
            Package.document(
                extra: "<edXML:Content " + (0..<65).map { "xmlns:p\($0)=\"urn:\($0)\"" }.joined(separator: " ") + "/>")
        ),
        // Only the attachments are known to come without a namespace.
        (.noNamespace, Package.document(documentID: "<DocumentId xmlns=\"\">1</DocumentId>")),
    ]

    private static func priority(_ text: String) -> String {
        "<edXML:OtherInfo><edXML:Priority>\(text)</edXML:Priority></edXML:OtherInfo>"
    }
    private static func to(_ code: String) -> String { "<edXML:To><edXML:OrganId>\(code)</edXML:OrganId></edXML:To>" }
    private static func twoRecipients(_ second: String) -> String { Package.document(to: to("G98.12") + to(second)) }

    @Test(arguments: guesses.indices) func whatMustBeGuessedIsRefused(_ index: Int) {
        let (code, text) = Self.guesses[index]
        #expect(refusal(text)?.code == code)
    }

    /// The sentence of a refusal names the element and what was expected.
    @Test func refusalsNameTheElement() {
        #expect(refusal(Package.document(date: "09/03/2026"))?.sentence.contains("PromulgationDate is") == true)
        #expect(refusal(Package.document(dueDate: "09/03/2026"))?.sentence.contains("DueDate is") == true)
        #expect(refusal(Package.document(content: "J***"))?.sentence.contains("ContentTransferEncoded") == true)
    }

    /// No value of a trace header's time is a reason to refuse, however long or nested it is.
    @Test(arguments: [String(repeating: "9", count: 60_000), "<edXML:a>1</edXML:a>2", "24:99", "09/03/2026 08:30"])
    func aTraceHeaderRefusesNothing(_ time: String) throws {
        let summary = try read(Package.document(timestamp: time))
        #expect(summary.warnings.map(\.code) == [.traceTimestamp])
    }

    @Test func warningsAreBounded() throws {
        let traces = String(
            repeating: "<edXML:TraceHeader><edXML:Timestamp>null</edXML:Timestamp></edXML:TraceHeader>", count: 500)
        let text = Package.document().replacing("<edXML:TraceHeaderList>", with: "<edXML:TraceHeaderList>" + traces)
        let summary = try read(text)
        #expect(summary.warnings.count == EdXMLLimits.warningsMax)
        #expect(summary.warningsLeftOut == 500 - EdXMLLimits.warningsMax)
    }

    @Test func utf16InBothOrdersNeedsItsMark() throws {
        let start = "<?xml version=\"1.0\" encoding=\"UTF-16\"?>"
        for isBig in [true, false] {
            #expect(try read(Self.utf16(start, hasMark: true, isBig)).warnings.map(\.code) == [.utf16])
            #expect(try read(Self.utf16("", hasMark: true, isBig)).recipients == ["G98.12"])
            #expect(refusal(Self.utf16(start, hasMark: false, isBig))?.code == .wrongEncoding)
            #expect(refusal(Self.utf16(start, hasMark: false, isBig), step: 1)?.code == .wrongEncoding)
            let wrong = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>"
            #expect(refusal(Self.utf16(wrong, hasMark: true, isBig))?.code == .wrongEncoding)
        }
        #expect(refusal(Package.document(start: start))?.code == .wrongEncoding)
        let units = Package.document(start: "").unicodeScalars.flatMap { scalar in
            (0..<4).map { UInt8(truncatingIfNeeded: scalar.value >> (8 * $0)) }
        }
        #expect(refusal([0xff, 0xfe, 0, 0] + units)?.code == .wrongEncoding)
        #expect(refusal([0xff, 0xfe, 0, 0] + units, step: 1)?.code == .wrongEncoding)
    }

    private static func utf16(_ start: String, hasMark: Bool, _ isBig: Bool) -> [UInt8] {
        ((hasMark ? [0xfeff] : []) + Array(Package.document(start: start).utf16)).flatMap { unit in
            let pair = [UInt8(unit >> 8), UInt8(unit & 0xff)]
            return isBig ? pair : pair.reversed()
        }
    }
}
