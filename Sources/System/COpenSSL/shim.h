// The system's OpenSSL 3 as a Swift module. Macros, variadics and typed stacks are not imported by Swift, so the few
// that are used here get a static inline function each, named COpenSSL_<what it wraps>. Nothing else lives here.

#ifndef COPENSSL_SHIM_H
#define COPENSSL_SHIM_H

#include <openssl/asn1.h>
#include <openssl/bio.h>
#include <openssl/cms.h>
#include <openssl/crypto.h>
#include <openssl/engine.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/objects.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/ssl.h>
#include <openssl/ui.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>
#include <openssl/x509_vfy.h>
#include <stdint.h>
#include <time.h>

#if OPENSSL_VERSION_NUMBER < 0x30000000L
#error "OpenSSL 3.0 or later is required"
#endif

// --- SSL_CTX and SSL -------------------------------------------------------------------------------------------------

static inline int COpenSSL_SSL_CTX_set_min_proto_version(SSL_CTX *context, int version) {
    return (int)SSL_CTX_set_min_proto_version(context, version);
}

static inline int COpenSSL_SSL_CTX_set_max_proto_version(SSL_CTX *context, int version) {
    return (int)SSL_CTX_set_max_proto_version(context, version);
}

static inline void COpenSSL_SSL_CTX_session_cache_off(SSL_CTX *context) {
    SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
}

