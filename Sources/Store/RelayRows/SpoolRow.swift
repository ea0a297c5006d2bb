// SpoolRow: where the file of a recipient's copy is while it is *handing over*. One row of the table `spool`; it is there exactly as
// long as the recipient is in that state.

import RelayModel

/// Written into `tmp` of a spool, and on its way into `new`. It names the place where it was written: the configuration may name
/// another one by now, where it would be missing without having been delivered.
public struct SpoolRow: Sendable, Hashable {
    public var directory: String
    /// The file's name, in `tmp` and in `new`.
    public var file: String
    /// What tells the folder `tmp` from another one at the same path: its inode number.
    public var folder: UInt64

    public init(directory: String, file: String, folder: UInt64) {
        self.directory = directory
        self.file = file
        self.folder = folder
    }

    public func encoded() -> [UInt8] {
        var out = RowWriter(capacity: 32 + directory.utf8.count + file.utf8.count)
        out.text(directory)
        out.text(file)
        out.number(folder)
        return out.record()
    }

    public init?(record: UnsafeRawBufferPointer) {
        guard var row = RowCursor(record) else { return nil }
        self.init(directory: row.text(), file: row.text(), folder: row.number())
        guard row.isSound else { return nil }
    }
}

extension Keys {
    public static func spool(_ agency: String, number: UInt64) -> RowKey { inbox(agency, number: number) }
}
