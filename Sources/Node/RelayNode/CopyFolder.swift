// CopyFolder: the folder that copies of the store go to, as the daemon sees it: whether it may write there, and if not, who needs what; which
// of this node's earlier copies are too many. Its calls may hang with the folder's disk: only the backup's own thread makes them.

import ControlAPI
import Glibc
import RelayModel

/// How this node names its copies: `edocd-truc-20260309T170500Z.mdb`.
struct CopyNames {
    let prefix: String
    private static let suffix = ".mdb"
    private static let momentForm = "00000000T000000Z"

    init(node: NodeID) { prefix = "edocd-\(node.name)-" }

    func path(in folder: String, at time: WallTime) -> String {
        folder + (folder.hasSuffix("/") ? "" : "/") + prefix + Self.moment(time) + Self.suffix
    }

    static func moment(_ time: WallTime) -> String {
        time.timestamp.text.prefix(19).filter { $0 != "-" && $0 != ":" } + "Z"
    }

    /// The moment in a name; nil when this node does not name its copies so. Moments are ordered as texts are.
    func moment(of name: String) -> String? {
        guard name.hasPrefix(prefix), name.hasSuffix(Self.suffix) else { return nil }
        let moment = String(name.dropFirst(prefix.count).dropLast(Self.suffix.count))
        let isMoment =
            moment.utf8.count == Self.momentForm.utf8.count
            && zip(moment.utf8, Self.momentForm.utf8).allSatisfy { found, form in
                form == UInt8(ascii: "0") ? (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(found) : found == form
            }
        return isMoment ? moment : nil
    }
}

struct CopyFolder {
    let path: String

    init(_ path: String) { self.path = path }

    /// Why no copy can be made here, and what would mend it; nil when one can. `seenAs`: the folder that the caller means.
    func trouble(seenAs meant: BackupOrder.FolderIdentity?, standard: String?) -> String? {
        guard let trouble = trouble(meant) else { return nil }
        guard let standard, standard != path, access(standard, W_OK | X_OK) == 0 else { return trouble }
        return "\(trouble); edocctl backup without a path writes to \(standard)"
    }

    private func trouble(_ meant: BackupOrder.FolderIdentity?) -> String? {
        let user = Identity.name(of: geteuid()) ?? String(geteuid())
        var facts = stat()
        let code = stat(path, &facts) == 0 ? 0 : errno
        if let meant {
            // A folder that only its caller sees, or another one of the same name.
            let isOther = code == 0 && (meant.device != UInt64(facts.st_dev) || meant.inode != UInt64(facts.st_ino))
            if isOther || code == ENOENT {
                return
                    "no copy can be made in \(path): the daemon's unit hides that folder from it (PrivateTmp=, ProtectHome=)"
            }
        }
        if code == ENOENT {
            return
                "no copy can be made in \(path): there is no such folder; root makes it: install -d -o \(user) -m 0700 \(path)"
        }
        if code == ENOTDIR || code == 0 && facts.st_mode & S_IFMT != S_IFDIR {
            return "no copy can be made in \(path): it is not a folder"
        }
        guard access(path, W_OK | X_OK) != 0 else { return nil }
        let why = errno
        var disk = statvfs()
        let isReadOnly = why == EROFS || statvfs(path, &disk) == 0 && disk.f_flag & UInt(ST_RDONLY) != 0
        let isDenied = why == EACCES || why == EPERM
        if isDenied, isReadOnly {
            return
                "no copy can be made in \(path): user \(user), as whom the daemon runs, may not write there (chown \(user) \(path)), and its unit keeps it from there (systemctl edit edocd: [Service] ReadWritePaths=\(path); systemctl restart edocd)"
        }
        if isDenied {
            return
                "no copy can be made in \(path): user \(user), as whom the daemon runs, may not write there: chown \(user) \(path), and let it enter what is above"
        }
        if isReadOnly {
            return
                "no copy can be made in \(path): the daemon's unit keeps it from there, or the disk is read-only (systemctl edit edocd: [Service] ReadWritePaths=\(path); systemctl restart edocd)"
        }
        return "no file can be made in \(path): \(String(cString: strerror(why)))"
    }

    /// Removes this node's earlier copies that neither bound keeps; nil when there is no bound. `besides`: the copy just made, which
    /// stays whatever the clock says. Nothing else is touched: other names, links, folders, files of somebody else.
    func prune(
        _ names: CopyNames, besides newest: String, keep: UInt64?, days: UInt64?, now: WallTime
    ) -> (removed: [String], trouble: String?)? {
        guard keep != nil || days != nil else { return nil }
        var removed: [String] = []
        guard let folder = opendir(path) else { return (removed, failure(errno)) }
        defer { closedir(folder) }
        let descriptor = dirfd(folder)
        var copies: [(moment: String, name: String)] = []
        while let entry = readdir(folder) {
            let name = withUnsafeBytes(of: entry.pointee.d_name) {
                String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self)
            }
            guard let moment = names.moment(of: name), path + "/" + name != newest else { continue }
            var facts = stat()
            guard fstatat(descriptor, name, &facts, AT_SYMLINK_NOFOLLOW) == 0, facts.st_mode & S_IFMT == S_IFREG,
                facts.st_uid == geteuid()
            else { continue }
            copies.append((moment, name))
        }
        copies.sort { $0.moment > $1.moment }
        // The new one is the first of those that are kept.
        let others = keep.map { Int(clamping: max($0, 1) - 1) } ?? 0
        let oldest = days.map { CopyNames.moment(now.before(.days($0))) }
        for (index, copy) in copies.enumerated() {
            let isKept = keep != nil && index < others || oldest.map { copy.moment >= $0 } ?? false
            if isKept { continue }
            if unlinkat(descriptor, copy.name, 0) != 0 { return (removed, failure(errno)) }
            removed.append(path + "/" + copy.name)
        }
        if !removed.isEmpty, fsync(descriptor) != 0 { return (removed, failure(errno)) }
        return (removed, nil)
    }

    private func failure(_ code: Int32) -> String { "\(path): \(String(cString: strerror(code)))" }
}
