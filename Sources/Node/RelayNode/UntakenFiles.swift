// UntakenFiles: files that lie in the `new` of a spool and that the agency's document system does not take: for the relay they are delivered,
// and nobody reads them. An urgent one is a finding after a quarter of an hour, any other after a working day.
//
// A look every minute on an event loop starts a thread for each directory (DetachedThread): its disk may never answer, and then only this
// look waits; a directory that a thread is still in is not looked at again. At most `filesMax` names are read of each.

import Glibc
import NIOConcurrencyHelpers
import NIOCore
import RelayConfiguration
import RelayModel
import RelayRows
import RelayStore

final class UntakenFiles: Sendable {
    /// Files of one kind in one directory.
    struct Pile: Sendable, Hashable {
        var count: UInt64 = 0
        var oldestSeconds: UInt64 = 0

        mutating func add(_ seconds: UInt64) {
            count += 1
            oldestSeconds = max(oldestSeconds, seconds)
        }
    }

    /// What has been lying for too long.
    struct Piles: Sendable, Hashable {
        var urgent = Pile()
        var other = Pile()
    }

    /// Seconds that a file of this urgency or more may lie.
    static let urgentSeconds: UInt64 = 900
    static let urgentFrom = Urgency.veryUrgent
    static let filesMax = 20_000

    private struct State {
        /// Directories that a thread is in.
        var busy: Set<String> = []
        var found: [AgencyCode: Piles] = [:]
    }

    private let state = NIOLockedValueBox(State())
    private let now: @Sendable () -> WallTime
    private let urgency: @Sendable (BundleID) -> Urgency?
    private let settings: @Sendable () -> [SpoolConfiguration]

    /// `urgency`: what the store knows of an envelope.
    init(
        now: @escaping @Sendable () -> WallTime, urgency: @escaping @Sendable (BundleID) -> Urgency?,
        settings: @escaping @Sendable () -> [SpoolConfiguration]
    ) {
        self.now = now
        self.urgency = urgency
        self.settings = settings
    }

    /// Looks for as long as the loop runs.
    func watch(on loop: any EventLoop) {
        loop.scheduleRepeatedTask(initialDelay: .seconds(1), delay: .seconds(60)) { [self] _ in look() }
    }

    var findings: [Finding] {
        let now = now()
        return state.withLockedValue { state in
            state.found.sorted { $0.key.text < $1.key.text }.flatMap { agency, piles in
                Self.findings(agency, piles, now)
            }
        }
    }

    private static func findings(_ agency: AgencyCode, _ piles: Piles, _ now: WallTime) -> [Finding] {
        var found: [Finding] = []
        func since(_ pile: Pile) -> (Milliseconds, WallTime) {
            let span = Milliseconds.seconds(pile.oldestSeconds)
            return (span, WallTime(milliseconds: now.milliseconds - min(span.count, now.milliseconds)))
        }
        if piles.urgent.count > 0 {
            let (span, since) = since(piles.urgent)
            found.append(
                Finding(
                    .critical, .spoolUntaken, subject: agency.text, since: since,
                    "the spool of \(agency) has urgent documents that nobody takes: \(piles.urgent.count), the oldest for \(span.text)"
                ))
        }
        if piles.other.count > 0 {
            let (span, since) = since(piles.other)
            found.append(
                Finding(
                    .warning, .spoolUntaken, subject: agency.text, since: since,
                    "the spool of \(agency) has documents that nobody takes: \(piles.other.count), the oldest for \(span.text)"
                ))
        }
        return found
    }

    private func look() {
        let spools = settings()
        let known = Set(spools.map(\.agency))
        state.withLockedValue { state in state.found = state.found.filter { known.contains($0.key) } }
        for spool in spools where state.withLockedValue({ $0.busy.insert(spool.directory).inserted }) {
            let failure = DetachedThread.start("untaken") { [self] in
                let piles = piles(in: spool.directory + "/new", of: spool.agency)
                state.withLockedValue {
                    $0.found[spool.agency] = piles
                    $0.busy.remove(spool.directory)
                }
            }
            // Tried again in a minute.
            if failure != nil { state.withLockedValue { _ = $0.busy.remove(spool.directory) } }
        }
    }

    /// Nil where there is nothing to read: that a folder is missing is said by whoever writes to it.
    func piles(in folder: String, of agency: AgencyCode) -> Piles? {
        let descriptor = open(folder, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
        guard descriptor >= 0 else { return nil }
        guard let stream = fdopendir(descriptor) else {
            close(descriptor)
            return nil
        }
        defer { closedir(stream) }
        let now = Int64(clamping: now().unixMilliseconds / 1_000)
        var piles = Piles()
        var read = 0
        while read < Self.filesMax, let entry = readdir(stream) {
            read += 1
            withUnsafePointer(to: &entry.pointee.d_name) {
                $0.withMemoryRebound(to: CChar.self, capacity: 256) { name in
                    guard let written = Self.written(name, dirfd(stream)), written < now else { return }
                    add(String(cString: name), agency, written, now, to: &piles)
                }
            }
        }
        return piles
    }

    /// When a document's file was written; nil for what is none: hidden files, sidecars, folders.
    private static func written(_ name: UnsafePointer<CChar>, _ folder: Int32) -> Int64? {
        let length = strlen(name)
        guard length > 0, name[0] != CChar(UInt8(ascii: ".")) else { return nil }
        if length > 5, strcmp(name + (length - 5), ".json") == 0 { return nil }
        var facts = stat()
        guard fstatat(folder, name, &facts, AT_SYMLINK_NOFOLLOW) == 0, facts.st_mode & S_IFMT == S_IFREG else {
            return nil
        }
        // The file's owner sets its time as he likes.
        let time = Int64(facts.st_mtim.tv_sec)
        return (0..<1 << 40).contains(time) ? time : nil
    }

    private func add(_ name: String, _ agency: AgencyCode, _ written: Int64, _ now: Int64, to piles: inout Piles) {
        let seconds = UInt64(now - written)
        guard seconds >= Self.urgentSeconds else { return }
        // The store is asked only of what is late for one of the two.
        if let bundle = Self.bundle(name, agency), let known = urgency(bundle), known >= Self.urgentFrom {
            piles.urgent.add(seconds)
        } else if WorkingTime.seconds(from: written, to: now) >= WorkingTime.daySeconds {
            piles.other.add(seconds)
        }
    }

    /// A file is named by its envelope and agency; nil for a name that is another's, or too long to say it.
    private static func bundle(_ name: String, _ agency: AgencyCode) -> BundleID? {
        let suffix = "-" + agency.text
        return name.hasSuffix(suffix) ? BundleID(envelopeName: String(name.dropLast(suffix.count))) : nil
    }

    /// From the envelope's row, which stays for days after its end.
    static func urgency(of bundle: BundleID, _ store: LMDBStore) -> Urgency? {
        try? store.read { rows in
            var number: UInt64?
            rows.scan(.bundle, prefix: Keys.bundle(bundle)) { key, _ in
                number = key.number(at: key.count - 8)
                return false
            }
            guard let number, let record = rows.value(.envelope, Keys.envelope(number)) else { return nil }
            return EnvelopeGlance(number: number, record: record)?.urgency
        }
    }
}
