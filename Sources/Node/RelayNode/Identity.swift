// Identity: the user as whom a program of root goes on, for good: what it may read and write is then what that user may. Called once,
// before anything else is done. Fails by a sentence.

import Glibc

public enum Identity {
    /// `user`: a name, or a number that need have no name. Nil when it is done, else why not.
    public static func become(_ user: String) -> String? {
        guard let (uid, gid, name) = lookUp(user) else { return "there is no such user" }
        if geteuid() == uid { return nil }
        let hasGroups = name.map { initgroups($0, gid) == 0 } ?? (setgroups(0, nil) == 0)
        guard hasGroups, setgid(gid) == 0, setuid(uid) == 0 else { return String(cString: strerror(errno)) }
        return nil
    }

    /// The name of a user; nil when it has none.
    public static func name(of uid: UInt32) -> String? { getpwuid(uid).map { String(cString: $0.pointee.pw_name) } }

    private static func lookUp(_ user: String) -> (uid_t, gid_t, String?)? {
        if let number = UInt32(user) {
            guard let entry = getpwuid(number) else { return (number, number, nil) }
            return (number, entry.pointee.pw_gid, String(cString: entry.pointee.pw_name))
        }
        return getpwnam(user).map { ($0.pointee.pw_uid, $0.pointee.pw_gid, user) }
    }
}
