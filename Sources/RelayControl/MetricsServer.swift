// MetricsServer: the metrics page over TCP on a loopback address, for a Prometheus on this machine. It shows figures and nothing else, to
// whoever can reach the address; names of peers are among them. Fails when the address cannot be bound.

import Hummingbird
import Logging
import RelayConfiguration
import ServiceLifecycle

public struct MetricsServer<Node: NodeAccess>: Service {
    private let control: ControlServer<Node>
    private let address: HostPort
    private let onReady: @Sendable (String) -> Void

    /// `onReady` is told the address with its real port.
    public init(_ control: ControlServer<Node>, address: HostPort, onReady: @escaping @Sendable (String) -> Void) {
        precondition(address.isLoopback, "Figures are served on this machine only.")
        self.control = control
        self.address = address
        self.onReady = onReady
    }

    public func run() async throws {
        let router = Router(context: ControlContext.self)
        router.get("metrics") { request, _ in try await control.metrics(request) }
        var quiet = control.logger
        quiet.logLevel = max(quiet.logLevel, .warning)
        let app = Application(
            router: router, server: .http1(configuration: .init(idleTimeout: .minutes(5))),
            configuration: .init(address: .hostname(address.host, port: Int(address.port)), serverName: nil),
            onServerRunning: { channel in
                let port = channel.localAddress?.port ?? Int(address.port)
                let real = HostPort(host: address.host, port: UInt16(clamping: port)).description
                onReady(real)
                control.logger.info("metrics open", metadata: ["address": "\(real)"])
            }, logger: quiet)
        try await app.run()
    }
}
