// KeyLog: the file that session secrets are appended to when the operator has asked for it. One line a write(2) in
// append mode, so lines of several event loops do not mix. Fails silently on a full disk: a diagnosis aid stops no
// link.

import Glibc

final class KeyLog: Sendable {
    private let file: Int32

    init(path: String) throws(TLSError) {
        file = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0o600)
        guard file >= 0 else {
            throw TLSError(.fileUnreadable, "key log \(path) cannot be opened: \(TrustFiles.reason(errno))")
        }
        // An older file may have been left open to others.
        _ = fchmod(file, 0o600)
    }

    deinit {
        close(file)
    }

    func append(_ line: UnsafePointer<CChar>) {
        let text = UnsafeRawBufferPointer(start: line, count: strlen(line))
        let bytes = [UInt8](text) + [UInt8(ascii: "\n")]
        _ = bytes.withUnsafeBytes { write(file, $0.baseAddress, $0.count) }
    }
}
