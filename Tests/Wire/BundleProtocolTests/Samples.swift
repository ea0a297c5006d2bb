// Samples: bundles and values that several tests use, and a seeded generator of random ones.

import NIOCore
import RelayModel

@testable import BundleProtocol

enum Samples {
    static let node = NodeID(name: "vpcp")!
    static let otherNode = NodeID(name: "hub-bac")!
    static let digest = Digest(bytes: (0..<32).map { UInt8($0) })!

    static let document = DocumentDescription(
        sender: AgencyCode("G22")!, recipients: [AgencyCode("H29.15")!, AgencyCode("000.00.00.G22")!],
        urgency: .flash, documentID: "12/CĐ-TTg", payloadLength: 5, digest: digest)

    static let copy = CopyDescription(
        recipients: [AgencyCode("H29.15")!],
        path: [PathStop(node: node, time: WallTime(milliseconds: 800_000_000_000))])

    static func primary(
        flags: BundleFlags = [], crcType: CRCType = .crc32c, fragment: FragmentPlace? = nil
    ) -> PrimaryBlock {
        PrimaryBlock(
            flags: flags, crcType: crcType, destination: EndpointID(text: "dtn://edoc/~agencies")!,
            source: node.endpoint, reportTo: node.endpoint, creationTime: 800_000_000_000,
            sequence: 0x1234_5678_0000_0001, lifetime: .days(30), fragment: fragment)
    }

    static func header(payloadLength: UInt64 = 5, payloadChecksum: CRCType = .none) throws -> BundleHeader {
        try BundleHeader(
            primary: primary(), hopCount: HopCount(limit: 32), age: Milliseconds(1_234), document: document, copy: copy,
            payloadLength: payloadLength, payloadChecksum: payloadChecksum)
    }

    /// A bundle in which every octet, save the outer array and the payload block of type `none`, is under a CRC.
    static func bundle(payloadChecksum: CRCType = .crc32c) throws -> WholeBundle {
        WholeBundle(header: try header(payloadChecksum: payloadChecksum), payload: ByteBuffer(string: "hello"))
    }

    static func octets(_ bundle: WholeBundle) -> ByteBuffer {
        var buffer = ByteBuffer()
        bundle.encode(into: &buffer)
        return buffer
    }
}

/// SplitMix64: the same numbers from the same seed on every machine.
struct SeededGenerator: RandomNumberGenerator {
    private var state: UInt64
    init(seed: UInt64) { state = seed }
    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xbf58_476d_1ce4_e5b9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94d0_49bb_1331_11eb
        return mixed ^ (mixed >> 31)
    }

    /// Numbers of all magnitudes, so that every length of a head occurs.
    mutating func number() -> UInt64 { next() >> UInt64.random(in: 0...63, using: &self) }

    mutating func octets(_ count: Int) -> ByteBuffer {
        ByteBuffer(bytes: (0..<count).map { _ in UInt8(truncatingIfNeeded: next()) })
    }

    mutating func endpoint() -> EndpointID {
        switch next() % 4 {
        case 0: .none
        case 1: .ipn(node: number(), service: number())
        case 2: .dtn("n\(next() % 1_000)/")
        default: .dtn("n\(next() % 1_000)/" + String(repeating: "x", count: Int(next() % 300)))
        }
    }

    mutating func agency() -> AgencyCode { AgencyCode("H\(next() % 90).\(number() % 100_000)")! }

    mutating func agencies(_ countMax: Int) -> [AgencyCode] {
        let count = Int.random(in: 1...countMax, using: &self)
        return Set((0..<count).map { _ in agency() }).sorted()
    }

    mutating func path() -> [PathStop] {
        (0..<Int(next() % 5)).map { _ in
            PathStop(
                node: next() % 3 == 0 ? NodeID(ipn: number()) : NodeID(name: "hub\(next() % 50)")!,
                time: WallTime(milliseconds: number()))
        }
    }

    mutating func digest() -> Digest { Digest(words: (next(), next(), next(), next())) }

    mutating func crcType() -> CRCType { CRCType.allCases[Int(next() % 3)] }
}
