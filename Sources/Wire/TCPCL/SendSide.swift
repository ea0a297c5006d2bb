// SendSide: the transfers that we send on one session, until each is acknowledged or refused (RFC 9174, 5.2).
// Owned by SessionMachine, on its thread. A peer's impossible answer is a `ProtocolViolation`; a shell that sends other
// than it announced is a bug and traps with a sentence.

import NIOCore
import Trap

/// Why a transfer cannot begin now.
public enum TransferBeginError: Error, Hashable, Sendable {
    /// Not established, ending, or over.
    case sessionNotOpen
    /// The one before is not written to its end: TCPCL does not interleave transfers.
    case anotherBeingSent
    /// Longer than the peer takes.
    case beyondPeerMRU(UInt64)
    /// All 64-bit numbers are used.
    case identifiersExhausted
}

/// A transfer that was begun and not answered.
public struct UnansweredTransfer: Hashable, Sendable {
    public let id: TransferID
    /// True: in doubt, the peer may have it. False: the peer cannot have it.
    public let isSentWhole: Bool
    public let sentBytes: UInt64
    public let acknowledgedBytes: UInt64
}

struct SendSide {
    private struct Transfer {
        let total: UInt64
        var sent: UInt64 = 0
        var acknowledged: UInt64 = 0
        var hasStarted = false
        var isSentWhole = false
        var isAnswered = false
    }

    /// What the peer and our settings take.
    let segmentBytesMax: Int
    /// What segments are cut to now, at most `segmentBytesMax`: small ones on a slow link.
    private(set) var segmentBytes: Int
    private let transferBytesMax: UInt64
    private let extensionLengthInEverySegment: Bool

    /// The transfers from `first` to `next`, answered ones included until they come to the front.
    private var transfers = CircularBuffer<Transfer>()
    private var first: UInt64 = 0
    // RFC 9174, 5.2.1: the initial transfer ID is zero, each further one is greater by one.
    private var next: UInt64 = 0
    private var current: TransferID?
    private(set) var unansweredCount = 0
    private(set) var unacknowledgedBytes: UInt64 = 0
    /// Of transfers that are not answered, the octets that are acknowledged.
    private(set) var acknowledgedBytes: UInt64 = 0

    init(segmentBytesMax: Int, transferBytesMax: UInt64, extensionLengthInEverySegment: Bool) {
        self.segmentBytesMax = segmentBytesMax
        segmentBytes = segmentBytesMax
        self.transferBytesMax = transferBytesMax
        self.extensionLengthInEverySegment = extensionLengthInEverySegment
    }

    var isSending: Bool { current != nil }

    mutating func cutSegments(to bytes: Int) {
        segmentBytes = min(max(bytes, 1), segmentBytesMax)
    }

    /// Transfers that were answered while an older one was not, and whose places are kept until it is. A peer that answers all but one
    /// must not grow them without end.
    private static let answeredMax = 65_536

    var hasPlace: Bool { transfers.count - unansweredCount < Self.answeredMax }

    /// The oldest transfer that is not answered, if there is one.
    func isOldest(_ id: TransferID) -> Bool { id.rawValue == first }

    var unanswered: [UnansweredTransfer] {
        var list: [UnansweredTransfer] = []
        for (offset, transfer) in transfers.enumerated() where !transfer.isAnswered {
            list.append(
                UnansweredTransfer(
                    id: TransferID(first + UInt64(offset)), isSentWhole: transfer.isSentWhole,
                    sentBytes: transfer.sent, acknowledgedBytes: transfer.acknowledged))
        }
        return list
    }

    mutating func begin(totalLength: UInt64) throws(TransferBeginError) -> TransferID {
        guard current == nil else { throw .anotherBeingSent }
        // RFC 9174, 4.6: no transfer is longer than the peer's transfer MRU. Of a peer with segment MRU 0 none but empty.
        guard totalLength <= transferBytesMax, segmentBytesMax > 0 || totalLength == 0 else {
            throw .beyondPeerMRU(segmentBytesMax > 0 ? transferBytesMax : 0)
        }
        guard next < .max else { throw .identifiersExhausted }
        let id = TransferID(next)
        next += 1
        transfers.append(Transfer(total: totalLength))
        unansweredCount += 1
        current = id
        return id
    }

    /// Writes the next octets of the transfer as one or more whole segments; false when it is answered already.
    mutating func send(
        _ id: TransferID, _ pieces: some Collection<ByteBuffer>, isEnd: Bool, _ output: inout OutgoingBytes
    ) -> Bool {
        guard let index = openIndex(id) else { return false }
        demand(current == id, "Bytes of a transfer that was sent to its end.")
        var remaining = UInt64(pieces.reduce(0) { $0 + $1.readableBytes })
        let missing = transfers[index].total - transfers[index].sent
        demand(
            isEnd ? remaining == missing : remaining <= missing,
            "A transfer has exactly as many bytes as it was begun with.")
        guard isEnd || remaining > 0 else { return true }
        unacknowledgedBytes += remaining
        var source = PieceCursor(pieces)
        // Segments of one size, or nearly: cut from the front, a portion would end in one of a few octets.
        var left = max(1, (remaining + UInt64(segmentBytes) - 1) / UInt64(max(segmentBytes, 1)))
        repeat {
            let length = (remaining + left - 1) / left
            left = max(1, left - 1)
            remaining -= length
            let isLast = isEnd && remaining == 0
            writeSegment(index, id, length: length, isLast: isLast, &output)
            source.move(Int(length), to: &output)
        } while remaining > 0
        if isEnd {
            current = nil
        }
        return true
    }

