// SpoolTable: the agencies that take their documents from a directory instead of the inbox, and what is under way to each. In memory
// only: what must outlive the process is the state *handing over* and the table `spool`.

import RelayModel
import RelayRows

/// A directory from which an agency takes its documents.
public struct Spool: Sendable, Hashable {
    public var agency: AgencyCode
    public var directory: String
    /// What stays free on its disk.
    public var reserveBytes: UInt64
    /// Documents on their way into it at once.
    public var atOnce: Int
    /// Permission bits of the files.
    public var mode: UInt32
    /// Whose the files are; empty: the daemon's own group.
    public var group: String
    /// For how long a step may show no sign of life before somebody is told.
    public var patience: Milliseconds
    /// Each file gets another with what was verified.
    public var hasSidecar: Bool

    public init(
        agency: AgencyCode, directory: String, reserveBytes: UInt64 = 64 << 20, atOnce: Int = 4, mode: UInt32 = 0o640,
        group: String = "", patience: Milliseconds = Spool.patience, hasSidecar: Bool = false
    ) {
        self.hasSidecar = hasSidecar
        self.agency = agency
        self.directory = directory
        self.reserveBytes = reserveBytes
        self.atOnce = atOnce
        self.mode = mode
        self.group = group
        self.patience = patience
    }

    /// Unless the spool says so itself, or where there is none any more.
    public static let patience = Milliseconds.seconds(30)
}

/// One step of a hand-over, for the shell. It answers with `handedOver` or `handOverFailed`, but to `discard`.
public struct HandOver: Sendable {
    public enum Step: Sendable {
        /// Write `tmp/<file>`, compare its digest, and sync file and folder.
        case write(payload: [ExtentRange], length: UInt64, digest: Digest?, spool: Spool)
        /// Rename `tmp/<file>` into `new/` and sync both folders. When it is gone from `tmp`, and `tmp` is this folder, it has been
        /// renamed before. In another folder it is a file that somebody has put there, and must first be found to be the document.
        case move(folder: UInt64, document: Content?)
        /// Remove `tmp/<file>`: the document has been taken from the inbox meanwhile.
        case discard
    }
    /// What a whole document is known by.
    public struct Content: Sendable, Hashable {
        public var length: UInt64
        /// Not every document has one.
        public var digest: Digest?

        public init(length: UInt64, digest: Digest?) {
            self.length = length
            self.digest = digest
        }
    }
    /// What this relay has verified of a document, for the file beside it.
    public struct Facts: Sendable, Hashable {
        /// Nil: nobody vouches for who sent it.
        public var document: DocumentDescription?
        public var source: EndpointID
        public var arrived: WallTime
        public var length: UInt64
    }
    /// For `write`, where the spool asks for it.
    public var facts: Facts?
    public var ticket: Ticket
    public var agency: AgencyCode
    public var number: UInt64
    public var bundle: BundleID
    public var directory: String
    public var file: String
    public var step: Step
    /// For how long it may show no sign of life.
    public var patience: Milliseconds

    public init(
        ticket: Ticket, agency: AgencyCode, number: UInt64, bundle: BundleID, directory: String, file: String,
        step: Step, patience: Milliseconds = Spool.patience
    ) {
        self.ticket = ticket
        self.agency = agency
        self.number = number
        self.bundle = bundle
        self.directory = directory
        self.file = file
        self.step = step
        self.patience = patience
    }
}

/// Why a step was not done.
public enum HandOverFailure: Sendable, Hashable {
    /// The directory does not allow it: no room, no right, not there. It is tried again.
    case spool(String)
    /// The folder in which the document was written is gone: nobody here knows whether it was taken. That is no matter of other documents, and tried again.
    case folderGone(String)
    /// The same, where the numbers in the sentence differ from one attempt to the next: its disk has no room.
    case room(String)
    /// What is *handing over* was written into another folder than is there now. That is no matter of other documents.
    case place(String)
    /// A chunk of the document is missing, or it does not match its digest: trying again does not help.
    case document(String)

    /// Of one document alone.
    var isOwn: Bool {
        switch self {
        case .place, .folderGone: true
        case .spool, .room, .document: false
        }
    }

