// CertificateVerdict: how a certificate is judged, and what a bad verdict is called. Used in handshakes (as OpenSSL's
// verification callback) and by TLSContext.verify. Pure but for OpenSSL's verification object.

internal import COpenSSL

/// What a certificate may be used for (RFC 9174, 4.4.2; RFC 5280, 4.2.1.3 and 4.2.1.12).
enum CertificateUse {
    /// id-kp-bundleSecurity
    static let bundleSecurity = "1.3.6.1.5.5.7.3.35"
    private static let serverAuthentication = "1.3.6.1.5.5.7.3.1"
    private static let clientAuthentication = "1.3.6.1.5.5.7.3.2"
    private static let anyUse = "2.5.29.37.0"

    /// Whether the peer's own certificate is for this role. Without an extended key usage it is for any; with one it names the role, or
    /// the security of bundles, which is for both.
    static func permits(_ certificate: OpaquePointer, as role: TLSRole) -> Bool {
        guard COpenSSL_X509_may_sign(certificate) == 1 else { return false }
        let ofRole = role == .server ? serverAuthentication : clientAuthentication
        // Nothing is named where there is no such extension.
        for use in [bundleSecurity, ofRole, anyUse] where COpenSSL_X509_names_purpose(certificate, use) != 0 {
            return true
        }
        return false
    }
}

/// OpenSSL's verification callback: what is degraded trust and not a refusal is let through, and what OpenSSL does not know is judged.
///
/// A CRL past its end still revokes what it names; refusing every peer because a CRL came late would stop the whole
/// network. The context warns about it instead, until the grace of the configuration is over.
func judgeCertificate(_ isGood: Int32, _ verification: OpaquePointer?) -> Int32 {
    guard let verification else { return 0 }
    if isGood == 1 {
        // The last that OpenSSL looks at is the peer's own. Outside of a handshake `TLSContext.verify` asks.
        guard X509_STORE_CTX_get_error_depth(verification) == 0,
            let ssl = X509_STORE_CTX_get_ex_data(verification, SSL_get_ex_data_X509_STORE_CTX_idx()),
            let own = X509_STORE_CTX_get_current_cert(verification),
            !CertificateUse.permits(own, as: SSL_is_server(OpaquePointer(ssl)) == 1 ? .client : .server)
        else { return 1 }
        X509_STORE_CTX_set_error(verification, X509_V_ERR_INVALID_PURPOSE)
        TLSConnection.rejected(certificate: own, own: own, on: OpaquePointer(ssl))
        return 0
    }
    let isDegraded =
        switch X509_STORE_CTX_get_error(verification) {
        case X509_V_ERR_CRL_HAS_EXPIRED:
            !isGraceOver(verification)
        case X509_V_ERR_CRL_NOT_YET_VALID:
            true
        case X509_V_ERR_UNABLE_TO_GET_CRL:
            // The peer's own certificate needs a CRL; an intermediate CA's is looked up only where there is one.
            X509_STORE_CTX_get_error_depth(verification) > 0
        default:
            false
        }
    if isDegraded {
        X509_STORE_CTX_set_error(verification, X509_V_OK)
        return 1
    }
    if let ssl = X509_STORE_CTX_get_ex_data(verification, SSL_get_ex_data_X509_STORE_CTX_idx()) {
        TLSConnection.rejected(
            certificate: X509_STORE_CTX_get_current_cert(verification), own: X509_STORE_CTX_get0_cert(verification),
            on: OpaquePointer(ssl))
    }
    return 0
}

/// Whether the CRL that is looked at should have been replaced longer ago than the configuration forgives.
private func isGraceOver(_ verification: OpaquePointer) -> Bool {
    guard let store = X509_STORE_CTX_get0_store(verification) else { return false }
    let number = COpenSSL_X509_STORE_number(store)
    guard number > 0, let list = X509_STORE_CTX_get0_current_crl(verification),
        let next = unixSeconds(X509_CRL_get0_nextUpdate(list))
    else { return false }
    let (end, overflow) = next.addingReportingOverflow(Int64(number - 1))
    return !overflow && COpenSSL_X509_STORE_CTX_time(verification) > end
}

/// The error for a result of OpenSSL's verification (X509_V_ERR_...).
func certificateError(verifyCode: Int32, subject: String?, claimed: [String] = []) -> TLSError {
    let details = X509_verify_cert_error_string(CLong(verifyCode)).map { [String(cString: $0)] } ?? []
    let who = subject.map { "the certificate of \"\($0)\"" } ?? "the peer's certificate"
    switch verifyCode {
    case X509_V_ERR_CERT_HAS_EXPIRED:
        return TLSError(.certificateExpired, "\(who) has expired", details: details, claimed: claimed)
    case X509_V_ERR_CERT_NOT_YET_VALID:
        return TLSError(.certificateNotYetValid, "\(who) is not valid yet", details: details, claimed: claimed)
    case X509_V_ERR_CRL_HAS_EXPIRED:
        return TLSError(
            .revocationUnknown, "the CRL about \(who) should have been replaced too long ago", details: details,
            claimed: claimed)
    case X509_V_ERR_CERT_REVOKED:
        return TLSError(.certificateRevoked, "\(who) is revoked", details: details, claimed: claimed)
    case X509_V_ERR_UNABLE_TO_GET_CRL:
        return TLSError(
            .revocationUnknown, "the issuer of \(who) has no CRL in the CRL file", details: details, claimed: claimed)
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT, X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY,
        X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE, X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN,
        X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT, X509_V_ERR_CERT_UNTRUSTED:
        return TLSError(
            .certificateUntrusted, "\(who) does not lead to a trusted CA", details: details, claimed: claimed)
    default:
        return TLSError(.certificateInvalid, "\(who) is not acceptable", details: details, claimed: claimed)
    }
}
