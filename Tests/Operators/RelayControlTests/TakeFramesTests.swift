// TakeFramesTests: the octets of the take socket, as docs/protocol.md has them, and what is not one of its frames.

import NIOCore
import RelayModel
import Testing

@testable import RelayControl

@Suite struct TakeFramesTests {
    private func hex(_ text: String) -> [UInt8] {
        let digits = text.filter { !$0.isWhitespace }
        return stride(from: 0, to: digits.count, by: 2).map { offset in
            let start = digits.index(digits.startIndex, offsetBy: offset)
            return UInt8(digits[start...].prefix(2), radix: 16) ?? 0
        }
    }

    @Test func theGreeting() throws {
        let octets = hex("45445431 0000000f 0002 0003 483239 0006 4832392e3135")
        var buffer = ByteBuffer()
        TakeGreeting(agencies: ["H29", "H29.15"]).write(to: &buffer)
        #expect(Array(buffer.readableBytesView) == octets)
        #expect(try TakeGreeting.read(from: &buffer) == TakeGreeting(agencies: ["H29", "H29.15"]))
        #expect(buffer.readableBytes == 0)
        // Of all, and with octets of a later version.
        var later = ByteBuffer(bytes: hex("45445431 00000004 0000 beef 01"))
        #expect(try TakeGreeting.read(from: &later) == TakeGreeting(agencies: []))
        #expect(later.readableBytes == 1)
        for count in 0..<octets.count {
            var part = ByteBuffer(bytes: octets.prefix(count))
            #expect(try TakeGreeting.read(from: &part) == nil)
            #expect(part.readableBytes == count)
        }
    }

    @Test(arguments: [
        ("45445331 00000002 0000", TakeFault.badMagic), ("45445431 00000001 00", .badLength),
        ("45445431 00010001", .badLength), ("45445431 00000004 0001 0001", .badText),
        ("45445431 00000002 03e9", .badLength), ("45445431 00000005 0001 0001 ff", .badText),
    ])
    func noGreeting(_ octets: String, _ fault: TakeFault) {
        var buffer = ByteBuffer(bytes: hex(octets))
        #expect(throws: fault) { _ = try TakeGreeting.read(from: &buffer) }
    }

    @Test(arguments: [
        ("01 00000010", TakeRequest.take(16)), ("02 0000000000000101", .acknowledgeThrough(257)),
        ("03 0000000000000002", .acknowledge(2)), ("04 ffffffffffffffff", .giveBack(.max)),
    ])
    func requests(_ octets: String, _ request: TakeRequest) throws {
        var buffer = ByteBuffer()
        request.write(to: &buffer)
        #expect(Array(buffer.readableBytesView) == hex(octets))
        for count in 0..<buffer.readableBytes {
            var part = ByteBuffer(bytes: hex(octets).prefix(count))
            #expect(try TakeRequest.read(from: &part) == nil)
            #expect(part.readableBytes == count)
        }
        #expect(try TakeRequest.read(from: &buffer) == request)
        #expect(buffer.readableBytes == 0)
    }

    @Test(arguments: [UInt8(0), 5, 0x45, 255]) func noRequest(_ kind: UInt8) {
        var buffer = ByteBuffer(bytes: [kind, 0, 0, 0, 0])
        #expect(throws: TakeFault.badKind) { _ = try TakeRequest.read(from: &buffer) }
    }

    private static let head = TakenHead(
        sequence: 1, number: 258, marks: [.mayHaveBeenShown], urgency: 2, arrived: 0x0102_0304_0506, payloadLength: 3,
        digest: [UInt8](repeating: 0xab, count: 32), agency: "H29", envelope: "v-1", sender: "G22", documentID: "7/VB",
        source: "")

    private static let answers: [(String, TakeAnswer)] = [
        ("00 00001000", .ready(4_096)), ("03", .idle), ("04 0003 612062", .refused("a b")),
        ("02 0000000000000009 00000008 00000001", .acknowledged(9, taken: 8, gone: 1)),
        ("05 00000003 010203", .portion(ByteBuffer(bytes: [1, 2, 3]))),
        (
            "01 0000005a 0000000000000001 0000000000000102 02 02 0000010203040506 0000000000000003 20"
                + String(repeating: "ab", count: 32)
                + "0003 483239 0003 762d31 0003 473232 0004 372f5642 0000", .document(head)
        ),
    ]

    @Test func answers() throws {
        for (octets, answer) in Self.answers {
            var buffer = ByteBuffer()
            answer.write(to: &buffer)
            #expect(Array(buffer.readableBytesView) == hex(octets), "\(answer)")
            for count in 0..<buffer.readableBytes {
                var part = ByteBuffer(bytes: hex(octets).prefix(count))
                #expect(try TakeAnswer.read(from: &part) == nil)
                #expect(part.readableBytes == count)
            }
            #expect(try TakeAnswer.read(from: &buffer) == answer)
            #expect(buffer.readableBytes == 0)
        }
    }

    /// A client of today reads the heads of a later node.
    @Test func headsMayGrow() throws {
        var octets = hex(Self.answers[5].0)
        octets[4] += 2
        var buffer = ByteBuffer(bytes: octets + [7, 7, 3])
        #expect(try TakeAnswer.read(from: &buffer) == .document(Self.head))
        #expect(try TakeAnswer.read(from: &buffer) == .idle)
    }

    @Test(arguments: [
        ("06", TakeAnswer.Fault.badKind), ("01 00040001", .badHead), ("01 00000002 0000", .badHead),
        ("05 00100001", .badPortion),
    ])
    func noAnswer(_ octets: String, _ fault: TakeAnswer.Fault) {
        var buffer = ByteBuffer(bytes: hex(octets))
        #expect(throws: fault) { _ = try TakeAnswer.read(from: &buffer) }
    }
}
