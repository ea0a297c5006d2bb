// EdXMLPlace: the tree of a QCVN 102:2016 package as far as the relay reads it. A table, no state. What is not in the
// table is passed over: the format has many fields that are for people.

/// Where the reader stands: the innermost open element.
enum EdXMLPlace: UInt8 {
    case file
    case root
    case envelope
    case header
    case body
    case messageHeader
    case from
    case fromOrganID
    case to
    case toOrganID
    case responseFor
    case responseOrganID
    case responseDocumentID
    case responseDate
    case documentID
    case code
    case promulgation
    case promulgationDate
    case subject
    case dueDate
    case otherInfo
    case priority
    case statusCode
    case timestamp
    case traceList
    case trace
    case traceTimestamp
    case attachments
    case attachment
    case attachmentName
    case content
    /// An element that the relay does not read.
    case passedOver

    /// The place of the child with this local name.
    func child(_ name: String) -> EdXMLPlace {
        switch (self, name) {
        case (.root, "edXMLEnvelope"): .envelope
        case (.root, "AttachmentEncoded"): .attachments
        case (.envelope, "edXMLHeader"): .header
        case (.envelope, "edXMLBody"): .body
        case (.header, "MessageHeader"): .messageHeader
        case (.header, "TraceHeaderList"): .traceList
        case (.messageHeader, _): messageHeaderChild(name)
        case (.from, "OrganId"): .fromOrganID
        case (.to, "OrganId"): .toOrganID
        case (.responseFor, "OrganId"): .responseOrganID
        case (.responseFor, "DocumentId"): .responseDocumentID
        case (.responseFor, "PromulgationDate"): .responseDate
        case (.promulgation, "PromulgationDate"): .promulgationDate
        case (.otherInfo, "Priority"): .priority
        case (.traceList, "TraceHeader"): .trace
        case (.trace, "Timestamp"): .traceTimestamp
        case (.attachments, "Attachment"): .attachment
        case (.attachment, "AttachmentName"): .attachmentName
        case (.attachment, "ContentTransferEncoded"): .content
        default: .passedOver
        }
    }

    private func messageHeaderChild(_ name: String) -> EdXMLPlace {
        switch name {
        case "From": .from
        case "To": .to
        case "ResponseFor": .responseFor
        case "DocumentId": .documentID
        case "Code": .code
        case "PromulgationInfo": .promulgation
        case "Subject": .subject
        case "DueDate": .dueDate
        case "OtherInfo": .otherInfo
        case "StatusCode": .statusCode
        case "Timestamp": .timestamp
        default: .passedOver
        }
    }

    /// May stand more than once in its parent.
    var mayRepeat: Bool {
        switch self {
        case .to, .responseFor, .trace, .traceTimestamp, .attachment, .passedOver: true
        default: false
        }
    }

    /// Lies in the part that holds the attachments.
    var isOfAttachments: Bool {
        switch self {
        case .attachments, .attachment, .attachmentName, .content: true
        default: false
        }
    }

    /// The most octets of text that are kept; nil when the text is not kept.
    var keptBytesMax: Int? {
        switch self {
        // One more than a code may have would do; white space around it is common.
        case .fromOrganID, .toOrganID, .responseOrganID: 256
        case .documentID, .responseDocumentID: EdXMLLimits.documentIDBytesMax
        case .subject: EdXMLLimits.subjectBytesMax
        case .attachmentName: EdXMLLimits.attachmentNameBytesMax
        case .promulgationDate, .responseDate, .dueDate, .priority, .statusCode, .timestamp, .traceTimestamp: 256
        default: nil
        }
    }
}
