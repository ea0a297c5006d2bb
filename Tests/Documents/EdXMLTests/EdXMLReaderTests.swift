// The reader: what it takes, what it refuses and where, and that it holds next to nothing.

import EdXML
import Glibc
import Testing

@Suite struct EdXMLReaderTests {
    @Test func readsTheMinimalDocument() throws {
        let summary = try read(Package.document())
        #expect(
            summary
                == EdXMLSummary(
                    kind: .document, sender: "H99.05", recipients: ["G98.12"], priority: 1,
                    documentID: "H99.05,2026/03/09,41/STN-VP", subject: "V/v kiểm thử liên thông & trục",
                    attachmentCount: 1, attachmentNames: ["41-STN-VP.pdf"], attachmentBytes: 15,
                    promulgated: EdXMLDate(year: 2026, month: 3, day: 9),
                    due: EdXMLDue(date: try #require(EdXMLDate(year: 2026, month: 3, day: 20)))))
    }

    @Test func readsTheMinimalStatus() throws {
        let summary = try read(Package.status())
        #expect(summary.kind == .status(code: "03"))
        #expect(summary.sender == "G98.12")
        #expect(summary.recipients == ["H99.05"])
        #expect(summary.documentID == "H99.05,2026/03/09,41/STN-VP")
    }

    @Test(arguments: [1, 2, 3, 7, 64, 1_000]) func readsInPiecesOfAnySize(step: Int) throws {
        #expect(try read(Package.document(), step: step) == read(Package.document()))
        #expect(try read(Package.status(), step: step) == read(Package.status()))
    }

    @Test func takesAnyPrefixRootCaseAndByteOrderMark() throws {
        let document = Package.document()
        let expected = try read(document)
        #expect(
            try read(document.replacing("edXML:", with: "q:").replacing("xmlns:edXML", with: "xmlns:q")) == expected)
        #expect(
            try read(document.replacing("edXML:", with: "").replacing("xmlns:edXML", with: "xmlns:unused")) == expected)
        let other = document.replacing("<edXML xmlns", with: "<EdXML xmlns").replacing("</edXML>", with: "</EdXML>")
        #expect(try read(other) == expected)
        for step in [1, 4_096] {
            #expect(try read([0xef, 0xbb, 0xbf] + Array(document.utf8), step: step) == expected)
        }
    }

    @Test func takesWhiteSpaceInBase64() throws {
        let text = "\r\n  JVBERi0x\r\n\tLjQKJSVF T0YK\n"
        #expect(try read(Package.document(content: text)).attachmentBytes == 15)
        #expect(try read(Package.document(content: "<![CDATA[\(Package.content)]]>")).attachmentBytes == 15)
        #expect(try read(Package.document(content: "")).attachmentBytes == 0)
    }

    @Test func priorityIsNormalWhenAbsentOrEmpty() throws {
        #expect(try read(Package.document(otherInfo: "")).priority == 0)
        let empty = "<edXML:OtherInfo><edXML:Priority/></edXML:OtherInfo>"
        #expect(try read(Package.document(otherInfo: empty)).priority == 0)
    }

    @Test func keepsEveryRecipient() throws {
        let one = (0..<1_000).map { "<edXML:To><edXML:OrganId> H01.\($0)\n</edXML:OrganId></edXML:To>" }
        #expect(try read(Package.document(to: one.joined())).recipients == (0..<1_000).map { "H01.\($0)" })
        let more = one.joined() + one[0]
        #expect(refusal(Package.document(to: more))?.code == .tooManyRecipients)
    }

    @Test func aDocumentMayAnswerOthersWithoutCodes() throws {
        let answers = "<edXML:ResponseFor/><edXML:ResponseFor><edXML:OrganId>null</edXML:OrganId></edXML:ResponseFor>"
        #expect(try read(Package.document(extra: answers)).recipients == ["G98.12"])
    }
}

