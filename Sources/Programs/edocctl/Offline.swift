// Offline: what the tool says and does when it reads the store of a stopped daemon (`--store`). Pure.

import ControlAPI
import Language
import Synchronization

enum Offline {
    private static let first = Mutex((header: "", isGiven: false))

    /// Stands before the first that is said, once: a command of several requests has one, and one that fails none.
    static func sayFirst(_ header: String) {
        first.withLock { first in
            if !first.isGiven { first = (header, true) }
        }
    }

    static func takeHeader() -> String {
        first.withLock { first in
            defer { first.header = "" }
            return first.header
        }
    }

    /// `--store DIR` may stand before the command as well; the parser wants it behind.
    static func ordered(_ arguments: [String]) -> [String] {
        if arguments.first == "--store", arguments.count > 2 {
            return Array(arguments.dropFirst(2)) + arguments.prefix(2)
        }
        if let first = arguments.first, first.hasPrefix("--store="), arguments.count > 1 {
            return Array(arguments.dropFirst()) + [first]
        }
        return arguments
    }

    static func header(_ left: Timestamp) -> String {
        phrase(
            "offline: the store as the daemon left it at \(Shown.time(left))",
            "ngoại tuyến: kho như dịch vụ edocd để lại lúc \(Shown.time(left))") + "\n\n"
    }
}
