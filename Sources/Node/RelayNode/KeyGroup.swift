// KeyGroup: whether those who may use the control socket could read the node's key, and so take its place on the network. Looks at the
// modes of two files; what cannot be looked at is said elsewhere.

import Glibc
import RelayConfiguration

enum KeyGroup {
    /// The sentence about it; nil when the group of the key is another than that of the sockets.
    static func warning(_ settings: NodeConfiguration) -> String? {
        guard settings.tls.keyCredential == nil, let key = look(settings.tls.key), key.mode & S_IRGRP != 0,
            key.group != 0
        else { return nil }
        let socket = settings.control.socket
        let folder = socket.lastIndex(of: "/").map { String(socket[..<$0]) } ?? "."
        let sockets = look(socket)?.group ?? look(folder)?.group ?? getegid()
        guard sockets == key.group else { return nil }
        let name = getgrgid(key.group).map { String(cString: $0.pointee.gr_name) } ?? "\(key.group)"
        let path = settings.tls.key
        return
            "the members of group \(name), who may use the control socket, can read the key \(path); give it a group of its own: chgrp edoc-tls \(path)"
    }

    private static func look(_ path: String) -> (mode: mode_t, group: gid_t)? {
        var status = stat()
        return stat(path, &status) == 0 ? (status.st_mode, status.st_gid) : nil
    }
}
