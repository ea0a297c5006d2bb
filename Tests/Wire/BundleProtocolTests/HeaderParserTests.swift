// HeaderParserTests: headers from a stream in portions, and what the parser refuses before it collects anything.

import NIOCore
import RelayModel
import Testing

@testable import BundleProtocol

@Suite struct HeaderParserTests {
    /// Feeds the octets in portions; the header, and how many octets of the stream were left where it ended.
    private func feed(
        _ octets: ByteBuffer, portion: Int, octetsMax: Int = BundleHeader.octetsMax
    ) throws -> (BundleHeader, consumed: Int, stated: Int)? {
        var parser = BundleHeaderParser(octetsMax: octetsMax)
        var rest = octets
        var consumed = 0
        while rest.readableBytes > 0 {
            var input = rest.readSlice(length: min(portion, rest.readableBytes))!
            let before = input.readableBytes
            let step = try parser.parse(&input)
            consumed += before - input.readableBytes
            switch step {
            case .needMore: #expect(input.readableBytes == 0)
            case .header(let header, let stated): return (header, consumed, stated)
            }
        }
        return nil
    }

    private func failure(_ octets: ByteBuffer, portion: Int = .max, octetsMax: Int = BundleHeader.octetsMax)
        -> BundleError.Code?
    {
        do {
            _ = try feed(octets, portion: portion, octetsMax: octetsMax)
            return nil
        } catch let error as BundleError {
            return error.code
        } catch {
            return nil
        }
    }

    @Test func everyPortionGivesTheSame() throws {
        let bundle = try Samples.bundle()
        let octets = Samples.octets(bundle)
        for portion in 1...octets.readableBytes {
            let result = try #require(try feed(octets, portion: portion))
            #expect(result.0 == bundle.header)
            #expect(result.consumed == bundle.header.encodedLength)
            #expect(result.stated == bundle.header.encodedLength)
        }
    }

    @Test func vectorsDripped() throws {
        for vector in RFC9173Tests.vectors {
            let octets = ByteBuffer(hex: vector.hex)
            let result = try #require(try feed(octets, portion: 1))
            #expect(result.consumed == vector.length - 36)
            #expect(result.0 == (try WholeBundle(decoding: octets)).header)
        }
    }

    @Test func largestHeaderFits() throws {
        let codes = (0..<1_000).map { AgencyCode("H29.15." + String(repeating: "x", count: 24) + String(1_000 + $0))! }
        #expect(codes[0].text.utf8.count == 35)
        var document = Samples.document
        document.recipients = codes
        let header = try BundleHeader(
            primary: Samples.primary(), hopCount: HopCount(limit: 32), age: .zero, document: document,
            copy: CopyDescription(recipients: codes, path: Samples.copy.path), payloadLength: 5)
        #expect(header.encodedLength < BundleHeader.octetsMax / 2)
        var octets = ByteBuffer()
        header.encode(into: &octets)
        #expect(try #require(try feed(octets, portion: 1_000)).0 == header)
        #expect(try #require(try feed(octets, portion: 1)).0 == header)
        #expect(failure(octets, portion: 1_000, octetsMax: 70_000) == .headerTooLong)
        #expect(failure(octets, octetsMax: octets.readableBytes - 1) == .headerTooLong)
        #expect(failure(octets, octetsMax: octets.readableBytes) == nil)
    }

    @Test func everyTruncationWaits() throws {
        let bundle = try Samples.bundle()
        let octets = Samples.octets(bundle)
        for count in 0..<bundle.header.encodedLength {
            #expect(try feed(octets.getSlice(at: 0, length: count)!, portion: .max) == nil)
        }
    }