// Refusals.
extension EdXMLReaderTests {
    static let broken: [(EdXMLError.Code, String)] = [
        (
            .badPriority,
            Package.document(otherInfo: "<edXML:OtherInfo><edXML:Priority>5</edXML:Priority></edXML:OtherInfo>")
        ),
        (
            .badPriority,
            Package.document(otherInfo: "<edXML:OtherInfo><edXML:Priority>Khẩn</edXML:Priority></edXML:OtherInfo>")
        ),
        (
            .badPriority,
            Package.document(otherInfo: "<edXML:OtherInfo><edXML:Priority>+1</edXML:Priority></edXML:OtherInfo>")
        ),
        (.badDate, Package.document(date: "09/03/2026")),
        (.badDate, Package.document(date: "2026-03-09")),
        (.badDate, Package.document(date: "2026/02/29")),
        (.badDate, Package.document(dueDate: "20/03/2026")),
        (.badDate, Package.status().replacing("2026/03/09 09:10:00", with: "09/03/2026 09:10:00")),
        (.badDate, Package.status().replacing("2026/03/09 09:10:00", with: "2026/03/09 24:10:00")),
        (.noRecipient, Package.document(to: "")),
        (.noSender, Package.document(from: "")),
        (.badOrganID, Package.document(from: "<edXML:From/>")),
        (.badOrganID, Package.document(to: "<edXML:To><edXML:OrganName>B</edXML:OrganName></edXML:To>")),
        (.badOrganID, Package.document(to: "<edXML:To><edXML:OrganId/></edXML:To>")),
        (.badOrganID, Package.document(to: "<edXML:To><edXML:OrganId>null</edXML:OrganId></edXML:To>")),
        (.badOrganID, Package.document(to: "<edXML:To><edXML:OrganId>G98/../12</edXML:OrganId></edXML:To>")),
        (.badOrganID, Package.document(to: "<edXML:To><edXML:OrganId>G98 12</edXML:OrganId></edXML:To>")),
        (
            .badOrganID,
            Package.document(
                to: "<edXML:To><edXML:OrganId>\(String(repeating: "G", count: 36))</edXML:OrganId></edXML:To>")
        ),
        (
            .duplicateElement,
            Package.document(documentID: "<edXML:DocumentId>1</edXML:DocumentId><edXML:DocumentId>1</edXML:DocumentId>")
        ),
        (
            .duplicateElement,
            Package.document(
                to: "<edXML:To><edXML:OrganId>G1</edXML:OrganId><edXML:OrganId>G2</edXML:OrganId></edXML:To>")
        ),
        (.duplicateElement, Package.document(extra: "<edXML:From><edXML:OrganId>G22</edXML:OrganId></edXML:From>")),
        (
            .duplicateElement,
            Package.status(extra: "<edXML:ResponseFor><edXML:OrganId>G22</edXML:OrganId></edXML:ResponseFor>")
        ),
        (.mixedKind, Package.status(extra: "<edXML:To><edXML:OrganId>G22</edXML:OrganId></edXML:To>")),
        (.badStatusCode, Package.status(code: "3")),
        (.badStatusCode, Package.status(code: "")),
        (.noRecipient, Package.status(responseFor: "<edXML:Code>41</edXML:Code>")),
        (.badOrganID, Package.status(responseFor: "<edXML:OrganId>null</edXML:OrganId>")),
        (
            .tooLong,
            Package.document(documentID: "<edXML:DocumentId>\(String(repeating: "x", count: 513))</edXML:DocumentId>")
        ),
        (.tooLong, Package.document(extra: "<edXML:Content>\(String(repeating: "x", count: 65_537))</edXML:Content>")),
        (.tooLong, Package.document(extra: "<edXML:Content a=\"\(String(repeating: "x", count: 200_000))\"/>")),
        (.tooLong, Package.document(extra: "<!--\(String(repeating: "x", count: 200_000))-->")),
        (.tooDeep, Package.document(extra: String(repeating: "<a>", count: 40) + String(repeating: "</a>", count: 40))),
        (.notEdXML, Package.document(documentID: "<edXML:DocumentId>1<b/>2</edXML:DocumentId>")),
        (.notEdXML, "<html xmlns=\"\(namespace)\"/>"),
        (.noHeader, "<edXML xmlns=\"\(namespace)\"/>"),
        (.noNamespace, "<edXML/>"),
        (.noNamespace, Package.document().replacing(" xmlns=\"\(namespace)\"", with: "")),
        (.wrongNamespace, Package.document().replacing(namespace, with: "http://www.go.vn/eDoc")),
        (.wrongNamespace, Package.document(documentID: "<DocumentId xmlns=\"urn:other\">1</DocumentId>")),
        (.oldDialect, "<S:Envelope xmlns:S=\"http://schemas.xmlsoap.org/soap/envelope/\"/>"),
        (.oldDialect, "<e:edXMLEnvelope xmlns:e=\"http://www.e-doc.vn/Schema/\"/>"),
        (.wrongEncoding, Package.document(start: "<?xml version=\"1.0\" encoding=\"ISO-8859-1\"?>")),
        (.wrongEncoding, Package.document(start: "<?xml version=\"1.0\" encoding=\"windows-1258\"?>")),
        (.notWellFormed, ""),
        (.notWellFormed, Package.document() + "<more/>"),
        (.notWellFormed, Package.document(extra: "&unknown;")),
        (.notWellFormed, Package.document().replacing("</edXML:To>", with: "")),
        (.documentTypePresent, Package.document(start: "<!DOCTYPE edXML>")),
    ]

