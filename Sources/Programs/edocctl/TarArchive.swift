// TarArchive: files in one POSIX archive (ustar, IEEE Std 1003.1, pax), as bytes for a file. Owns the file that it writes; plain files with
// short names only. Fails by `FileError`.

import Trap

struct TarArchive {
    private static let blockBytes = 512
    /// The field of the header.
    private static let nameBytesMax = 100

    private let file: OutputFile
    private let time: UInt64

    /// `time`: Unix seconds, for all members.
    init(_ file: OutputFile, time: UInt64) {
        self.file = file
        self.time = time
    }

    func add(_ name: String, _ content: [UInt8]) throws {
        let rest = content.count % Self.blockBytes
        let padding = [UInt8](repeating: 0, count: rest == 0 ? 0 : Self.blockBytes - rest)
        try write(header(name, content.count) + content + padding)
    }

    func finish() throws {
        try write([UInt8](repeating: 0, count: 2 * Self.blockBytes))
        try file.finish()
    }

    private func write(_ bytes: [UInt8]) throws { try bytes.withUnsafeBytes { try file.write($0) } }

    private func header(_ name: String, _ size: Int) -> [UInt8] {
        demand(name.utf8.count < Self.nameBytesMax, "a member's name is too long")
        var block = [UInt8](repeating: 0, count: Self.blockBytes)
        func put(_ text: String, at offset: Int) {
            for (index, byte) in text.utf8.enumerated() { block[offset + index] = byte }
        }
        func octal(_ number: UInt64, digits: Int) -> String {
            let text = String(number, radix: 8)
            return String(repeating: "0", count: max(0, digits - text.count)) + text
        }
        put(name, at: 0)
        put(octal(0o640, digits: 7), at: 100)
        put(octal(0, digits: 7), at: 108)
        put(octal(0, digits: 7), at: 116)
        put(octal(UInt64(size), digits: 11), at: 124)
        put(octal(time, digits: 11), at: 136)
        put("        ", at: 148)
        put("0", at: 156)
        put("ustar", at: 257)
        put("00", at: 263)
        // The sum is taken with spaces in its own field.
        let sum = block.reduce(0) { $0 + UInt64($1) }
        put(octal(sum, digits: 6), at: 148)
        block[154] = 0
        block[155] = UInt8(ascii: " ")
        return block
    }
}