    @Test func lyingLengthFailsAtOnce() throws {
        // An extension block that claims 2^62 octets, and one that claims 1 MiB.
        for length in ["5b4000000000000000", "5a00100000"] {
            let octets = ByteBuffer(hex: "9f" + RFC9173Tests.primary + "85183202" + "0000" + length)
            #expect(failure(octets) == .headerTooLong)
            #expect(failure(octets, portion: 1) == .headerTooLong)
        }
        let beyondCounting = ByteBuffer(hex: "9f" + RFC9173Tests.primary + "851832020000" + "5bffffffffffffffff")
        #expect(failure(beyondCounting) == .limitExceeded)
        let payload = ByteBuffer(hex: "9f" + RFC9173Tests.primary + "8501010000" + "5b7fffffffffffffff")
        #expect(failure(payload) == .payloadTooLong)
    }

    @Test func otherBeginnings() {
        #expect(failure(ByteBuffer(hex: "82" + RFC9173Tests.primary)) == .definiteOuterArray)
        #expect(failure(ByteBuffer(hex: "06")) == .unsupportedBundleVersion)
        #expect(failure(ByteBuffer(string: "dtn!")) == .notABundle)
        #expect(failure(ByteBuffer(hex: "9fff")) == .malformedCBOR)
        #expect(failure(ByteBuffer(hex: "9f" + RFC9173Tests.primary + "ff")) == .noPayload)
        #expect(
            failure(ByteBuffer(hex: "9f8806" + RFC9173Tests.primary.dropFirst(4) + "85010100004100ff"))
                == .unsupportedBundleVersion)
        #expect(failure(ByteBuffer(hex: "9f" + RFC9173Tests.primary + "85010200004100ff")) == .badBlockNumber)
        #expect(failure(ByteBuffer(hex: "9f" + RFC9173Tests.primary + "85010100005f4100ffff")) == .indefinitePayload)
        #expect(failure(ByteBuffer(hex: "9f" + RFC9173Tests.primary + "85010100034100ff")) == .unknownChecksumType)
        #expect(failure(ByteBuffer(hex: "9f" + RFC9173Tests.primary + "86010100004100ff")) == .wrongShape)
        #expect(
            failure(ByteBuffer(hex: "9f89" + RFC9173Tests.primary.dropFirst(2) + "0085010100004100ff")) == .wrongShape)
    }

    @Test func bombsEnd() {
        for item in ["9f", "81", "7f"] {
            #expect(failure(ByteBuffer(hex: "9f" + String(repeating: item, count: 300_000))) == .limitExceeded)
        }
        // A primary block of very many items, dripped: refused after a few, not passed over again and again.
        #expect(
            failure(ByteBuffer(hex: "9f9f" + String(repeating: "00", count: 200_000)), portion: 1) == .limitExceeded)
        // Very many small blocks.
        let blocks = (0..<1_000).map { _ in "8518320200" + "0040" }.joined()
        #expect(failure(ByteBuffer(hex: "9f" + RFC9173Tests.primary + blocks)) == .limitExceeded)
    }

    @Test func anErrorStays() throws {
        var parser = BundleHeaderParser()
        var garbage = ByteBuffer(string: "x")
        #expect(throws: BundleError.self) { try parser.parse(&garbage) }
        var good = Samples.octets(try Samples.bundle())
        #expect(throws: BundleError.self) { try parser.parse(&good) }
    }

    @Test func indefiniteBlocksAreTaken() throws {
        // The primary block, an age block, a hop count block and the payload block, each an array that ends with a
        // break.
        let primary = "9f" + RFC9173Tests.primary.dropFirst(2) + "ff"
        let octets = ByteBuffer(
            hex: "9f" + primary + "9f07020000" + "4105" + "ff" + "9f0a030000" + "459f182001ff" + "ff"
                + "9f01010000" + "4161" + "ff" + "ff")
        let bundle = try WholeBundle(decoding: octets)
        #expect(bundle.header.age == Milliseconds(5))
        #expect(bundle.header.hopCount == (try HopCount(limit: 32, count: 1)))
        #expect(bundle.header.payload.trailerLength == 2)
        #expect(Samples.octets(bundle).hex == octets.hex)
        #expect(bundle.header.bundleLength == UInt64(octets.readableBytes))
    }
}
