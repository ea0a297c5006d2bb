// TakeClient: the take connection of a node, from the document system's side (docs/protocol.md, "Taking documents out"). Blocking, for one
// thread. A connection that is gone is nil or false, not an error.

import Foundation
import NIOCore
import RelayControl

public final class TakeClient {
    /// What the node says, a document whole.
    public enum Said: Equatable {
        case ready(UInt32)
        case document(TakenHead, [UInt8])
        case acknowledged(UInt64, taken: UInt32, gone: UInt32)
        case idle
        case refused(String)
    }

    private let line: BulkClient
    private var input = ByteBuffer()
    private var open: (head: TakenHead, octets: [UInt8])?
    /// The octets that came in portions, by how many.
    public private(set) var portions: [Int] = []

    /// Connects, and greets unless `agencies` is nil.
    public init(socket path: String, agencies: [String]? = []) throws {
        line = try BulkClient(socket: path)
        guard let agencies else { return }
        var buffer = ByteBuffer()
        TakeGreeting(agencies: agencies).write(to: &buffer)
        guard line.write(Array(buffer.readableBytesView)) else {
            throw TestFailure("\(path): the greeting is not taken")
        }
    }

    @discardableResult
    public func say(_ requests: TakeRequest...) -> Bool {
        var buffer = ByteBuffer()
        for request in requests { request.write(to: &buffer) }
        return line.write(Array(buffer.readableBytesView))
    }

    public func write(_ bytes: [UInt8]) -> Bool { line.write(bytes) }

    /// The daemon has ended the connection, whatever it has sent before.
    public func isEnded() -> Bool { line.isEnded() }

    /// What comes next; nil when the connection is gone or nothing comes within a minute.
    public func next() throws -> Said? {
        while true {
            if let open, UInt64(open.octets.count) == open.head.payloadLength {
                self.open = nil
                return .document(open.head, open.octets)
            }
            switch try TakeAnswer.read(from: &input) {
            case nil:
                guard let more = line.more() else { return nil }
                input.discardReadBytes()
                input.writeBytes(more)
            case .ready(let window): return .ready(window)
            case .document(let head):
                guard open == nil else { throw TestFailure("a document within another one") }
                open = (head, [])
            case .portion(let octets):
                guard open != nil else { throw TestFailure("octets of no document") }
                portions.append(octets.readableBytes)
                open?.octets += octets.readableBytesView
            case .acknowledged(let sequence, let taken, let gone):
                return .acknowledged(sequence, taken: taken, gone: gone)
            case .idle: return .idle
            case .refused(let text): return .refused(text)
            }
        }
    }

    /// Reads until so many documents have come; what else is said meanwhile is passed over.
    public func documents(_ count: Int) throws -> [(head: TakenHead, octets: [UInt8])] {
        var found: [(head: TakenHead, octets: [UInt8])] = []
        while found.count < count {
            switch try next() {
            case nil: throw TestFailure("\(found.count) of \(count) documents came")
            case .document(let head, let octets): found.append((head, octets))
            case .refused(let text): throw TestFailure(text)
            default: break
            }
        }
        return found
    }
}
