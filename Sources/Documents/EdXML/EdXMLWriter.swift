// EdXMLWriter: writes a package as the receivers of the national axis read it: the literal prefix `edXML:` inside the
// envelope (a widespread reader fails without it) and none in AttachmentEncoded. Streams the files; owns one buffer;
// blocks on reading them, so it is for tools and not for an event loop. Fails with `EdXMLWriterError` before the
// first byte when a field is bad; whatever the sink throws ends the writing.

import Glibc
import RelayModel

/// Writes one package to a sink.
public struct EdXMLWriter {
    /// Takes the next bytes of the package.
    public typealias Sink = (UnsafeRawBufferPointer) throws -> Void

    private let draft: EdXMLDraft
    private let sink: Sink

    private static let readBytes = 192 * 1_024
    /// The library of the receivers sends these as they are, and everything else in a ZIP.
    private static let rawExtensions: Set<String> = ["pdf", "doc", "docx", "zip"]

    /// Writes the package of `draft` to `sink`.
    public static func write(_ draft: EdXMLDraft, to sink: @escaping Sink) throws {
        try check(draft)
        let writer = EdXMLWriter(draft: draft, sink: sink)
        try writer.put(writer.envelope())
        try writer.put("  <AttachmentEncoded>\n")
        for index in draft.attachments.indices { try writer.putAttachment(index) }
        try writer.put("  </AttachmentEncoded>\n</edXML>\n")
    }

    private init(draft: EdXMLDraft, sink: @escaping Sink) {
        self.draft = draft
        self.sink = sink
    }

    /// What the reader would refuse must not be written.
    private static func check(_ draft: EdXMLDraft) throws(EdXMLWriterError) {
        func refuse(_ name: String, _ sentence: String) -> EdXMLWriterError {
            .badField(name: name, sentence: sentence)
        }
        for organ in [draft.sender] + draft.recipients where AgencyCode(organ.code) == nil {
            throw refuse("code", "\(quoted(organ.code)) is not an agency code.")
        }
        guard (1...EdXMLLimits.recipientsMax).contains(draft.recipients.count) else {
            throw refuse("recipients", "There must be 1 to \(EdXMLLimits.recipientsMax).")
        }
        guard (1...EdXMLLimits.documentIDBytesMax).contains(draft.documentID.utf8.count) else {
            throw refuse("document ID", "It must have 1 to \(EdXMLLimits.documentIDBytesMax) bytes.")
        }
        guard (1...EdXMLLimits.subjectBytesMax).contains(draft.subject.utf8.count) else {
            throw refuse("subject", "It must have 1 to \(EdXMLLimits.subjectBytesMax) bytes.")
        }
        guard draft.priority <= 4 else { throw refuse("priority", "It must be 0 to 4.") }
        do {
            try EdXMLGrammar.checkTimestamp(draft.sentAt)
        } catch {
            throw refuse("sent at", error.sentence)
        }
        guard draft.attachments.count <= EdXMLLimits.attachmentsMax else {
            throw refuse("attachments", "There may be at most \(EdXMLLimits.attachmentsMax).")
        }
        for attachment in draft.attachments
        where !(1...EdXMLLimits.attachmentNameBytesMax).contains(attachment.name.utf8.count) {
            throw refuse("attachment name", "It must have 1 to \(EdXMLLimits.attachmentNameBytesMax) bytes.")
        }
        let texts =
            [draft.documentID, draft.codeNumber, draft.codeNotation, draft.place, draft.typeName, draft.subject]
            + draft.attachments.map(\.name) + ([draft.sender] + draft.recipients).map(\.name)
        for text in texts {
            guard text.utf8.count <= EdXMLLimits.fieldBytesMax, text.unicodeScalars.allSatisfy(isXMLCharacter) else {
                throw refuse("text", "\(quoted(text)) is too long or has characters that XML cannot carry.")
            }
        }
    }

    private func put(_ text: String) throws {
        var text = text
        try text.withUTF8 { try sink(UnsafeRawBufferPointer($0)) }
    }
}

