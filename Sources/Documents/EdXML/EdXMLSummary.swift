// EdXMLSummary and EdXMLLimits: what the relay needs to know of a package, and how much of it the reader will hold.

/// What a package says about its own way. The codes are as the sender wrote them: which spelling is canonical is the
/// directory's knowledge. Texts are as they stand in the file; whoever shows them escapes them.
public struct EdXMLSummary: Hashable, Sendable {
    public enum Kind: Hashable, Sendable {
        case document
        /// A business status; the recipient is the sender of the document that it answers.
        case status(code: String)
    }

    public var kind: Kind
    /// `From/OrganId`.
    public var sender: String
    /// Every `To/OrganId` in file order, repetitions included; for a status package the one `ResponseFor/OrganId`.
    public var recipients: [String]
    /// `OtherInfo/Priority`, 0...4; 0 when absent or empty.
    public var priority: UInt8
    /// `MessageHeader/DocumentId`; for a status package `ResponseFor/DocumentId`. Empty when absent.
    public var documentID: String
    public var subject: String
    /// The number of `Attachment` elements.
    public var attachmentCount: Int
    /// The names of the first `EdXMLLimits.attachmentNamesMax` attachments.
    public var attachmentNames: [String]
    /// Octets of all attachments after decoding.
    public var attachmentBytes: UInt64
    /// `PromulgationInfo/PromulgationDate`; nil when absent or empty.
    public var promulgated: EdXMLDate?
    /// `DueDate`; its hour when it has one, in the time of Vietnam (+07:00).
    public var due: EdXMLDue?
    /// What was understood though it is not as the rules want: the first `EdXMLLimits.warningsMax`.
    public var warnings: [EdXMLWarning] = []
    /// How many more there were.
    public var warningsLeftOut = 0

    public init(
        kind: Kind, sender: String, recipients: [String], priority: UInt8, documentID: String, subject: String,
        attachmentCount: Int, attachmentNames: [String], attachmentBytes: UInt64, promulgated: EdXMLDate? = nil,
        due: EdXMLDue? = nil
    ) {
        self.kind = kind
        self.sender = sender
        self.recipients = recipients
        self.priority = priority
        self.documentID = documentID
        self.subject = subject
        self.attachmentCount = attachmentCount
        self.attachmentNames = attachmentNames
        self.attachmentBytes = attachmentBytes
        self.promulgated = promulgated
        self.due = due
    }
}

/// The bounds of the reader. Together they bound its memory, whatever the size of the package.
public enum EdXMLLimits {
    /// Open elements at once; the format itself needs nine.
    public static let depthMax = 32
    public static let recipientsMax = 1_000
    /// Octets of a document ID.
    public static let documentIDBytesMax = 512
    /// Octets of a subject (receivers take 500 characters).
    public static let subjectBytesMax = 4_096
    /// Octets of an attachment's name (receivers take 500 characters).
    public static let attachmentNameBytesMax = 2_048
    public static let attachmentNamesMax = 64
    public static let attachmentsMax = 10_000
    public static let warningsMax = 16
    /// Declared in open elements at once.
    public static let namespacesMax = 64
    /// Octets of text in any element other than base64.
    public static let fieldBytesMax = 65_536
    /// Octets of one tag, comment or instruction: the parser must hold it whole.
    public static let tokenBytesMax = 65_536
    /// Octets handed to the parser at a time.
    static let sliceBytes = 65_536
}

/// The names that the two dialects go by.
enum EdXMLNamespace {
    /// QCVN 102:2016/BTTTT, the file form which the national axis carries.
    static let current = "http://www.mic.gov.vn/TBT/QCVN_102_2016"
    /// The dialect of 2012 and 2014 in SOAP envelopes.
    static let old = "http://www.e-doc.vn/Schema/"
    static let soap = "http://schemas.xmlsoap.org/soap/envelope/"
}
