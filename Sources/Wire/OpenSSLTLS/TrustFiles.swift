// TrustFiles: reading certificates, CRLs and keys from files, with errors that name the file and the reason. Blocking
// file I/O: at start and at reload only. Owns what it returns in types that free it. Key bytes are wiped after
// parsing.

internal import COpenSSL
import Glibc
import Trap

/// Owns a list of certificates.
package final class CertificateStack {
    package let pointer: OpaquePointer

    package init() {
        guard let pointer = COpenSSL_sk_X509_new_null() else { trap("OpenSSL is out of memory") }
        self.pointer = pointer
    }

    /// Takes over the stack and the caller's references of what is in it.
    package init(takingOwnership pointer: OpaquePointer) { self.pointer = pointer }

    deinit {
        COpenSSL_sk_X509_pop_free(pointer)
    }

    package var count: Int { Int(COpenSSL_sk_X509_num(pointer)) }

    /// Borrowed; nil beyond the end.
    package subscript(index: Int) -> OpaquePointer? { COpenSSL_sk_X509_value(pointer, Int32(index)) }

    /// Takes over the caller's reference.
    package func append(takingOwnership certificate: OpaquePointer) {
        let count = COpenSSL_sk_X509_push(pointer, certificate)
        demand(count > 0, "OpenSSL is out of memory")
    }
}

/// Owns a private key.
struct PrivateKey: ~Copyable {
    let pointer: OpaquePointer

    init(takingOwnership pointer: OpaquePointer) { self.pointer = pointer }

    deinit {
        EVP_PKEY_free(pointer)
    }
}

