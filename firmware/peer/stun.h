/*
 * STUN for ICE: Binding requests and responses (RFC 8489, RFC 8445 section 7), read strictly and
 * written. A message that tc_stun_read() takes has at most TC_STUN_MAX bytes, each attribute lies
 * inside it, and no attribute is longer than what the buffers behind it hold.
 */
#ifndef TC_STUN_H
#define TC_STUN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "../core/err.h"

/** Bytes of the largest message that is read or written. */
#define TC_STUN_MAX 256
#define TC_STUN_HEADER 20
#define TC_STUN_ID 12
/** Bytes of the longest USERNAME, "local:remote". */
#define TC_STUN_USERNAME_MAX 127

enum {
    TC_STUN_REQUEST = 0x0001,
    TC_STUN_RESPONSE = 0x0101,
    TC_STUN_ERROR = 0x0111,
};

/** HMAC-SHA1 (RFC 2104) over `length` bytes; `context` is the caller's own. */
typedef void tc_hmac_sha1(const uint8_t *key, size_t key_length, const uint8_t *data, size_t length,
                          uint8_t out[20], void *context);

/** A message as it was read. Pointers go into its bytes, and are NULL where it is absent. */
typedef struct {
    uint16_t type; /* TC_STUN_REQUEST, TC_STUN_RESPONSE or TC_STUN_ERROR */
    const uint8_t *id;
    const uint8_t *username;
    size_t username_length;
    const uint8_t *integrity;   /* 20 bytes of HMAC */
    const uint8_t *fingerprint; /* 4 bytes */
    uint32_t priority;          /* 0: absent */
    uint16_t error;             /* 300 to 699; 0: absent */
    bool use_candidate, controlling, controlled;
    bool mapped_ipv4; /* XOR-MAPPED-ADDRESS is an IPv4 address: */
    uint8_t mapped_ip[4];
    uint16_t mapped_port;
} tc_stun_message;

/**
 * Reads a message. `out` is valid while the bytes are.
 * TC_ERR_SIZE: shorter than a header, longer than TC_STUN_MAX, or another length than it says.
 * TC_ERR_TYPE: no Binding request, success response or error response.
 * TC_ERR_FORMAT: wrong magic cookie; an attribute that leaves the message, comes twice, has a
 * length that is not its own, or must be understood and is not; anything but FINGERPRINT after
 * MESSAGE-INTEGRITY; anything after FINGERPRINT.
 */
tc_err tc_stun_read(const uint8_t *bytes, size_t length, tc_stun_message *out);

/** Whether FINGERPRINT is there and right (RFC 8489 section 14.7). */
bool tc_stun_fingerprint_ok(const uint8_t *bytes, const tc_stun_message *message);

/**
 * Whether MESSAGE-INTEGRITY is there and made with this password (RFC 8489 section 14.5, short-term
 * credentials). One HMAC over at most TC_STUN_MAX bytes.
 */
bool tc_stun_integrity_ok(const uint8_t *bytes, const tc_stun_message *message, const char *pwd,
                          tc_hmac_sha1 *hmac, void *context);

/** What a Binding request of the controlling agent says. */
typedef struct {
    const uint8_t
        *transaction; /* TC_STUN_ID bytes: random for each request, the same if repeated */
    const char *remote_ufrag, *local_ufrag; /* USERNAME is remote:local (RFC 8445 section 7.2.2) */
    const char *remote_pwd;                 /* the key of MESSAGE-INTEGRITY */
    const uint8_t *tie_breaker;             /* 8 bytes; not all 0, which libjuice refuses (400) */
    uint32_t priority;                      /* 0: TC_STUN_PRIORITY */
    bool use_candidate;                     /* nominates the pair */
    tc_hmac_sha1 *hmac;
    void *hmac_context;
} tc_stun_request;

/** PRIORITY of a check: that of a peer-reflexive candidate at our only address (RFC 8445 sections
 * 5.1.2.1 and 7.1.1). */
#define TC_STUN_PRIORITY (110u << 24 | 65535u << 8 | 255u)

/**
 * Writes a Binding request: USERNAME, PRIORITY, ICE-CONTROLLING, USE-CANDIDATE, MESSAGE-INTEGRITY,
 * FINGERPRINT. Returns its length, or TC_ERR_SIZE where it is longer than `capacity` or
 * TC_STUN_MAX, or the username than TC_STUN_USERNAME_MAX.
 */
int tc_stun_write_request(const tc_stun_request *request, uint8_t *out, size_t capacity);

/** What the success response to a Binding request says. */
typedef struct {
    const uint8_t *transaction; /* TC_STUN_ID bytes: that of the request */
    uint8_t ip[4];              /* where the request came from */
    uint16_t port;              /* host order */
    const char *local_pwd;      /* the key of MESSAGE-INTEGRITY */
    tc_hmac_sha1 *hmac;
    void *hmac_context;
} tc_stun_response;

/** Writes a success response: XOR-MAPPED-ADDRESS, MESSAGE-INTEGRITY, FINGERPRINT. Returns its
 * length or TC_ERR_SIZE. */
int tc_stun_write_response(const tc_stun_response *response, uint8_t *out, size_t capacity);

#endif
