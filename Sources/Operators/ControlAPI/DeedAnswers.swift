// DeedAnswers: what operators do, as it crosses the control interface: a deed on a selector, its preview, jobs, suspensions, and the
// emptying of the node. Plain values.

/// POST /v1/deeds/preview
public struct DeedRequest: Codable, Sendable, Hashable {
    /// hold, release, retry, requeue, reroute, expire, delete, resubmit, lifetime, urgency, suspend or resume.
    public var verb: String
    public var selector: SelectorValues
    /// The peer to reroute to.
    public var to: String?
    /// How long a suspension lasts, such as `2h`.
    public var span: String?
    public var reason: String?
    /// The urgency to set, 0 to 4.
    public var urgency: Int?
    /// The whole lifetime to set, such as `60d`, or by how much it is to be longer.
    public var lifetime: String?
    public var longerBy: String?

    public init(verb: String, selector: SelectorValues, to: String? = nil, span: String? = nil, reason: String? = nil) {
        self.verb = verb
        self.selector = selector
        self.to = to
        self.span = span
        self.reason = reason
    }
}

/// A deed on a set of (envelope, recipient) pairs.
public struct Job: Codable, Sendable, Hashable {
    public var id: UInt64
    public var verb: String
    /// preview, running, done, cancelled, undoing or undone.
    public var phase: String
    public var selector: String
    public var target: String?
    public var spanSeconds: UInt64?
    /// What it sets: an urgency, a whole lifetime, or so much more of one.
    public var urgency: Int?
    public var lifetimeSeconds: UInt64?
    public var longerBySeconds: UInt64?
    public var reason: String
    public var uid: UInt32
    public var login: String
    public var created: Timestamp
    public var applied: Timestamp?
    public var finished: Timestamp?
    /// Pairs in the set, and their bytes.
    public var count: UInt64
    public var bytes: UInt64
    public var done: UInt64
    public var doneBytes: UInt64
    public var skipped: UInt64
    /// Pairs passed over, by why.
    public var skippedBy: [String: UInt64]
    public var failed: UInt64
    public var undone: UInt64
    /// Of what was undone: still held, because their lifetime is over.
    public var leftHeld: UInt64?
    /// Ended for good by it: expired by a release, deleted when the time for undoing was over.
    public var ended: UInt64?
    /// Until when it can be undone; nil when it cannot.
    public var undoUntil: Timestamp?

    public init(
        id: UInt64, verb: String, phase: String, selector: String, reason: String, uid: UInt32, login: String,
        created: Timestamp, count: UInt64, bytes: UInt64, done: UInt64, doneBytes: UInt64, skippedBy: [String: UInt64],
        failed: UInt64, undone: UInt64
    ) {
        self.id = id
        self.verb = verb
        self.phase = phase
        self.selector = selector
        self.reason = reason
        self.uid = uid
        self.login = login
        self.created = created
        self.count = count
        self.bytes = bytes
        self.done = done
        self.doneBytes = doneBytes
        skipped = skippedBy.values.reduce(0, +)
        self.skippedBy = skippedBy
        self.failed = failed
        self.undone = undone
    }
}

/// The answer to a preview.
public struct PreviewAnswer: ControlAnswer {
    public var schema = ControlPath.schema
    public var now: Timestamp
    /// What `apply` is given; nil when there is nothing to apply.
    public var job: Job?
    public var verb: String
    public var count: UInt64
    public var bytes: UInt64
    /// The first pairs.
    public var lines: [Line]
    /// Pairs that the selector means and that the deed would pass over: by state, where it is not for that, or by why.
    public var passedOver: [String: UInt64]
    /// Of those that a release would touch: how many it would end, because their lifetime is over.
    public var ends: UInt64?
    /// Of the pairs: on a link at this moment. The deed is done to them if nothing of them has been sent when the link is asked.
    public var onLinks: UInt64?
    /// The suspension in whose place this one would stand.
    public var replaces: SuspensionsAnswer.Suspension?
    /// Of a resumption: other suspensions that the same agencies fall under.
    public var stillSuspended: [SuspensionsAnswer.Suspension]?
    /// Of a suspension: agencies that are at home here, and get their documents as ever.
    public var atHome: [String]?
    /// Rows looked at.
    public var scanned: UInt64

    public struct Line: Codable, Sendable, Hashable {
        public var name: String
        public var number: UInt64
        public var recipient: String
        public var state: String
        public var urgency: Int
        public var bytes: UInt64
        public var accepted: Timestamp
        public init(
            name: String, number: UInt64, recipient: String, state: String, urgency: Int, bytes: UInt64,
            accepted: Timestamp
        ) {
            self.name = name
            self.number = number
            self.recipient = recipient
            self.state = state
            self.urgency = urgency
            self.bytes = bytes
            self.accepted = accepted
        }
    }

    public init(
        now: Timestamp, job: Job?, verb: String, count: UInt64, bytes: UInt64, lines: [Line],
        passedOver: [String: UInt64], scanned: UInt64
    ) {
        self.now = now
        self.job = job
        self.verb = verb
        self.count = count
        self.bytes = bytes
        self.lines = lines
        self.passedOver = passedOver
        self.scanned = scanned
    }
}

/// One job: the answer to apply, cancel and undo, and GET /v1/jobs/{id}.
public struct JobAnswer: ControlAnswer {
    public var schema = ControlPath.schema
    public var now: Timestamp
    public var job: Job
    public init(now: Timestamp, job: Job) {
        self.now = now
        self.job = job
    }
}

/// GET /v1/jobs
public struct JobsAnswer: ControlAnswer {
    public var schema = ControlPath.schema
    public var now: Timestamp
    /// The newest first.
    public var jobs: [Job]
    public var cursor: String?
    public init(now: Timestamp, jobs: [Job], cursor: String?) {
        self.now = now
        self.jobs = jobs
        self.cursor = cursor
    }
}

/// GET /v1/suspensions
public struct SuspensionsAnswer: ControlAnswer {
    public var schema = ControlPath.schema
    public var now: Timestamp
    public var suspensions: [Suspension]

    public struct Suspension: Codable, Sendable, Hashable {
        /// `peer truc`, `agency H29` or `agency H29.*`
        public var subject: String
        public var since: Timestamp
        /// Nil: until it is resumed.
        public var until: Timestamp?
        public var uid: UInt32
        public var login: String
        public var reason: String
        public var job: UInt64
        public init(
            subject: String, since: Timestamp, until: Timestamp?, uid: UInt32, login: String, reason: String,
            job: UInt64
        ) {
            self.subject = subject
            self.since = since
            self.until = until
            self.uid = uid
            self.login = login
            self.reason = reason
            self.job = job
        }
    }

    public init(now: Timestamp, suspensions: [Suspension]) {
        self.now = now
        self.suspensions = suspensions
    }
}

/// GET and POST /v1/drain
public struct DrainAnswer: ControlAnswer {
    public var schema = ControlPath.schema
    public var now: Timestamp
    public var isDraining: Bool
    public var since: Timestamp?
    public var login: String?
    public var reason: String?
    /// Pairs, of documents and of reports, that have to go before the daemon exits.
    public var left: UInt64
    /// Pairs that cannot be read: they stay, and keep nothing from exiting.
    public var unreadable: UInt64?
    public init(now: Timestamp, isDraining: Bool, left: UInt64) {
        self.now = now
        self.isDraining = isDraining
        self.left = left
    }
}
