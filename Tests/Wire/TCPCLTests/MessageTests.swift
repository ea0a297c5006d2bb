// The codec against the frames of RFC 9174's figures: byte for byte, every truncation, every bit flip, every limit.

import NIOCore
import Testing

@testable import TCPCL

private struct Frame: Sendable {
    let hex: String
    let message: Message

    static let all: [Frame] = [
        Frame(
            hex: "07 0000 0000000000000000 0000000000000000 0008 64746e3a6e6f6e65 00000000",
            message: .initialization(
                SessionInitialization(keepaliveSeconds: 0, segmentMRU: 0, transferMRU: 0, nodeID: "dtn:none"))),
        Frame(
            hex: "07 0e10 0000000000001068 00000000000008fc 000d 64746e3a2f2f666f6f2f626172 00000000",
            message: .initialization(
                SessionInitialization(
                    keepaliveSeconds: 3_600, segmentMRU: 0x1068, transferMRU: 0x8fc, nodeID: "dtn://foo/bar"))),
        Frame(
            hex: "07 012c 0000000000000400 0000000000002800 0005 68656c6c6f 0000000a 01 fffe 0005 6578746869",
            message: .initialization(
                SessionInitialization(
                    keepaliveSeconds: 300, segmentMRU: 1_024, transferMRU: 10_240, nodeID: "hello",
                    extensionItems: [
                        ExtensionItem(isCritical: true, type: 0xfffe, value: ByteBuffer(string: "exthi"))
                    ]))),
        Frame(
            hex: "01 02 0000000000000001 00000000 0000000000000003",
            message: .segment(SegmentHeader(flags: .start, id: TransferID(1), dataLength: 3))),
        Frame(
            hex: "01 03 0000000000000000 0000000d 00 0001 0008 0000000000001042 0000000000001042",
            message: .segment(
                SegmentHeader(
                    flags: [.start, .end], id: TransferID(0), extensions: .understood(transferLength: 0x1042),
                    dataLength: 0x1042))),
        Frame(
            hex: "01 00 0000000000000007 0000000000000009",
            message: .segment(SegmentHeader(flags: [], id: TransferID(7), dataLength: 9))),
        Frame(
            hex: "02 03 0000000000000001 00000000000000ff",
            message: .acknowledgement(flags: [.start, .end], id: TransferID(1), length: 255)),
        Frame(hex: "03 00 0000000000000001", message: .refusal(reason: .unknown, id: TransferID(1))),
        Frame(hex: "04", message: .keepalive),
        Frame(hex: "050000", message: .termination(isReply: false, reason: .unknown)),
        Frame(hex: "050003", message: .termination(isReply: false, reason: .busy)),
        Frame(hex: "050104", message: .termination(isReply: true, reason: .contactFailure)),
        Frame(hex: "06 01 63", message: .rejection(reason: .typeUnknown, type: 0x63)),
    ]
}

@Suite("Messages")
struct MessageTests {
    @Test("Every frame decodes to its message and is written as its octets")
    func vectors() throws {
        for frame in Frame.all {
            let wire = octets(frame.hex)
            #expect(try Message.decode(wire) == .message(frame.message, length: wire.readableBytes))
            var written = ByteBuffer()
            frame.message.write(to: &written)
            #expect(hex(written) == hex(wire))
        }
    }

    @Test("Every truncation asks for more, and never for more than the message has")
    func truncation() throws {
        for frame in Frame.all {
            let wire = octets(frame.hex)
            for length in 0..<wire.readableBytes {
                let decoded = try Message.decode(wire.getSlice(at: 0, length: length)!)
                guard case .incomplete(let missing) = decoded else {
                    Issue.record("\(frame.hex) was taken for whole after \(length) octets")
                    continue
                }
                #expect(missing >= 1 && missing <= wire.readableBytes - length)
            }
        }
    }

    @Test("A message stands anywhere in a buffer")
    func offset() throws {
        for frame in Frame.all {
            let wire = octets(frame.hex)
            var buffer = octets("ffeedd")
            buffer.writeImmutableBuffer(wire)
            buffer.moveReaderIndex(forwardBy: 3)
            #expect(try Message.decode(buffer) == .message(frame.message, length: wire.readableBytes))
        }
    }

    @Test("Every bit flip decodes to something that is written back, wants more, or is a typed error")
    func bitFlips() {
        for frame in Frame.all {
            let wire = octets(frame.hex)
            for bit in 0..<wire.readableBytes * 8 {
                var flipped = wire
                let octet: UInt8 = flipped.getInteger(at: bit / 8)!
                flipped.setInteger(octet ^ (1 << (bit % 8)), at: bit / 8)
                do throws(MessageError) {
                    guard case .message(let message, let length) = try Message.decode(flipped) else { continue }
                    #expect(length <= flipped.readableBytes)
                    checkWrittenBack(message)
                } catch {
                    #expect(!error.description.isEmpty)
                }
            }
        }
    }

    private func checkWrittenBack(_ message: Message) {
        // A list that failed cannot be written back; reserved flag bits of SESS_TERM are not kept.
        if case .segment(let header) = message, header.extensions == .failed { return }
        if case .initialization(let initialization) = message, initialization.extensionItems == nil { return }
        var written = ByteBuffer()
        message.write(to: &written)
        #expect((try? Message.decode(written)) == .message(message, length: written.readableBytes))
    }