// The envelope: everything but the attachments, in the order in which the national library writes it.
extension EdXMLWriter {
    private func envelope() -> String {
        let namespace = EdXMLNamespace.current
        let id = escaped(draft.documentID)
        var text = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<edXML xmlns=\"\(namespace)\">\n"
        text += "  <edXML:edXMLEnvelope xmlns:edXML=\"\(namespace)\">\n    <edXML:edXMLHeader>\n"
        text += messageHeader(id)
        text += "      <edXML:TraceHeaderList>\n        <edXML:TraceHeader>"
        text += element("OrganId", escaped(draft.sender.code)) + element("Timestamp", escaped(draft.sentAt))
        text += "</edXML:TraceHeader>\n        <edXML:Bussiness>" + element("DocumentId", id)
        text += element("BussinessDocType", "0") + element("Paper", "0") + "</edXML:Bussiness>\n"
        text += "      </edXML:TraceHeaderList>\n    </edXML:edXMLHeader>\n    <edXML:edXMLBody>\n"
        text += "      <edXML:edXMLManifest version=\"1.0\">\n"
        for (index, attachment) in draft.attachments.enumerated() {
            text += "        <edXML:Reference>" + element("ContentId", "cid:a\(index + 1)")
            text += element("ContentType", contentType(attachment))
            text += element("AttachmentName", escaped(attachment.name)) + "</edXML:Reference>\n"
        }
        text += "      </edXML:edXMLManifest>\n    </edXML:edXMLBody>\n  </edXML:edXMLEnvelope>\n"
        return text
    }

    private func messageHeader(_ id: String) -> String {
        func organ(_ name: String, _ organ: EdXMLDraft.Organ) -> String {
            let inner = element("OrganId", escaped(organ.code)) + element("OrganName", escaped(organ.name))
            return "        " + element(name, inner) + "\n"
        }
        var text = "      <edXML:MessageHeader>\n" + organ("From", draft.sender)
        for recipient in draft.recipients { text += organ("To", recipient) }
        let lines = [
            element("DocumentId", id),
            element(
                "Code",
                element("CodeNumber", escaped(draft.codeNumber))
                    + element("CodeNotation", escaped(draft.codeNotation))),
            element(
                "PromulgationInfo",
                element("Place", escaped(draft.place)) + element("PromulgationDate", draft.date.description)),
            element("DocumentType", element("Type", "1") + element("TypeName", escaped(draft.typeName))),
            element("Subject", escaped(draft.subject)),
            element("OtherInfo", element("Priority", String(draft.priority))),
        ]
        for line in lines { text += "        " + line + "\n" }
        return text + "      </edXML:MessageHeader>\n"
    }

    private func element(_ name: String, _ inner: String) -> String { "<edXML:\(name)>\(inner)</edXML:\(name)>" }
}

// The attachments: read twice when they go in a ZIP, since length and CRC stand before the data.
extension EdXMLWriter {
    private func putAttachment(_ index: Int) throws {
        let attachment = draft.attachments[index]
        try put("    <Attachment>\n      <ContentId>a\(index + 1)</ContentId>\n")
        try put("      <AttachmentName>\(escaped(attachment.name))</AttachmentName>\n")
        try put("      <ContentType>\(contentType(attachment))</ContentType>\n")
        try put("      <edXML:ContentTransferEncoded xmlns:edXML=\"\(EdXMLNamespace.current)\">")
        try putContent(attachment, index)
        try put("</edXML:ContentTransferEncoded>\n    </Attachment>\n")
    }