// Not SSL_MODE_ENABLE_PARTIAL_WRITE: with it a write returns after each record; the transport here never blocks.
static inline void COpenSSL_SSL_CTX_set_write_modes(SSL_CTX *context) {
    SSL_CTX_clear_mode(context, SSL_MODE_ENABLE_PARTIAL_WRITE);
    SSL_CTX_set_mode(context, SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
}

// What is presented is what the certificate file holds, not a chain that OpenSSL builds from the CA file.
static inline void COpenSSL_SSL_CTX_set_no_auto_chain(SSL_CTX *context) {
    SSL_CTX_set_mode(context, SSL_MODE_NO_AUTO_CHAIN);
}

// SSL_OP_* are casts in macros, which Swift does not import.
static inline void COpenSSL_SSL_CTX_set_strict_options(SSL_CTX *context) {
    SSL_CTX_set_options(context, SSL_OP_NO_TICKET | SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION
                                     | SSL_OP_CIPHER_SERVER_PREFERENCE);
    SSL_CTX_clear_options(context, SSL_OP_IGNORE_UNEXPECTED_EOF | SSL_OP_LEGACY_SERVER_CONNECT
                                       | SSL_OP_ALLOW_UNSAFE_LEGACY_RENEGOTIATION | SSL_OP_ALLOW_NO_DHE_KEX);
}

static inline int COpenSSL_SSL_CTX_set1_groups_list(SSL_CTX *context, const char *list) {
    return (int)SSL_CTX_set1_groups_list(context, list);
}

static inline int COpenSSL_SSL_CTX_set1_sigalgs_list(SSL_CTX *context, const char *list) {
    return (int)SSL_CTX_set1_sigalgs_list(context, list);
}

static inline int COpenSSL_SSL_CTX_add1_chain_cert(SSL_CTX *context, X509 *certificate) {
    return (int)SSL_CTX_add1_chain_cert(context, certificate);
}

static inline int COpenSSL_SSL_CTX_set1_cert_store(SSL_CTX *context, X509_STORE *store) {
    SSL_CTX_set1_cert_store(context, store);
    return 1;
}

static inline int COpenSSL_SSL_set_tlsext_host_name(SSL *ssl, const char *name) {
    return (int)SSL_set_tlsext_host_name(ssl, name);
}

// --- BIO -------------------------------------------------------------------------------------------------------------

static inline void COpenSSL_BIO_set_retry_read(BIO *bio) { BIO_set_retry_read(bio); }

static inline void COpenSSL_BIO_clear_retry_flags(BIO *bio) { BIO_clear_retry_flags(bio); }

// --- Typed stacks ----------------------------------------------------------------------------------------------------

static inline int COpenSSL_sk_X509_num(const STACK_OF(X509) *stack) { return sk_X509_num(stack); }

static inline X509 *COpenSSL_sk_X509_value(const STACK_OF(X509) *stack, int index) {
    return sk_X509_value(stack, index);
}

static inline STACK_OF(X509) *COpenSSL_sk_X509_new_null(void) { return sk_X509_new_null(); }

static inline int COpenSSL_sk_X509_push(STACK_OF(X509) *stack, X509 *certificate) {
    return sk_X509_push(stack, certificate);
}

// Frees the stack and drops one reference of each certificate in it.
static inline void COpenSSL_sk_X509_pop_free(STACK_OF(X509) *stack) { sk_X509_pop_free(stack, X509_free); }

static inline int COpenSSL_sk_X509_CRL_num(const STACK_OF(X509_CRL) *stack) { return sk_X509_CRL_num(stack); }

static inline X509_CRL *COpenSSL_sk_X509_CRL_value(const STACK_OF(X509_CRL) *stack, int index) {
    return sk_X509_CRL_value(stack, index);
}

// Frees the stack and drops one reference of each list in it.
static inline void COpenSSL_sk_X509_CRL_pop_free(STACK_OF(X509_CRL) *stack) {
    sk_X509_CRL_pop_free(stack, X509_CRL_free);
}

static inline int COpenSSL_GENERAL_NAMES_num(const GENERAL_NAMES *names) { return sk_GENERAL_NAME_num(names); }

static inline GENERAL_NAME *COpenSSL_GENERAL_NAMES_value(const GENERAL_NAMES *names, int index) {
    return sk_GENERAL_NAME_value(names, index);
}

// --- What a certificate may be used for --------------------------------------------------------------------------------

// 1 when the extended key usage of the certificate names the purpose, an object identifier in digits; 0 when it names others only
// or cannot be read; -1 when there is no such extension.
static inline int COpenSSL_X509_names_purpose(const X509 *certificate, const char *purpose) {
    int found = 0;
    EXTENDED_KEY_USAGE *list = (EXTENDED_KEY_USAGE *)X509_get_ext_d2i(certificate, NID_ext_key_usage, &found, NULL);
    if (list == NULL) return found == -1 ? -1 : 0;
    ASN1_OBJECT *wanted = OBJ_txt2obj(purpose, 1);
    int result = 0;
    for (int index = 0; wanted != NULL && index < sk_ASN1_OBJECT_num(list); index++)
        if (OBJ_cmp(sk_ASN1_OBJECT_value(list, index), wanted) == 0) result = 1;
    ASN1_OBJECT_free(wanted);
    sk_ASN1_OBJECT_pop_free(list, ASN1_OBJECT_free);
    return result;
}

// Whether the key may sign, as every certificate of a TLS 1.3 handshake must.
static inline int COpenSSL_X509_may_sign(X509 *certificate) {
    return (X509_get_key_usage(certificate) & KU_DIGITAL_SIGNATURE) != 0;
}

// A number beside a store of certificates.
static inline void COpenSSL_X509_STORE_set_number(X509_STORE *store, long number) {
    X509_STORE_set_ex_data(store, 0, (void *)(intptr_t)number);
}
static inline long COpenSSL_X509_STORE_number(const X509_STORE *store) {
    return (long)(intptr_t)X509_STORE_get_ex_data(store, 0);
}

// The time by which certificates are judged.
static inline int64_t COpenSSL_X509_STORE_CTX_time(X509_STORE_CTX *verification) {
    X509_VERIFY_PARAM *parameters = X509_STORE_CTX_get0_param(verification);
    if (parameters != NULL && (X509_VERIFY_PARAM_get_flags(parameters) & X509_V_FLAG_USE_CHECK_TIME))
        return (int64_t)X509_VERIFY_PARAM_get_time(parameters);
    return (int64_t)time(NULL);
}

// --- Names in certificates -------------------------------------------------------------------------------------------

// The subjectAltName extension, decoded; the caller frees it with GENERAL_NAMES_free. NULL when absent or malformed.
static inline GENERAL_NAMES *COpenSSL_X509_copy_alternative_names(const X509 *certificate) {
    return (GENERAL_NAMES *)X509_get_ext_d2i(certificate, NID_subject_alt_name, NULL, NULL);
}

static inline int COpenSSL_GENERAL_NAME_type(const GENERAL_NAME *name) { return name->type; }

// The text of a URI or DNS name, borrowed from the name; NULL for the other kinds.
static inline const ASN1_STRING *COpenSSL_GENERAL_NAME_get0_text(const GENERAL_NAME *name) {
    if (name->type == GEN_URI) return name->d.uniformResourceIdentifier;
    if (name->type == GEN_DNS) return name->d.dNSName;
    return NULL;
}

// The object identifier of an otherName, borrowed; NULL for the other kinds.
static inline const ASN1_OBJECT *COpenSSL_GENERAL_NAME_get0_other_type(const GENERAL_NAME *name) {
    return name->type == GEN_OTHERNAME ? name->d.otherName->type_id : NULL;
}

// The IA5String inside an otherName, borrowed; NULL when the value is of another type.
static inline const ASN1_STRING *COpenSSL_GENERAL_NAME_get0_other_ia5(const GENERAL_NAME *name) {
    if (name->type != GEN_OTHERNAME || name->d.otherName->value == NULL) return NULL;
    if (name->d.otherName->value->type != V_ASN1_IA5STRING) return NULL;
    return name->d.otherName->value->value.ia5string;
}

// --- CMS ---------------------------------------------------------------------------------------------------------------

static inline int COpenSSL_sk_CMS_SignerInfo_num(const STACK_OF(CMS_SignerInfo) *stack) {
    return sk_CMS_SignerInfo_num(stack);
}

static inline CMS_SignerInfo *COpenSSL_sk_CMS_SignerInfo_value(const STACK_OF(CMS_SignerInfo) *stack, int index) {
    return sk_CMS_SignerInfo_value(stack, index);
}

// A name on one line, letters of all scripts as they are.
static inline int COpenSSL_X509_NAME_print_line(BIO *bio, const X509_NAME *name) {
    return X509_NAME_print_ex(bio, name, 0, XN_FLAG_ONELINE & ~ASN1_STRFLGS_ESC_MSB);
}

static inline long COpenSSL_BIO_get_mem_data(BIO *bio, char **start) { return BIO_get_mem_data(bio, start); }

// --- Engines -----------------------------------------------------------------------------------------------------------
// OpenSSL 3 calls them deprecated, and has no other way yet to the keys of Debian's libengine-pkcs11-openssl.

#pragma clang diagnostic push
#pragma clang diagnostic ignored "-Wdeprecated-declarations"

// A structural reference, also to an engine in a shared object of the system's folder; NULL when there is none.
static inline ENGINE *COpenSSL_ENGINE_by_id(const char *name) {
    OPENSSL_init_crypto(OPENSSL_INIT_ENGINE_DYNAMIC, NULL);
    return ENGINE_by_id(name);
}

static inline int COpenSSL_ENGINE_set(ENGINE *engine, const char *command, const char *value) {
    return ENGINE_ctrl_cmd_string(engine, command, value, 0);
}

static inline int COpenSSL_ENGINE_init(ENGINE *engine) { return ENGINE_init(engine); }

static inline int COpenSSL_ENGINE_finish(ENGINE *engine) { return ENGINE_finish(engine); }

static inline int COpenSSL_ENGINE_free(ENGINE *engine) { return ENGINE_free(engine); }

static inline EVP_PKEY *COpenSSL_ENGINE_load_private_key(
    ENGINE *engine, const char *name, UI_METHOD *method, void *data) {
    return ENGINE_load_private_key(engine, name, method, data);
}

#pragma clang diagnostic pop

#endif
