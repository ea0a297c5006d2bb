// CertificateWatch: what changes by time alone: a certificate of a peer that ends while its session lives ends the session within seconds;
// revocation lists that should have been replaced are said every day, with the day from which on peers are refused. A task of the
// service group; cannot fail.

import Glibc
import Logging
import Monotonic
import OpenSSLTLS
import RelayControl
import RelayModel
import ServiceLifecycle

struct CertificateWatch {
    let node: Node

    private static let pause = Duration.seconds(2)
    private static let recheckPause: UInt64 = 600_000
    private static let alarmPause: UInt64 = 86_400_000

    func run() async {
        var lastRecheck = MonotonicClock.milliseconds
        var lastAlarm: UInt64?
        var alarmed: Int64?
        while !Task.isShuttingDownGracefully, !Task.isCancelled {
            let now = MonotonicClock.milliseconds
            let seconds = node.clock.reading.wall.unixSeconds
            node.links.endExpired(at: seconds)
            if now - lastRecheck >= Self.recheckPause {
                lastRecheck = now
                node.links.recheckSessions()
            }
            let update = node.links.tls?.trustDates.revocationListUpdate
            if let update, update < seconds, alarmed != update || lastAlarm.map({ now - $0 >= Self.alarmPause }) ?? true
            {
                lastAlarm = now
                alarmed = update
                sayOverdue(update)
            }
            try? await cancelWhenGracefulShutdown { try await Task.sleep(for: Self.pause) }
        }
    }

    private func sayOverdue(_ update: Int64) {
        func day(_ seconds: Int64) -> String { String(WallTime(unixSeconds: seconds).timestamp.text.prefix(10)) }
        let grace = node.configuration.withLockedValue { $0.settings.tls.crlGrace }
        let end = grace.map { "peers are refused from \(day(update &+ Int64(clamping: $0.count / 1_000)))" }
        node.logger.error(
            "a list of revoked certificates should have been replaced: what was revoked since is not known",
            metadata: .event(
                .revocationListOverdue,
                [
                    "since": "\(day(update))",
                    "then": "\(end ?? "peers are never refused for it")",
                ]))
    }
}

extension WallTime {
    var unixSeconds: Int64 { Int64(clamping: milliseconds / 1_000) + Int64(WallTime.unixSecondsAtEpoch) }
}
