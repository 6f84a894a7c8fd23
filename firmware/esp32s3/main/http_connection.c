#include "http_connection.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "esp_crt_bundle.h"
#include "esp_log.h"
#include "esp_netif.h"
#include "freertos/FreeRTOS.h"
#include "freertos/task.h"
#include "lwip/dns.h"
#include "lwip/sockets.h"
#include "mbedtls/net_sockets.h"
#include "port.h"

#define SLICE_MS 100u /* how often it is asked whether the answer is still wanted */

static const char *TAG = "http";

/* ---- waiting ---- */

/* How long to wait now, 1 to SLICE_MS; 0: no longer. */
static uint32_t slice(const http_connection *c) {
    uint64_t now = clock_ms();
    if (now >= c->deadline || c->forgotten()) {
        return 0;
    }
    return c->deadline - now < SLICE_MS ? (uint32_t)(c->deadline - now) : SLICE_MS;
}

/* Waits until the socket takes bytes, or has some. 0, TC_HTTP_TIMEOUT or TC_HTTP_IO. */
static int wait_for(const http_connection *c, bool to_write) {
    uint32_t ms;
    while ((ms = slice(c)) > 0) {
        fd_set set;
        FD_ZERO(&set);
        FD_SET(c->socket, &set);
        struct timeval timeout = {.tv_usec = (suseconds_t)ms * 1000};
        int count =
            select(c->socket + 1, to_write ? NULL : &set, to_write ? &set : NULL, NULL, &timeout);
        if (count != 0) {
            return count > 0 ? 0 : TC_HTTP_IO;
        }
    }
    return TC_HTTP_TIMEOUT;
}

/* ---- names ---- */

/*
 * lwIP answers on its own task, perhaps long after we stopped waiting: an answer carries the number
 * of its question, and one to an older question is not taken.
 */
static struct {
    atomic_uint question;
    atomic_uint answered; /* the question that `address` belongs to */
    ip_addr_t address;
    bool found;
} lookup;

static void answer(const char *name, const ip_addr_t *address, void *argument) {
    unsigned question = (unsigned)(uintptr_t)argument;
    (void)name;
    if (question != lookup.question) {
        return;
    }
    lookup.found = address != NULL;
    if (address != NULL) {
        lookup.address = *address;
    }
    lookup.answered = question;
}

/* On lwIP's task, which alone may ask. */
static esp_err_t ask(void *name) {
    void *question = (void *)(uintptr_t)lookup.question;
    ip_addr_t address;
    err_t error =
        dns_gethostbyname_addrtype(name, &address, answer, question, LWIP_DNS_ADDRTYPE_IPV4);
    if (error != ERR_INPROGRESS) {
        answer(name, error == ERR_OK ? &address : NULL, question);
    }
    return ESP_OK;
}

static int find_host(const http_connection *c, char *host, struct sockaddr_in *out) {
    uint32_t ms;
    unsigned question = ++lookup.question;
    esp_netif_tcpip_exec(ask, host);
    while (lookup.answered != question && (ms = slice(c)) > 0) {
        vTaskDelay(pdMS_TO_TICKS(ms < 5 ? ms : 5));
    }
    if (lookup.answered != question || !lookup.found) {
        lookup.question++;
        return TC_HTTP_DNS;
    }
    *out = (struct sockaddr_in){.sin_len = sizeof *out, .sin_family = AF_INET};
    inet_addr_from_ip4addr(&out->sin_addr, ip_2_ip4(&lookup.address));
    return 0;
}

/* ---- TCP ---- */

