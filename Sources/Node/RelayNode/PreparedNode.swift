// PreparedNode: everything that can be wrong with what the operator wrote, looked at before any socket opens: configuration,
// agencies, certificate, key, CA, CRL. Reads files only.

import CLinux
import Logging
import OpenSSLTLS
import RelayConfiguration
import RelayModel
import RelaySession
import Trap

/// Configuration and certificates that fit together.
public struct PreparedNode: Sendable {
    public let path: String
    public let configuration: Configuration
    /// SHA-256 of each file read, by path, for the log of a reload.
    public let digests: [(path: String, digest: Digest)]
    /// Nil in the loud mode without TLS, for interoperability tests on loopback only, and where the key is elsewhere.
    public let tls: TLSContext?
    public let warnings: [String]
    /// What cannot be looked at from here, and is no fault.
    public let notes: [String]

    /// Throws a `PreparationFailure` with everything that is wrong, a line each. `credentials`: a node that is only looked at need not
    /// have what the service manager gives at its start.
    public init(path: String, credentials: CredentialUse = .needed) throws(PreparationFailure) {
        self.path = path
        let loaded: (configuration: Configuration, sources: [Configuration.Source])
        do throws(ConfigurationErrors) {
            loaded = try Configuration.load(path: path, credentials: credentials)
        } catch {
            let tls = Configuration.certificates(path: path, credentials: credentials)
            throw PreparationFailure(
                sentences: error.errors.map(\.description) + (tls.map { Self.problems($0, nil) } ?? []))
        }
        configuration = loaded.configuration
        digests = loaded.sources.map { source in
            (source.path, source.bytes.withUnsafeBytes { SHA256Hasher.digest(of: $0) })
        }
        var warnings = configuration.warnings
        let settings = configuration.settings
        if settings.plainLoopback {
            warnings.append(
                "plain_loopback is on: sessions have NO TLS and prove NO identity; for tests on loopback only")
            tls = nil
            notes = []
        } else if let name = settings.tls.keyCredential {
            let found = TLSExamination(TLSConfiguration(settings.tls), hasKey: false)
            let problems = Self.problems(settings.tls, settings.node)
            guard problems.isEmpty else {
                throw PreparationFailure(sentences: problems, isExpiredOnly: Self.isExpiredOnly(settings.tls, problems))
            }
            warnings += found.warnings.map(\.sentence)
            notes = [
                "tls.key comes as the systemd credential \(name) at start; it cannot be looked at from here"
            ]
            tls = nil
        } else {
            do {
                let context = try TLSContext(TLSConfiguration(settings.tls))
                warnings += context.warnings.map(\.sentence)
                tls = context
            } catch {
                // A context stops at the first.
                let all = Self.problems(settings.tls, settings.node)
                throw PreparationFailure(
                    sentences: all.isEmpty ? ["\(error)"] : all, isExpiredOnly: Self.isExpiredOnly(settings.tls, all))
            }
            if let certificate = tls?.ownCertificate,
                let problem = Self.identityProblem(certificate, settings.node)
            {
                throw PreparationFailure(sentences: [problem])
            }
            notes = []
        }
        for peer in settings.peers where peer.edoc && peer.foreign == nil {
            warnings.append(
                "peers.\(peer.name).foreign is not set: this version still takes bundles from it that name no sender; the next will not (yes or no says which)"
            )
        }
        if !settings.plainLoopback, let warning = KeyGroup.warning(settings) { warnings.append(warning) }
        // Not an error: the disk may be mounted later, and what is there meanwhile waits.
        let places = settings.spools.map { SpoolLook.Place(directory: $0.directory, group: $0.group ?? "") }
        for (spool, problem) in zip(settings.spools, SpoolLook.shared.problems(places)) {
            if let problem { warnings.append("spool.\(spool.agency): \(problem)") }
        }
        self.warnings = warnings
    }

    /// Everything that is wrong with the files of TLS. `node`: nil where it is not known.
    private static func problems(_ settings: NodeConfiguration.TLS, _ node: NodeID?) -> [String] {
        let found = TLSExamination(TLSConfiguration(settings), hasKey: settings.keyCredential == nil)
        let identity =
            if let certificate = found.ownCertificate, let node { identityProblem(certificate, node) } else {
                String?.none
            }
        return found.errors.map(\.description) + (identity.map { [$0] } ?? [])
    }

    /// Nothing else is wrong than that our own certificate has ended, by the clock.
    private static func isExpiredOnly(_ settings: NodeConfiguration.TLS, _ problems: [String]) -> Bool {
        let found = TLSExamination(TLSConfiguration(settings), hasKey: settings.keyCredential == nil)
        return !problems.isEmpty && problems.count == found.errors.count
            && found.errors.allSatisfy { $0.code == .ownCertificateExpired }
    }

    /// Our own certificate must name us, or no peer will take us for who we are.
    private static func identityProblem(_ certificate: CertificateDescription, _ node: NodeID) -> String? {
        let names = CertificateNames(bundleEIDs: certificate.bundleEIDs, uris: certificate.uris)
        if names.nodes(acceptsURI: true).contains(node.comparable) { return nil }
        let found = certificate.bundleEIDs.isEmpty ? "none" : certificate.bundleEIDs.joined(separator: ", ")
        return "tls.certificate: expected a bundleEID \(node.text); found \(found)"
    }

    public var logLevel: Logger.Level {
        guard let level = Logger.Level(rawValue: configuration.settings.logLevel.rawValue) else {
            trap("the levels of the configuration are those of the log")
        }
        return level
    }
}

/// Everything that is wrong with what the operator wrote.
public struct PreparationFailure: Error, CustomStringConvertible {
    public var sentences: [String]
    /// Nothing is wrong but the node's own certificate, which has ended by a clock that may be wrong.
    var isExpiredOnly = false

    /// It may pass by itself: a certificate has ended by a clock that no service keeps in step.
    public var mayPass: Bool { isExpiredOnly && clinux_clock_state().is_synchronised != 1 }

    public var description: String { sentences.joined(separator: "\n") }
}

extension TLSConfiguration {
    init(_ settings: NodeConfiguration.TLS) {
        self.init(
            authorityFile: settings.ca, certificateChainFile: settings.certificate, keyFile: settings.key,
            revocationListFile: settings.crl, keyLogFile: settings.keyLog,
            revocationGrace: settings.crlGrace.map { Int64(clamping: $0.count / 1_000) })
    }
}
