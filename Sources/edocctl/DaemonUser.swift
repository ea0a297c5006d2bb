// DaemonUser: as whom the daemon runs, or would. Asks the system; nil where nothing says so.

import ControlAPI
import Glibc

enum DaemonUser {
    static let standardConfiguration = "/etc/edoc/edocd.yaml"
    /// Of the package's sysusers file.
    private static let standardName = "edoc"

    /// `isRunning`: it answers, so the socket is its own or was made for it.
    static func found(_ configuration: String, _ answer: ExaminationAnswer, socket: String, isRunning: Bool) -> UInt32?
    {
        if isRunning, let owner = owner(of: socket) { return owner }
        let isStandard = configuration == standardConfiguration
        if isStandard, let user = unitUser { return user }
        if let store = answer.files.first(where: { $0.what == "store" && $0.exists }) { return store.uid }
        return owner(of: socket) ?? (isStandard ? number(standardName) : nil)
    }

    /// Of a user by name or number.
    static func number(_ user: String) -> UInt32? { UInt32(user) ?? getpwnam(user)?.pointee.pw_uid }

    private static func owner(of path: String) -> UInt32? {
        var status = stat()
        return stat(path, &status) == 0 ? status.st_uid : nil
    }

    /// User= of the unit; nil where systemd does not run or does not know it.
    private static var unitUser: UInt32? {
        guard access("/run/systemd/system", F_OK) == 0,
            let output = try? ChildOutput(
                "/usr/bin/systemctl", ["show", "--property=LoadState,User", "edocd.service"])
        else { return nil }
        let lines = String(decoding: output.bytes, as: UTF8.self).split(separator: "\n")
        guard lines.contains("LoadState=loaded"), let line = lines.first(where: { $0.hasPrefix("User=") }) else {
            return nil
        }
        let name = line.dropFirst("User=".count)
        return name.isEmpty ? 0 : number(String(name))
    }
}
