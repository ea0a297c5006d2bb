// StoreBooks: whether the books of a store that nobody writes balance: what was accepted is what has ended and what is there. Used on a
// copy before it is called one, and before one is brought back. Pure over one snapshot.

import ControlAPI
import RelayRows
import RelayStore

public enum StoreBooks {
    /// What is wrong; nil when nothing is.
    public static func problem(_ store: StillStore) -> String? {
        do throws(StoreFailure) {
            return try store.read(problem)
        } catch {
            return error.sentence
        }
    }

    static func problem(_ rows: any RowReader) -> String? {
        for (name, admin) in [("documents", false), ("reports", true)] {
            let book = Books.book(rows, admin: admin)
            guard book.balances else {
                return
                    "the books of \(name) do not balance: accepted \(book.accepted), accounted for \(book.accountedFor)"
            }
        }
        return nil
    }
}
