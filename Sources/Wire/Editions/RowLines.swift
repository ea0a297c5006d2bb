// RowLines: rows as people hand them in: one a line, written as in an edition, in any order, with or without the comma behind it. The
// lines around the rows of an edition are passed over, so that a copy of the last edition can be edited and handed in as it is.

import RelayModel

public enum RowLines {
    /// The rows of the lines, in their order. Fails at the first line that is none, by number.
    public static func rows(
        reading bytes: [UInt8], bounds: EditionBounds = .national
    ) throws(EditionError) -> [EditionRow] {
        guard bytes.count <= bounds.bytesMax else {
            throw EditionError(code: .tooLarge, line: 1, sentence: "the file is larger than \(bounds.bytesMax) octets")
        }
        var result: [EditionRow] = []
        var number = 0
        for line in bytes.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false) {
            number += 1
            let text = line.trimmed
            if text.isEmpty || isAround(text) { continue }
            guard text.count <= EditionBounds.lineBytesMax else {
                throw EditionError(
                    code: .lineTooLong, line: number,
                    sentence: "the line is longer than \(EditionBounds.lineBytesMax) octets")
            }
            guard result.count < bounds.rowsMax else {
                throw EditionError(
                    code: .tooManyRows, line: number, sentence: "more than \(bounds.rowsMax) rows")
            }
            do throws(EditionFault) {
                result.append(try row(Array(text)))
            } catch {
                throw error.at(line: number)
            }
        }
        return result
    }

    private static func row(_ text: [UInt8]) throws(EditionFault) -> EditionRow {
        try text.withUnsafeBufferPointer { octets throws(EditionFault) in
            var reader = LineReader(UnsafeRawBufferPointer(octets))
            let change = try reader.change()
            reader.field = ""
            _ = reader.skip(",")
            guard reader.isAtEnd else { throw reader.unexpected() }
            guard case .set(let row) = change else {
                throw EditionFault(.notOfTheWhole, "remove", "a whole removes nothing")
            }
            return row
        }
    }

    /// A line of an edition that is no row.
    private static func isAround(_ line: ArraySlice<UInt8>) -> Bool {
        ["{\"edition\":", "\"whole\":["].contains { line.starts(with: $0.utf8) } || line.elementsEqual("]}".utf8)
    }
}

extension ArraySlice<UInt8> {
    /// Without the spaces and the carriage return that editors leave at the ends.
    fileprivate var trimmed: ArraySlice<UInt8> {
        func isBlank(_ byte: UInt8) -> Bool { byte == UInt8(ascii: " ") || byte == 9 || byte == 13 }
        var rest = drop(while: isBlank)
        while let last = rest.last, isBlank(last) { rest.removeLast() }
        return rest
    }
}
