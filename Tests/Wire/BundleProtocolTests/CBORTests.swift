// CBORTests: the reader's items, its refusals, and endpoint IDs.

import NIOCore
import RelayModel
import Testing

@testable import BundleProtocol

@Suite struct CBORTests {
    /// The code with which reading fails, nil when it succeeds.
    private func code<Value>(
        _ hex: String, _ read: (inout CBORReader) throws(BundleError) -> Value
    ) -> BundleError.Code? {
        do throws(BundleError) {
            try CBORReader.read(ByteBuffer(hex: hex)) { (reader) throws(BundleError) in
                _ = try read(&reader)
                try reader.expectEnd()
            }
            return nil
        } catch {
            return error.code
        }
    }

    /// One item that is all of these octets.
    private func whole<Value>(
        _ octets: ByteBuffer, _ read: (inout CBORReader) throws(BundleError) -> Value
    ) throws -> Value {
        try CBORReader.read(octets) { (reader) throws(BundleError) in
            let value = try read(&reader)
            try reader.expectEnd()
            return value
        }
    }

    private func unsigned(_ reader: inout CBORReader) throws(BundleError) -> UInt64 { try reader.readUnsigned() }
    private func text(_ reader: inout CBORReader) throws(BundleError) -> String { try reader.readText(bytesMax: 100) }
    private func bytes(_ reader: inout CBORReader) throws(BundleError) -> ByteBuffer { try reader.readBytes() }
    private func skip(_ reader: inout CBORReader) throws(BundleError) { try reader.skipItem() }
    private func endpoint(_ reader: inout CBORReader) throws(BundleError) -> EndpointID {
        try reader.readEndpointID()
    }

    // RFC 8949, appendix A.
    @Test(arguments: [
        ("00", UInt64(0)), ("17", 23), ("1818", 24), ("18ff", 255), ("190100", 256), ("19ffff", 65_535),
        ("1a00010000", 65_536), ("1affffffff", 4_294_967_295), ("1b0000000100000000", 4_294_967_296),
        ("1bffffffffffffffff", .max),
    ])
    func unsignedIntegers(hex: String, value: UInt64) throws {
        #expect(try whole(ByteBuffer(hex: hex), unsigned) == value)
        var written = ByteBuffer()
        written.writeCBOR(unsigned: value)
        #expect(written.hex == hex)
        #expect(CBOR.headLength(value) == written.readableBytes)
    }

    @Test(arguments: ["1800", "1817", "190000", "1900ff", "1a0000ffff", "1b00000000ffffffff"])
    func longerFormsAreRefused(hex: String) {
        #expect(code(hex, unsigned) == .notDeterministic)
    }

    @Test(arguments: ["580568656c6c6f", "5900", "5a00000000"])
    func longerLengthsAreRefused(hex: String) {
        #expect(code(hex, bytes) == (hex == "5900" ? .truncated : .notDeterministic))
    }

    @Test(arguments: ["1c", "1d", "1e", "1f", "3f", "df"])
    func reservedHeads(hex: String) {
        #expect(code(hex, unsigned) == .malformedCBOR)
    }

    @Test func otherTypes() {
        #expect(code("20", unsigned) == .wrongType)
        #expect(code("60", unsigned) == .wrongType)
        #expect(code("00", text) == .wrongType)
        #expect(code("5f4100ff", bytes) == .wrongShape)
        #expect(code("f93c00", skip) == .wrongType)
        #expect(code("a10000", skip) == .wrongType)
        #expect(code("c000", skip) == .wrongType)
        #expect(code("0000", unsigned) == .trailingOctets)
    }

    @Test func textStrings() throws {
        func short(_ max: Int) -> (inout CBORReader) throws(BundleError) -> String {
            { (reader) throws(BundleError) in try reader.readText(bytesMax: max) }
        }
        #expect(try whole(ByteBuffer(hex: "64c490c3a1"), short(4)) == "Đá")
        #expect(code("7f62616261", text) == .truncated)
        #expect(code("7f6261626163", text) == .truncated)
        #expect(try whole(ByteBuffer(hex: "7f626162616360ff"), short(3)) == "abc")
        #expect(code("62c328", text) == .malformedCBOR)
        #expect(code("7f4161ff", text) == .malformedCBOR)
        #expect(code("7f7f6161ffff", text) == .malformedCBOR)
        #expect(code("7865" + String(repeating: "61", count: 101), text) == .limitExceeded)
        #expect(code("7f" + String(repeating: "60", count: 64) + "ff", text) == .limitExceeded)
    }

    @Test(arguments: ["5b7fffffffffffffff", "5bffffffffffffffff", "5a7fffffff00", "7bffffffffffffffff"])
    func lyingLengths(hex: String) {
        let isText = hex.hasPrefix("7")
        #expect(code(hex, skip) == .truncated || code(hex, skip) == .limitExceeded)
        if isText { #expect(code(hex, text) == .limitExceeded) }
    }

    @Test func lyingCounts() {
        #expect(code("9bffffffffffffffff", skip) == .truncated)
        #expect(
            code("9bffffffffffffffff") { (reader) throws(BundleError) in try reader.openList(countMax: 1_000) }
                == .limitExceeded)
    }

    @Test(arguments: ["81", "9f", "828080", "7f"])
    func bombs(item: String) {
        #expect(code(String(repeating: item, count: 100_000), skip) != nil)
        #expect(code(String(repeating: item, count: 5), skip) == .limitExceeded || item == "828080")
    }

    @Test func skipCountsItems() {
        #expect(code("98c8" + String(repeating: "00", count: 200), skip) == .limitExceeded)
        #expect(code("8301820203f5", skip) == nil)
        #expect(code("9f01820203f5ff", skip) == nil)
        #expect(code("8201ff", skip) == .malformedCBOR)
        #expect(code("ff", skip) == .malformedCBOR)
    }

    @Test(arguments: [
        ("820100", EndpointID.none), ("82016b2f2f6e6f64652f6d61696c", .dtn("node/mail")),
        ("8202820102", .ipn(node: 1, service: 2)), ("82028300070a", .ipn(node: 7, service: 10)),
        ("9f029f0102ffff", .ipn(node: 1, service: 2)), ("9f029f000102ffff", .ipn(node: 1, service: 2)),
    ])
    func endpoints(hex: String, value: EndpointID) throws {
        #expect(try whole(ByteBuffer(hex: hex), endpoint) == value)
        var written = ByteBuffer()
        written.writeCBOR(endpoint: value)
        #expect(try whole(written, endpoint) == value)
    }

    @Test(arguments: [
        ("820300", BundleError.Code.unknownScheme), ("820101", .badEndpointID), ("8201646e6f6e65", .badEndpointID),
        ("820164616263", .truncated), ("8201636e2f2f", .badEndpointID), ("8201642f2f2f61", .badEndpointID),
        ("820162ff2f", .malformedCBOR), ("8202810102", .badEndpointID), ("820284000102" + "03", .badEndpointID),
        ("820283010203", .badEndpointID), ("8302820102", .wrongShape), ("9f02820102", .truncated),
        ("9f0282010200ff", .wrongShape), ("8201652f2f612062", .badEndpointID),
    ])
    func badEndpoints(hex: String, expected: BundleError.Code) {
        #expect(code(hex, endpoint) == expected)
    }

    @Test func longEndpoints() {
        let long = "8201790400" + "2f2f" + String(repeating: "61", count: 1_022)
        #expect(code(long, endpoint) == .limitExceeded)
    }
}
