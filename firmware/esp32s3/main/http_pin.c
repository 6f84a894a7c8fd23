#include "http_pin.h"

#include <string.h>

#include "mbedtls/constant_time.h"
#include "mbedtls/sha256.h"
#include "mbedtls/x509_crt.h"

static int digit(char c) {
    return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static bool read_hex(const char *hex, uint8_t out[32]) {
    if (strlen(hex) != 64) {
        return false;
    }
    for (int i = 0; i < 32; i++) {
        int high = digit(hex[2 * i]), low = digit(hex[2 * i + 1]);
        if (high < 0 || low < 0) {
            return false;
        }
        out[i] = (uint8_t)(high << 4 | low);
    }
    return true;
}

/*
 * mbedTLS asks for each certificate that the server sent, the server's own at depth 0. Its key
 * alone counts; the handshake then proves that the server holds the private half. pk_raw is the DER
 * SubjectPublicKeyInfo (RFC 7469, section 2.4).
 */
static int verify(void *context, mbedtls_x509_crt *certificate, int depth, uint32_t *flags) {
    http_pin *pin = context;
    uint8_t hash[32];
    if (depth == 0) {
        int error = mbedtls_sha256(certificate->pk_raw.p, certificate->pk_raw.len, hash, 0);
        if (error != 0 || mbedtls_ct_memcmp(hash, pin->expected, sizeof hash) != 0) {
            pin->refused = error == 0;
            *flags |= MBEDTLS_X509_BADCERT_OTHER;
            return 0;
        }
    }
    *flags = 0;
    return 0;
}

bool http_pin_use(http_pin *pin, const char *hex, mbedtls_ssl_config *config) {
    static mbedtls_x509_crt nobody; /* without any authority mbedTLS would not even ask */
    pin->refused = false;
    if (!read_hex(hex, pin->expected)) {
        return false;
    }
    mbedtls_ssl_conf_authmode(config, MBEDTLS_SSL_VERIFY_REQUIRED);
    mbedtls_ssl_conf_ca_chain(config, &nobody, NULL);
    mbedtls_ssl_conf_verify(config, verify, pin);
    return true;
}
