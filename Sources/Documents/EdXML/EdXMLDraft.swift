// EdXMLDraft: what a document system says of a new package. Values only; the writer judges them before the first byte.

/// A document to be packaged.
public struct EdXMLDraft: Sendable {
    public var sender: Organ
    public var recipients: [Organ]
    public var documentID: String
    /// The number of the document, as in 41/STN-VP.
    public var codeNumber: String
    /// The notation of the document: what follows the number.
    public var codeNotation: String
    /// The place where it was signed.
    public var place: String
    public var date: EdXMLDate
    public var typeName: String
    public var subject: String
    /// 0...4.
    public var priority: UInt8
    /// `yyyy/MM/dd HH:mm:ss` in local time; the package has no time zone.
    public var sentAt: String
    public var attachments: [Attachment]

    /// An agency as a package names it.
    public struct Organ: Hashable, Sendable {
        public var code: String
        public var name: String
        public init(code: String, name: String = "") {
            self.code = code
            self.name = name
        }
    }

    /// A file to go with the document.
    public struct Attachment: Hashable, Sendable {
        /// The name that the receiver sees.
        public var name: String
        /// Where the file lies here; it does not enter the package.
        public var path: String
        public init(name: String, path: String) {
            self.name = name
            self.path = path
        }
    }

    public init(
        sender: Organ, recipients: [Organ], documentID: String, codeNumber: String, codeNotation: String,
        place: String, date: EdXMLDate, typeName: String = "Công văn", subject: String, priority: UInt8 = 0,
        sentAt: String, attachments: [Attachment]
    ) {
        self.sender = sender
        self.recipients = recipients
        self.documentID = documentID
        self.codeNumber = codeNumber
        self.codeNotation = codeNotation
        self.place = place
        self.date = date
        self.typeName = typeName
        self.subject = subject
        self.priority = priority
        self.sentAt = sentAt
        self.attachments = attachments
    }
}

/// Why no package was written.
public enum EdXMLWriterError: Error, Hashable, Sendable, CustomStringConvertible {
    /// A field of the draft breaks a rule that the reader would refuse.
    case badField(name: String, sentence: String)
    case unreadableFile(path: String, errno: Int32)
    /// The file had another length or content when it was read the second time.
    case fileChanged(path: String)
    /// A ZIP without 64-bit extensions, which the receivers do not read, holds less than 4 GiB.
    case fileTooLarge(path: String)

    public var description: String {
        switch self {
        case .badField(let name, let sentence): "\(name): \(sentence)"
        case .unreadableFile(let path, let number): "The file \(quoted(path)) cannot be read (errno \(number))."
        case .fileChanged(let path): "The file \(quoted(path)) changed while it was packaged."
        case .fileTooLarge(let path): "The file \(quoted(path)) is too large for a ZIP that the receivers read."
        }
    }
}
