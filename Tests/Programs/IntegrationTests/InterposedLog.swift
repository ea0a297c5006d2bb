// InterposedLog: what the interposer has written down of one program: syncs, and the streams of its sockets with the moment of each
// octet. It finds bundles, acknowledgements and answers in them, and judges whether a commit lies between two moments.

import BundleProtocol
import NIOCore
import RelayModel
import TCPCL
import TestNetwork

/// One direction of one connection: octets, and the order of the event that brought each run.
struct InterposedStream {
    private(set) var bytes: [UInt8] = []
    private var runs: [(end: Int, order: Int)] = []

    mutating func append(_ more: [UInt8], order: Int) {
        bytes += more
        runs.append((bytes.count, order))
    }

    /// When the octet at this place went over the border.
    func order(at index: Int) -> Int { runs.first { index < $0.end }?.order ?? .max }
}

/// A transfer in one direction, and when it began and ended.
struct InterposedTransfer {
    var connection: UInt64
    var id: TransferID
    var bundle: BundleID
    var isReport: Bool
    var payload: ByteBuffer
    var began: Int
    var ended: Int
}

/// An answer to a transfer that came in.
struct InterposedAnswer {
    var connection: UInt64
    var id: TransferID
    var refusal: TransferRefusalReason?
    var order: Int
}

struct InterposedLog {
    /// By inode of the socket.
    private(set) var read: [UInt64: InterposedStream] = [:]
    private(set) var written: [UInt64: InterposedStream] = [:]
    /// Commits: the order at which the sync began, and at which the meta page behind it was on disk.
    private(set) var commits: [(began: Int, ended: Int, nanoseconds: UInt64)] = []

    /// When pages found no room, and when syncs failed.
    private(set) var faults: [Int] = []
    private(set) var failedSyncs: [Int] = []

    init(_ text: String) {
        var lines: [(order: Int, time: UInt64, fields: [Substring])] = []
        for line in text.split(separator: "\n") {
            let fields = line.split(separator: " ", omittingEmptySubsequences: false)
            guard fields.count >= 6, let order = Int(fields[0]), let time = UInt64(fields[1]) else { continue }
            lines.append((order, time, fields))
        }
        var sync: (began: Int, time: UInt64)?
        var isSynced = false
        for line in lines.sorted(by: { $0.order < $1.order }) {
            let inode = UInt64(line.fields[4]) ?? 0
            switch line.fields[2] {
            case "S":
                sync = (line.order, line.time)
                isSynced = false
            case "s": isSynced = true
            case "F": faults.append(line.order)
            case "E":
                failedSyncs.append(line.order)
                sync = nil
            case "m":
                guard let begun = sync, isSynced else { continue }
                commits.append((begun.began, line.order, line.time - begun.time))
                sync = nil
            case "R": read[inode, default: InterposedStream()].append(Self.octets(line.fields[5]), order: line.order)
            case "W": written[inode, default: InterposedStream()].append(Self.octets(line.fields[5]), order: line.order)
            default: break
            }
        }
    }

    private static func octets(_ hex: Substring) -> [UInt8] {
        var result: [UInt8] = []
        var high: UInt8?
        for byte in hex.utf8 {
            let digit = byte < 0x3a ? byte - 0x30 : byte - 0x57
            if let first = high {
                result.append(first << 4 | digit)
                high = nil
            } else {
                high = digit
            }
        }
        return result
    }

    /// True when a sync began after one moment and its commit was on disk before the other.
    func hasCommit(after: Int, before: Int) -> Bool { commits.contains { $0.began > after && $0.ended < before } }

    // MARK: - TCPCL

    /// The bundles that came in, and those that went out.
    func transfersIn() -> [InterposedTransfer] { read.flatMap { Self.transfers($0.key, $0.value) } }
    func transfersOut() -> [InterposedTransfer] { written.flatMap { Self.transfers($0.key, $0.value) } }

    /// END acknowledgements and refusals that went out.
    func answersOut() -> [InterposedAnswer] {
        written.flatMap { inode, stream in
            var answers: [InterposedAnswer] = []
            Self.messages(stream) { message, place, _ in
                switch message {
                case .acknowledgement(let flags, let id, _) where flags.contains(.end):
                    answers.append(InterposedAnswer(connection: inode, id: id, order: stream.order(at: place)))
                case .refusal(let reason, let id):
                    answers.append(
                        InterposedAnswer(connection: inode, id: id, refusal: reason, order: stream.order(at: place)))
                default: break
                }
            }
            return answers
        }
    }

    private static func transfers(_ inode: UInt64, _ stream: InterposedStream) -> [InterposedTransfer] {
        var result: [InterposedTransfer] = []
        var open: [TransferID: (octets: ByteBuffer, began: Int)] = [:]
        messages(stream) { message, place, data in
            guard case .segment(let header) = message else { return }
            var entry = open[header.id] ?? (ByteBuffer(), stream.order(at: place))
            entry.octets.writeBytes(data)
            open[header.id] = entry
            guard header.flags.contains(.end), let bundle = try? WholeBundle(decoding: entry.octets) else { return }
            open[header.id] = nil
            result.append(
                InterposedTransfer(
                    connection: inode, id: header.id, bundle: bundle.header.primary.bundleID,
                    isReport: bundle.header.primary.flags.contains(.isAdministrativeRecord), payload: bundle.payload,
                    began: entry.began, ended: stream.order(at: data.endIndex - 1)))
        }
        return result
    }

    /// Cuts a stream of TCPCL into messages; other streams have none. Gives each with its place and its segment's data.
    private static func messages(
        _ stream: InterposedStream, _ body: (Message, Int, ArraySlice<UInt8>) -> Void
    ) {
        guard stream.bytes.starts(with: Array("dtn!".utf8)) else { return }
        var place = ContactHeader.length
        while place < stream.bytes.count {
            let rest = ByteBuffer(bytes: stream.bytes[place..<min(place + 65_536, stream.bytes.count)])
            guard case .message(let message, let length) = try? Message.decode(rest) else { return }
            var end = place + length
            let data = end
            if case .segment(let header) = message { end += Int(header.dataLength) }
            guard end <= stream.bytes.count else { return }
            body(message, place, stream.bytes[data..<end])
            place = end
        }
    }
}
