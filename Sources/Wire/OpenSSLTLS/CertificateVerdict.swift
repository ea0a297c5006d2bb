// CertificateVerdict: how a certificate is judged, and what a bad verdict is called. Used in handshakes (as OpenSSL's
// verification callback) and by TLSContext.verify. Pure but for OpenSSL's verification object.

internal import COpenSSL

/// OpenSSL's verification callback: what is degraded trust and not a refusal is let through.
///
/// An expired CRL still revokes what it names; refusing every peer because a CRL came late would stop the whole
/// network. The context warns about it instead.
func judgeCertificate(_ isGood: Int32, _ verification: OpaquePointer?) -> Int32 {
    guard let verification else { return 0 }
    if isGood == 1 { return 1 }
    let isDegraded =
        switch X509_STORE_CTX_get_error(verification) {
        case X509_V_ERR_CRL_HAS_EXPIRED, X509_V_ERR_CRL_NOT_YET_VALID:
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
        TLSConnection.rejected(certificate: X509_STORE_CTX_get_current_cert(verification), on: OpaquePointer(ssl))
    }
    return 0
}

/// The error for a result of OpenSSL's verification (X509_V_ERR_...).
func certificateError(verifyCode: Int32, subject: String?) -> TLSError {
    let details = X509_verify_cert_error_string(CLong(verifyCode)).map { [String(cString: $0)] } ?? []
    let who = subject.map { "the certificate of \"\($0)\"" } ?? "the peer's certificate"
    switch verifyCode {
    case X509_V_ERR_CERT_HAS_EXPIRED:
        return TLSError(.certificateExpired, "\(who) has expired", details: details)
    case X509_V_ERR_CERT_NOT_YET_VALID:
        return TLSError(.certificateNotYetValid, "\(who) is not valid yet", details: details)
    case X509_V_ERR_CERT_REVOKED:
        return TLSError(.certificateRevoked, "\(who) is revoked", details: details)
    case X509_V_ERR_UNABLE_TO_GET_CRL:
        return TLSError(.revocationUnknown, "the issuer of \(who) has no CRL in the CRL file", details: details)
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT, X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY,
        X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE, X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN,
        X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT, X509_V_ERR_CERT_UNTRUSTED:
        return TLSError(.certificateUntrusted, "\(who) does not lead to a trusted CA", details: details)
    default:
        return TLSError(.certificateInvalid, "\(who) is not acceptable", details: details)
    }
}
