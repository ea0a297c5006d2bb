// RFC9173Tests: the bundles of RFC 9173, appendix A, the only ones that an RFC publishes.

import NIOCore
import RelayModel
import Testing

@testable import BundleProtocol

@Suite struct RFC9173Tests {
    static let primary = "88070000820282010282028202018202820201820018281a000f4240"
    static let payloadText = "526561647920746f2067656e657261746520612033322d62797465207061796c6f6164"
    static let payload = "850101000058235" + payloadText.dropFirst()
    static let ciphertext = "3a09c1e63fe23a7f66a59c7303837241e070b02619fc59c5214a22f08cd70795e73e9a"
    static let age = "85070200004319012c"
    static let integrity1 = """
        850b0200005856810101018202820201828201078203008181820158403bdc69b3a34a2b5d3a8554368bd1e808f606219d2a10a846ea\
        e3886ae4ecc83c4ee550fdfb1cc636b904e2f1a73e303dcd4b6ccece003e95e8164dcc89a156e1
        """
    static let confidentiality2 = """
        850c02010058508101020182028202018482014c5477656c76653132313231328202018203581869c411276fecddc4780df42c8a2af892\
        96fabf34d7fae7008204008181820150efa4b5ac0108e3816c5606479801bc04
        """
    static let integrity3 = """
        850b030000585c8200020101820282030082820105820300828182015820cac6ce8e4c5dae57988b757e49a6dd1431dc04763541b28450\
        98265bc817241b81820158203ed614c0d97f49b3633627779aa18a338d212bf3c92b97759d9739cd50725596
        """
    static let confidentiality3 = """
        850c04010058348101020182028202018382014c5477656c76653132313231328202018204008181820150efa4b5ac0108e3816c560647\
        9801bc04
        """
    static let integrity4 = """
        850b0300005846438ed6208eb1c1ffb94d952175167df0902902064a2983910c4fb2340790bf420a7d1921d5bf7c4721e02ab87a93ab1e\
        0b75cf62e4948727c8b5dae46ed2af05439b88029191
        """
    static let confidentiality4 = """
        850c0201005849820301020182028202018382014c5477656c76653132313231328202038204078281820150220ffc45c8a901999ecc60\
        991dd78b2981820150d2c51cb2481792dae8b21d848cede99b
        """

    /// Hex of the bundle, its length, the block types and numbers, the payload.
    struct Vector: CustomTestStringConvertible {
        var name: String
        var hex: String
        var length: Int
        var blocks: [[UInt64]]
        var payload: String = RFC9173Tests.payloadText
        var age: UInt64?
        var testDescription: String { name }
    }

    static func vector(
        _ name: String, _ blocks: [String], _ numbers: [[UInt64]], _ length: Int, payload: String = payloadText,
        age: UInt64? = nil
    ) -> Vector {
        Vector(
            name: name, hex: "9f" + primary + blocks.joined() + "85010100005823" + payload + "ff", length: length,
            blocks: numbers, payload: payload, age: age)
    }

    static let vectors = [
        vector("A.1 original", [], [], 72),
        vector("A.1 final", [integrity1], [[11, 2]], 165),
        vector("A.2 final", [confidentiality2], [[12, 2]], 159, payload: ciphertext),
        vector("A.3 original", [age], [[7, 2]], 81, age: 300),
        vector(
            "A.3 final", [integrity3, confidentiality3, age], [[11, 3], [12, 4], [7, 2]], 239, payload: ciphertext,
            age: 300),
        vector(
            "A.4 final", [integrity4, confidentiality4], [[11, 3], [12, 2]], 229,
            payload: "90eab6457593379298a8724e16e61f837488e127212b59ac91f8a86287b7d07630a122"),
    ]

    @Test(arguments: vectors)
    func fieldsAndOctets(vector: Vector) throws {
        let octets = ByteBuffer(hex: vector.hex)
        #expect(octets.readableBytes == vector.length)
        let bundle = try WholeBundle(decoding: octets)
        let primary = bundle.header.primary
        #expect(primary.destination == .ipn(node: 1, service: 2))
        #expect(primary.source == .ipn(node: 2, service: 1))
        #expect(primary.reportTo == .ipn(node: 2, service: 1))
        #expect(primary.creationTime == 0)
        #expect(primary.sequence == 40)
        #expect(primary.lifetime == Milliseconds(1_000_000))
        #expect(primary.crcType == .none)
        #expect(primary.flags == [])
        #expect(primary.fragment == nil)
        #expect(bundle.header.blocks.map { [$0.type.rawValue, $0.number] } == vector.blocks)
        #expect(bundle.header.age?.count == vector.age)
        #expect(bundle.payload.hex == vector.payload)
        #expect(bundle.header.bundleLength == UInt64(vector.length))
        #expect(Samples.octets(bundle).hex == octets.hex)
    }

    @Test func encodedAnew() throws {
        let primary = PrimaryBlock(
            crcType: .none, destination: .ipn(node: 1, service: 2), source: .ipn(node: 2, service: 1),
            reportTo: .ipn(node: 2, service: 1), creationTime: 0, sequence: 40, lifetime: Milliseconds(1_000_000))
        #expect(primary.encoded.hex == Self.primary)
        let age = CanonicalBlock(
            type: .bundleAge, number: 2, flags: [], crcType: .none, data: CanonicalBlock.ageData(Milliseconds(300)))
        #expect(age.encoded.hex == Self.age)
        let header = try BundleHeader(
            primary: primary, blocks: [age], payload: PayloadHead(crcType: .none, length: 35))
        let bundle = WholeBundle(header: header, payload: ByteBuffer(string: "Ready to generate a 32-byte payload"))
        #expect(Samples.octets(bundle).hex == Self.vectors[3].hex)
    }

    @Test func primaryWithoutChecksumIsAnIssueUnlessSigned() throws {
        let plain = try WholeBundle(decoding: ByteBuffer(hex: Self.vectors[0].hex))
        #expect(plain.header.issues.map(\.code).contains(.noChecksum))
        // The integrity block of A.3 covers blocks 0 and 2.
        let signed = try WholeBundle(decoding: ByteBuffer(hex: Self.vectors[4].hex))
        #expect(!signed.header.issues.map(\.code).contains(.noChecksum))
    }

    @Test func securityBlocksAreUnprocessed() throws {
        let bundle = try WholeBundle(decoding: ByteBuffer(hex: Self.vectors[4].hex))
        #expect(bundle.header.unprocessed == [3, 4])
        #expect(bundle.header.demands == BundleHeader.Demands())
    }
}
