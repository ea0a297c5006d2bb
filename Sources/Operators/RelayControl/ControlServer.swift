// ControlServer: the control interface: HTTP/1.1 with JSON over a Unix socket, for edocctl, document systems and curl. It owns
// the socket file from bind to stop, unless the service manager gave the socket, whose file stays; and runs on NIO's threads and
// Swift's own, never on the engine's. A request that fails is an answer to its caller and nothing else; the server itself
// fails only when it cannot bind.

import ControlAPI
import Glibc
import Hummingbird
import HummingbirdCore
import Logging
import NIOCore
import RelayConfiguration
import RelayModel
import ServiceLifecycle

/// The control interface of one node.
public struct ControlServer<Node: NodeAccess>: Service {
    let node: Node
    private let socket: String
    private let descriptor: Int32?
    private let names: CallerNames
    let logger: Logger
    let watchers = Watchers()
    let gathering = Gathering()
    private let patience: TimeAmount
    let drops: ClientDrops
    private let places: LocalPlaces
    private let bodyPatience: TimeAmount
    private let onReady: @Sendable () async -> Void

    /// `descriptor` is a socket that listens at `socket` already and whose file is another's. `onReady` is called once the socket
    /// takes connections. `patience`: how long a client may leave its answer untaken.
    public init(
        node: Node, socket: String, descriptor: Int32? = nil, names: CallerNames = .system, logger: Logger,
        patience: TimeAmount = .seconds(30), bodyPatience: TimeAmount = .minutes(30),
        places: LocalPlaces = LocalPlaces(), drops: ClientDrops = ClientDrops(),
        onReady: @escaping @Sendable () async -> Void = {}
    ) {
        self.node = node
        self.socket = socket
        self.descriptor = descriptor
        self.names = names
        self.logger = logger
        self.patience = patience
        self.drops = drops
        self.places = places
        self.bodyPatience = bodyPatience
        self.onReady = onReady
    }

    /// Serves until the service group shuts down.
    public func run() async throws {
        if descriptor == nil { try makeWay() }
        defer { if descriptor == nil { removeSocket() } }
        var quiet = logger
        // The library tells of each connection; the calls are logged here.
        quiet.logLevel = max(logger.logLevel, .warning)
        let listener = ControlListener(
            responder: router.buildResponder(), patience: patience, drops: drops, places: places,
            bodyPatience: bodyPatience,
            hasNoRight: { [names, node] credentials in
                guard let caller = try? await names.caller(of: credentials) else { return false }
                return CallerRights(caller, node.configuration).isEmpty
            }, notices: logger, logger: quiet)
        try await listener.serve(on: descriptor.map { .descriptor($0) } ?? .path(socket)) {
            // Until here the file has the mode of the umask, which lets nobody else in: connecting needs write permission.
            if descriptor == nil, chmod(socket, 0o660) != 0 {
                logger.error("control socket: chmod failed", metadata: ["errno": "\(errno)"])
            }
            logger.info("control socket open", metadata: ["path": "\(socket)"])
            await onReady()
        }
    }

    /// Removes what an earlier process has left; anything but a socket stays, and is an error.
    private func makeWay() throws {
        guard let mode = fileMode() else { return }
        guard mode & S_IFMT == S_IFSOCK else { throw ControlServerError.notASocket(path: socket) }
        guard unlink(socket) == 0 || errno == ENOENT else {
            throw ControlServerError.cannotRemove(path: socket, errno: errno)
        }
    }

    private func removeSocket() {
        if let mode = fileMode(), mode & S_IFMT == S_IFSOCK { unlink(socket) }
    }

    private func fileMode() -> mode_t? {
        var status = stat()
        return lstat(socket, &status) == 0 ? status.st_mode : nil
    }

    /// The table of pages, without a server.
    var responder: RouterResponder<ControlContext> { router.buildResponder() }

    private var router: Router<ControlContext> {
        let router = Router(context: ControlContext.self)
        router.add(middleware: ErrorAnswers())
        addStatus(to: router)
        addFindings(to: router)
        addOutcomes(to: router)
        addEnvelopes(to: router)
        addQueueList(to: router)
        addLinks(to: router)
        addSubmit(to: router)
        addInbox(to: router)
        addReload(to: router)
        addMetrics(to: router)
        addHealth(to: router)
        addLogs(to: router)
        addWire(to: router)
        addAudit(to: router)
        addBackup(to: router)
        addVerify(to: router)
        addEvidence(to: router)
        addRestore(to: router)
        addDeeds(to: router)
        return router
    }

    // MARK: Who may

    func rights(_ context: ControlContext) async throws -> CallerRights {
        guard let channel = context.channel else {
            return CallerRights(Caller(uid: 0, user: nil, groups: []), node.configuration)
        }
        let credentials: PeerCredentials
        if let noted = context.credentials {
            credentials = noted
        } else {
            credentials = try await PeerCredentials.of(channel)
        }
        return CallerRights(try await names.caller(of: credentials), node.configuration)
    }

    /// Lets through who may see; everything that only shows asks this first.
    func requireSee(_ context: ControlContext) async throws {
        let rights = try await rights(context)
        guard rights.may(.see) else { throw denied(rights.caller, "see") }
    }

    /// Logs a denial and gives the error for it.
    func denied(_ caller: Caller, _ verb: String) -> ControlError {
        logger.notice(
            "control: denied",
            metadata: .event(.callDenied, ["caller": "\(printable(caller.text))", "verb": "\(verb)"]))
        return .forbidden(caller, verb)
    }

    // MARK: Answers

    func json(_ answer: some ControlAnswer, status: HTTPResponse.Status = .ok) throws -> Response {
        let bytes = try ControlJSON.bytes(answer)
        return Response(
            status: status, headers: [.contentType: "application/json"],
            body: .init(byteBuffer: ByteBuffer(bytes: bytes)))
    }
}

/// Why the interface cannot be opened.
public enum ControlServerError: Error, Hashable, Sendable, CustomStringConvertible {
    case notASocket(path: String)
    case cannotRemove(path: String, errno: Int32)

    public var description: String {
        switch self {
        case .notASocket(let path):
            "\(path) exists and is not a socket; remove it, or set control.socket to another path"
        case .cannotRemove(let path, let code):
            "the old socket \(path) cannot be removed: \(String(cString: strerror(code)))"
        }
    }
}

/// Turns what the handlers throw into answers.
private struct ErrorAnswers: RouterMiddleware {
    typealias Context = ControlContext

    func handle(
        _ request: Request, context: ControlContext, next: (Request, ControlContext) async throws -> Response
    ) async throws -> Response {
        do {
            return try await next(request, context)
        } catch let error as ControlError {
            return error.response
        } catch let error as HTTPError where error.status == .notFound {
            return ControlError.notFound("no such path; docs/control.md lists them").response
        } catch let error as HTTPError {
            return ControlError(status: error.status, error: "the request cannot be answered").response
        } catch {
            context.logger.warning(
                "control: request failed", metadata: ["error": "\(printable(String(describing: error)))"])
            return ControlError(
                status: .internalServerError,
                error: "the node could not answer: \(printable(String(describing: error)))"
            ).response
        }
    }
}
