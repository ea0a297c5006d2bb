// EdXMLReader: reads one package in chunks of any size with libexpat, in constant memory. Owns the parser; used by
// one thread at a time. A package that breaks a rule is refused with an `EdXMLError` and the reader stays refused.
// Entities are never expanded and nothing outside the package is ever opened: a DOCTYPE of any kind ends the reading
// at once, no handler for external entities is set, and XInclude does not exist here.

import CExpat
import Trap

/// A streaming reader: `feed` until the bytes end, then `finish`.
public final class EdXMLReader {
    private let parser: XML_Parser?
    private var grammar = EdXMLGrammar()
    private var scopes = NamespaceScopes()
    private var warnings: [EdXMLWarning] = []
    private var warningsLeftOut = 0
    private var failure: EdXMLError?
    private var fedBytes: Int64 = 0
    private var head: [UInt8] = []
    private var isFinished = false

    /// The most octets of the package that were held at any moment: texts of the summary, the field at hand, and the
    /// unfinished tag that the parser must keep.
    public private(set) var retainedBytesMax = 0

    public init() {
        parser = XML_ParserCreate(nil)
        guard let parser else { return }
        XML_SetUserData(parser, Unmanaged.passUnretained(self).toOpaque())
        XML_SetElementHandler(parser, elementOpened, elementClosed)
        XML_SetCharacterDataHandler(parser, textCame)
        XML_SetXmlDeclHandler(parser, declarationCame)
        XML_SetStartDoctypeDeclHandler(parser, documentTypeCame)
        _ = XML_SetParamEntityParsing(parser, XML_PARAM_ENTITY_PARSING_NEVER)
    }

    deinit {
        if let parser { XML_ParserFree(parser) }
    }

    /// Takes the next bytes of the package.
    public func feed(_ bytes: UnsafeRawBufferPointer) throws(EdXMLError) {
        demand(!isFinished, "A reader is fed after its finish.")
        if let failure { throw failure }
        try checkHead(bytes)
        var rest = bytes[...]
        while !rest.isEmpty {
            let slice = rest.prefix(EdXMLLimits.sliceBytes)
            try parse(UnsafeRawBufferPointer(rebasing: slice), isFinal: false)
            rest = rest.dropFirst(slice.count)
        }
    }

    /// The package has ended: what it says, or why it is refused.
    public func finish() throws(EdXMLError) -> EdXMLSummary {
        if let failure { throw failure }
        isFinished = true
        try parse(UnsafeRawBufferPointer(start: nil, count: 0), isFinal: true)
        do {
            var summary = try grammar.finish()
            summary.warnings = warnings
            summary.warningsLeftOut = warningsLeftOut
            return summary
        } catch {
            record(error)
            throw failure ?? located(error)
        }
    }

    private func parse(_ bytes: UnsafeRawBufferPointer, isFinal: Bool) throws(EdXMLError) {
        guard let parser else {
            throw EdXMLError(code: .outOfMemory, line: 1, column: 1, sentence: "No memory for the XML parser.")
        }
        fedBytes += Int64(bytes.count)
        let status = XML_Parse(
            parser, bytes.baseAddress?.assumingMemoryBound(to: XML_Char.self), Int32(bytes.count), isFinal ? 1 : 0)
        if failure == nil, status != XML_STATUS_OK { record(parserFault(parser)) }
        if let failure { throw failure }
        // What the parser has taken but not yet told about is one unfinished tag, comment or instruction.
        let pending = isFinal ? 0 : Int(fedBytes - Int64(XML_GetCurrentByteIndex(parser)))
        retainedBytesMax = max(retainedBytesMax, grammar.retainedBytes + scopes.retainedBytes + pending)
        if pending > EdXMLLimits.tokenBytesMax {
            record(
                EdXMLFault(.tooLong, "A tag, comment or instruction is longer than \(EdXMLLimits.tokenBytesMax) bytes.")
            )
            if let failure { throw failure }
        }
    }

    /// UTF-16 says by its byte order mark that it is that; without one it is not taken, and UTF-32 never.
    private func checkHead(_ bytes: UnsafeRawBufferPointer) throws(EdXMLError) {
        guard head.count < 4, !bytes.isEmpty else { return }
        head.append(contentsOf: bytes.prefix(4 - head.count))
        guard head.count >= 2 else {
            if head[0] == 0 { try refuseHead("A package in UTF-16 begins with a byte order mark.") }
            return
        }
        let isMarked = head[0] == 0xff && head[1] == 0xfe || head[0] == 0xfe && head[1] == 0xff
        guard isMarked else {
            if head.contains(0) {
                try refuseHead("The package is in UTF-32, or in UTF-16 without a byte order mark; it must be UTF-8.")
            }
            return
        }
        if head.count == 4, head[2] == 0, head[3] == 0 {
            try refuseHead("The package is in UTF-32, or in UTF-16 without a byte order mark; it must be UTF-8.")
        }
        if !grammar.isUTF16 {
            grammar.isUTF16 = true
            note(
                EdXMLNote(
                    code: .utf16, element: "edXML", sentence: "The edXML package is in UTF-16; it should be UTF-8."))
        }
    }

