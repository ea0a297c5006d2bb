// DERElement: one element of DER octets [X.690, 10], as far as the frame of a signature needs it. Reads where the octets lie. Fails
// by nil at the first octet that does not fit.

/// Tag and content of one element.
struct DERElement {
    let tag: UInt8
    let content: UnsafeRawBufferPointer
    /// Tag and length too.
    let whole: UnsafeRawBufferPointer

    static let sequence: UInt8 = 0x30
    static let set: UInt8 = 0x31
    static let integer: UInt8 = 0x02
    static let octetString: UInt8 = 0x04
    static let objectIdentifier: UInt8 = 0x06
    /// `[n]`, constructed.
    static func context(_ number: UInt8) -> UInt8 { 0xa0 | number }

    /// Takes the first element off `octets`.
    init?(takenFrom octets: inout UnsafeRawBufferPointer) {
        guard octets.count >= 2, octets[0] & 0x1f != 0x1f else { return nil }
        var count = Int(octets[1])
        var head = 2
        if count >= 0x80 {
            // Four octets of length are more than any bound here.
            let width = count & 0x7f
            guard width >= 1, width <= 4, octets.count >= 2 + width else { return nil }
            count = 0
            for index in 0..<width { count = count << 8 | Int(octets[2 + index]) }
            head += width
        }
        guard octets.count - head >= count else { return nil }
        tag = octets[0]
        content = UnsafeRawBufferPointer(rebasing: octets[head..<head + count])
        whole = UnsafeRawBufferPointer(rebasing: octets[..<(head + count)])
        octets = UnsafeRawBufferPointer(rebasing: octets[(head + count)...])
    }

    /// The elements inside; nil when something is left over or there are more than `limit`.
    func elements(limit: Int) -> [DERElement]? {
        var result: [DERElement] = []
        var rest = content
        while !rest.isEmpty {
            guard result.count < limit, let element = DERElement(takenFrom: &rest) else { return nil }
            result.append(element)
        }
        return result
    }
}
