// CraftedSignature: the parts of a SignedData, to be put together in ways that no tool would. Pure functions; what cannot be taken apart
// is nil.

@testable import OpenSSLCMS

struct CraftedSignature {
    var version: [UInt8]
    var digests: [[UInt8]]
    var content: [UInt8]
    var certificates: [[UInt8]]
    var infos: [[UInt8]]
    private let type: [UInt8]

    init?(_ octets: [UInt8]) {
        func parts(_ element: DERElement) -> [[UInt8]] { (element.elements(limit: 999) ?? []).map { Array($0.whole) } }
        let found = octets.withUnsafeBytes { source -> CraftedSignature? in
            var rest = source
            guard let outer = DERElement(takenFrom: &rest)?.elements(limit: 2), outer.count == 2,
                let data = outer[1].elements(limit: 1)?.first?.elements(limit: 6), data.count >= 4
            else { return nil }
            return CraftedSignature(
                version: Array(data[0].whole), digests: parts(data[1]), content: Array(data[2].whole),
                certificates: data.count > 4 ? parts(data[3]) : [], infos: parts(data[data.count - 1]),
                type: Array(outer[0].whole))
        }
        guard let found else { return nil }
        self = found
    }

    private init(
        version: [UInt8], digests: [[UInt8]], content: [UInt8], certificates: [[UInt8]], infos: [[UInt8]],
        type: [UInt8]
    ) {
        self.version = version
        self.digests = digests
        self.content = content
        self.certificates = certificates
        self.infos = infos
        self.type = type
    }

    /// In DER: sets in order.
    var octets: [UInt8] {
        var data = version + Self.set(0x31, digests) + content
        if !certificates.isEmpty { data += Self.set(0xa0, certificates) }
        data += Self.set(0x31, infos)
        return Self.element(0x30, type + Self.element(0xa0, Self.element(0x30, data)))
    }

    static func set(_ tag: UInt8, _ elements: [[UInt8]]) -> [UInt8] {
        element(tag, elements.sorted { $0.lexicographicallyPrecedes($1) }.flatMap { $0 })
    }

    static func element(_ tag: UInt8, _ content: [UInt8]) -> [UInt8] {
        let count = content.count
        if count < 0x80 { return [tag, UInt8(count)] + content }
        var length: [UInt8] = []
        var rest = count
        while rest > 0 {
            length.insert(UInt8(rest & 0xff), at: 0)
            rest >>= 8
        }
        return [tag, 0x80 | UInt8(length.count)] + length + content
    }

    /// What an element holds.
    static func content(of element: [UInt8]) -> [UInt8] {
        element.withUnsafeBytes { source in
            var rest = source
            return DERElement(takenFrom: &rest).map { Array($0.content) } ?? []
        }
    }
}

/// The signers of both, with the certificates of both or of the first.
func merged(_ first: [UInt8], _ second: [UInt8], keepingCertificates: Bool = true) -> [UInt8]? {
    guard var result = CraftedSignature(first), let other = CraftedSignature(second) else { return nil }
    result.digests = Array(Set(result.digests + other.digests))
    if keepingCertificates { result.certificates = Array(Set(result.certificates + other.certificates)) }
    result.infos += other.infos
    return result.octets
}

/// With an attribute that the first signer has not signed [RFC 5652, 5.3].
func withUnsignedAttribute(_ octets: [UInt8]) -> [UInt8]? {
    guard var result = CraftedSignature(octets) else { return nil }
    // 1.2.840.113549.1.9.52, with an INTEGER as its value.
    let name: [UInt8] = [0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x09, 0x34]
    let attribute = CraftedSignature.element(0x30, name + CraftedSignature.element(0x31, [0x02, 0x01, 0x07]))
    let info = CraftedSignature.content(of: result.infos[0])
    result.infos[0] = CraftedSignature.element(0x30, info + CraftedSignature.element(0xa1, attribute))
    return result.octets
}
