// MetricsServer: the metrics page over TCP on a loopback address, for a Prometheus on this machine. It shows figures and nothing else, to
// whoever can reach the address; names of peers are among them. An address that cannot be had is tried again until it can: being watched
// is no condition of relaying.

import Glibc
import Hummingbird
import HummingbirdCore
import Logging
import NIOConcurrencyHelpers
import NIOCore
import RelayConfiguration
import RelayModel
import ServiceLifecycle
import Trap

/// Where figures are served over TCP, or why they are not.
public enum MetricsState: Sendable, Hashable {
    /// Not asked for, or not yet open.
    case none
    /// With the real port.
    case open(String)
    /// The address of the configuration, and why it cannot be had.
    case troubled(String, why: String)
}

public struct MetricsServer<Node: NodeAccess>: Service {
    private let control: ControlServer<Node>
    private let address: HostPort
    private let onChange: @Sendable (MetricsState) -> Void

    /// Connections at the same time; further ones wait until one ends, and an idle one ends soon.
    public static var connectionsMax: Int { 32 }
    private static var idleTimeout: TimeAmount { .seconds(10) }
    /// Between two tries to have the address.
    private static var pause: Duration { .seconds(5) }

    /// `onChange` is told whenever the page opens or cannot be opened.
    public init(
        _ control: ControlServer<Node>, address: HostPort, onChange: @escaping @Sendable (MetricsState) -> Void
    ) {
        demand(address.isLoopback, "Figures are served on this machine only.")
        self.control = control
        self.address = address
        self.onChange = onChange
    }

    /// Returns when the service group shuts down, and not before.
    public func run() async {
        let said = SaidTrouble()
        while !Task.isShuttingDownGracefully, !Task.isCancelled {
            do {
                try await serve(said)
            } catch {
                tell(Self.sentence(error), said)
            }
            try? await cancelWhenGracefulShutdown { try await Task.sleep(for: Self.pause) }
        }
    }

    private func serve(_ said: SaidTrouble) async throws {
        let router = Router(context: ControlContext.self)
        router.get("metrics") { request, _ in try await control.metrics(request) }
        // That it cannot be opened is said here, once.
        var quiet = control.logger
        quiet.logLevel = .critical
        let app = Application(
            router: router,
            server: .http1(
                configuration: .init(
                    additionalChannelHandlers: [RequestClock(patience: Self.idleTimeout) {}],
                    idleTimeout: Self.idleTimeout)),
            configuration: .init(
                address: .hostname(address.host, port: Int(address.port)), serverName: nil,
                availableConnectionsDelegate: MaximumAvailableConnections(Self.connectionsMax)),
            onServerRunning: { channel in
                let port = channel.localAddress?.port ?? Int(address.port)
                opened(HostPort(host: address.host, port: UInt16(clamping: port)).description, said)
            }, logger: quiet)
        try await app.run()
    }

    private func opened(_ real: String, _ said: SaidTrouble) {
        onChange(.open(real))
        guard said.replace(nil) != nil else {
            return control.logger.info("metrics open", metadata: ["address": "\(real)"])
        }
        control.logger.notice(
            "figures are served", metadata: .event(.metricsResumed, ["address": "\(real)"]))
    }

    private func tell(_ why: String, _ said: SaidTrouble) {
        onChange(.troubled(address.description, why: why))
        guard said.replace(why) != why else { return }
        control.logger.notice(
            "no figures are served: metrics.listen cannot be opened; tried again",
            metadata: .event(.metricsTroubled, ["address": "\(address)", "why": "\(why)"]))
    }

    private static func sentence(_ error: any Error) -> String {
        guard let error = error as? IOError else { return "\(error)" }
        return String(cString: strerror(error.errnoCode))
    }
}

/// The trouble that was said last, so that it is said once.
private final class SaidTrouble: Sendable {
    private let why = NIOLockedValueBox<String?>(nil)

    /// Answers what it was.
    func replace(_ new: String?) -> String? {
        why.withLockedValue { old in
            defer { old = new }
            return old
        }
    }
}
