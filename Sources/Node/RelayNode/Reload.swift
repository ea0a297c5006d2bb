// Reload: a new configuration takes the place of the old one whole or not at all. SIGHUP asks for it; what would move or remove more
// than 5 % of the rows is refused. The store, the sockets and the node's name stay until a restart.

import Glibc
import Logging
import NIOConcurrencyHelpers
import RelayConfiguration
import RelayControl
import RelayCore
import RelayLink
import RelayModel
import RelayStore
import ServiceLifecycle
import UnixSignals

/// Waits for SIGHUP, and looks at the certificates of living sessions now and then.
struct ReloadService: Service {
    let node: Node

    func run() async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask {
                let signals = await UnixSignalsSequence(trapping: .sighup)
                // One that came while the daemon started was about files that may have been read before it.
                if EarlySignals.takeHangup() { reload() }
                for await _ in signals.cancelOnGracefulShutdown() { reload() }
            }
            group.addTask { await CertificateWatch(node: node).run() }
            try await group.waitForAll()
        }
    }

    private func reload() {
        let (isApplied, lines) = node.reload(.guarded)
        // Who sent the signal is not known: root, or the daemon's own user.
        let deed = Deed(
            uid: geteuid(), login: "(SIGHUP)", verb: "reload", subject: "configuration",
            outcome: isApplied ? "done" : "refused: " + (lines.first ?? ""))
        node.engine.post(.event(.audited(deed, ticket: nil)))
    }
}

extension Node {
    /// Reads everything anew; answers the lines that say what came of it. One at a time.
    @discardableResult
    public func reload(_ manner: ReloadManner) -> (isApplied: Bool, lines: [String]) {
        reloading.lock()
        defer { reloading.unlock() }
        if manner == .rehearsed { return judgeReload(manner).outcome }
        notifier.reloading()
        let (outcome, next) = judgeReload(manner)
        let status =
            outcome.isApplied
            ? "Configuration in force."
            : "Reload refused, the old configuration stays: \(outcome.lines.first ?? "")"
        defer { notifier.ready(status: status) }
        guard let next else { return outcome }
        apply(next.prepared, next.core, outcome.lines)
        return outcome
    }

    /// What would come of a reload; the configuration that is to be in force, or nil.
    private func judgeReload(
        _ manner: ReloadManner
    ) -> (outcome: (isApplied: Bool, lines: [String]), next: (prepared: PreparedNode, core: CoreConfiguration)?) {
        let isLogged = manner != .rehearsed
        let old = configuration.withLockedValue { $0 }
        do {
            let prepared = try PreparedNode(path: path)
            if let problem = Self.unchangeable(old.settings, prepared.configuration.settings) {
                throw PreparationFailure(sentences: [problem])
            }
            let hidden = try store.read {
                HiddenInbox.found(from: old.directory, to: prepared.configuration.directory, $0)
            }
            // Not even with --force: nobody could take them any more.
            guard hidden.isEmpty else { throw PreparationFailure(sentences: hidden.map(\.sentence)) }
            let diff = ConfigurationDiff(from: old, to: prepared.configuration)
            let core = CoreConfiguration(prepared.configuration)
            let forecast = try store.read { ReloadForecast(from: CoreConfiguration(old), to: core, $0) }
            let lines = diff.lines() + forecast.lines + certificateLines(prepared)
            if diff.needsForce, manner != .forced {
                if isLogged {
                    logger.error(
                        "reload refused: more than 5 % would be moved or removed",
                        metadata: .event(.configurationRefused, ["diff": "\(lines)"]))
                }
                let refusal = "more than 5 % would be moved or removed; edocctl reload --force does it all the same"
                return ((false, [refusal] + lines), nil)
            }
            return ((true, lines), (prepared, core))
        } catch {
            if isLogged {
                logger.error(
                    "reload failed; the old configuration stays",
                    metadata: .event(.configurationRefused, ["why": "\(error)"]))
            }
            return ((false, "\(error)".split(separator: "\n").map(String.init)), nil)
        }
    }

    /// The new configuration is in force.
    private func apply(_ prepared: PreparedNode, _ core: CoreConfiguration, _ lines: [String]) {
        let old = configuration.withLockedValue { $0 }
        configuration.withLockedValue { $0 = prepared.configuration }
        rights.forget()
        if old.settings.logLevel != prepared.configuration.settings.logLevel {
            _ = log.threshold.set(prepared.logLevel, forGood: true)
            log.loanEnds.withLock { $0 = nil }
        }
        // First the links: what the decisions dial at once, they dial by the new addresses.
        links.replacePolicy(LinkPolicy(prepared))
        for places in [controlPlaces, submitPlaces, takePlaces] {
            places.setPerUser(Int(clamping: prepared.configuration.settings.control.connectionsPerUser))
        }
        engine.reconfigure(core)
        takeBox.withLockedValue { $0 }?.resume()
        for (path, digest) in prepared.digests {
            logger.notice(
                "reloaded",
                metadata: .event(.configurationChanged, ["file": "\(path)", "sha256": "\(digest.hex)"]))
        }
        for line in lines { logger.notice("reload: \(line)", metadata: .event(.configurationChanged)) }
        for warning in prepared.warnings { logger.warning("\(warning)", metadata: .event(.configurationWarning)) }
    }