    private mutating func writeSegment(
        _ index: CircularBuffer<Transfer>.Index, _ id: TransferID, length: UInt64, isLast: Bool,
        _ output: inout OutgoingBytes
    ) {
        var flags: SegmentFlags = isLast ? [.end] : []
        var announced: UInt64?
        if !transfers[index].hasStarted {
            flags.insert(.start)
            // RFC 9174, 5.2.5.1: a transfer of a single segment should not carry a Transfer Length.
            announced = isLast ? nil : transfers[index].total
        }
        let header = SegmentHeader(
            flags: flags, id: id, extensions: .understood(transferLength: announced), dataLength: length)
        let everySegment = extensionLengthInEverySegment
        output.watched?.append(.message(isSent: true, .segment(header)))
        output.appendHeader { header.write(to: &$0, extensionLengthInEverySegment: everySegment) }
        transfers[index].hasStarted = true
        transfers[index].sent += length
        transfers[index].isSentWhole = isLast
    }

    /// XFER_ACK came.
    mutating func acknowledged(
        _ id: TransferID, flags: SegmentFlags, length: UInt64, _ events: inout [SessionEvent]
    ) -> ProtocolViolation? {
        guard id.rawValue < next else { return .acknowledgementUnexpected(id) }
        // Answered before: some peers acknowledge segments behind their own refusal. Nothing depends on it any more.
        guard let index = openIndex(id) else { return nil }
        let transfer = transfers[index]
        let isEnd = flags.contains(.end)
        // RFC 9174, 5.2.3: the length is the sum of the segments received so far, so it never falls and never passes what
        // was sent, and it is the whole with END.
        guard length >= transfer.acknowledged, length <= transfer.sent,
            !isEnd || (transfer.isSentWhole && length == transfer.total)
        else { return .acknowledgementBeyondSent(id, length) }
        unacknowledgedBytes -= length - transfer.acknowledged
        transfers[index].acknowledged = length
        acknowledgedBytes += length - transfer.acknowledged
        if isEnd {
            markAnswered(index)
        }
        events.append(.transferAcknowledged(id, bytes: length, isEnd: isEnd))
        return nil
    }

    /// XFER_REFUSE came.
    mutating func refused(
        _ id: TransferID, _ reason: TransferRefusalReason, _ events: inout [SessionEvent]
    ) -> ProtocolViolation? {
        guard id.rawValue < next else { return .refusalUnexpected(id) }
        // RFC 9174, 5.2.4: segments that crossed the refusal are refused once more each; one refusal is enough.
        guard openIndex(id) != nil else { return nil }
        drop(id, reason, &events)
        return nil
    }

    /// The session begins to end: what has not left yet must not start any more.
    mutating func dropUnstarted(_ events: inout [SessionEvent]) {
        guard let id = current, let index = openIndex(id), !transfers[index].hasStarted else { return }
        drop(id, .sessionTerminating, &events)
    }

    private mutating func drop(_ id: TransferID, _ reason: TransferRefusalReason, _ events: inout [SessionEvent]) {
        guard let index = openIndex(id) else { return }
        // RFC 9174, 5.2.4: no further segment of the refused bundle is sent; segments are written whole, so none is cut.
        if current == id {
            current = nil
        }
        unacknowledgedBytes -= transfers[index].sent - transfers[index].acknowledged
        markAnswered(index)
        events.append(.transferRefused(id, reason))
    }

    private func openIndex(_ id: TransferID) -> CircularBuffer<Transfer>.Index? {
        guard id.rawValue >= first, id.rawValue < next else { return nil }
        let index = transfers.index(transfers.startIndex, offsetBy: Int(id.rawValue - first))
        return transfers[index].isAnswered ? nil : index
    }

    private mutating func markAnswered(_ index: CircularBuffer<Transfer>.Index) {
        transfers[index].isAnswered = true
        unansweredCount -= 1
        acknowledgedBytes -= transfers[index].acknowledged
        while transfers.first?.isAnswered == true {
            transfers.removeFirst()
            first += 1
        }
    }
}

/// Takes octets off a list of buffers without joining them.
private struct PieceCursor<Pieces: Collection<ByteBuffer>> {
    private let pieces: Pieces
    private var index: Pieces.Index
    private var piece = ByteBuffer()

    init(_ pieces: Pieces) {
        self.pieces = pieces
        index = pieces.startIndex
    }

    mutating func move(_ length: Int, to output: inout OutgoingBytes) {
        var length = length
        while length > 0 {
            if piece.readableBytes == 0 {
                demand(index != pieces.endIndex, "More octets asked than the pieces have.")
                piece = pieces[index]
                pieces.formIndex(after: &index)
            }
            guard let slice = piece.readSlice(length: min(length, piece.readableBytes)) else { continue }
            length -= slice.readableBytes
            if slice.readableBytes > 0 {
                output.appendPayload(slice)
            }
        }
    }
}
