// TLSExamination: the files of a TLSContext looked at one by one, so that everything that is wrong with them is known at once, where a
// context stops at the first. Blocking file I/O; keeps no key. What is wrong is its result, it does not fail.

internal import COpenSSL
import Glibc

/// What is found in the files of a node's TLS.
public struct TLSExamination: Sendable {
    /// In the order CA, CRL, certificate, key.
    public private(set) var errors: [TLSError] = []
    public private(set) var warnings: [TLSWarning] = []
    /// Nil when the certificate cannot be read.
    public private(set) var ownCertificate: CertificateDescription?
    public private(set) var trustDates = TrustDates()

    /// `hasKey`: false where the key cannot be looked at from here; then all else is.
    public init(_ configuration: TLSConfiguration, hasKey: Bool = true) {
        let now = configuration.verificationTime ?? Int64(time(nil))
        var found = Found()
        do throws(TLSError) {
            let owned = try OwnedContext()
            try owned.applyRules(configuration)
            found.trust(configuration, owned, now: now)
            found.identity(configuration, owned, now: now, hasKey: hasKey)
        } catch {
            found.errors.append(error)
        }
        errors = found.errors
        warnings = found.warnings
        ownCertificate = found.ownCertificate
        trustDates = found.dates
    }

    private struct Found {
        var errors: [TLSError] = []
        var warnings: [TLSWarning] = []
        var ownCertificate: CertificateDescription?
        var dates = TrustDates()

        mutating func gather(_ body: (inout Self) throws(TLSError) -> Void) {
            do throws(TLSError) { try body(&self) } catch { errors.append(error) }
        }

        mutating func trust(_ configuration: TLSConfiguration, _ owned: borrowing OwnedContext, now: Int64) {
            gather { found throws(TLSError) in
                found.warnings += try owned.loadAuthorities(configuration.authorityFile, now: now, &found.dates)
            }
            guard let path = configuration.revocationListFile else { return }
            gather { found throws(TLSError) in
                found.warnings += try owned.loadRevocationLists(
                    path, authorityFile: configuration.authorityFile, now: now, &found.dates)
            }
        }

        mutating func identity(
            _ configuration: TLSConfiguration, _ owned: borrowing OwnedContext, now: Int64, hasKey: Bool
        ) {
            let path = configuration.certificateChainFile
            var chain: CertificateStack?
            gather { found throws(TLSError) in
                let read = try owned.loadChain(path)
                chain = read.chain
                found.ownCertificate = read.description
            }
            if let description = ownCertificate {
                gather { _ throws(TLSError) in try OwnedContext.checkDates(description, path, now: now) }
            }
            if let chain, let leaf = chain[0], let description = ownCertificate {
                warnings += owned.warnings(leaf, description, configuration, now: now, chain: chain)
            }
            guard hasKey else { return }
            gather { _ throws(TLSError) in
                let key = try TrustFiles.privateKey(configuration.keyFile)
                if let leaf = chain?[0] { try OwnedContext.checkKey(leaf, key, configuration) }
            }
        }
    }
}
