// TakingConsumer: a program behind C that takes documents by the take socket of edocd and acknowledges them in ranges, for the case
// `peers`. It knows each by the token that its payload begins with.

import Glibc
import NIOCore
import RelayControl

final class TakingConsumer: Consumer {
    let end = "taken and acknowledged by a program behind C"
    private let taken: TakenTokens
    private let worker: Worker<Void>
    private let wake: Socket

    init(socket path: String, into taken: TakenTokens) throws {
        let socket = try Socket(unix: path)
        self.taken = taken
        wake = socket
        worker = Worker {
            do { try Self.run(socket, taken) } catch { taken.failed(error) }
        }
    }

    func count() throws -> UInt64 { try taken.count() }
    var twice: UInt64 { taken.twice }

    func stop() {
        shutdown(wake.descriptor, Int32(SHUT_RDWR))
        try? worker.value()
    }

    /// Asked for, and not acknowledged.
    private static let window: UInt32 = 2_048

    private static func run(_ socket: Socket, _ taken: TakenTokens) throws {
        var out = ByteBuffer()
        TakeGreeting(agencies: []).write(to: &out)
        TakeRequest.take(window).write(to: &out)
        try out.withUnsafeReadableBytes { try socket.writeAll($0) }
        var input = ByteBuffer()
        var document = Document()
        var acknowledged: UInt64 = 0
        while true {
            let read = input.writeWithUnsafeMutableBytes(minimumWritableBytes: 256 << 10) {
                max(Glibc.read(socket.descriptor, $0.baseAddress, $0.count), 0)
            }
            guard read > 0 else { throw BenchFailure("the take connection was closed") }
            while let answer = try TakeAnswer.read(from: &input) {
                switch answer {
                case .document(let head): document.begin(head)
                case .portion(let portion): document.add(portion, taken)
                case .acknowledged(_, _, let gone):
                    guard gone == 0 else { throw BenchFailure("\(gone) documents were taken by somebody else") }
                case .refused(let text): throw BenchFailure("taking was refused: \(text)")
                case .ready, .idle: break
                }
            }
            if input.readableBytes == 0 { input.clear() } else { input.discardReadBytes() }
            guard document.whole > acknowledged else { continue }
            out.clear()
            TakeRequest.acknowledgeThrough(document.whole).write(to: &out)
            TakeRequest.take(UInt32(document.whole - acknowledged)).write(to: &out)
            acknowledged = document.whole
            try out.withUnsafeReadableBytes { try socket.writeAll($0) }
        }
    }

    /// The one that comes, and the last that is here whole.
    private struct Document {
        private(set) var whole: UInt64 = 0
        private var sequence: UInt64 = 0
        private var left: UInt64 = 0
        private var token: UInt64 = 0
        private var tokenBytes = 0

        mutating func begin(_ head: TakenHead) {
            (sequence, left, token, tokenBytes) = (head.sequence, head.payloadLength, 0, 0)
            if left == 0 { whole = sequence }
        }

        mutating func add(_ portion: ByteBuffer, _ taken: TakenTokens) {
            for octet in portion.readableBytesView.prefix(8 - tokenBytes) {
                token = token << 8 | UInt64(octet)
                tokenBytes += 1
            }
            left -= min(left, UInt64(portion.readableBytes))
            guard left == 0 else { return }
            whole = sequence
            taken.took(token)
        }
    }
}