package enum TrustFiles {
    /// Thousands of certificates, or a CRL with a million entries.
    static let fileBytesMax = 64 << 20

    /// All certificates of a PEM file; at least one.
    static func certificates(_ path: String, what: String) throws(TLSError) -> CertificateStack {
        try certificates(of: contents(path, what: what, secret: false), path, what: what)
    }

    /// All certificates of what a PEM file holds; at least one.
    package static func certificates(
        of contents: [UInt8], _ path: String, what: String
    ) throws(TLSError) -> CertificateStack {
        var bytes = contents
        let stack = CertificateStack()
        try forEachPEM(&bytes, path, what: what) { bio in
            guard let certificate = PEM_read_bio_X509(bio, nil, refusePassphrase, nil) else { return false }
            stack.append(takingOwnership: certificate)
            return true
        }
        guard stack.count > 0 else { throw TLSError(.fileMalformed, "\(what) \(path) holds no certificate") }
        return stack
    }

    /// Hands every CRL of a PEM file to `body`, borrowed; at least one.
    static func revocationLists(_ path: String, _ body: (OpaquePointer) -> Void) throws(TLSError) {
        let what = "CRL file"
        var bytes = try contents(path, what: what, secret: false)
        var count = 0
        try forEachPEM(&bytes, path, what: what) { bio in
            guard let list = PEM_read_bio_X509_CRL(bio, nil, refusePassphrase, nil) else { return false }
            defer { X509_CRL_free(list) }
            body(list)
            count += 1
            return true
        }
        guard count > 0 else { throw TLSError(.fileMalformed, "\(what) \(path) holds no CRL") }
    }

    /// The private key of a PEM file.
    static func privateKey(_ path: String) throws(TLSError) -> PrivateKey {
        var bytes = try contents(path, what: "key file", secret: true)
        defer { bytes.withUnsafeMutableBytes { OPENSSL_cleanse($0.baseAddress, $0.count) } }
        var passphraseAsked = false
        let key = withEmptyErrorQueue {
            bytes.withUnsafeBytes { source -> OpaquePointer? in
                guard let bio = BIO_new_mem_buf(source.baseAddress, Int32(source.count)) else { return nil }
                defer { BIO_free(bio) }
                return PEM_read_bio_PrivateKey(bio, nil, refusePassphrase, &passphraseAsked)
            }
        }
        guard let key else {
            let details = OpenSSLErrorQueue.capture().texts
            if passphraseAsked {
                throw TLSError(.keyEncrypted, "key file \(path) is encrypted; a service cannot ask for a passphrase")
            }
            throw TLSError(.fileMalformed, "key file \(path) holds no private key that can be read", details: details)
        }
        return PrivateKey(takingOwnership: key)
    }

    // MARK: Files

    /// The bytes of a regular file. The mode of a secret one is judged on the open file, not on its name.
    package static func contents(_ path: String, what: String, secret: Bool) throws(TLSError) -> [UInt8] {
        let file = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK)
        guard file >= 0 else {
            throw TLSError(.fileUnreadable, "\(what) \(path) cannot be opened: \(reason(errno))")
        }
        defer { close(file) }
        var status = stat()
        guard fstat(file, &status) == 0 else {
            throw TLSError(.fileUnreadable, "\(what) \(path) cannot be examined: \(reason(errno))")
        }
        guard status.st_mode & S_IFMT == S_IFREG else {
            throw TLSError(.fileUnreadable, "\(what) \(path) is not a regular file")
        }
        if secret, !isPrivate(mode: status.st_mode, owner: status.st_uid) {
            let mode = String(status.st_mode & 0o7777, radix: 8)
            throw TLSError(
                .keyExposed, "\(what) \(path) can be used by others than its owner (mode \(mode)); chmod 600")
        }
        guard status.st_size <= fileBytesMax else {
            throw TLSError(.fileTooLarge, "\(what) \(path) is larger than \(fileBytesMax) bytes")
        }
        return try readAll(file, path, what: what)
    }

    /// A key belongs to its owner alone. The one exception is a file of root that a group may read and nobody else may
    /// touch (0640, 0440): what a system gives to a service which has no right to own its key.
    static func isPrivate(mode: mode_t, owner: uid_t) -> Bool {
        let others = mode & 0o077
        return others == 0 || (others == 0o040 && owner == 0)
    }

    private static func readAll(_ file: Int32, _ path: String, what: String) throws(TLSError) -> [UInt8] {
        var bytes: [UInt8] = []
        var part = [UInt8](repeating: 0, count: 64 << 10)
        defer { part.withUnsafeMutableBytes { OPENSSL_cleanse($0.baseAddress, $0.count) } }
        while true {
            let count = part.withUnsafeMutableBytes { read(file, $0.baseAddress, $0.count) }
            if count < 0, errno == EINTR { continue }
            guard count >= 0 else {
                throw TLSError(.fileUnreadable, "\(what) \(path) cannot be read: \(reason(errno))")
            }
            guard count > 0 else { return bytes }
            guard bytes.count + count <= fileBytesMax else {
                throw TLSError(.fileTooLarge, "\(what) \(path) is larger than \(fileBytesMax) bytes")
            }
            bytes.append(contentsOf: part[..<count])
        }
    }

    static func reason(_ code: Int32) -> String { String(cString: strerror(code)) }

    /// Calls `next` until it finds no more PEM block; throws if it stopped for another reason than the end.
    private static func forEachPEM(
        _ bytes: inout [UInt8], _ path: String, what: String, next: (OpaquePointer) -> Bool
    ) throws(TLSError) {
        let queue: OpenSSLErrorQueue? = bytes.withUnsafeBytes { source in
            guard source.count > 0, let bio = BIO_new_mem_buf(source.baseAddress, Int32(source.count)) else {
                return nil
            }
            defer { BIO_free(bio) }
            while withEmptyErrorQueue({ next(bio) }) {}
            return OpenSSLErrorQueue.capture()
        }
        guard let queue else { throw TLSError(.fileMalformed, "\(what) \(path) is empty") }
        let isEnd = queue.codes.contains { code in
            ERR_GET_LIB(CUnsignedLong(code)) == ERR_LIB_PEM
                && ERR_GET_REASON(CUnsignedLong(code)) == PEM_R_NO_START_LINE
        }
        guard isEnd else { throw TLSError(.fileMalformed, "\(what) \(path) cannot be parsed", details: queue.texts) }
    }
}

/// OpenSSL's own passphrase callback would ask on the terminal. This one says no, and that it was asked.
private func refusePassphrase(
    _ target: UnsafeMutablePointer<CChar>?, _ capacity: Int32, _ writing: Int32, _ asked: UnsafeMutableRawPointer?
) -> Int32 {
    asked?.assumingMemoryBound(to: Bool.self).pointee = true
    return -1
}