    /// Sentences may name numbers and files that are others at each attempt.
    func isSameNews(as other: HandOverFailure) -> Bool {
        switch (self, other) {
        case (.room, .room), (.place, .place), (.folderGone, .folderGone): true
        default: self == other
        }
    }

    public var sentence: String {
        switch self {
        case .spool(let sentence), .room(let sentence), .place(let sentence), .folderGone(let sentence),
            .document(let sentence):
            sentence
        }
    }
}

/// A spool as operators see it.
public struct SpoolView: Sendable {
    public var agency: AgencyCode
    /// Nil when the agency is not configured to have one any more, and something is still on its way.
    public var directory: String?
    public var underWay: Int
    /// That its disk does not answer, or what was wrong at the last attempt; empty when nothing is.
    public var trouble: String
    /// Documents *handing over* that alone are in trouble, while others are taken; 0 when the trouble is everybody's.
    public var stuck: Int
    public var nextAttempt: RelayTime?
    /// Envelopes of which nobody here knows whether the agency has taken them: their folder is gone.
    public var unknown: [UInt64] = []
    /// What was in the inbox when the store was restored waits for the release.
    public var waitsForRelease = false
    /// Since when the oldest that is *handing over* has been so.
    public var oldest: RelayTime?

    /// For those who look after the node; nil when nothing is wrong.
    public var sentence: String? {
        if trouble.isEmpty { return nil }
        guard stuck > 0 else { return "the spool of \(agency) takes no documents: \(trouble)" }
        return "the spool of \(agency) does not take documents that are handing over (\(stuck)): \(trouble)"
    }
}

/// One document on its way into a spool.
struct SpoolFlight {
    enum Step: Equatable {
        case writing
        /// In the state *handing over*.
        case moving(folder: UInt64)
    }
    var bundle: BundleID
    var directory: String
    var file: String
    /// What it counts for among those under way.
    var weight: UInt64
    var step: Step
    /// The answer that is waited for; nil while the step is still to be begun.
    var ticket: Ticket?
    /// Since when it has been *handing over*.
    var since: RelayTime?
    /// Failures in a row that are its own, and the pause after the last.
    var attempts: UInt32 = 0
    var notBefore = RelayTime.zero
}

/// One agency's spool.
struct SpoolState {
    var agency: AgencyCode
    /// Nil when there is none any more.
    var spool: Spool?
    /// Documents under way, by envelope.
    var flights: [UInt64: SpoolFlight] = [:]
    /// Those of them whose rename is still to be begun.
    var moves: Set<UInt64> = []
    /// Inbox rows up to this envelope have been looked at.
    var scanned: UInt64 = 0
    /// The inbox was seen to its end, and nothing has been added since.
    var isDry = false
    /// Failures in a row.
    var attempts: UInt32 = 0
    var notBefore = RelayTime.zero
    /// What was wrong at the last attempt, by envelope: of those that have failed and not succeeded since.
    var troubles: [UInt64: HandOverFailure] = [:]
    /// That a step has been waiting for the disk too long; empty when none has.
    var stall = ""

    /// What keeps all documents from being taken; of several reasons that of the oldest document.
    var commonTrouble: String? {
        if !stall.isEmpty { return stall }
        return troubles.filter { !$0.value.isOwn }.min { $0.key < $1.key }?.value.sentence
    }
    /// What keeps one document, or a few, from being taken.
    var ownTrouble: String? { troubles.filter(\.value.isOwn).min { $0.key < $1.key }?.value.sentence }

    /// What is on its way into a directory. What hangs in one that was configured before does not count, nor what was written into a
    /// folder that another has replaced: it may hang for ever.
    func underWay(in directory: String) -> SpoolLoad {
        var load = SpoolLoad()
        for (number, flight) in flights where flight.directory == directory && !isStuck(number) {
            load.add(flight.weight)
        }
        return load
    }

    /// A document is in trouble. False when that is no news: another one is in it already, or this one was.
    mutating func note(_ number: UInt64, _ failure: HandOverFailure) -> Bool {
        let isNews = !troubles.values.contains { $0.isSameNews(as: failure) }
        troubles[number] = failure
        return isNews
    }

