// OfflineControl: the pages of the control interface without a daemon: the same code, over the store of a stopped one. There is no
// socket and no server: a request goes into the table of pages as a value and its answer comes back as bytes. Who may read the
// files may see. For edocctl's `--store`.

import ControlAPI
import Hummingbird
import Logging
import NIOCore
import RelayConfiguration
import RelayModel
import RelayRows
import RelayStore

public struct OfflineControl: Sendable {
    private let responder: RouterResponder<ControlContext>
    private let logger = Logger(label: "offline") { _ in SwiftLogNoOpLogHandler() }
    /// When the daemon last wrote, by its wall clock.
    public let left: Timestamp

    /// Opens the store in a directory; a running daemon is a refusal.
    public init(directory: String) throws(StoreFailure) {
        let node = try OfflineNode(directory: directory)
        left = node.left.wall.timestamp
        responder = ControlServer(node: node, socket: "", logger: logger).responder
    }

    /// What is in the store by itself; the rest is known by a running daemon only.
    private static let pages = [
        "status", "queue", "envelopes", "trace", "history", "ledger", "audit", "restore", "outcomes",
    ]

    /// The answer to GET, or to anything else a refusal.
    public func answer(_ method: String, _ uri: String) async throws -> (status: UInt, bytes: [UInt8]) {
        let page = uri.split(separator: "/").dropFirst().first.map { $0.prefix { $0 != "?" } } ?? ""
        guard method == "GET", Self.pages.contains(String(page)) else {
            return (400, try ControlJSON.bytes(ErrorAnswer(error: OfflineNode.stopped.error)))
        }
        let request = Request(
            head: .init(method: .get, scheme: nil, authority: nil, path: uri), body: .init(buffer: ByteBuffer()))
        let response = try await responder.respond(to: request, context: ControlContext(logger: logger))
        let bytes = CollectedBody()
        try await response.body.write(bytes)
        return (UInt(response.status.code), bytes.bytes)
    }
}

/// The bytes of one answer; used by the one task that asks.
private final class CollectedBody: ResponseBodyWriter {
    private(set) var bytes: [UInt8] = []
    func write(_ buffer: ByteBuffer) async throws { bytes.append(contentsOf: buffer.readableBytesView) }
    func finish(_ trailingHeaders: HTTPFields?) async throws {}
}
