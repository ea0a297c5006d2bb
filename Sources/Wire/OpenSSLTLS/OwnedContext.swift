// OwnedContext: owns the SSL_CTX and the X509_STORE of a TLSContext and fills them: first the rules, then the CAs, the
// CRLs and the node's identity. Freed by its deinit, also when filling throws half-way. Not shared while it is filled.

internal import COpenSSL
import Glibc
import Trap

struct OwnedContext: ~Copyable {
    let context: OpaquePointer
    let store: OpaquePointer

    init() throws(TLSError) {
        guard let context = withEmptyErrorQueue({ SSL_CTX_new(TLS_method()) }) else {
            throw TLSError(.settingRefused, "OpenSSL made no context", details: OpenSSLErrorQueue.capture().texts)
        }
        guard let store = X509_STORE_new() else { trap("OpenSSL is out of memory") }
        _ = COpenSSL_SSL_CTX_set1_cert_store(context, store)
        self.context = context
        self.store = store
    }

    deinit {
        X509_STORE_free(store)
        SSL_CTX_free(context)
    }

    // MARK: Rules

    /// The rules that hold for every session, whatever the system's OpenSSL configuration says.
    func applyRules(_ configuration: TLSConfiguration) throws(TLSError) {
        let isVersionSet =
            COpenSSL_SSL_CTX_set_min_proto_version(context, TLS1_3_VERSION) == 1
            && COpenSSL_SSL_CTX_set_max_proto_version(context, TLS1_3_VERSION) == 1
        guard isVersionSet else { throw TLSError(.settingRefused, "this OpenSSL has no TLS 1.3") }
        COpenSSL_SSL_CTX_set_strict_options(context)
        COpenSSL_SSL_CTX_set_write_modes(context)
        COpenSSL_SSL_CTX_set_no_auto_chain(context)
        // No resumption in any form: a resumed session would look at neither certificate nor CRL.
        COpenSSL_SSL_CTX_session_cache_off(context)
        let isResumptionOff =
            SSL_CTX_set_num_tickets(context, 0) == 1 && SSL_CTX_set_max_early_data(context, 0) == 1
            && SSL_CTX_set_recv_max_early_data(context, 0) == 1
        guard isResumptionOff else { throw TLSError(.settingRefused, "OpenSSL does not let resumption be turned off") }
        // Pinned: what the system's configuration adds or takes away changes nothing here.
        let isPinned =
            SSL_CTX_set_ciphersuites(context, Self.ciphers) == 1
            && COpenSSL_SSL_CTX_set1_groups_list(context, Self.groups) == 1
            && COpenSSL_SSL_CTX_set1_sigalgs_list(context, Self.signatures) == 1
        guard isPinned else {
            let details = OpenSSLErrorQueue.capture().texts
            throw TLSError(.settingRefused, "this OpenSSL lacks a cipher suite, group or signature", details: details)
        }
        COpenSSL_X509_STORE_set_number(store, configuration.revocationGrace.map { Int(clamping: $0) + 1 } ?? 0)
        // RFC 9174, 4.4.3: both entities present and check certificates.
        SSL_CTX_set_verify(context, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, judgeCertificate)
        if let parameters = SSL_CTX_get0_param(context) {
            apply(configuration, to: parameters, time: configuration.verificationTime)
        }
    }

    static let ciphers = "TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256:TLS_AES_128_GCM_SHA256"
    static let groups = "X25519:P-256:P-384:P-521"
    static let signatures =
        "ed25519:ECDSA+SHA256:ECDSA+SHA384:ECDSA+SHA512:rsa_pss_rsae_sha256:rsa_pss_rsae_sha384:rsa_pss_rsae_sha512:"
        + "rsa_pss_pss_sha256:rsa_pss_pss_sha384:rsa_pss_pss_sha512:RSA+SHA256:RSA+SHA384:RSA+SHA512"

    /// The rules of verification: CRLs if there are any, the time if it is given, and the length of the chain.
    func apply(_ configuration: TLSConfiguration, to parameters: OpaquePointer, time: Int64?) {
        if configuration.revocationListFile != nil {
            let flags = CUnsignedLong(X509_V_FLAG_CRL_CHECK | X509_V_FLAG_CRL_CHECK_ALL)
            X509_VERIFY_PARAM_set_flags(parameters, flags)
        }
        if let time { X509_VERIFY_PARAM_set_time(parameters, time_t(time)) }
        X509_VERIFY_PARAM_set_depth(parameters, TLSContext.chainDepthMax)
        X509_VERIFY_PARAM_set_auth_level(parameters, SSL_CTX_get_security_level(context))
        // OpenSSL knows nothing of id-kp-bundleSecurity: what a certificate may be used for is judged by `CertificateUse`.
        X509_VERIFY_PARAM_set_purpose(parameters, X509_PURPOSE_ANY)
    }

