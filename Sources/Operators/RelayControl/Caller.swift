// Caller: who is at the other end of a connection of the control socket, by the kernel's word (SO_PEERCRED), and what the
// rights table lets it do. The names come from the system's user database, which may block: they are looked up on a thread
// of NIO's pool. A number without a name is a caller without rights.

import Glibc
import NIOCore
import NIOPosix
import RelayConfiguration
import RelayModel
import RelayRouting
import Synchronization

/// A user of this machine.
public struct Caller: Sendable, Hashable {
    public var uid: UInt32
    /// Nil when the number has no name.
    public var user: String?
    /// The names of its groups.
    public var groups: Set<String>

    public init(uid: UInt32, user: String?, groups: Set<String>) {
        self.uid = uid
        self.user = user
        self.groups = groups
    }

    /// As logs and answers show it.
    public var text: String { user ?? "uid \(uid)" }
}

/// The kernel's word about a peer of a Unix socket (`struct ucred`).
public struct PeerCredentials: Sendable, Hashable {
    public var pid: Int32
    public var uid: UInt32
    public var gid: UInt32

    public init(pid: Int32, uid: UInt32, gid: UInt32) {
        self.pid = pid
        self.uid = uid
        self.gid = gid
    }

    /// Asks the kernel; fails when the channel is not a socket of this machine.
    static func of(_ channel: any Channel) async throws -> PeerCredentials { try await future(of: channel).get() }

    /// The same, for those who have no task.
    public static func future(of channel: any Channel) -> EventLoopFuture<PeerCredentials> {
        guard let provider = channel as? any SocketOptionProvider else {
            return channel.eventLoop.makeFailedFuture(ChannelError.operationUnsupported)
        }
        return provider.unsafeGetSocketOption(level: .socket, name: NIOBSDSocket.Option(rawValue: SO_PEERCRED))
    }
}

/// From numbers to names.
public struct CallerNames: Sendable {
    private let lookUp: @Sendable (PeerCredentials) -> Caller
    private let memory: CallerMemory?

    public init(_ lookUp: @escaping @Sendable (PeerCredentials) -> Caller) { self.init(memory: nil, lookUp) }

    private init(memory: CallerMemory?, _ lookUp: @escaping @Sendable (PeerCredentials) -> Caller) {
        self.memory = memory
        self.lookUp = lookUp
    }

    /// Looks the names up on this thread, which it may block.
    public func callerBlocking(_ credentials: PeerCredentials) -> Caller { lookUp(credentials) }

    /// What was looked up a moment ago will do: a program that asks a thousand times a second is the same one.
    func caller(of credentials: PeerCredentials) async throws -> Caller {
        if let known = memory?.caller(credentials) { return known }
        let caller = try await NIOThreadPool.singleton.runIfActive { lookUp(credentials) }
        memory?.note(caller, credentials)
        return caller
    }

    /// The user database of the system, supplementary groups included.
    public static let system = CallerNames(memory: CallerMemory()) { credentials in
        var groups: Set<String> = []
        if let name = groupName(credentials.gid) { groups.insert(name) }
        guard let user = userName(credentials.uid) else {
            return Caller(uid: credentials.uid, user: nil, groups: groups)
        }
        var count: Int32 = 64
        var numbers = [gid_t](repeating: 0, count: Int(count))
        while getgrouplist(user, credentials.gid, &numbers, &count) < 0, numbers.count < 65_536 {
            count = Int32(numbers.count * 2)
            numbers = [gid_t](repeating: 0, count: Int(count))
        }
        for number in numbers.prefix(Int(max(count, 0))) {
            if let name = groupName(number) { groups.insert(name) }
        }
        return Caller(uid: credentials.uid, user: user, groups: groups)
    }

    private static func userName(_ uid: uid_t) -> String? {
        var entry = passwd()
        return withBuffer { buffer, size in
            var found: UnsafeMutablePointer<passwd>?
            guard getpwuid_r(uid, &entry, buffer, size, &found) == 0, found != nil else { return nil }
            return String(cString: entry.pw_name)
        }
    }

    private static func groupName(_ gid: gid_t) -> String? {
        var entry = group()
        return withBuffer { buffer, size in
            var found: UnsafeMutablePointer<group>?
            guard getgrgid_r(gid, &entry, buffer, size, &found) == 0, found != nil else { return nil }
            return String(cString: entry.gr_name)
        }
    }

    /// Large enough for a group with thousands of members.
    private static func withBuffer(_ body: (UnsafeMutablePointer<CChar>, Int) -> String?) -> String? {
        let size = 1 << 18
        let buffer = UnsafeMutablePointer<CChar>.allocate(capacity: size)
        defer { buffer.deallocate() }
        return body(buffer, size)
    }
}

/// The callers of the last moment. Groups of a user change without a word, so it is not long. Any thread.
private final class CallerMemory: Sendable {
    private let known = Mutex<[UInt64: (caller: Caller, until: ContinuousClock.Instant)]>([:])
    private static let callersMax = 1_024
    private static let memory = Duration.seconds(2)

    private static func key(_ credentials: PeerCredentials) -> UInt64 {
        UInt64(credentials.uid) << 32 | UInt64(credentials.gid)
    }

    func caller(_ credentials: PeerCredentials) -> Caller? {
        let now = ContinuousClock.now
        return known.withLock { $0[Self.key(credentials)].flatMap { $0.until > now ? $0.caller : nil } }
    }

    func note(_ caller: Caller, _ credentials: PeerCredentials) {
        let until = ContinuousClock.now + Self.memory
        known.withLock { known in
            if known.count >= Self.callersMax { known = [:] }
            known[Self.key(credentials)] = (caller, until)
        }
    }
}

/// What one caller may do by the table in force; root may do everything.
public struct CallerRights: Sendable {
    let caller: Caller
    private let rights: [ControlRight]
    private let configuration: Configuration

    public init(_ caller: Caller, _ configuration: Configuration) {
        self.caller = caller
        self.configuration = configuration
        rights = configuration.settings.control.rights.filter { right in
            switch right.caller {
            case .user(let name): name == caller.user
            case .group(let name): caller.groups.contains(name)
            }
        }
    }

    private var isRoot: Bool { caller.uid == 0 }

    /// Nothing at all is allowed.
    public var isEmpty: Bool { !isRoot && !rights.contains { !$0.verbs.isEmpty } }

    /// Whether there is any agency that it may submit as.
    public var maySubmit: Bool { may(.submitAs) }
    /// Whether there is any agency whose inbox it may have.
    public var mayTake: Bool { may(.inbox) }

    func may(_ verb: ControlVerb) -> Bool { isRoot || rights.contains { $0.verbs.contains(verb) } }

    /// For the verbs that are about an agency.
    public func may(_ verb: ControlVerb, _ agency: AgencyCode) -> Bool {
        if isRoot { return true }
        let home = configuration.directory.home(of: agency)
        return rights.contains { right in
            right.verbs.contains(verb)
                && right.agencies.contains { $0.covers(agency, home: home, node: configuration.settings.node) }
        }
    }
}
