// SeenText: a text of people as the directory writes it: letters composed, no characters that are not seen, one space between words and
// none at the ends. Pure; without the tables of normalisation of a library, since a letter with its marks is one Character to the language.

enum SeenText {
    /// Letters of Latin with marks, by what they are apart or composed: the two are equal as Characters.
    private static let composed: [Character: Unicode.Scalar] = {
        var table: [Character: Unicode.Scalar] = [:]
        for range in [0xc0...0x24f, 0x1e00...0x1eff] as [ClosedRange<UInt32>] {
            for value in range {
                if let scalar = Unicode.Scalar(value) { table[Character(scalar)] = scalar }
            }
        }
        return table
    }()

    static func mended(_ text: String) -> String {
        if isPlain(text) { return text }
        var result = String.UnicodeScalarView()
        var isSpaceDue = false
        for character in text {
            let scalars = scalars(of: character)
            guard !scalars.isEmpty else { continue }
            if scalars == [" "] {
                isSpaceDue = !result.isEmpty
                continue
            }
            if isSpaceDue { result.append(" ") }
            isSpaceDue = false
            result.append(contentsOf: scalars)
        }
        return String(result)
    }

    /// Nothing is to be mended: characters that are seen, with single spaces inside.
    private static func isPlain(_ text: String) -> Bool {
        var before: UInt32 = 0x20
        for scalar in text.unicodeScalars {
            let value = scalar.value
            if value < 0x80 {
                guard (0x20...0x7e).contains(value), value != 0x20 || before != 0x20 else { return false }
            } else {
                guard TextCharacter(value) == .plain else { return false }
            }
            before = value
        }
        return before != 0x20 || text.isEmpty
    }

    /// What is written for a character: nothing, a space, or scalars that a text may have.
    private static func scalars(of character: Character) -> [Unicode.Scalar] {
        if character.isWhitespace { return [" "] }
        if let scalar = composed[character] { return [scalar] }
        return character.unicodeScalars.filter { scalar in
            guard scalar.value >= 0x80 else { return scalar.value >= 0x20 && scalar.value != 0x7f }
            return TextCharacter(scalar.value) == .plain
        }
    }
}