    private func putContent(_ attachment: EdXMLDraft.Attachment, _ index: Int) throws {
        var encoder = Base64Encoder()
        var output: [UInt8] = []
        func putEncoded(_ bytes: UnsafeRawBufferPointer) throws {
            output.removeAll(keepingCapacity: true)
            encoder.encode(bytes, into: &output)
            try output.withUnsafeBytes { try sink($0) }
        }
        if isRaw(attachment) {
            try Self.read(attachment.path) { try putEncoded($0) }
        } else {
            let zip = try measured(attachment, index)
            try zip.head.withUnsafeBytes { try putEncoded($0) }
            var crc = CRC32()
            var length: UInt64 = 0
            try Self.read(attachment.path) {
                crc.feed($0)
                length += UInt64($0.count)
                guard length <= zip.length else { throw EdXMLWriterError.fileChanged(path: attachment.path) }
                try putEncoded($0)
            }
            guard crc.value == zip.crc, length == zip.length else {
                throw EdXMLWriterError.fileChanged(path: attachment.path)
            }
            try zip.tail.withUnsafeBytes { try putEncoded($0) }
        }
        output.removeAll(keepingCapacity: true)
        encoder.finish(into: &output)
        try output.withUnsafeBytes { try sink($0) }
    }

    /// The first reading. The entry's name is made here: receivers unpack it into a folder that all documents share.
    private func measured(_ attachment: EdXMLDraft.Attachment, _ index: Int) throws -> StoredZip {
        var crc = CRC32()
        var length: UInt64 = 0
        try Self.read(attachment.path) {
            crc.feed($0)
            length += UInt64($0.count)
        }
        guard let short = UInt32(exactly: length), short < UInt32.max - 4_096 else {
            throw EdXMLWriterError.fileTooLarge(path: attachment.path)
        }
        var hash: UInt64 = 0xcbf2_9ce4_8422_2325
        for byte in (draft.sender.code + "\n" + draft.documentID).utf8 {
            hash = (hash ^ UInt64(byte)) &* 0x100_0000_01b3
        }
        let ending = Self.fileExtension(attachment.name)
        let name = String(hash, radix: 16) + "-\(index + 1)." + (ending.isEmpty ? "bin" : ending)
        return StoredZip(entryName: name, crc: crc.value, length: short)
    }

    private func isRaw(_ attachment: EdXMLDraft.Attachment) -> Bool {
        Self.rawExtensions.contains(Self.fileExtension(attachment.name))
    }

    private func contentType(_ attachment: EdXMLDraft.Attachment) -> String {
        isRaw(attachment) ? "application/" + Self.fileExtension(attachment.name) : "application/zip"
    }

    /// The ending in lower case when it is 1...8 letters or digits, else empty.
    private static func fileExtension(_ name: String) -> String {
        guard let dot = name.utf8.lastIndex(of: UInt8(ascii: ".")) else { return "" }
        let ending = name[name.utf8.index(after: dot)...].lowercased()
        let isSafe = ending.utf8.allSatisfy { (0x30...0x39).contains($0) || (0x61...0x7a).contains($0) }
        return (1...8).contains(ending.utf8.count) && isSafe ? ending : ""
    }

    private static func read(_ path: String, _ body: (UnsafeRawBufferPointer) throws -> Void) throws {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw EdXMLWriterError.unreadableFile(path: path, errno: errno) }
        defer { _ = close(descriptor) }
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: readBytes, alignment: 16)
        defer { buffer.deallocate() }
        while true {
            let count = Glibc.read(descriptor, buffer.baseAddress, buffer.count)
            if count < 0 {
                if errno == EINTR { continue }
                throw EdXMLWriterError.unreadableFile(path: path, errno: errno)
            }
            if count == 0 { return }
            try body(UnsafeRawBufferPointer(rebasing: buffer[..<count]))
        }
    }
}

/// The characters of XML 1.0 (production 2).
private func isXMLCharacter(_ scalar: Unicode.Scalar) -> Bool {
    switch scalar.value {
    case 0x09, 0x0a, 0x0d, 0x20...0xd7ff, 0xe000...0xfffd, 0x10000...0x10ffff: true
    default: false
    }
}

private func escaped(_ text: String) -> String {
    var result = ""
    for scalar in text.unicodeScalars {
        switch scalar {
        case "&": result += "&amp;"
        case "<": result += "&lt;"
        case ">": result += "&gt;"
        case "\"": result += "&quot;"
        case "\r": result += "&#13;"
        default: result.unicodeScalars.append(scalar)
        }
    }
    return result
}