    @Test(arguments: broken.indices) func refuses(_ index: Int) {
        let (code, text) = Self.broken[index]
        #expect(refusal(text)?.code == code)
        #expect(refusal(Array(text.utf8), step: 1)?.code == code)
    }

    @Test(arguments: [
        "JVBERi0xLjQKJSVFT0YK=", "JVBE*i0x", "JVBERi0_", "JVBERg===", "JVBERg=", "JVBERg==JVBE", "JVBE=", "=JVB",
        "J===",
        "JV=E", "JVBERh==", "JVBERi1=", "JVBE\u{a0}", "JV<!-- -->B",
    ])
    func refusesBrokenBase64(_ text: String) {
        #expect(refusal(Package.document(content: text))?.code == .badBase64)
        #expect(refusal(Array(Package.document(content: text).utf8), step: 1)?.code == .badBase64)
    }

    @Test func namesThePlace() throws {
        let text = "<edXML xmlns=\"\(namespace)\"><AttachmentEncoded><Attachment>\n<ContentTransferEncoded>\nQUJD\nQUI*"
        let error = try #require(refusal(text))
        #expect(error.line == 4)
        #expect(error.column == 4)
        #expect(error.description.hasPrefix("line 4, column 4: The base64 text of ContentTransferEncoded is broken"))
    }

    @Test func refusesEveryTruncation() {
        let bytes = Array(Package.document().utf8)
        for count in 0..<bytes.count where refusal(Array(bytes[..<count])) == nil {
            Issue.record("The first \(count) bytes are taken for a package.")
        }
    }

    @Test func neverExpandsEntities() {
        var laughs = "<!DOCTYPE edXML [<!ENTITY a0 \"ha\">"
        for level in 1...20 {
            laughs += "<!ENTITY a\(level) \"" + String(repeating: "&a\(level - 1);", count: 10) + "\">"
        }
        laughs += "]>"
        let id = "<edXML:DocumentId>&a20;</edXML:DocumentId>"
        #expect(refusal(Package.document(start: laughs, documentID: id))?.code == .documentTypePresent)
        for external in ["[<!ENTITY x SYSTEM \"file:///etc/hostname\">]", "SYSTEM \"file:///etc/hostname\""] {
            let start = "<!DOCTYPE edXML \(external)>"
            let text = Package.document(start: start, documentID: "<edXML:DocumentId>&x;</edXML:DocumentId>")
            #expect(refusal(text)?.code == .documentTypePresent)
        }
    }