static int connect_to(http_connection *c, const struct sockaddr_in *address) {
    int on = 1, error = 0;
    socklen_t size = sizeof error;
    c->socket = socket(AF_INET, SOCK_STREAM, IPPROTO_TCP);
    if (c->socket < 0) {
        ESP_LOGE(TAG, "no socket is free (errno %d)", errno);
        return TC_HTTP_TCP;
    }
    fcntl(c->socket, F_SETFL, fcntl(c->socket, F_GETFL) | O_NONBLOCK);
    setsockopt(c->socket, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    if (connect(c->socket, (const struct sockaddr *)address, sizeof *address) == 0) {
        return 0;
    }
    if (errno != EINPROGRESS) {
        return TC_HTTP_TCP;
    }
    int waited = wait_for(c, true);
    if (waited != 0) {
        return waited == TC_HTTP_TIMEOUT ? TC_HTTP_TIMEOUT : TC_HTTP_TCP;
    }
    getsockopt(c->socket, SOL_SOCKET, SO_ERROR, &error, &size);
    return error == 0 ? 0 : TC_HTTP_TCP;
}

static int tls_send(void *context, const unsigned char *bytes, size_t length) {
    ssize_t count = send(*(int *)context, bytes, length, 0);
    if (count >= 0) {
        return (int)count;
    }
    return errno == EAGAIN ? MBEDTLS_ERR_SSL_WANT_WRITE : MBEDTLS_ERR_NET_SEND_FAILED;
}

static int tls_receive(void *context, unsigned char *out, size_t capacity) {
    ssize_t count = recv(*(int *)context, out, capacity, 0);
    if (count >= 0) {
        return (int)count;
    }
    return errno == EAGAIN ? MBEDTLS_ERR_SSL_WANT_READ : MBEDTLS_ERR_NET_RECV_FAILED;
}

/* ---- TLS ---- */

static int tls_random(void *context, unsigned char *out, size_t length) {
    (void)context;
    tc_port_random(out, length);
    return 0;
}

/* Whether mbedTLS only waits for the line; then it has waited. */
static bool wants_more(http_connection *c, int result, int *error) {
    if (result != MBEDTLS_ERR_SSL_WANT_READ && result != MBEDTLS_ERR_SSL_WANT_WRITE) {
        return false;
    }
    *error = wait_for(c, result == MBEDTLS_ERR_SSL_WANT_WRITE);
    return *error == 0;
}

/* Why the certificate was refused. The names are mbedTLS's, the sentences ours. */
static const char *refusal(uint32_t flags) {
    if (flags & MBEDTLS_X509_BADCERT_NOT_TRUSTED) {
        return "no known authority signed it";
    }
    if (flags & MBEDTLS_X509_BADCERT_CN_MISMATCH) {
        return "it is for another name";
    }
    return flags & (MBEDTLS_X509_BADCERT_EXPIRED | MBEDTLS_X509_BADCERT_FUTURE)
               ? "its dates do not include today, or the clock is wrong"
               : "it is not acceptable";
}

static int refused(http_connection *c, int result) {
    if (c->pin.refused) {
        ESP_LOGE(TAG, "the server's key is not the pinned one");
        return TC_HTTP_PIN;
    }
    if (result == MBEDTLS_ERR_X509_CERT_VERIFY_FAILED) {
        uint32_t flags = mbedtls_ssl_get_verify_result(&c->ssl);
        ESP_LOGE(TAG, "the server's certificate was refused: %s (flags 0x%x)", refusal(flags),
                 (unsigned)flags);
    } else {
        ESP_LOGE(TAG, "TLS failed (mbedTLS error -0x%x)", (unsigned)-result);
    }
    return TC_HTTP_TLS;
}

static int shake_hands(http_connection *c, const char *host, const char *pin) {
    ip4_addr_t literal;
    int result, error = 0;
    mbedtls_ssl_config *config = &c->config;
    c->secure = true;
    mbedtls_ssl_init(&c->ssl);
    mbedtls_ssl_config_init(config);
    result = mbedtls_ssl_config_defaults(config, MBEDTLS_SSL_IS_CLIENT,
                                         MBEDTLS_SSL_TRANSPORT_STREAM, MBEDTLS_SSL_PRESET_DEFAULT);
    if (result != 0) {
        return refused(c, result);
    }
    mbedtls_ssl_conf_rng(config, tls_random, NULL);
    mbedtls_ssl_conf_authmode(config, MBEDTLS_SSL_VERIFY_REQUIRED);
    if (pin[0] != '\0') {
        if (!http_pin_use(&c->pin, pin, config)) {
            ESP_LOGE(TAG, "the pin is not 64 hexadecimal digits");
            return TC_HTTP_PIN;
        }
    } else if (esp_crt_bundle_attach(config) != ESP_OK) {
        return TC_HTTP_TLS;
    }
    result = mbedtls_ssl_setup(&c->ssl, config);
    if (result == 0) {
        /* Addresses are no names for server_name (RFC 6066, section 3); a pin asks for none. */
        bool nameless = pin[0] != '\0' && ip4addr_aton(host, &literal);
        result = mbedtls_ssl_set_hostname(&c->ssl, nameless ? NULL : host);
    }
    if (result != 0) {
        return refused(c, result);
    }
    mbedtls_ssl_set_bio(&c->ssl, &c->socket, tls_send, tls_receive, NULL);
    do {
        result = mbedtls_ssl_handshake(&c->ssl);
    } while (wants_more(c, result, &error));
    if (error != 0) {
        return error;
    }
    return result == 0 ? 0 : refused(c, result);
}

/* ---- the connection ---- */

int http_open(http_connection *c, http_url *url, const char *pin, uint32_t timeout_ms,
              bool (*forgotten)(void)) {
    struct sockaddr_in address;
    *c = (http_connection){
        .deadline = clock_ms() + timeout_ms, .forgotten = forgotten, .socket = -1};
    int error = find_host(c, url->host, &address);
    if (error == 0) {
        address.sin_port = htons((uint16_t)atoi(url->port));
        error = connect_to(c, &address);
    }
    if (error == 0 && url->secure) {
        error = shake_hands(c, url->host, pin);
    }
    return error;
}

int http_send(http_connection *c, const void *bytes, size_t length) {
    const uint8_t *at = bytes, *end = at + length;
    while (at < end) {
        int error = 0;
        int count = c->secure ? mbedtls_ssl_write(&c->ssl, at, (size_t)(end - at))
                              : tls_send(&c->socket, at, (size_t)(end - at));
        if (count > 0) {
            at += count;
        } else if (!wants_more(c, count, &error)) {
            return error != 0 ? error : TC_HTTP_IO;
        }
    }
    return 0;
}

int http_receive(http_connection *c, void *out, size_t capacity) {
    for (;;) {
        int error = 0;
        int count = c->secure ? mbedtls_ssl_read(&c->ssl, out, capacity)
                              : tls_receive(&c->socket, out, capacity);
        if (count >= 0 || count == MBEDTLS_ERR_SSL_PEER_CLOSE_NOTIFY) {
            return count >= 0 ? count : 0;
        }
        if (!wants_more(c, count, &error)) {
            return error != 0 ? error : TC_HTTP_IO;
        }
    }
}

void http_close(http_connection *c) {
    if (c->secure) {
        mbedtls_ssl_close_notify(&c->ssl);
        mbedtls_ssl_free(&c->ssl);
        mbedtls_ssl_config_free(&c->config);
    }
    if (c->socket >= 0) {
        close(c->socket);
    }
    c->secure = false;
    c->socket = -1;
}
