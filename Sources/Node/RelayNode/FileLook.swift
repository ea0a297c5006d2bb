// FileLook: files and folders as the user of this process may use them, and addresses as it may bind them. Changes nothing. What is wrong
// is the result.

import ControlAPI
import Glibc
import RelayConfiguration

enum FileLook {
    /// A file that is to be read.
    static func file(_ what: String, _ path: String) -> ExaminationAnswer.File {
        var (file, code) = look(what, path)
        if code == 0, access(path, R_OK) != 0 { code = errno }
        note(code, &file)
        return file
    }

    /// A folder in which files are made, and which its user makes where it is missing.
    static func folder(_ what: String, _ path: String) -> ExaminationAnswer.File {
        var (file, code) = look(what, path)
        if code == 0 {
            file.writable = access(path, W_OK | X_OK) == 0
            if access(path, R_OK | X_OK) != 0 { code = errno }
        } else if code == ENOENT {
            file.writable = access(parent(path), W_OK | X_OK) == 0
        }
        note(code, &file)
        return file
    }

    /// What another user has left in a folder, at most some of it.
    static func unwritable(_ what: String, in path: String) -> [ExaminationAnswer.File] {
        guard let folder = opendir(path) else { return [] }
        defer { closedir(folder) }
        var names: [String] = []
        while let entry = readdir(folder), names.count < 64 {
            names.append(
                withUnsafeBytes(of: entry.pointee.d_name) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) })
        }
        var files: [ExaminationAnswer.File] = []
        for name in names.sorted() where !name.hasPrefix(".") {
            var (file, code) = look(what, path + "/" + name)
            guard code == 0, access(file.path, R_OK | W_OK) != 0 else { continue }
            code = errno
            file.writable = false
            note(code, &file)
            files.append(file)
        }
        return files
    }

    static func parent(_ path: String) -> String {
        guard let slash = path.lastIndex(of: "/") else { return "." }
        return slash == path.startIndex ? "/" : String(path[..<slash])
    }

    private static func look(_ what: String, _ path: String) -> (ExaminationAnswer.File, Int32) {
        var status = stat()
        let code = stat(path, &status) == 0 ? 0 : errno
        let exists = code == 0
        return (
            .init(
                what: what, path: path, exists: exists, mode: exists ? status.st_mode & 0o7777 : 0, uid: status.st_uid,
                gid: status.st_gid), code
        )
    }

    private static func note(_ code: Int32, _ file: inout ExaminationAnswer.File) {
        switch code {
        case 0: break
        case ENOENT, ENOTDIR: file.problem = "absent"
        case EACCES, EPERM:
            file.problem = "denied"
            file.blockedAt = blocked(file.path)
        default: file.problem = String(cString: strerror(code))
        }
    }

    /// The first folder on the way that may not be entered.
    private static func blocked(_ path: String) -> String? {
        var end = path.startIndex
        while let slash = path[end...].firstIndex(of: "/") {
            let folder = slash == path.startIndex ? "/" : String(path[..<slash])
            if access(folder, X_OK) != 0, errno == EACCES { return folder }
            end = path.index(after: slash)
        }
        return nil
    }
}

/// Whether an address can be had: it is bound and let go. Nobody can connect meanwhile, and a daemon that starts is not kept from it.
enum BindTrial {
    static func port(_ key: String, _ address: HostPort) -> ExaminationAnswer.Port {
        .init(key: key, address: address.description, problem: problem(address))
    }

    private static func problem(_ place: HostPort) -> String? {
        var hints = addrinfo()
        hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
        hints.ai_flags = AI_PASSIVE | AI_NUMERICSERV
        var list: UnsafeMutablePointer<addrinfo>?
        let code = getaddrinfo(place.host, String(place.port), &hints, &list)
        guard code == 0, let entry = list else { return String(cString: gai_strerror(code)) }
        defer { freeaddrinfo(list) }
        let descriptor = socket(entry.pointee.ai_family, entry.pointee.ai_socktype | Int32(SOCK_CLOEXEC.rawValue), 0)
        guard descriptor >= 0 else { return String(cString: strerror(errno)) }
        defer { close(descriptor) }
        // As the daemon does: connections that have ended do not keep it from the port.
        var yes: Int32 = 1
        setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &yes, socklen_t(MemoryLayout<Int32>.size))
        guard bind(descriptor, entry.pointee.ai_addr, entry.pointee.ai_addrlen) != 0 else { return nil }
        return String(cString: strerror(errno))
    }
}
