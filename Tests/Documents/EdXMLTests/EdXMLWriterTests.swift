// The writer: what it writes is read back, byte for byte after decoding, and with the prefixes that receivers need.

import Glibc
import Testing

@testable import EdXML

@Suite struct EdXMLWriterTests {
    @Test func writesWhatTheReaderReads() throws {
        let folder = try Folder()
        let pdf = try folder.file("a.pdf", Array("%PDF-1.4\n%%EOF\n".utf8))
        let text = try folder.file("b.txt", (0..<500_000).map { UInt8(truncatingIfNeeded: $0 &* 31 >> 3) })
        var draft = try Self.draft()
        draft.attachments = [.init(name: "41-STN-VP.PDF", path: pdf), .init(name: "phụ lục <&>.txt", path: text)]
        let bytes = try Self.written(draft)
        let summary = try read(bytes)
        #expect(
            summary
                == EdXMLSummary(
                    kind: .document, sender: "H99.05", recipients: ["G98.12", "H29"], priority: 3,
                    documentID: "H99.05,2026/03/09,41/STN-VP", subject: "V/v <kiểm thử> & \"liên thông\"",
                    attachmentCount: 2, attachmentNames: ["41-STN-VP.PDF", "phụ lục <&>.txt"],
                    attachmentBytes: summary.attachmentBytes,
                    promulgated: EdXMLDate(year: 2026, month: 3, day: 9)))
        let whole = String(decoding: bytes, as: UTF8.self)
        #expect(whole.contains("<edXML:ContentType>application/zip</edXML:ContentType>"))
        #expect(whole.contains("<ContentType>application/pdf</ContentType>"))
        #expect(whole.contains("<AttachmentEncoded>\n    <Attachment>\n      <ContentId>a1</ContentId>"))
        #expect(try Self.contents(whole)[0] == Array("%PDF-1.4\n%%EOF\n".utf8))
    }

    @Test(arguments: [0, 1, 2, 3, 4, 1_000, 196_608, 196_609]) func zipsTextAsOneStoredEntry(count: Int) throws {
        let folder = try Folder()
        let content = (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 7 &+ $0 >> 8) }
        var draft = try Self.draft()
        draft.attachments = [.init(name: "../../etc/x.TXT", path: try folder.file("x", content))]
        let zip = try Self.contents(String(decoding: try Self.written(draft), as: UTF8.self))[0]
        func number(_ offset: Int, _ size: Int) -> Int {
            (0..<size).reduce(0) { $0 | Int(zip[offset + $1]) << (8 * $1) }
        }
        #expect(Array(zip[0..<4]) == [0x50, 0x4b, 3, 4])
        #expect(number(6, 2) == 0)
        #expect(number(8, 2) == 0)
        #expect(number(18, 4) == count)
        #expect(number(22, 4) == count)
        let nameBytes = number(26, 2)
        let name = String(decoding: zip[30..<30 + nameBytes], as: UTF8.self)
        #expect(name.hasSuffix("-1.txt"))
        #expect(!name.contains("/") && !name.contains(".."))
        #expect(Array(zip[(30 + nameBytes)..<(30 + nameBytes + count)]) == content)
        let end = zip.count - 22
        #expect(number(end, 4) == 0x0605_4b50)
        #expect(number(end + 10, 2) == 1)
        #expect(number(end + 16, 4) == 30 + nameBytes + count)
        #expect(number(number(end + 16, 4), 4) == 0x0201_4b50)
        #expect(number(end + 12, 4) == 46 + nameBytes)
        #expect(number(end + 16, 4) + number(end + 12, 4) == end)
    }

    @Test func checksumIsThatOfZip() {
        var crc = CRC32()
        Array("123456789".utf8).withUnsafeBytes { crc.feed($0) }
        #expect(crc.value == 0xcbf4_3926)
    }

    @Test func base64MatchesTheVectors() {
        let vectors = ["": "", "f": "Zg==", "fo": "Zm8=", "foo": "Zm9v", "foob": "Zm9vYg==", "fooba": "Zm9vYmE="]
        for (plain, text) in vectors {
            for step in 1...3 {
                var encoder = Base64Encoder()
                var output: [UInt8] = []
                var rest = Array(plain.utf8)[...]
                while !rest.isEmpty {
                    Array(rest.prefix(step)).withUnsafeBytes { encoder.encode($0, into: &output) }
                    rest = rest.dropFirst(step)
                }
                encoder.finish(into: &output)
                #expect(String(decoding: output, as: UTF8.self) == text)
            }
        }
    }

    @Test func refusesBadDrafts() throws {
        let changes: [(inout EdXMLDraft) -> Void] = [
            { $0.sender.code = "null/1" }, { $0.recipients = [] }, { $0.recipients[0].code = "" },
            { $0.documentID = "" }, { $0.subject = "" }, { $0.subject = "a\u{1}" }, { $0.priority = 5 },
            { $0.sentAt = "09/03/2026" }, { $0.attachments = [.init(name: "", path: "x")] },
        ]
        for change in changes {
            var draft = try Self.draft()
            change(&draft)
            var written = 0
            #expect(throws: EdXMLWriterError.self) { try EdXMLWriter.write(draft) { written += $0.count } }
            #expect(written == 0)
        }
        var draft = try Self.draft()
        draft.attachments = [.init(name: "a.pdf", path: "/nonexistent/a.pdf")]
        #expect(throws: EdXMLWriterError.unreadableFile(path: "/nonexistent/a.pdf", errno: ENOENT)) {
            try EdXMLWriter.write(draft) { _ in }
        }
    }

    private static func draft() throws -> EdXMLDraft {
        EdXMLDraft(
            sender: .init(code: "H99.05", name: "Sở Thử nghiệm A"),
            recipients: [.init(code: "G98.12", name: "Cục B"), .init(code: "H29")],
            documentID: "H99.05,2026/03/09,41/STN-VP", codeNumber: "41", codeNotation: "STN-VP", place: "Hà Nội",
            date: try #require(EdXMLDate(year: 2026, month: 3, day: 9)), subject: "V/v <kiểm thử> & \"liên thông\"",
            priority: 3, sentAt: "2026/03/09 08:30:00", attachments: [])
    }

    private static func written(_ draft: EdXMLDraft) throws -> [UInt8] {
        var bytes: [UInt8] = []
        try withoutActuallyEscaping({ bytes.append(contentsOf: $0) }) { try EdXMLWriter.write(draft, to: $0) }
        return bytes
    }

    /// The attachments, decoded by a decoder of the test's own.
    private static func contents(_ text: String) throws -> [[UInt8]] {
        try text.split(separator: "<edXML:ContentTransferEncoded").dropFirst().map { part in
            let start = try #require(part.firstIndex(of: ">"))
            let encoded = part[part.index(after: start)...].prefix { $0 != "<" }
            var result: [UInt8] = []
            var bits = 0
            var count = 0
            for character in encoded.utf8 where character != UInt8(ascii: "=") {
                let digit = try #require(Base64.alphabet.firstIndex(of: character))
                bits = (bits << 6 | digit) & 0xffff
                count += 6
                if count >= 8 {
                    count -= 8
                    result.append(UInt8(truncatingIfNeeded: bits >> count))
                }
            }
            return result
        }
    }
}

/// A folder that goes when the test ends.
private final class Folder {
    private let path: String
    private var files: [String] = []

    init() throws {
        var template = Array("/tmp/edxml-tests-XXXXXX".utf8CString)
        let made = template.withUnsafeMutableBufferPointer { mkdtemp($0.baseAddress!) != nil }
        try #require(made)
        path = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    deinit {
        for file in files { unlink(file) }
        rmdir(path)
    }

    func file(_ name: String, _ bytes: [UInt8]) throws -> String {
        let whole = path + "/" + name
        let file = try #require(fopen(whole, "w"))
        defer { fclose(file) }
        files.append(whole)
        try #require(fwrite(bytes, 1, bytes.count, file) == bytes.count)
        return whole
    }
}