    @Test func refusesBrokenUTF8() {
        var bytes = Array(Package.document().utf8)
        let place = bytes.firstIndex(of: 0xc3) ?? 0
        bytes[place + 1] = 0x41
        #expect(refusal(bytes)?.code == .notWellFormed)
    }

    @Test func sentencesHaveNoControlCharacters() throws {
        let text = Package.document(to: "<edXML:To><edXML:OrganId>&#x202e;\u{7f}\"</edXML:OrganId></edXML:To>")
        let error = try #require(refusal(text))
        #expect(error.code == .badOrganID)
        #expect(error.sentence.contains("\\u{202e}\\u{7f}\\\""))
    }

    @Test func staysRefused() {
        let reader = EdXMLReader()
        let bad = Array("<edXML/>".utf8)
        for _ in 0..<2 {
            #expect(throws: EdXMLError.self) { try bad.withUnsafeBytes { try reader.feed($0) } }
        }
        #expect(throws: EdXMLError.self) { try reader.finish() }
    }

    @Test func noSingleBitFlipTraps() {
        let bytes = Array(Package.status().utf8)
        for index in bytes.indices {
            for bit in 0..<8 {
                var flipped = bytes
                flipped[index] ^= 1 << UInt8(bit)
                _ = refusal(flipped)
            }
        }
    }

    @Test(arguments: [true, false]) func holdsNextToNothing(hasLines: Bool) throws {
        let reader = EdXMLReader()
        let (fed, decoded) = try feedLarge(reader, hasLines: hasLines, blocks: 8)
        #expect(fed > 7_900_000)
        #expect(try reader.finish().attachmentBytes == decoded)
        #expect(reader.retainedBytesMax < 70_000)
    }

    /// In a process of its own, so that nothing else allocates beside it.
    @Test func memoryDoesNotGrowWithThePackage() async {
        await #expect(processExitsWith: .success) {
            let reader = EdXMLReader()
            let before = anonymousKiB()
            let (fed, decoded) = try feedLarge(reader, hasLines: false, blocks: 100)
            precondition(fed > 99_000_000, "The package is too small for the test.")
            let summary = try reader.finish()
            precondition(summary.attachmentBytes == decoded, "Not all was read.")
            precondition(before > 0 && anonymousKiB() - before < 20_000, "Memory grew with the package.")
        }
    }
}

/// Feeds a document with `blocks` MiB of base64; gives the octets fed and those that they stand for.
private func feedLarge(_ reader: EdXMLReader, hasLines: Bool, blocks: Int) throws -> (fed: Int, decoded: UInt64) {
    let parts = Package.document(content: "#").split(separator: "#").map { Array($0.utf8) }
    let line = String(repeating: "QUJD", count: 19) + (hasLines ? "\r\n" : "")
    let block = Array(String(repeating: line, count: 1 << 20 / line.utf8.count).utf8)
    try parts[0].withUnsafeBytes { try reader.feed($0) }
    for _ in 0..<blocks { try block.withUnsafeBytes { try reader.feed($0) } }
    try parts[1].withUnsafeBytes { try reader.feed($0) }
    let fed = block.count * blocks
    return (fed, UInt64(fed / line.utf8.count * 57))
}

/// Anonymous resident memory of this process.
private func anonymousKiB() -> Int {
    guard let file = fopen("/proc/self/status", "r") else { return 0 }
    defer { fclose(file) }
    var line = [CChar](repeating: 0, count: 256)
    while fgets(&line, Int32(line.count), file) != nil {
        let text = String(decoding: line.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
        guard text.hasPrefix("RssAnon:") else { continue }
        return Int(text.filter(\.isNumber)) ?? 0
    }
    return 0
}