    private func refuseHead(_ sentence: String) throws(EdXMLError) {
        record(EdXMLFault(.wrongEncoding, sentence))
        if let failure { throw failure }
    }

    private func parserFault(_ parser: XML_Parser) -> EdXMLFault {
        let code = XML_GetErrorCode(parser)
        let reason = XML_ErrorString(code).map { String(cString: $0) } ?? "unknown error"
        switch code {
        case XML_ERROR_UNKNOWN_ENCODING, XML_ERROR_INCORRECT_ENCODING:
            return EdXMLFault(.wrongEncoding, "The bytes are not in the encoding that the package declares.")
        case XML_ERROR_NO_MEMORY:
            return EdXMLFault(.outOfMemory, "No memory for the XML parser.")
        default:
            return EdXMLFault(.notWellFormed, "The XML is not well-formed: \(reason).")
        }
    }

    /// Keeps the first fault, with its place, and stops the parser.
    private func record(_ fault: EdXMLFault) {
        guard failure == nil else { return }
        failure = located(fault)
        if let parser { _ = XML_StopParser(parser, XML_Bool(XML_FALSE)) }
    }

    private func located(_ fault: EdXMLFault) -> EdXMLError {
        let line = parser.map { UInt64(XML_GetCurrentLineNumber($0)) } ?? 1
        let column = parser.map { UInt64(XML_GetCurrentColumnNumber($0)) } ?? 0
        return EdXMLError(
            code: fault.code, line: line, column: column + 1 + UInt64(fault.offset), sentence: fault.sentence)
    }
}

// The events of the parser. A few may still come after a fault; they are dropped.
extension EdXMLReader {
    fileprivate func opened(
        _ name: UnsafePointer<XML_Char>, _ attributes: UnsafeMutablePointer<UnsafePointer<XML_Char>?>?
    ) {
        guard failure == nil else { return }
        do throws(EdXMLFault) {
            let resolved = try scopes.opened(String(cString: name), Self.pairs(attributes))
            for prefix in resolved.unbound {
                note(
                    EdXMLNote(
                        code: .unboundPrefix, element: resolved.local,
                        sentence: "\(quoted(resolved.local)) uses the prefix \(prefix), which is bound to no namespace."
                    ))
            }
            try grammar.opened(resolved.local, namespace: resolved.namespace)
            noteAll()
        } catch {
            record(error)
        }
    }

    /// Names and values by turns, until the null pointer at the end.
    private static func pairs(
        _ attributes: UnsafeMutablePointer<UnsafePointer<XML_Char>?>?
    ) -> [(name: String, value: String)] {
        var result: [(name: String, value: String)] = []
        guard var next = attributes else { return result }
        while let name = next.pointee, let value = next.successor().pointee {
            result.append((String(cString: name), String(cString: value)))
            next = next.advanced(by: 2)
        }
        return result
    }

    fileprivate func closed() {
        run { (grammar) throws(EdXMLFault) in try grammar.closed() }
        scopes.closed()
    }

    fileprivate func came(text: UnsafeRawBufferPointer) {
        run { (grammar) throws(EdXMLFault) in try grammar.text(text) }
    }

    fileprivate func declared(encoding: UnsafePointer<XML_Char>?) {
        guard let encoding else { return }
        run { (grammar) throws(EdXMLFault) in try grammar.declared(encoding: String(cString: encoding)) }
    }

    fileprivate func sawDocumentType() {
        record(EdXMLFault(.documentTypePresent, "The package has a DOCTYPE; none is allowed."))
    }

    private func noteAll() {
        guard !grammar.notes.isEmpty else { return }
        for one in grammar.notes { note(one) }
        grammar.notes.removeAll(keepingCapacity: true)
    }

    private func note(_ note: EdXMLNote) {
        guard warnings.count < EdXMLLimits.warningsMax else { return warningsLeftOut += 1 }
        let line = parser.map { UInt64(XML_GetCurrentLineNumber($0)) } ?? 1
        warnings.append(EdXMLWarning(code: note.code, element: note.element, line: line, sentence: note.sentence))
    }

    private func run(_ event: (inout EdXMLGrammar) throws(EdXMLFault) -> Void) {
        guard failure == nil else { return }
        do {
            try event(&grammar)
            noteAll()
        } catch {
            record(error)
        }
    }
}

@available(*, unavailable)
extension EdXMLReader: Sendable {}

private func reader(_ data: UnsafeMutableRawPointer?) -> EdXMLReader {
    guard let data else { trap("The parser calls without the reader that it was given.") }
    return Unmanaged<EdXMLReader>.fromOpaque(data).takeUnretainedValue()
}

private let elementOpened: XML_StartElementHandler = { data, name, attributes in
    if let name { reader(data).opened(name, attributes) }
}

private let elementClosed: XML_EndElementHandler = { data, _ in reader(data).closed() }

private let textCame: XML_CharacterDataHandler = { data, text, count in
    reader(data).came(text: UnsafeRawBufferPointer(start: text, count: Int(count)))
}

private let declarationCame: XML_XmlDeclHandler = { data, _, encoding, _ in reader(data).declared(encoding: encoding) }

private let documentTypeCame: XML_StartDoctypeDeclHandler = { data, _, _, _, _ in reader(data).sawDocumentType() }
