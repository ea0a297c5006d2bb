// NodeControl, the watching side: facts for monitors, the log, the proof of a commit, and what passes on a link.

import ControlAPI
import Glibc
import Journal
import Logging
import RelayControl
import RelayCore
import RelayLink
import RelayModel
import RelaySession
import Synchronization

extension NodeControl {
    /// On a thread of the readers, like `facts`.
    func watchFacts() async throws -> WatchFacts { try await readers.runIfActive { watchFactsBlocking() } }

    private func watchFactsBlocking() -> WatchFacts {
        let settings = configuration.settings
        var facts = WatchFacts(
            configurationPath: path, mapBytes: settings.store.mapSize, commitTimes: engine.counts.commitTimes)
        facts.metrics = metrics.withLockedValue { $0 }
        facts.mailbox = engine.waiting
        var disk = statvfs()
        if statvfs(store.directory, &disk) == 0 {
            let block = UInt64(disk.f_frsize)
            facts.diskFreeBytes = UInt64(disk.f_bavail).saturatingTimes(block)
            facts.diskBytes = UInt64(disk.f_blocks).saturatingTimes(block)
        }
        if let tls = links.tls {
            facts.certificateExpiry = tls.ownCertificate.notAfter
            facts.authorityExpiry = tls.trustDates.authorityExpiry
            facts.revocationListUpdate = tls.trustDates.revocationListUpdate
        }
        facts.openFiles = OpenFiles.count
        facts.openFilesMax = OpenFiles.limit
        facts.backupTimer = BackupTimer.enabled
        facts.backupFailure = copying.failure
        facts.findings += boundFindings
        facts.findings += receipts.findings
        facts.findings += untaken.findings
        return facts
    }

    var recentEntries: [RecentEntry] { log.recent.all }

    func probeCommit() async throws -> UInt64 {
        let begun = ContinuousClock.now
        let isDurable = await withCheckedContinuation { continuation in
            engine.probe { continuation.resume(returning: $0) }
        }
        guard isDurable else { throw ProbeFailure() }
        let span = begun.duration(to: .now).components
        return UInt64(clamping: span.seconds).saturatingTimes(1_000_000)
            + UInt64(clamping: span.attoseconds / 1_000_000_000_000)
    }

    var logLevel: (level: Logger.Level, standard: Logger.Level, until: WallTime?) {
        (log.threshold.level, log.threshold.standard, log.loanEnds.withLock { $0 })
    }

    func setLogLevel(_ level: Logger.Level, for span: Milliseconds?) {
        let order = log.threshold.set(level, forGood: false)
        guard let span else { return log.loanEnds.withLock { $0 = nil } }
        log.loanEnds.withLock { $0 = WallTime(milliseconds: clock.reading.wall.milliseconds + span.count) }
        let log = log
        Task {
            try? await Task.sleep(for: .milliseconds(Int64(clamping: span.count)))
            guard log.threshold.giveBack(order) else { return }
            log.loanEnds.withLock { $0 = nil }
            log.logger.notice(
                "the log's level goes back",
                metadata: .event(.logLevelReturned, ["level": "\(log.threshold.level)"]))
        }
    }

    func watchWire(_ peer: NodeID, _ take: @escaping @Sendable ([WireLine]) -> Bool) -> any WireWatch {
        let clock = clock
        let tap = WireTap(peer: peer) { session, frames in
            let time = Timestamp(clamping: clock.reading.wall.unixMilliseconds)
            return take(frames.map { WireLine($0, session: session, time: time) })
        }
        links.watch(tap)
        return LinkWatch(links: links, tap: tap)
    }
}

/// The store did not take the row.
struct ProbeFailure: Error {}

private struct LinkWatch: WireWatch {
    let links: Links
    let tap: WireTap

    func end() { links.unwatch(tap) }
}

/// The unit edoc-backup.timer of the service manager.
enum BackupTimer {
    static let link = "/etc/systemd/system/timers.target.wants/edoc-backup.timer"

    /// Since when it is enabled; nil when it is not.
    static var enabled: WallTime? { since(link) }

    static func since(_ link: String) -> WallTime? {
        var facts = stat()
        return lstat(link, &facts) == 0 ? WallTime(unixSeconds: Int64(facts.st_mtim.tv_sec)) : nil
    }
}

/// Descriptors of this process.
enum OpenFiles {
    static var count: Int {
        guard let folder = opendir("/proc/self/fd") else { return 0 }
        defer { closedir(folder) }
        var count = 0
        while let entry = readdir(folder) { if entry.pointee.d_name.0 != 0x2e { count += 1 } }
        // Without the one that looks.
        return max(count - 1, 0)
    }

    static var limit: UInt64 {
        var limit = rlimit()
        return getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 ? UInt64(limit.rlim_cur) : 0
    }
}

extension WireLine {
    fileprivate init(_ frame: WireFrame, session: Ticket, time: Timestamp) {
        self.init(time: time, way: frame.isSent ? "out" : "in", message: frame.name)
        self.session = session.number
        transfer = frame.transfer
        flags = frame.flags.isEmpty ? nil : frame.flags
        length = frame.length
        reason = frame.reason
        figures = frame.figures.isEmpty ? nil : frame.figures
        bundle = frame.bundle.map { bundle in
            var shown = Bundle(
                envelope: bundle.name, source: bundle.source, destination: bundle.destination,
                lifetimeMilliseconds: bundle.lifetimeMilliseconds, payloadLength: bundle.payloadLength,
                administrative: bundle.isAdministrative,
                blocks: bundle.blocks.map { .init(type: $0.type, name: $0.name, number: $0.number, length: $0.length) })
            shown.ageMilliseconds = bundle.ageMilliseconds
            shown.hopLimit = bundle.hopLimit
            shown.hopCount = bundle.hopCount
            shown.offset = bundle.offset
            shown.totalLength = bundle.totalLength
            return shown
        }
    }
}
