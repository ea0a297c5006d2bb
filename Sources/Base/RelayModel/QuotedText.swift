// QuotedText: what came from outside, as it may stand in a sentence for a person: printable, quoted and short. Pure.

/// The text between quotation marks, cut behind so many characters; what is not printed is written by its number.
package func quoted(_ text: String, scalarsMax: Int) -> String {
    var result = "\""
    for (count, scalar) in text.unicodeScalars.enumerated() {
        guard count < scalarsMax else {
            result += "…"
            break
        }
        switch scalar.properties.generalCategory {
        case .control, .format, .surrogate, .privateUse, .unassigned, .lineSeparator, .paragraphSeparator:
            result += "\\u{" + String(scalar.value, radix: 16) + "}"
        default:
            if scalar == "\"" || scalar == "\\" { result += "\\" }
            result.unicodeScalars.append(scalar)
        }
    }
    return result + "\""
}
