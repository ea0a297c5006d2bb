// ServiceUnits: what systemd says of the daemon's units: as whom it runs, how it ended, and where its sockets listen. Asks systemctl; nil
// where systemd does not run.

import ControlAPI
import Glibc

struct ServiceUnits: Equatable {
    struct Socket: Equatable {
        var unit: String
        /// As `listen` or a path of the configuration says it.
        var place: String
    }

    /// User=, empty for root; nil when systemd does not know the service.
    var user: String?
    var activeState = ""
    /// Of the last run.
    var exitStatus = ""
    /// Of units that would be started with the service.
    var sockets: [Socket] = []

    static func asked() -> ServiceUnits? {
        guard access("/run/systemd/system", F_OK) == 0,
            let output = try? ChildOutput(
                "/usr/bin/systemctl",
                [
                    "show", "--property=Id,LoadState,UnitFileState,ActiveState,User,ExecMainStatus,Listen",
                    "edocd.service", "edocd.socket", "edocd-control.socket",
                ])
        else { return nil }
        return ServiceUnits(shown: String(decoding: output.bytes, as: UTF8.self))
    }

    /// `KEY=VALUE` a line, an empty line between units.
    init(shown text: String) {
        var unit: [(key: Substring, value: Substring)] = []
        for line in (text + "\n\n").split(separator: "\n", omittingEmptySubsequences: false) {
            if let equals = line.firstIndex(of: "=") {
                unit.append((line[..<equals], line[line.index(after: equals)...]))
            } else if !unit.isEmpty {
                take(unit)
                unit = []
            }
        }
    }

    private mutating func take(_ unit: [(key: Substring, value: Substring)]) {
        func value(_ key: String) -> String { unit.first { $0.key == key }.map { String($0.value) } ?? "" }
        guard value("LoadState") == "loaded" else { return }
        let name = value("Id")
        if name == "edocd.service" {
            user = value("User")
            activeState = value("ActiveState")
            exitStatus = value("ExecMainStatus")
        } else if value("UnitFileState") == "enabled" || value("ActiveState") == "active" {
            for line in unit where line.key == "Listen" && line.value.hasSuffix(" (Stream)") {
                sockets.append(Socket(unit: name, place: String(line.value.dropLast(" (Stream)".count))))
            }
        }
    }

    /// Sockets at places that the configuration does not know: with them the daemon does not start. Where the configuration names hosts,
    /// nothing can be said without asking for their addresses.
    func misfits(_ node: ExaminationAnswer.Node) -> [Socket] {
        let files = [node.controlSocket, node.submitSocket, node.takeSocket].compactMap { $0 }
        let hasNames = node.listen.contains { !Self.isNumeric($0) }
        return sockets.filter { socket in
            socket.place.hasPrefix("/")
                ? !files.contains(socket.place) : !hasNames && !node.listen.contains(socket.place)
        }
    }

    private static func isNumeric(_ address: String) -> Bool {
        address.hasPrefix("[") || address.allSatisfy { $0.isNumber || $0 == "." || $0 == ":" }
    }
}
