// Offline: what the tool says and does when it reads the store of a stopped daemon (`--store`). Pure.

import ControlAPI
import Language
import Synchronization

enum Offline {
    private static let isSaid = Atomic(false)

    /// True once: a command of several requests says it before the first.
    static func isFirst() -> Bool { !isSaid.exchange(true, ordering: .relaxed) }

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