    // MARK: Trust

    /// Trusts the CAs of a file, and names them to clients.
    func loadAuthorities(
        _ path: String, now: Int64, _ dates: inout TrustDates
    ) throws(TLSError) -> [TLSWarning] {
        let authorities = try TrustFiles.certificates(path, what: "CA file")
        var warnings: [TLSWarning] = []
        for index in 0..<authorities.count {
            guard let authority = authorities[index] else { continue }
            let isAdded = withEmptyErrorQueue {
                X509_STORE_add_cert(store, authority) == 1 && SSL_CTX_add_client_CA(context, authority) == 1
            }
            guard isAdded, let description = CertificateDescription(certificate: authority) else {
                let details = OpenSSLErrorQueue.capture().texts
                throw TLSError(
                    .fileMalformed, "CA file \(path) holds a certificate that cannot be used", details: details)
            }
            dates.authorityExpiry = min(dates.authorityExpiry ?? .max, description.notAfter)
            if description.notAfter <= now {
                let sentence = "CA \"\(description.commonName)\" of \(path) has expired"
                warnings.append(TLSWarning(.authorityExpired, sentence))
            }
        }
        return warnings
    }

    /// Adds the CRLs of a file.
    func loadRevocationLists(
        _ path: String, authorityFile: String, now: Int64, _ dates: inout TrustDates
    ) throws(TLSError) -> [TLSWarning] {
        var warnings: [TLSWarning] = []
        var isAdded = true
        // A CA file that cannot be read has been found out already.
        let authorities = (try? TrustFiles.certificates(authorityFile, what: "CA file")) ?? CertificateStack()
        var authoritiesWithList: Set<Int> = []
        try TrustFiles.revocationLists(path) { list in
            isAdded = withEmptyErrorQueue { X509_STORE_add_crl(store, list) == 1 } && isAdded
            if let next = unixSeconds(X509_CRL_get0_nextUpdate(list)) {
                dates.revocationListUpdate = min(dates.revocationListUpdate ?? .max, next)
            }
            var clock = time_t(now)
            if let next = X509_CRL_get0_nextUpdate(list), X509_cmp_time(next, &clock) < 0 {
                let sentence = "a CRL of \(path) should have been replaced by now; what was revoked since is not known"
                warnings.append(TLSWarning(.revocationListExpired, sentence))
            }
            if let last = X509_CRL_get0_lastUpdate(list), X509_cmp_time(last, &clock) > 0 {
                let sentence = "a CRL of \(path) is from the future"
                warnings.append(TLSWarning(.revocationListNotYetValid, sentence))
            }
            for index in 0..<authorities.count {
                guard let subject = X509_get_subject_name(authorities[index]) else { continue }
                if X509_NAME_cmp(subject, X509_CRL_get_issuer(list)) == 0 { authoritiesWithList.insert(index) }
            }
        }
        guard isAdded else {
            let details = OpenSSLErrorQueue.capture().texts
            throw TLSError(.fileMalformed, "CRL file \(path) holds a CRL that cannot be used", details: details)
        }
        for index in 0..<authorities.count where !authoritiesWithList.contains(index) {
            let name = authorities[index].map { commonName(of: $0) } ?? ""
            let sentence = "CA \"\(name)\" has no CRL in \(path): certificates that it issued are refused"
            warnings.append(TLSWarning(.revocationListMissing, sentence))
        }
        return warnings
    }

    // MARK: Identity

    /// The node's own certificate, chain and key.
    func loadIdentity(_ configuration: TLSConfiguration, now: Int64) throws(TLSError) -> OwnIdentity {
        let path = configuration.certificateChainFile
        let (chain, description) = try loadChain(path)
        let key = try TrustFiles.privateKey(configuration.keyFile)
        guard let leaf = chain[0] else { trap("a chain that was read has a first certificate") }
        try Self.checkKey(leaf, key, configuration)
        try Self.checkDates(description, path, now: now)
        try check(SSL_CTX_use_certificate(context, leaf), path)
        for index in 1..<max(1, chain.count) {
            try check(COpenSSL_SSL_CTX_add1_chain_cert(context, chain[index]), path)
        }
        try check(SSL_CTX_use_PrivateKey(context, key.pointer), configuration.keyFile)
        return OwnIdentity(
            certificate: description,
            warnings: warnings(leaf, description, configuration, now: now, chain: chain))
    }

    /// The certificates of the chain file, and what the first one says.
    func loadChain(_ path: String) throws(TLSError) -> (chain: CertificateStack, description: CertificateDescription) {
        let chain = try TrustFiles.certificates(path, what: "certificate file")
        guard let leaf = chain[0], let description = CertificateDescription(certificate: leaf) else {
            throw TLSError(.fileMalformed, "certificate file \(path) holds a certificate that cannot be read")
        }
        return (chain, description)
    }

