// EscapedText: bytes of a certificate as text that is safe in a terminal, a log and a table. Pure functions; cannot
// fail.

/// Printable ASCII as it is, all else (backslash too) as `\xNN`: two different byte strings never give the same text.
func escaped(_ bytes: UnsafeRawBufferPointer) -> String {
    var text = ""
    text.reserveCapacity(bytes.count)
    for byte in bytes {
        if byte >= 0x20, byte < 0x7f, byte != UInt8(ascii: "\\") {
            text.unicodeScalars.append(Unicode.Scalar(byte))
        } else {
            text += "\\x" + hexText([byte])
        }
    }
    return text
}

/// Text for people in any script: letters stay, control, format (bidirectional overrides) and unassigned characters and
/// the backslash become `\u{...}`, and what is beyond `limit` characters is cut.
package func escapedForDisplay(_ text: String, limit: Int = 256) -> String {
    var result = ""
    for scalar in text.unicodeScalars.prefix(limit) {
        switch scalar.properties.generalCategory {
        case .control, .format, .surrogate, .privateUse, .unassigned, .lineSeparator, .paragraphSeparator:
            result += "\\u{" + String(scalar.value, radix: 16) + "}"
        default:
            if scalar == "\\" { result += "\\u{5c}" } else { result.unicodeScalars.append(scalar) }
        }
    }
    return result
}

/// Lower-case hexadecimal.
func hexText(_ bytes: some Sequence<UInt8>) -> String {
    let digits = Array("0123456789abcdef".utf8)
    var result: [UInt8] = []
    for byte in bytes {
        result.append(digits[Int(byte >> 4)])
        result.append(digits[Int(byte & 15)])
    }
    return String(decoding: result, as: UTF8.self)
}
