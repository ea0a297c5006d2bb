// StopNote: a file beside the data that says why the store stopped for good the last time: LMDB said that the file is not what it should
// be. The next opening looks through the file for up to 45 s; when the store stops by itself once more within ten
// minutes, the one after that is refused with that sentence: what does not heal by itself is no crash loop. It owns nothing. A disk
// that takes no note fails nothing.

import Glibc

enum StopNote {
    static let name = "stopped"
    /// A store that has run for so long has not stopped over what it met at its start.
    static let patienceMilliseconds: UInt64 = 600_000

    private static func path(_ directory: String) -> String { directory + "/" + name }

    /// How often running it has stopped so, and why the last time; nil when it has not.
    static func read(_ directory: String) -> (count: Int, why: String)? {
        let file = open(path(directory), O_RDONLY | O_CLOEXEC)
        guard file >= 0 else { return nil }
        defer { close(file) }
        var bytes = [UInt8](repeating: 0, count: 1_024)
        let length = Glibc.read(file, &bytes, bytes.count)
        guard length > 0 else { return nil }
        let text = String(decoding: bytes[..<length], as: UTF8.self)
        guard let space = text.firstIndex(of: " "), let count = Int(text[..<space]) else { return nil }
        return (count, String(text[text.index(after: space)...]))
    }

    static func write(_ directory: String, _ why: String) {
        let count = (read(directory)?.count ?? 0) + 1
        let file = open(path(directory), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600)
        guard file >= 0 else { return }
        defer { close(file) }
        let bytes = Array("\(count) \(why)".utf8.prefix(1_000))
        _ = Glibc.write(file, bytes, bytes.count)
        _ = fsync(file)
    }

    static func remove(_ directory: String) { unlink(path(directory)) }

    /// Refuses the third opening; answers how long the file may be looked through.
    static func judge(_ directory: String, usual: UInt64) throws(StoreFailure) -> UInt64 {
        guard let note = read(directory) else { return usual }
        guard note.count < 2 else {
            throw StoreFailure(
                .damaged,
                "The store in \(directory) has stopped \(note.count) times running, the last time because: \(note.why) "
                    + "edocctl --store asks it; edocctl salvage brings what can be read into a new store; to try once more, remove "
                    + "\(path(directory)).")
        }
        return 45_000
    }
}
