// LastBackup: when the store was copied last and the copy was good: a number in the meta table, written in the transaction of the operator
// log's entry. In a store that was brought back it says when the copy before that one was made.

import RelayModel
import RelayRows

public enum LastBackup {
    private static let key = "lastBackup"

    /// Nil: no copy was made since version 0.4.
    public static func read(_ rows: any RowReader) -> WallTime? {
        let milliseconds = rows.number(.meta, key)
        return milliseconds > 0 ? WallTime(milliseconds: milliseconds) : nil
    }

    static func set(_ time: WallTime, _ rows: any RowTransaction) { rows.setNumber(.meta, key, time.milliseconds) }
}

extension Deed {
    public static let backup = "backup"
    /// The outcome of a copy that is whole, checked, and has its name.
    public static let backupDone = "done"

    var isGoodBackup: Bool { verb == Self.backup && outcome == Self.backupDone }
}
