// DocumentSource: where the bytes of one stored document lie. A value; each call looks at one snapshot and copies a bounded run,
// so that no snapshot is long. Fails when the bytes are not there or damaged, by an error that names the envelope.

import NIOCore
import RelayModel
import RelayRows
import RelayStore

struct DocumentSource: Sendable {
    private let number: UInt64
    private let extent: UInt64
    private let name: String
    private let length: UInt64
    private let isInPieces: Bool

    /// Octets copied in one snapshot.
    static let runBytes: UInt64 = 256 << 10

    init(_ row: EnvelopeRow) {
        number = row.number
        extent = row.extent
        name = row.bundle.envelopeName
        length = row.payloadLength
        isInPieces = row.isInPieces
    }

    /// The run that begins at `position`; empty at the end.
    func bytes(at position: UInt64, _ rows: any RowReader) throws -> ByteBuffer {
        var buffer = ByteBuffer()
        try append(from: position, atMost: Self.runBytes, to: &buffer, rows)
        return buffer
    }

    /// Appends the run that begins at `position`, or its beginning; nothing at the end.
    func append(
        from position: UInt64, atMost run: UInt64, to buffer: inout ByteBuffer, _ rows: some RowReader
    ) throws {
        guard position < length else { return }
        var extent = self.extent
        var start = position
        var end = min(length, position + run)
        if isInPieces {
            guard let piece = piece(at: position, rows) else { throw missing("the piece at \(position)") }
            extent = piece.extent
            start = piece.extentOffset + (position - piece.offset)
            end = min(end, piece.end)
        }
        let outcome = PayloadReader.copy(
            start..<start + (end - position), of: extent, from: rows, into: &buffer)
        switch outcome {
        case .complete: return
        case .missing(let chunk): throw missing("chunk \(chunk) of extent \(extent)")
        case .damaged(let chunk): throw missing("chunk \(chunk) of extent \(extent), which is damaged")
        }
    }

    /// The piece that has the byte at `position`.
    private func piece(at position: UInt64, _ rows: some RowReader) -> PieceRow? {
        guard let found = rows.row(.piece, before: Keys.piece(number, offset: position + 1)), found.key.count == 16,
            found.key.number(at: 0) == number,
            let piece = PieceRow(offset: found.key.number(at: 8), record: found.value), piece.end > position
        else { return nil }
        return piece
    }

    private func missing(_ what: String) -> ControlError {
        ControlError(
            status: .internalServerError,
            error: "\(name) cannot be read: \(what); it may have been taken meanwhile, else look at the log")
    }
}
