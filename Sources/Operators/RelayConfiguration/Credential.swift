// Credential: a file that the service manager hands to the daemon instead of letting it read the file itself (LoadCredential=,
// systemd.exec(5)), written `credential:NAME` in the configuration. The key can then belong to root alone. Pure but for one
// look at the environment.

import Glibc

/// What is to be said of a credential that is not there.
public enum CredentialUse: Sendable {
    /// The daemon starts and needs it.
    case needed
    /// Somebody looks at the configuration, outside of the unit to which the service manager gives it.
    case lookedAt
}

enum Credential {
    private static let prefix = "credential:"
    private static let lengthMax = 255

    static func isCredential(_ text: String) -> Bool { text.hasPrefix(prefix) }

    /// The name in `credential:NAME`; nil when it is not the name of one file.
    static func name(_ text: String) -> String? {
        guard text.hasPrefix(prefix) else { return nil }
        let name = text.dropFirst(prefix.count)
        let isName = name.utf8.allSatisfy { byte in
            (0x30...0x39).contains(byte) || (0x41...0x5a).contains(byte) || (0x61...0x7a).contains(byte)
                || byte == UInt8(ascii: ".") || byte == UInt8(ascii: "-") || byte == UInt8(ascii: "_")
        }
        guard isName, !name.isEmpty, name.utf8.count <= lengthMax, name != ".", name != ".." else { return nil }
        return String(name)
    }

    /// Where the manager has put them; nil when it gave none.
    static var folder: String? {
        guard let text = getenv("CREDENTIALS_DIRECTORY").map({ String(cString: $0) }), !text.isEmpty else { return nil }
        return text
    }
}