    func isStuck(_ number: UInt64) -> Bool { troubles[number]?.isOwn == true }

    mutating func offer(_ number: UInt64) {
        isDry = false
        scanned = min(scanned, number > 0 ? number - 1 : 0)
    }
}

/// Documents on their way into one directory.
struct SpoolLoad {
    private(set) var count = 0
    private(set) var weight: UInt64 = 0
    /// Octets that may be on their way, when documents are large.
    static let weightMax: UInt64 = 64 << 20
    /// So many are begun however large they are: while one is being committed the disk is at another.
    static let countAlways = 4
    /// For each recipient: the memory that its name takes until the sidecar is written, and a distance from the bound that keeps it small.
    static let recipientWeight: UInt64 = 1_024

    func takes(_ more: UInt64) -> Bool { count < Self.countAlways || weight.saturatingPlus(more) <= Self.weightMax }

    mutating func add(_ more: UInt64) {
        count += 1
        weight = weight.saturatingPlus(more)
    }
}

extension EnvelopeRow {
    var spoolWeight: UInt64 {
        payloadLength.saturatingPlus(UInt64(document?.recipients.count ?? 0) * SpoolLoad.recipientWeight)
    }
}

struct SpoolTable {
    private(set) var states: [AgencyCode: SpoolState] = [:]
    /// Iteration must not depend on hashing.
    private(set) var order: [AgencyCode] = []
    /// Whose answer is whose.
    var tickets: [Ticket: (agency: AgencyCode, number: UInt64)] = [:]
    /// When there is something to do though nothing happened.
    var due: RelayTime?
    /// With whom the next turn begins.
    var first: AgencyCode?
    /// Renames begun and inbox rows looked at in a turn, for all agencies together.
    static let rowsPerTurn = 256

    subscript(agency: AgencyCode) -> SpoolState? {
        get { states[agency] }
        _modify {
            let wasThere = states[agency] != nil
            defer { keepOrder(agency, wasThere: wasThere) }
            yield &states[agency]
        }
    }

    private mutating func keepOrder(_ agency: AgencyCode, wasThere: Bool) {
        let isThere = states[agency] != nil
        if isThere == wasThere { return }
        if isThere {
            order.append(agency)
            order.sort()
        } else {
            order.removeAll { $0 == agency }
        }
    }

    /// Takes one out, to be changed and `put` back before anything else is done with the table.
    mutating func take(_ agency: AgencyCode) -> SpoolState? { states.removeValue(forKey: agency) }

    /// An agency without a spool and without anything under way is forgotten.
    mutating func put(_ state: SpoolState) {
        if state.spool == nil, state.flights.isEmpty {
            order.removeAll { $0 == state.agency }
        } else {
            states[state.agency] = state
        }
    }

    /// All agencies, beginning with the one whose turn it is.
    mutating func takeOrder() -> [AgencyCode] {
        guard let place = first.flatMap({ order.firstIndex(of: $0) }), place > 0 else {
            first = nil
            return order
        }
        first = nil
        return Array(order[place...] + order[..<place])
    }

    /// There is something to do then, at the latest.
    mutating func wake(at time: RelayTime) { due = min(due ?? .never, time) }

    /// Other spools are configured. What is under way stays under way; what has arrived before is looked through.
    mutating func configure(_ spools: [Spool]) {
        for agency in order where !spools.contains(where: { $0.agency == agency }) {
            self[agency]?.spool = nil
            for number in self[agency]?.troubles.keys.sorted() ?? [] where self[agency]?.flights[number] == nil {
                self[agency]?.troubles[number] = nil
            }
            if self[agency]?.flights.isEmpty == true { self[agency] = nil }
        }
        for spool in spools where self[spool.agency]?.spool != spool {
            var state = self[spool.agency] ?? SpoolState(agency: spool.agency)
            state.spool = spool
            state.offer(0)
            state.attempts = 0
            state.notBefore = .zero
            for number in state.flights.keys { state.flights[number]?.notBefore = .zero }
            self[spool.agency] = state
        }
    }
}
