// EdXMLGrammar: the rules of a package, event by event, apart from the XML parser. Owns the summary being built and
// the text of at most one field; throws an `EdXMLFault` at the first broken rule. Receivers take nearly anything and
// turn it into wrong dates, cut files or foreign files (facts of the national library), so this is where a package
// must be right.

import RelayModel

/// A summary in the making.
struct EdXMLGrammar {
    private struct Frame {
        var place: EdXMLPlace
        /// A bit for each single child seen.
        var seen: UInt64 = 0
        var textBytes = 0
    }

    private var frames = [Frame(place: .file)]
    private var text: [UInt8] = []
    private var base64 = Base64Check()
    /// The file began with a byte order mark of UTF-16.
    var isUTF16 = false
    /// Warnings that the reader has not taken yet.
    var notes: [EdXMLNote] = []

    private var sender: String?
    private var recipients: [String] = []
    private var recipientsBytes = 0
    private var responseCount = 0
    private var responseOrganID: String?
    private var responseDocumentID: String?
    private var documentID = ""
    private var subject = ""
    private var priority: UInt8 = 0
    private var promulgated: EdXMLDate?
    private var due: EdXMLDue?
    private var sawBareAttachments = false
    private var statusCode: String?
    private var sawMessageHeader = false
    private var attachmentCount = 0
    private var attachmentNames: [String] = []
    private var attachmentNamesBytes = 0
    private var attachmentBytes: UInt64 = 0

    /// Octets of texts held at this moment.
    var retainedBytes: Int {
        text.count + recipientsBytes + attachmentNamesBytes + subject.utf8.count + documentID.utf8.count
            + (responseDocumentID?.utf8.count ?? 0) + frames.count * MemoryLayout<Frame>.stride
    }

    /// The declaration named an encoding.
    func declared(encoding: String) throws(EdXMLFault) {
        guard encoding.lowercased() == (isUTF16 ? "utf-16" : "utf-8") else {
            throw EdXMLFault(.wrongEncoding, "The encoding is \(quoted(encoding)); a package must be UTF-8.")
        }
    }

    /// An element opened; `namespace` is empty when it has none.
    mutating func opened(_ name: String, namespace: String) throws(EdXMLFault) {
        guard frames.count <= EdXMLLimits.depthMax else {
            throw EdXMLFault(.tooDeep, "Elements lie more than \(EdXMLLimits.depthMax) deep.")
        }
        let parent = frames[frames.count - 1].place
        let place: EdXMLPlace
        if parent == .file {
            try checkRoot(name, namespace)
            place = .root
        } else {
            place = parent.child(name)
            if place != .passedOver, !isBareAttachment(place, namespace) { try checkKnown(name, namespace) }
        }
        if !place.mayRepeat {
            let bit = UInt64(1) << UInt64(place.rawValue)
            guard frames[frames.count - 1].seen & bit == 0 else {
                throw EdXMLFault(.duplicateElement, "\(quoted(name)) stands twice where one may be.")
            }
            frames[frames.count - 1].seen |= bit
        } else if parent != .traceTimestamp, parent.keptBytesMax != nil || parent == .content {
            throw EdXMLFault(.notEdXML, "The element \(quoted(name)) stands where only text may be.")
        }
        frames.append(Frame(place: place))
        text.removeAll(keepingCapacity: true)
        try began(place)
    }

    /// Text of the innermost element; comes in parts of any size.
    mutating func text(_ bytes: UnsafeRawBufferPointer) throws(EdXMLFault) {
        let place = frames[frames.count - 1].place
        if place == .content {
            if let wrong = base64.feed(bytes) {
                let offset = isUTF16 ? 2 * wrong.offset : wrong.offset
                throw EdXMLFault(
                    .badBase64, "The base64 text of ContentTransferEncoded is broken: \(wrong.reason).", offset: offset)
            }
            return
        }
        let total = frames[frames.count - 1].textBytes + bytes.count
        frames[frames.count - 1].textBytes = total
        // A trace header is a hub's; the beginning of its time is enough for a warning.
        if place == .traceTimestamp { return text.append(contentsOf: bytes.prefix(max(0, 256 - text.count))) }
        let most = place.keptBytesMax ?? EdXMLLimits.fieldBytesMax
        guard total <= most else {
            throw EdXMLFault(.tooLong, "The text of an element is longer than the \(most) bytes allowed there.")
        }
        if place.keptBytesMax != nil { text.append(contentsOf: bytes) }
    }

    /// The innermost element closed.
    mutating func closed() throws(EdXMLFault) {
        let frame = frames.removeLast()
        let kept = frame.place.keptBytesMax == nil ? "" : Self.trimmed(text)
        text.removeAll(keepingCapacity: true)
        try ended(frame, kept)
    }

    /// The file ended.
    func finish() throws(EdXMLFault) -> EdXMLSummary {
        guard sawMessageHeader else {
            throw EdXMLFault(.noHeader, "There is no edXMLEnvelope/edXMLHeader/MessageHeader.")
        }
        guard let sender else { throw EdXMLFault(.noSender, "There is no From/OrganId: the sender is not named.") }
        var summary = EdXMLSummary(
            kind: .document, sender: sender, recipients: recipients, priority: priority, documentID: documentID,
            subject: subject, attachmentCount: attachmentCount, attachmentNames: attachmentNames,
            attachmentBytes: attachmentBytes, promulgated: promulgated, due: due)
        if let statusCode {
            try finishStatus(statusCode, &summary)
        } else if recipients.isEmpty {
            throw EdXMLFault(.noRecipient, "There is no To/OrganId: no recipient is named.")
        }
        return summary
    }