    @Test("Limits are checked before octets are waited for")
    func limits() {
        #expect(throws: MessageError.nodeIDTooLong(0xffff)) {
            try Message.decode(octets("07 0000 0000000000000000 0000000000000000 ffff"))
        }
        #expect(throws: MessageError.extensionsTooLong(.initialization, 0xffff_ffff)) {
            try Message.decode(octets("07 0000 0000000000000000 0000000000000000 0000 ffffffff"))
        }
        #expect(throws: MessageError.extensionsTooLong(.segment, 0xffff_ffff)) {
            try Message.decode(octets("01 02 0000000000000000 ffffffff"))
        }
        #expect(throws: MessageError.typeUnknown(0)) { try Message.decode(octets("00")) }
        #expect(throws: MessageError.typeUnknown(8)) { try Message.decode(octets("08")) }
        #expect(throws: MessageError.nodeIDNotText) {
            try Message.decode(octets("07 0000 0000000000000000 0000000000000000 0001 ff 00000000"))
        }
    }

    @Test(
        "Transfer extension lists that fail",
        arguments: [
            "00000004 01fffe00",  // cut off in an item's header
            "00000005 00fffe0001",  // an item longer than the list
            "00000005 01fffe0000",  // unknown and critical
            "0000000c 0000010007 00000000000000",  // a Transfer Length of 7 octets
            "0000001a 0000010008 0000000000000001 0000010008 0000000000000001",  // two of them
        ])
    func failedExtensions(list: String) throws {
        let decoded = try Message.decode(octets("01 02 0000000000000000" + list + "0000000000000000"))
        guard case .message(.segment(let header), _) = decoded else {
            Issue.record("not a segment")
            return
        }
        #expect(header.extensions == .failed)
    }

    @Test("Unknown transfer extensions that are not critical are skipped")
    func skippedExtension() throws {
        let decoded = try Message.decode(
            octets("01 02 0000000000000000 00000014 80fffe0002abcd 0000010008 0000000000000009 0000000000000000"))
        #expect(
            decoded
                == .message(
                    .segment(
                        SegmentHeader(
                            flags: .start, id: TransferID(0), extensions: .understood(transferLength: 9), dataLength: 0
                        )), length: 42))
    }

    @Test("Peers that put an extension length into every segment")
    func extensionLengthInEverySegment() throws {
        let header = SegmentHeader(flags: .end, id: TransferID(3), dataLength: 2)
        var written = ByteBuffer()
        header.write(to: &written, extensionLengthInEverySegment: true)
        #expect(hex(written) == hex(octets("01 01 0000000000000003 00000000 0000000000000002")))
        #expect(
            try Message.decode(written, extensionLengthInEverySegment: true)
                == .message(.segment(header), length: written.readableBytes))
    }

    @Test("Contact headers")
    func contactHeader() throws {
        for (text, canTLS) in [("64746e210400", false), ("64746e210401", true)] {
            var wire = octets(text)
            #expect(try ContactHeader.read(from: &wire) == ContactHeader(canTLS: canTLS))
            #expect(wire.readableBytes == 0)
            var written = ByteBuffer()
            ContactHeader(canTLS: canTLS).write(to: &written)
            #expect(hex(written) == text)
            for length in 0..<6 {
                var cut = octets(text).getSlice(at: 0, length: length)!
                #expect(try ContactHeader.read(from: &cut) == nil)
                #expect(cut.readableBytes == length)
            }
        }
        var reserved = octets("64746e2104fe")
        #expect(try ContactHeader.read(from: &reserved) == ContactHeader(canTLS: false))
        var stranger = octets("4745")
        #expect(throws: MessageError.badMagic) { try ContactHeader.read(from: &stranger) }
    }
}

@Suite("The reader")
struct MessageReaderTests {
    private let stream = octets(
        "04 01 02 0000000000000001 00000000 0000000000000003 756666 04"
            + "01 01 0000000000000001 0000000000000000 02 03 0000000000000001 00000000000000ff 04")

    private func read(chunk: Int) throws -> (messages: [Message], data: [UInt8], isBetween: Bool) {
        var reader = MessageReader(extensionLengthInEverySegment: false)
        var stream = stream
        var messages: [Message] = []
        var data: [UInt8] = []
        while var piece = stream.readSlice(length: min(chunk, stream.readableBytes)), piece.readableBytes > 0 {
            while let read = try reader.next(&piece) {
                switch read {
                case .message(let message): messages.append(message)
                case .data(let bytes, _): data.append(contentsOf: bytes.readableBytesView)
                }
            }
            #expect(piece.readableBytes == 0)
        }
        return (messages, data, reader.isBetweenMessages)
    }

    @Test("However the octets arrive, the messages are the same")
    func anyChunk() throws {
        let whole = try read(chunk: .max)
        #expect(whole.messages.count == 6)
        for chunk in 1...stream.readableBytes {
            let cut = try read(chunk: chunk)
            #expect(cut.messages == whole.messages)
            #expect(cut.data == Array("uff".utf8))
            #expect(cut.isBetween)
        }
    }

    @Test("Segment data is a slice of what was fed, behind a header that came in two parts, too")
    func dataIsNotCopied() throws {
        let header = octets("01 03 0000000000000001 00000000 0000000000000040")
        let data = [UInt8](repeating: 7, count: 64)
        for cut in 0..<header.readableBytes {
            var reader = MessageReader(extensionLengthInEverySegment: false)
            var first = header.getSlice(at: 0, length: cut)!
            #expect(try reader.next(&first) == nil)
            var second = ByteBuffer()
            second.writeImmutableBuffer(header.getSlice(at: cut, length: header.readableBytes - cut)!)
            let offset = second.writerIndex
            second.writeBytes(data)
            let address = second.withUnsafeReadableBytes { $0.baseAddress! + offset }
            _ = try reader.next(&second)
            guard case .data(let slice, true) = try reader.next(&second) else {
                Issue.record("no data")
                return
            }
            #expect(slice.withUnsafeReadableBytes { $0.baseAddress! } == address)
        }
    }
}
