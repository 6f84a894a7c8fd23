/* libpeer's DTLS and SRTP, in bounds. See libpeer.h. */
#include <string.h>

#include "clock.h"
#include "esp_log.h"
#include "freertos/FreeRTOS.h"
#include "freertos/task.h"
#include "libpeer.h"

static const char *TAG = "dtls";

#define MTU 1500
#define RTCP_HEADER 8 /* with the sender's SSRC: RFC 3550 section 6.4.2 */

int __real_dtls_srtp_init(DtlsSrtp *dtls, DtlsSrtpRole role, void *user);
int __wrap_dtls_srtp_init(DtlsSrtp *dtls, DtlsSrtpRole role, void *user);
int __real_dtls_srtp_handshake(DtlsSrtp *dtls, Address *address);
int __wrap_dtls_srtp_handshake(DtlsSrtp *dtls, Address *address);
int __real_agent_recv(Agent *agent, uint8_t *bytes, int capacity);
int __wrap_agent_recv(Agent *agent, uint8_t *bytes, int capacity);
int __wrap_dtls_srtp_probe(uint8_t *bytes);
int __wrap_dtls_srtp_read(DtlsSrtp *dtls, unsigned char *bytes, size_t capacity);
int __wrap_dtls_srtp_write(DtlsSrtp *dtls, const unsigned char *bytes, size_t length);
void __wrap_dtls_srtp_decrypt_rtp_packet(DtlsSrtp *dtls, uint8_t *packet, int *length);
void __wrap_dtls_srtp_decrypt_rtcp_packet(DtlsSrtp *dtls, uint8_t *packet, int *length);
int __real_mbedtls_x509write_crt_set_validity(mbedtls_x509write_cert *certificate, const char *from,
                                              const char *to);
int __wrap_mbedtls_x509write_crt_set_validity(mbedtls_x509write_cert *certificate, const char *from,
                                              const char *to);

/* The datagram that agent_recv gave libpeer last: mbedTLS gets it once. */
static const uint8_t *datagram;
static size_t datagram_length;

/* A peer's certificate is known by its fingerprint in the answer, which libpeer compares. Nobody
 * signed it, and its dates say nothing: it is often younger than our clock, which before SNTP has
 * answered shows the day of the build. */
static int any_certificate(void *context, mbedtls_x509_crt *certificate, int depth,
                           uint32_t *flags) {
    (void)context;
    (void)certificate;
    (void)depth;
    *flags = 0;
    return 0;
}

/* The only profile that libpeer makes keys for, whatever it agreed upon: two of the others that it
 * offers do not encrypt. */
int __wrap_dtls_srtp_init(DtlsSrtp *dtls, DtlsSrtpRole role, void *user) {
    static const mbedtls_ssl_srtp_profile profiles[] = {MBEDTLS_TLS_SRTP_AES128_CM_HMAC_SHA1_80,
                                                        MBEDTLS_TLS_SRTP_UNSET};
    libpeer.dtls = dtls;
    int error = __real_dtls_srtp_init(dtls, role, user);
    mbedtls_ssl_conf_verify(&dtls->conf, any_certificate, NULL);
    (void)mbedtls_ssl_conf_dtls_srtp_protection_profiles(&dtls->conf, profiles);
    return error;
}

static bool srtp_agreed(const DtlsSrtp *dtls) {
    mbedtls_dtls_srtp_info info;
    mbedtls_ssl_get_dtls_srtp_negotiation_result(&dtls->ssl, &info);
    return info.MBEDTLS_PRIVATE(chosen_dtls_srtp_profile) ==
           MBEDTLS_TLS_SRTP_AES128_CM_HMAC_SHA1_80;
}

/* The peer knows us by the fingerprint in the offer; dates matter to nobody (RFC 8827 section 6.5),
 * but one stack or another may look. */
int __wrap_mbedtls_x509write_crt_set_validity(mbedtls_x509write_cert *certificate, const char *from,
                                              const char *to) {
    (void)from;
    (void)to;
    return __real_mbedtls_x509write_crt_set_validity(certificate, "20200101000000",
                                                     "20491231235959");
}

int __wrap_agent_recv(Agent *agent, uint8_t *bytes, int capacity) {
    int length = __real_agent_recv(agent, bytes, capacity);
    datagram = bytes;
    datagram_length = length > 0 ? (size_t)length : 0;
    return length;
}

/* A datagram that cannot be sent is a lost one: DTLS and SCTP send it again. */
static int send_datagram(void *context, const unsigned char *bytes, size_t length) {
    (void)context;
    (void)agent_send(libpeer.agent, bytes, (int)length);
    return (int)length;
}

static int receive_in_handshake(void *context, unsigned char *bytes, size_t capacity) {
    (void)context;
    if (!libpeer.wanted() || clock_ms() >= libpeer.handshake_until) {
        return MBEDTLS_ERR_SSL_CONN_EOF;
    }
    size_t early = libpeer_early(bytes, capacity);
    if (early > 0) {
        return (int)early;
    }
    uint32_t before = libpeer.packets;
    int length = __real_agent_recv(libpeer.agent, bytes, (int)capacity); /* waits 1 ms */
    if (length > 0) {
        return length;
    }
    if (libpeer.packets != before) {
        /* It has not waited, and in a flood it never would: the tasks below must run, too. */
        vTaskDelay(pdMS_TO_TICKS(1));
    }
    return MBEDTLS_ERR_SSL_WANT_READ;
}

