// PreparedNode: everything that can be wrong with what the operator wrote, looked at before any socket opens: configuration,
// agencies, certificate, key, CA, CRL. Reads files only.

import Logging
import OpenSSLTLS
import RelayConfiguration
import RelayModel

/// Configuration and certificates that fit together.
public struct PreparedNode: Sendable {
    public let path: String
    public let configuration: Configuration
    /// SHA-256 of each file read, by path, for the log of a reload.
    public let digests: [(path: String, digest: Digest)]
    /// Nil in the loud mode without TLS, for interoperability tests on loopback only.
    public let tls: TLSContext?
    public let warnings: [String]

    /// Throws `ConfigurationErrors` or a `TLSError`; both print as sentences.
    public init(path: String) throws {
        self.path = path
        let loaded = try Configuration.load(path: path)
        configuration = loaded.configuration
        digests = loaded.sources.map { source in
            (source.path, source.bytes.withUnsafeBytes { SHA256Hasher.digest(of: $0) })
        }
        var warnings: [String] = []
        let settings = configuration.settings
        if settings.plainLoopback {
            warnings.append(
                "plain_loopback is on: sessions have NO TLS and prove NO identity; for tests on loopback only")
            tls = nil
        } else {
            let context = try TLSContext(TLSConfiguration(settings.tls))
            warnings += context.warnings.map(\.sentence)
            if let problem = Self.identityProblem(context.ownCertificate, settings.node) { throw problem }
            tls = context
        }
        // Not an error: the disk may be mounted later, and what is there meanwhile waits.
        for (spool, problem) in zip(settings.spools, SpoolLook.shared.problems(settings.spools.map(\.directory))) {
            if let problem { warnings.append("spool.\(spool.agency): \(problem)") }
        }
        self.warnings = warnings
    }

    /// Our own certificate must name us, or no peer will take us for who we are.
    private static func identityProblem(_ certificate: CertificateDescription, _ node: NodeID) -> PreparationFailure? {
        if certificate.bundleEIDs == [node.text] { return nil }
        if certificate.bundleEIDs.isEmpty, certificate.uris.contains(node.text) { return nil }
        let found = certificate.bundleEIDs.isEmpty ? "none" : certificate.bundleEIDs.joined(separator: ", ")
        return PreparationFailure(
            sentence: "tls.certificate: expected exactly one bundleEID, \(node.text); found \(found)")
    }

    public var logLevel: Logger.Level {
        guard let level = Logger.Level(rawValue: configuration.settings.logLevel.rawValue) else {
            preconditionFailure("the levels of the configuration are those of the log")
        }
        return level
    }
}

/// What is wrong with files that are each well-formed.
public struct PreparationFailure: Error, CustomStringConvertible {
    public var sentence: String
    public var description: String { sentence }
}

extension TLSConfiguration {
    init(_ settings: NodeConfiguration.TLS) {
        self.init(
            authorityFile: settings.ca, certificateChainFile: settings.certificate, keyFile: settings.key,
            revocationListFile: settings.crl, keyLogFile: settings.keyLog)
    }
}