    /// A status package has no `To`: its destination is the agency whose document it answers.
    private func finishStatus(_ statusCode: String, _ summary: inout EdXMLSummary) throws(EdXMLFault) {
        guard recipients.isEmpty else {
            throw EdXMLFault(.mixedKind, "StatusCode and To stand in one header: it is neither document nor status.")
        }
        guard responseCount <= 1 else {
            throw EdXMLFault(
                .duplicateElement, "A status package must have one ResponseFor; this has \(responseCount).")
        }
        guard let organID = responseOrganID else {
            throw EdXMLFault(.noRecipient, "The status package has no ResponseFor/OrganId: no recipient is named.")
        }
        summary.kind = .status(code: statusCode)
        summary.recipients = [try Self.organID(organID, of: "ResponseFor")]
        summary.documentID = responseDocumentID ?? ""
    }

    private func checkRoot(_ name: String, _ namespace: String) throws(EdXMLFault) {
        if namespace == EdXMLNamespace.soap || namespace == EdXMLNamespace.old {
            throw EdXMLFault(
                .oldDialect,
                "This is the old dialect (SOAP envelope of 2012 or 2014), which is not supported; "
                    + "send the file form of QCVN 102:2016.")
        }
        // The national library accepts the root in any case.
        guard name.lowercased() == "edxml" else {
            throw EdXMLFault(.notEdXML, "The root element is \(quoted(name)), not edXML.")
        }
        try checkKnown(name, namespace)
    }

    private func checkKnown(_ name: String, _ namespace: String) throws(EdXMLFault) {
        guard namespace != EdXMLNamespace.current else { return }
        if namespace.isEmpty {
            throw EdXMLFault(
                .noNamespace, "The element \(quoted(name)) has no namespace; it must be \(EdXMLNamespace.current).")
        }
        throw EdXMLFault(
            .wrongNamespace,
            "The element \(quoted(name)) is in \(quoted(namespace)); it must be in \(EdXMLNamespace.current).")
    }

    /// Some builders write the attachments with an empty namespace; said once.
    private mutating func isBareAttachment(_ place: EdXMLPlace, _ namespace: String) -> Bool {
        guard namespace.isEmpty, place.isOfAttachments else { return false }
        if !sawBareAttachments {
            sawBareAttachments = true
            notes.append(
                EdXMLNote(
                    code: .noNamespace, element: "AttachmentEncoded",
                    sentence: "AttachmentEncoded has an empty namespace; it should be that of the root."))
        }
        return true
    }

    private mutating func began(_ place: EdXMLPlace) throws(EdXMLFault) {
        switch place {
        case .messageHeader: sawMessageHeader = true
        case .responseFor: responseCount &+= 1
        case .to:
            guard recipients.count < EdXMLLimits.recipientsMax else {
                throw EdXMLFault(.tooManyRecipients, "There are more than \(EdXMLLimits.recipientsMax) recipients.")
            }
        case .attachment:
            attachmentCount += 1
            guard attachmentCount <= EdXMLLimits.attachmentsMax else {
                throw EdXMLFault(.tooManyAttachments, "There are more than \(EdXMLLimits.attachmentsMax) attachments.")
            }
        case .content: base64 = Base64Check()
        default: break
        }
    }

    private mutating func ended(_ frame: Frame, _ kept: String) throws(EdXMLFault) {
        switch frame.place {
        case .from, .to:
            let organID = frame.place == .from ? EdXMLPlace.fromOrganID : .toOrganID
            guard frame.seen & (UInt64(1) << UInt64(organID.rawValue)) != 0 else {
                throw EdXMLFault(.badOrganID, "\(frame.place == .from ? "From" : "To") has no OrganId.")
            }
        case .fromOrganID: sender = try Self.organID(kept, of: "From")
        case .toOrganID:
            recipients.append(try Self.organID(kept, of: "To"))
            recipientsBytes += kept.utf8.count
        // Hubs leave the ResponseFor of documents empty; only a status package needs it, and is judged at the end.
        case .responseOrganID: responseOrganID = responseOrganID ?? kept
        case .responseDocumentID: responseDocumentID = responseDocumentID ?? kept
        case .documentID: documentID = kept
        case .subject: subject = kept
        case .priority: priority = try Self.priority(kept, &notes)
        case .statusCode: statusCode = try Self.statusCode(kept)
        case .promulgationDate: promulgated = try Self.day(kept, of: "PromulgationDate", &notes)
        case .responseDate: _ = try Self.day(kept, of: "ResponseFor/PromulgationDate", &notes)
        case .dueDate: due = try Self.due(kept, &notes)
        case .timestamp: try Self.checkTimestamp(kept)
        case .traceTimestamp: Self.noteTraceTimestamp(kept, &notes)
        case .attachmentName:
            guard attachmentNames.count < EdXMLLimits.attachmentNamesMax else { return }
            attachmentNames.append(kept)
            attachmentNamesBytes += kept.utf8.count
        case .content:
            switch base64.finish() {
            case .whole: break
            case .unpadded:
                notes.append(
                    EdXMLNote(
                        code: .base64Unpadded, element: "ContentTransferEncoded",
                        sentence: "The base64 text of ContentTransferEncoded ends without its padding."))
            case .broken(let reason):
                throw EdXMLFault(
                    .badBase64, "The base64 text of ContentTransferEncoded is broken: \(reason).")
            }
            attachmentBytes &+= base64.decodedBytes
        default: break
        }
    }
}