    /// Files of the same names with other content stand in no diff.
    private func certificateLines(_ prepared: PreparedNode) -> [String] {
        guard let old = links.tls, let new = prepared.tls else { return [] }
        let (was, will) = (old.ownCertificate, new.ownCertificate)
        var lines: [String] = []
        func day(_ seconds: Int64) -> String { String(WallTime(unixSeconds: seconds).timestamp.text.prefix(10)) }
        if was.fingerprint != will.fingerprint {
            lines.append(
                "certificate: another one, which ends \(day(will.notAfter)); the old one ends \(day(was.notAfter))")
        }
        if old.trustDates != new.trustDates { lines.append("certificates of authorities, or revocations: changed") }
        return lines
    }

    /// What only a restart changes.
    private static func unchangeable(_ old: NodeConfiguration, _ new: NodeConfiguration) -> String? {
        if old.node != new.node { return "node.name changes only with a new store" }
        if old.store.directory != new.store.directory { return "store.directory changes only with a restart" }
        if old.listen != new.listen { return "listen changes only with a restart" }
        if old.control.socket != new.control.socket { return "control.socket changes only with a restart" }
        if old.control.submitSocket != new.control.submitSocket {
            return "control.submit_socket changes only with a restart"
        }
        if old.control.takeSocket != new.control.takeSocket { return "control.take_socket changes only with a restart" }
        if old.control.clientTimeout != new.control.clientTimeout {
            return "control.client_timeout changes only with a restart"
        }
        if old.control.bodyTimeout != new.control.bodyTimeout {
            return "control.body_timeout changes only with a restart"
        }
        if StoreSettings(old) != StoreSettings(new) { return "the sizes of the store change only with a restart" }
        if old.limits.stagedMax != new.limits.stagedMax { return "limits.staged_max changes only with a restart" }
        if old.metrics != new.metrics { return "metrics.listen changes only with a restart" }
        if old.plainLoopback != new.plainLoopback { return "plain_loopback changes only with a restart" }
        return nil
    }
}

/// Who may submit as whom on the submission socket, and whose inbox one may have on the take socket: the table of the configuration, each caller's names looked up once.
final class RightsTable: Sendable {
    private let configuration: NIOLockedValueBox<Configuration>
    private struct Known {
        /// Of the configuration that the entries were made by.
        var generation = 0
        var rights: [UInt64: (rights: CallerRights, until: ContinuousClock.Instant)] = [:]
    }
    private let known = NIOLockedValueBox(Known())
    private static let callersMax = 1_024
    /// Groups of a user change without a word.
    private static let memory = Duration.seconds(60)

    init(_ configuration: NIOLockedValueBox<Configuration>) { self.configuration = configuration }

    func maySubmit(uid: UInt32, gid: UInt32, as agency: AgencyCode) -> Bool {
        rights(uid: uid, gid: gid).may(.submitAs, agency)
    }

    /// As any agency at all.
    func maySubmit(uid: UInt32, gid: UInt32) -> Bool { rights(uid: uid, gid: gid).maySubmit }

    func mayTake(uid: UInt32, gid: UInt32, of agency: AgencyCode) -> Bool {
        rights(uid: uid, gid: gid).may(.inbox, agency)
    }

    /// Of any agency at all.
    func mayTake(uid: UInt32, gid: UInt32) -> Bool { rights(uid: uid, gid: gid).mayTake }

    private func rights(uid: UInt32, gid: UInt32) -> CallerRights {
        let key = UInt64(uid) << 32 | UInt64(gid)
        let now = ContinuousClock.now
        let (generation, found) = known.withLockedValue { ($0.generation, $0.rights[key]) }
        if let found, found.until > now { return found.rights }
        let caller = CallerNames.system.callerBlocking(PeerCredentials(pid: 0, uid: uid, gid: gid))
        let rights = CallerRights(caller, configuration.withLockedValue { $0 })
        known.withLockedValue { known in
            // Made by a table that a reload has replaced meanwhile: good for this answer only.
            guard known.generation == generation else { return }
            if known.rights.count >= Self.callersMax { known.rights = [:] }
            known.rights[key] = (rights, now + Self.memory)
        }
        return rights
    }

    /// The table has changed.
    func forget() {
        known.withLockedValue {
            $0.generation += 1
            $0.rights = [:]
        }
    }
}
