// DaemonUser: as whom the daemon runs, or would. Asks the system; nil where nothing says so.

import ControlAPI
import Glibc

enum DaemonUser {
    static let standardConfiguration = "/etc/edoc/edocd.yaml"
    /// Of the package's sysusers file.
    private static let standardName = "edoc"

    /// `isRunning`: it answers, so the socket is its own or was made for it. `units`: if they are those of this configuration.
    static func found(
        _ answer: ExaminationAnswer, _ units: ServiceUnits?, socket: String, isRunning: Bool
    ) -> UInt32? {
        if isRunning, let owner = owner(of: socket) { return owner }
        if let user = units?.user { return user.isEmpty ? 0 : number(user) }
        if let store = answer.files.first(where: { $0.what == "store" && $0.exists }) { return store.uid }
        return owner(of: socket) ?? (answer.configuration == standardConfiguration ? number(standardName) : nil)
    }

    /// Of a user by name or number.
    static func number(_ user: String) -> UInt32? { UInt32(user) ?? getpwnam(user)?.pointee.pw_uid }

    private static func owner(of path: String) -> UInt32? {
        var status = stat()
        return stat(path, &status) == 0 ? status.st_uid : nil
    }
}
