// DescriptorShares: how the descriptors that the process may have are parted, so that nobody can use them up: what is configured, or less
// where the limit of the process does not hold as many. What sessions and local sockets cannot take stays for files, dials and the
// store. A value.

import Glibc
import RelayConfiguration
import RelayControl

struct DescriptorShares: Sendable, Hashable {
    /// For files, dials, copies and whatever is open for a moment.
    static let kept = 96
    /// So many spools write at once before others are refused a descriptor, which they try again for.
    static let spoolsAtOnce = 8

    let limit: Int
    var sessions: Int
    var strangers: Int
    /// Connections of the control and of the submission socket, each.
    var local: Int
    /// Connections of the take socket: each may have some hundred KiB in memory.
    var take: Int
    private static let takeMax = 64

    init(_ settings: NodeConfiguration, limit: UInt64 = OpenFiles.limit) {
        self.limit = Int(clamping: limit)
        let spools = min(settings.spools.count, Self.spoolsAtOnce) * (SpoolGroup.filesMax + 4)
        let free = max(self.limit - Self.kept - spools - settings.peers.count, 32)
        local = min(LocalPlaces.connectionsMax, free / 8)
        take = min(Self.takeMax, local)
        let left = free - 2 * local - take
        strangers = min(Int(clamping: settings.session.strangersMax), max(left / 4, 4))
        sessions = min(Int(clamping: settings.session.sessionsMax), max(left - strangers, 1))
    }

    /// What an operator should know: the limit of the process holds less than was configured.
    func warning(_ settings: NodeConfiguration) -> String? {
        guard
            sessions < Int(clamping: settings.session.sessionsMax)
                || strangers < Int(clamping: settings.session.strangersMax)
        else { return nil }
        return
            "this process may have \(limit) descriptors: \(sessions) sessions and \(strangers) connections of strangers "
            + "have a place, less than session.sessions_max and session.strangers_max say; raise LimitNOFILE"
    }

    /// From now on the process may have as many as it may allow itself.
    static func raiseLimit() {
        var limit = rlimit()
        let resource = __rlimit_resource_t(RLIMIT_NOFILE.rawValue)
        guard getrlimit(resource, &limit) == 0, limit.rlim_cur < limit.rlim_max else { return }
        limit.rlim_cur = limit.rlim_max
        setrlimit(resource, &limit)
    }
}