    static func checkKey(
        _ leaf: OpaquePointer, _ key: borrowing PrivateKey, _ configuration: TLSConfiguration
    ) throws(TLSError) {
        let pointer = key.pointer
        guard withEmptyErrorQueue({ X509_check_private_key(leaf, pointer) }) == 1 else {
            _ = OpenSSLErrorQueue.capture()
            let sentence =
                "key file \(configuration.keyFile) is not the key of certificate file "
                + configuration.certificateChainFile
            throw TLSError(.keyMismatch, sentence)
        }
    }

    static func checkDates(_ description: CertificateDescription, _ path: String, now: Int64) throws(TLSError) {
        guard description.notAfter > now else {
            throw TLSError(.ownCertificateExpired, "the certificate of file \(path) has expired")
        }
    }

    /// What makes peers refuse the node's own certificate, as far as it is known here.
    func warnings(
        _ leaf: OpaquePointer, _ description: CertificateDescription, _ configuration: TLSConfiguration, now: Int64,
        chain: CertificateStack
    ) -> [TLSWarning] {
        var warnings: [TLSWarning] = []
        let path = configuration.certificateChainFile
        if description.notBefore > now {
            warnings.append(TLSWarning(.ownCertificateNotYetValid, "certificate \(path) is not valid yet"))
        }
        if let list = configuration.revocationListFile, isRevoked(leaf) {
            let sentence = "certificate \(path) is revoked by \(list): whoever reads that list refuses this node"
            warnings.append(TLSWarning(.ownCertificateRevoked, sentence))
        }
        if !leadsToAuthority(leaf, chain) {
            let sentence =
                "certificate \(path) does not lead to an authority in \(configuration.authorityFile): peers that trust the same authorities refuse this node"
            warnings.append(TLSWarning(.ownCertificateUntrusted, sentence))
        }
        return warnings
    }

    /// Whether one of this node's own authorities has issued the certificate, by the chain that stands behind it. Dates, revocations and
    /// purposes are looked at elsewhere.
    private func leadsToAuthority(_ leaf: OpaquePointer, _ chain: CertificateStack) -> Bool {
        guard let verification = X509_STORE_CTX_new() else { return true }
        defer { X509_STORE_CTX_free(verification) }
        return withEmptyErrorQueue { () -> Bool in
            guard X509_STORE_CTX_init(verification, store, leaf, chain.pointer) == 1 else { return true }
            if X509_verify_cert(verification) == 1 { return true }
            return !Self.strangerCodes.contains(X509_STORE_CTX_get_error(verification))
        }
    }

    /// No way to an authority: the issuer is missing, signs for itself, or has not signed.
    private static let strangerCodes: Set<Int32> = [
        X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT, X509_V_ERR_CERT_SIGNATURE_FAILURE,
        X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT, X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN,
        X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY, X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE,
    ]

    /// Whether a CRL of its issuer names the certificate.
    private func isRevoked(_ certificate: OpaquePointer) -> Bool {
        guard let issuer = X509_get_issuer_name(certificate), let verification = X509_STORE_CTX_new() else {
            return false
        }
        defer { X509_STORE_CTX_free(verification) }
        return withEmptyErrorQueue { () -> Bool in
            guard X509_STORE_CTX_init(verification, store, certificate, nil) == 1,
                let lists = X509_STORE_CTX_get1_crls(verification, issuer)
            else { return false }
            defer { COpenSSL_sk_X509_CRL_pop_free(lists) }
            for index in 0..<COpenSSL_sk_X509_CRL_num(lists) {
                var entry: OpaquePointer?
                // 2: taken off a list again.
                if X509_CRL_get0_by_cert(COpenSSL_sk_X509_CRL_value(lists, index), &entry, certificate) == 1 {
                    return true
                }
            }
            return false
        }
    }

    private func check(_ result: Int32, _ path: String) throws(TLSError) {
        guard result == 1 else {
            let details = OpenSSLErrorQueue.capture().texts
            throw TLSError(.settingRefused, "OpenSSL does not take what is in \(path)", details: details)
        }
    }
}

/// The node's own certificate as it was taken.
struct OwnIdentity {
    var certificate: CertificateDescription
    var warnings: [TLSWarning]
}

/// When what a node trusts has to be replaced, in Unix seconds: the earliest of each kind.
public struct TrustDates: Hashable, Sendable {
    /// The first of the authorities to end.
    public internal(set) var authorityExpiry: Int64?
    /// When the first CRL should be replaced by its next; nil without CRLs.
    public internal(set) var revocationListUpdate: Int64?
}
