// StopNote: a file beside the data that says why the last program on this store ended by itself: LMDB said that the file is not what it
// should be, or the program ended by a fault. The next opening looks through the file for up to 45 s; when it ends so once more within
// ten minutes, the one after that is refused with that sentence: what does not heal by itself is no crash loop. It owns nothing. A disk
// that takes no note fails nothing.

import Glibc

enum StopNote {
    static let name = "stopped"
    /// A store that has run for so long has not stopped over what it met at its start.
    static let patienceMilliseconds: UInt64 = 600_000

    private static func path(_ directory: String) -> String { directory + "/" + name }

    struct Note: Equatable {
        /// How often running it has ended so.
        var count: Int
        /// So often is enough.
        var limit: Int
        /// Why, the last time.
        var why: String
    }

    /// Nil when it has not ended so.
    static func read(_ directory: String) -> Note? {
        let file = open(path(directory), O_RDONLY | O_CLOEXEC)
        guard file >= 0 else { return nil }
        defer { close(file) }
        var bytes = [UInt8](repeating: 0, count: 1_024)
        let length = Glibc.read(file, &bytes, bytes.count)
        guard length > 0 else { return nil }
        let text = String(decoding: bytes[..<length], as: UTF8.self)
        guard let space = text.firstIndex(of: " ") else { return nil }
        let numbers = text[..<space].split(separator: "/").map { Int($0) }
        guard let first = numbers.first, let count = first else { return nil }
        let limit = numbers.count > 1 ? numbers[1] ?? usualLimit : usualLimit
        return Note(count: count, limit: limit, why: String(text[text.index(after: space)...]))
    }

    static let usualLimit = 2

    /// `isCountedAlone`: only the same cause running counts; another one is progress.
    static func write(_ directory: String, _ why: String, limit: Int = usualLimit, isCountedAlone: Bool = false) {
        let before = read(directory)
        let isMore = !isCountedAlone || before?.why == why
        let count = isMore ? (before?.count ?? 0) + 1 : max(before?.count ?? 0, 1)
        let file = open(path(directory), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600)
        guard file >= 0 else { return }
        defer { close(file) }
        let bytes = Array("\(count)/\(limit) \(why)".utf8.prefix(1_000))
        _ = Glibc.write(file, bytes, bytes.count)
        _ = fsync(file)
    }

    static func remove(_ directory: String) { unlink(path(directory)) }

    /// Refuses the opening after so many; answers how long the file may be looked through.
    static func judge(_ directory: String, usual: UInt64) throws(StoreFailure) -> UInt64 {
        guard let note = read(directory) else { return usual }
        guard note.count < note.limit else {
            throw StoreFailure(
                .damaged,
                "The store in \(directory) has stopped \(note.count) times running, the last time because: \(note.why) "
                    + "edocctl --store asks it; edocctl salvage brings what can be read into a new store; to try once more, remove "
                    + "\(path(directory)).")
        }
        return 45_000
    }
}