/* libpeer's own gives the same datagram again and again: a record that mbedTLS ignores would hang
 * the task. */
static int receive_once(void *context, unsigned char *bytes, size_t capacity) {
    (void)context;
    size_t length = datagram_length;
    datagram_length = 0;
    if (length == 0 || length > capacity) {
        return MBEDTLS_ERR_SSL_WANT_READ;
    }
    memcpy(bytes, datagram, length);
    return (int)length;
}

int __wrap_dtls_srtp_handshake(DtlsSrtp *dtls, Address *address) {
    if (libpeer.handshake_failed) {
        return -1; /* libpeer would begin anew, for ever */
    }
    dtls->udp_send = send_datagram;
    dtls->udp_recv = receive_in_handshake;
    int error = __real_dtls_srtp_handshake(dtls, address);
    const mbedtls_x509_crt *certificate = mbedtls_ssl_get_peer_cert(&dtls->ssl);
    if (error != 0 || certificate == NULL || dtls->state != DTLS_SRTP_STATE_CONNECTED) {
        ESP_LOGW(TAG, "the handshake failed (-0x%04x)", (unsigned)-error);
        libpeer.handshake_failed = true;
        return -1;
    }
    if (!srtp_agreed(dtls)) {
        ESP_LOGW(TAG, "the peer does not offer SRTP_AES128_CM_HMAC_SHA1_80");
        libpeer.handshake_failed = true;
        return -1;
    }
    mbedtls_ssl_set_bio(&dtls->ssl, dtls, send_datagram, receive_once, NULL);
    /* libpeer's read time limit of 1 s would make mbedTLS refuse the first datagram after a pause.
     */
    mbedtls_ssl_conf_read_timeout(&dtls->conf, 0);
    libpeer.dtls_up = true;
    return 0;
}

/* libpeer takes application data only; alerts, and a flight that the peer sends again, are for
 * mbedTLS, too. */
int __wrap_dtls_srtp_probe(uint8_t *bytes) {
    return bytes[0] >= 20 && bytes[0] <= 25;
}

/* Reads all records of the datagram; what they hold goes to the data channel. libpeer gets nothing.
 */
int __wrap_dtls_srtp_read(DtlsSrtp *dtls, unsigned char *bytes, size_t capacity) {
    size_t whole = datagram_length;
    int length;
    while ((length = mbedtls_ssl_read(&dtls->ssl, bytes, capacity)) > 0) {
        tc_guard_opened(&libpeer.guard, datagram, whole);
        if (libpeer.channel != NULL) {
            tc_channel_receive(libpeer.channel, bytes, (size_t)length);
        }
    }
    if (length == MBEDTLS_ERR_SSL_PEER_CLOSE_NOTIFY ||
        length == MBEDTLS_ERR_SSL_FATAL_ALERT_MESSAGE) {
        libpeer.closed_by_peer = true;
    } else if (length != MBEDTLS_ERR_SSL_WANT_READ && length != 0) {
        ESP_LOGW(TAG, "a record could not be read (-0x%04x)", (unsigned)-length);
    }
    return 0;
}

int __wrap_dtls_srtp_write(DtlsSrtp *dtls, const unsigned char *bytes, size_t length) {
    return mbedtls_ssl_write(&dtls->ssl, bytes, length);
}

/* libpeer passes on what SRTP could not authenticate. `*length` 0 keeps it from doing anything. */
void __wrap_dtls_srtp_decrypt_rtp_packet(DtlsSrtp *dtls, uint8_t *packet, int *length) {
    static uint8_t aligned[MTU] __attribute__((aligned(8))); /* libsrtp reads words */
    int plain = *length;
    *length = 0;
    if (plain <= 0 || plain > MTU) {
        return;
    }
    memcpy(aligned, packet, (size_t)plain);
    if (srtp_unprotect(dtls->srtp_in, aligned, &plain) != srtp_err_status_ok) {
        libpeer.srtp_refused++;
    } else {
        libpeer.rtp(aligned, (size_t)plain);
    }
}

/* Nothing in RTCP is acted upon: reports of a receiver would change nothing here. It is still
 * authenticated, so that the counter of what was refused tells of forgeries. */
void __wrap_dtls_srtp_decrypt_rtcp_packet(DtlsSrtp *dtls, uint8_t *packet, int *length) {
    static uint8_t aligned[MTU] __attribute__((aligned(8)));
    int plain = *length;
    *length = 0;
    if (plain < RTCP_HEADER || plain > MTU) {
        return;
    }
    memcpy(aligned, packet, (size_t)plain);
    if (srtp_unprotect_rtcp(dtls->srtp_in, aligned, &plain) != srtp_err_status_ok) {
        libpeer.srtp_refused++;
    }
}
