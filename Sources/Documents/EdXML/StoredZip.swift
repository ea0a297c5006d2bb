// StoredZip: the frame of a ZIP archive with one entry, stored as it is. Length and CRC stand before the data, since
// the receivers' library cannot read a stored entry whose length follows. Pure functions over byte arrays.

/// One entry; `crc` and `length` must be known before the first byte is written.
struct StoredZip {
    var entryName: String
    var crc: UInt32
    var length: UInt32

    /// The local file header, which precedes the data.
    var head: [UInt8] {
        var bytes: [UInt8] = []
        Self.append(UInt32(0x0403_4b50), to: &bytes)
        appendCommon(to: &bytes)
        bytes.append(contentsOf: entryName.utf8)
        return bytes
    }

    /// The central directory and its end record, which follow the data.
    var tail: [UInt8] {
        var bytes: [UInt8] = []
        Self.append(UInt32(0x0201_4b50), to: &bytes)
        Self.append(UInt16(20), to: &bytes)
        appendCommon(to: &bytes)
        // Comment length, disk, internal attributes; external attributes; offset of the local header: all zero.
        bytes.append(contentsOf: [UInt8](repeating: 0, count: 14))
        bytes.append(contentsOf: entryName.utf8)
        let directoryBytes = UInt32(bytes.count)
        Self.append(UInt32(0x0605_4b50), to: &bytes)
        Self.append(UInt32(0), to: &bytes)
        Self.append(UInt16(1), to: &bytes)
        Self.append(UInt16(1), to: &bytes)
        Self.append(directoryBytes, to: &bytes)
        Self.append(UInt32(30 + entryName.utf8.count) &+ length, to: &bytes)
        Self.append(UInt16(0), to: &bytes)
        return bytes
    }

    /// Version needed, flags, method 0, a fixed time (1980-01-01), CRC, both lengths, name length, no extra field.
    private func appendCommon(to bytes: inout [UInt8]) {
        Self.append(UInt16(20), to: &bytes)
        Self.append(UInt16(0), to: &bytes)
        Self.append(UInt16(0), to: &bytes)
        Self.append(UInt16(0), to: &bytes)
        Self.append(UInt16(0x0021), to: &bytes)
        Self.append(crc, to: &bytes)
        Self.append(length, to: &bytes)
        Self.append(length, to: &bytes)
        Self.append(UInt16(entryName.utf8.count), to: &bytes)
        Self.append(UInt16(0), to: &bytes)
    }

    private static func append(_ number: UInt32, to bytes: inout [UInt8]) {
        for shift: UInt32 in [0, 8, 16, 24] { bytes.append(UInt8(truncatingIfNeeded: number >> shift)) }
    }

    private static func append(_ number: UInt16, to bytes: inout [UInt8]) {
        bytes.append(UInt8(truncatingIfNeeded: number))
        bytes.append(UInt8(truncatingIfNeeded: number >> 8))
    }
}

/// CRC-32 as ZIP uses it (reflected 0x04C11DB7).
struct CRC32 {
    private var state: UInt32 = 0xffff_ffff

    var value: UInt32 { ~state }

    mutating func feed(_ bytes: UnsafeRawBufferPointer) {
        var state = state
        for byte in bytes { state = Self.table[Int((state ^ UInt32(byte)) & 0xff)] ^ state >> 8 }
        self.state = state
    }

    private static let table: [UInt32] = (0..<256).map { index in
        var entry = UInt32(index)
        for _ in 0..<8 { entry = entry & 1 == 1 ? 0xedb8_8320 ^ entry >> 1 : entry >> 1 }
        return entry
    }
}
