// Checksum: CRC-32C over bytes in place. Pure.

import CChecksum

enum Checksum {
    /// The checksum of bytes, or of those before, which had the checksum `previous`, and these.
    @inline(__always)
    static func crc32c(_ bytes: UnsafeRawBufferPointer, after previous: UInt32 = 0) -> UInt32 {
        cchecksum_crc32c(previous, bytes.baseAddress, bytes.count)
    }
}
