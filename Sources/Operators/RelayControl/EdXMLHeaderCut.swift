// EdXMLHeaderCut: finds the end of a package's header while the package is still coming in, so that sender and recipients are
// known before the attachments are here. It holds the beginning of the package up to that end, at most `headerBytesMax`, and
// makes of it a package of its own by closing what is open; that one is read by the package reader, whose rules stay in one
// place. It owns a libexpat parser and belongs to one task. What it is fed has been through the package reader first, so there
// is no DOCTYPE and the XML is well-formed so far; a header that never ends is an answer.

import CExpat
import EdXML
import Trap

final class EdXMLHeaderCut {
    enum Outcome {
        case more
        /// The header has ended; what it says.
        case header(EdXMLSummary)
        case tooLong
    }

    static let headerBytesMax = 1 << 20

    /// All bytes so far.
    private var head: [UInt8] = []
    private let parser: XML_Parser?
    /// Qualified names of the open elements.
    private var open: [String] = []
    private var end: Int?

    init() {
        parser = XML_ParserCreate(nil)
        guard let parser else { return }
        XML_SetUserData(parser, Unmanaged.passUnretained(self).toOpaque())
        XML_SetElementHandler(parser, elementOpened, elementClosed)
    }

    deinit {
        if let parser { XML_ParserFree(parser) }
    }

    /// Takes the next bytes. After an answer other than `more` nothing may be fed.
    func feed(_ bytes: UnsafeRawBufferPointer) throws(EdXMLError) -> Outcome {
        demand(end == nil, "A header is looked for after its end was found.")
        guard let parser else {
            throw EdXMLError(code: .outOfMemory, line: 1, column: 1, sentence: "No memory for the XML parser.")
        }
        guard head.count + bytes.count <= Self.headerBytesMax else { return .tooLong }
        head.append(contentsOf: bytes)
        // Its own errors are those of the package reader, which has taken the same bytes.
        _ = XML_Parse(
            parser, bytes.baseAddress?.assumingMemoryBound(to: XML_Char.self), Int32(bytes.count), 0)
        guard let end else { return .more }
        let reader = EdXMLReader()
        try Self.feed(head[..<end], to: reader)
        let closing = encoded(open.reversed().map { "</\($0)>" }.joined())
        try Self.feed(closing[...], to: reader)
        return .header(try reader.finish())
    }

    /// Text in the encoding of the package, which its byte order mark tells.
    private func encoded(_ text: String) -> [UInt8] {
        switch (head.first, head.dropFirst().first) {
        case (0xff, 0xfe): text.utf16.flatMap { [UInt8(truncatingIfNeeded: $0), UInt8(truncatingIfNeeded: $0 >> 8)] }
        case (0xfe, 0xff): text.utf16.flatMap { [UInt8(truncatingIfNeeded: $0 >> 8), UInt8(truncatingIfNeeded: $0)] }
        default: Array(text.utf8)
        }
    }

    private static func feed(_ bytes: ArraySlice<UInt8>, to reader: EdXMLReader) throws(EdXMLError) {
        let failure: EdXMLError? = bytes.withUnsafeBytes { raw in
            do throws(EdXMLError) {
                try reader.feed(raw)
                return nil
            } catch {
                return error
            }
        }
        if let failure { throw failure }
    }

    fileprivate func opened(_ name: String) {
        if end == nil { open.append(name) }
    }

    fileprivate func closed(_ name: String) {
        guard end == nil, let parser else { return }
        if !open.isEmpty { open.removeLast() }
        // edXML/edXMLEnvelope/edXMLHeader, whatever prefixes they have.
        let local = name.split(separator: ":").last ?? ""
        guard local == "edXMLHeader", open.count == 2 else { return }
        end = Int(XML_GetCurrentByteIndex(parser)) + Int(XML_GetCurrentByteCount(parser))
        _ = XML_StopParser(parser, XML_Bool(XML_FALSE))
    }
}

@available(*, unavailable)
extension EdXMLHeaderCut: Sendable {}

private func cut(_ data: UnsafeMutableRawPointer?) -> EdXMLHeaderCut {
    guard let data else { trap("The parser calls without the object that it was given.") }
    return Unmanaged<EdXMLHeaderCut>.fromOpaque(data).takeUnretainedValue()
}

private let elementOpened: XML_StartElementHandler = { data, name, _ in
    if let name { cut(data).opened(String(cString: name)) }
}

private let elementClosed: XML_EndElementHandler = { data, name in
    if let name { cut(data).closed(String(cString: name)) }
}
