// Base64: certificates in rows (RFC 4648, 4), in its one form: padded, no line breaks, the unused bits zero. Pure; nil for another text.

enum Base64 {
    private static let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)
    private static let values: [UInt8] = {
        var table = [UInt8](repeating: 255, count: 256)
        for (value, byte) in alphabet.enumerated() { table[Int(byte)] = UInt8(value) }
        return table
    }()

    static func encoded(_ bytes: [UInt8]) -> [UInt8] {
        var result: [UInt8] = []
        result.reserveCapacity(bytes.count / 3 * 4 + 4)
        for start in stride(from: 0, to: bytes.count, by: 3) {
            let group = bytes[start..<min(start + 3, bytes.count)]
            var word: UInt32 = 0
            for index in 0..<3 { word = word << 8 | UInt32(index < group.count ? group[start + index] : 0) }
            for index in 0..<4 {
                let value = Int(word >> UInt32(18 - 6 * index) & 63)
                result.append(index <= group.count ? alphabet[value] : UInt8(ascii: "="))
            }
        }
        return result
    }

    static func decoded(_ text: UnsafeRawBufferPointer) -> [UInt8]? {
        guard text.count > 0, text.count % 4 == 0 else { return nil }
        let padding = text.reversed().prefix(2).prefix { $0 == UInt8(ascii: "=") }.count
        let digits = text.count - padding
        var result: [UInt8] = []
        result.reserveCapacity(digits * 3 / 4)
        var word: UInt32 = 0
        for index in 0..<text.count {
            let value = index < digits ? values[Int(text[index])] : 0
            guard value < 64 else { return nil }
            word = word << 6 | UInt32(value)
            guard index % 4 == 3 else { continue }
            let count = index < digits ? 3 : 3 - padding
            for place in 0..<count { result.append(UInt8(truncatingIfNeeded: word >> UInt32(16 - 8 * place))) }
            if index >= digits, word << UInt32(8 + 8 * count) != 0 { return nil }
            word = 0
        }
        return result
    }
}
