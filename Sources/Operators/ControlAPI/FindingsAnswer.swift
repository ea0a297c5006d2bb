// FindingsAnswer: what a person should know of a node, and the bounds by which it is judged. Plain values.

/// GET /v1/findings
public struct FindingsAnswer: ControlAnswer {
    public var schema = ControlPath.schema
    public var now: Timestamp
    public var node: String
    /// The worst first.
    public var findings: [FindingLine]

    public init(now: Timestamp, node: String, findings: [FindingLine]) {
        self.now = now
        self.node = node
        self.findings = findings
    }
}

/// One finding.
public struct FindingLine: Codable, Sendable, Hashable {
    /// docs/findings.md
    public var code: String
    /// The check of `edocctl check` that counts it.
    public var check: String
    /// note, warning, critical
    public var grade: String
    /// A peer, an agency, a user, a directory; empty: the node.
    public var subject: String
    public var since: Timestamp?
    public var text: String

    public init(code: String, check: String, grade: String, subject: String, since: Timestamp?, text: String) {
        self.code = code
        self.check = check
        self.grade = grade
        self.subject = subject
        self.since = since
        self.text = text
    }
}

/// Parameters of GET /v1/findings: the bounds of an operator instead of the standard ones. Seconds and percent; lists by urgency.
public enum FindingParameter {
    public static let waitingWarning = "waiting-warning"
    public static let waitingCritical = "waiting-critical"
    public static let arrivedWarning = "arrived-warning"
    public static let linkDown = "link-down"
    public static let linkShare = "link-share"
    public static let linkWaiting = "link-waiting"
    public static let linkWaitingWarning = "link-waiting-warning"
    public static let linkWaitingCritical = "link-waiting-critical"
    public static let room = "room"
    public static let certificate = "certificate"
    public static let all = [
        waitingWarning, waitingCritical, arrivedWarning, linkDown, linkShare, linkWaiting, linkWaitingWarning,
        linkWaitingCritical, room, certificate,
    ]
}
