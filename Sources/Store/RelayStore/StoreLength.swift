// StoreLength: how long the data file must be for the pages that it speaks of, read from its meta pages. LMDB maps the file and believes
// them: in a file that was cut off it reads behind the end, and the process dies by SIGBUS. So a copy is measured before it is mapped.
// The layout is that of LMDB 0.9 on a 64-bit machine (mdb.c, MDB_page and MDB_meta); what does not look like it is left to LMDB.

import Glibc

enum StoreLength {
    private static let magic: UInt32 = 0xbeef_c0de
    private enum Offset {
        static let magic = 16
        static let pageBytes = 40
        static let lastPage = 136
        static let transaction = 144
        static let end = 152
    }

    private struct Meta {
        var pageBytes: UInt64
        var lastPage: UInt64
        var transaction: UInt64
    }

    /// What is wrong with the length of a file; nil when nothing is, or when it is no file of LMDB's.
    static func problem(_ path: String) -> String? {
        guard let (needed, length) = measure(path), length < needed else { return nil }
        return "\(path) is cut off: its pages take \(needed) bytes, and it has \(length). Take another copy."
    }

    /// The bytes that the pages of the last commit take, and those that the file has; nil when that cannot be told.
    static func measure(_ path: String) -> (needed: UInt64, length: UInt64)? {
        let file = open(path, O_RDONLY | O_CLOEXEC)
        guard file >= 0 else { return nil }
        defer { close(file) }
        var facts = stat()
        guard fstat(file, &facts) == 0, let first = meta(file, at: 0) else { return nil }
        // The two metas take turns; the one with the later transaction is in force.
        let second = meta(file, at: first.pageBytes)
        let last = second.map { $0.transaction > first.transaction ? $0 : first } ?? first
        let (bytes, overflow) = last.lastPage.addingReportingOverflow(1).partialValue
            .multipliedReportingOverflow(by: first.pageBytes)
        return (overflow ? .max : bytes, UInt64(clamping: facts.st_size))
    }

    private static func meta(_ file: Int32, at offset: UInt64) -> Meta? {
        guard let place = off_t(exactly: offset) else { return nil }
        var bytes = [UInt8](repeating: 0, count: Offset.end)
        guard pread(file, &bytes, bytes.count, place) == bytes.count else { return nil }
        return bytes.withUnsafeBytes { raw in
            let pageBytes = UInt64(raw.loadUnaligned(fromByteOffset: Offset.pageBytes, as: UInt32.self))
            guard raw.loadUnaligned(fromByteOffset: Offset.magic, as: UInt32.self) == magic,
                (256...65_536).contains(pageBytes)
            else { return nil }
            return Meta(
                pageBytes: pageBytes, lastPage: raw.loadUnaligned(fromByteOffset: Offset.lastPage, as: UInt64.self),
                transaction: raw.loadUnaligned(fromByteOffset: Offset.transaction, as: UInt64.self))
        }
    }
}
