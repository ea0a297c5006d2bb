// DetachedSignature: a detached CMS signature [RFC 5652] as octets within bounds, read once and found to be one. Verifying, signing and
// adding parse it anew: it is small, and so a value that may go anywhere. What is signed comes as ContentDigests. Fails by CMSError.

internal import COpenSSL
import OpenSSLTLS
import RelayModel

/// A signature that lies beside what it signs.
public struct DetachedSignature: Hashable, Sendable {
    /// The DER form.
    public let octets: [UInt8]
    /// What its signers have digested the content with, as far as it can count.
    let digests: Set<AcceptedDigest>

    public static let octetsMax = 256 << 10
    public static let signersMax = 16
    public static let certificatesMax = 64

    /// Octets of a file or a message. What is no signature, or beyond the bounds, is an error; whether it is good is not asked here.
    public init(octets: [UInt8]) throws(CMSError) {
        self.init(try SignedData(octets: octets), octets)
    }

    init(_ data: SignedData, _ octets: [UInt8]) {
        self.octets = octets
        digests = Set(data.signers.compactMap { SignerReading(signer: $0).digest })
    }

    /// Judges every signer by itself. `moment` is in Unix seconds: certificates must be valid then.
    public func verify(
        _ content: ContentDigests, trust: SignatureTrust, at moment: Int64
    ) throws(CMSError) -> SignatureVerdict {
        SignatureVerdict(judging: try SignedData(octets: octets), content, trust: trust, at: moment)
    }
}

/// Whose signatures count.
public struct SignatureTrust: Hashable, Sendable {
    /// The certificates that are named, by fingerprint.
    public var certificates: Set<Digest>
    /// Authorities whose certificates count too, if the signature holds the chain from the signer up to and with the authority.
    public var authorities: Set<Digest>

    public init(certificates: Set<Digest>, authorities: Set<Digest> = []) {
        self.certificates = certificates
        self.authorities = authorities
    }
}

/// What was found of each signer.
public struct SignatureVerdict: Hashable, Sendable {
    public struct Signer: Hashable, Sendable {
        /// Nil when the signature does not hold it.
        public let certificate: SignerCertificate?
        /// What the signer says, in Unix seconds. Nobody has proven it.
        public let claimedTime: Int64?
        /// The authority through which it counts; nil for one that is named itself.
        public let authority: Digest?
        /// Nil for a signer that counts.
        public let refusal: SignerRefusal?
    }

    /// In the order of the file.
    public let signers: [Signer]

    /// The certificates whose signatures count, each once.
    public var counted: Set<Digest> {
        Set(signers.filter { $0.refusal == nil }.compactMap { $0.certificate?.fingerprint })
    }
}
