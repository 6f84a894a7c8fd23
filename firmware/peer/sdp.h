/*
 * The session description (RFC 8866) as far as this device needs it: one Opus stream and one data
 * channel in one bundle, without trickle. It writes the offer; reads the answer, whatever is in it
 * besides; and tells libpeer what is known, in lines that its parsers bear.
 */
#ifndef TC_SDP_H
#define TC_SDP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "../core/err.h"
#include "guard.h"

#define TC_SDP_CANDIDATES TC_GUARD_CANDIDATES
/** Characters. RFC 8839 section 5.4 allows 256 of each; longer ones than these are refused, since
 * both ufrags must fit into a USERNAME of 127. */
#define TC_SDP_UFRAG_MAX 64
#define TC_SDP_PWD_MAX TC_GUARD_PWD_MAX
/** SHA-256 as "AB:CD:…": 32 bytes. */
#define TC_SDP_FINGERPRINT 95
/** What an offer with all candidates needs, and the description for libpeer, NUL included. */
#define TC_SDP_OFFER_SIZE 2560
#define TC_SDP_LIBPEER_SIZE 1280

#define TC_SDP_MID_AUDIO "audio"
#define TC_SDP_MID_DATA "data"

/** What we offer. */
typedef struct {
    uint64_t session_id; /* random; 63 bits of it are used */
    char ufrag[TC_SDP_UFRAG_MAX + 1];
    char pwd[TC_SDP_PWD_MAX + 1];
    char fingerprint[TC_SDP_FINGERPRINT + 1];
    uint8_t opus;                                   /* payload type */
    uint32_t ssrc;                                  /* of our audio */
    uint32_t max_message_size;                      /* bytes that the data channel takes */
    tc_guard_address candidates[TC_SDP_CANDIDATES]; /* ours, type host */
    size_t candidate_count;
} tc_sdp_offer;

typedef enum { TC_SDP_HOST, TC_SDP_SRFLX, TC_SDP_RELAY } tc_sdp_kind;

/** What was answered. */
typedef struct {
    char ufrag[TC_SDP_UFRAG_MAX + 1];
    char pwd[TC_SDP_PWD_MAX + 1];
    char fingerprint[TC_SDP_FINGERPRINT + 1]; /* upper case */
    uint8_t opus;                             /* payload type: the offered one */
    bool sends, receives;                     /* direction of the server's audio; one is true */
    bool has_ssrc;
    uint32_t ssrc;                                  /* of the server's audio, where it says so */
    tc_guard_address candidates[TC_SDP_CANDIDATES]; /* UDP, IPv4, component 1; the best first */
    uint32_t priorities[TC_SDP_CANDIDATES];
    tc_sdp_kind kinds[TC_SDP_CANDIDATES];
    size_t candidate_count;    /* at least 1 */
    uint16_t sctp_port;        /* 5000 where it is absent (RFC 8841 section 5) */
    uint32_t max_message_size; /* 65,536 where it is absent; UINT32_MAX: any size */
    bool ice_lite;
    bool end_of_candidates;
} tc_sdp_answer;

/**
 * Reads an answer of `length` bytes; lines end with CRLF or LF and may be of any length, unknown
 * ones are passed over. TC_OK, or TC_ERR_FORMAT where it is no answer to this offer or nothing that
 * can be used; then `*why` says so in a few words. `*out` is written in both cases.
 */
tc_err tc_sdp_read_answer(const char *text, size_t length, const tc_sdp_offer *offer,
                          tc_sdp_answer *out, const char **why);

/**
 * Writes what libpeer must know of an answer: lines below 200 characters that end with CRLF.
 * Returns the length without the NUL, or TC_ERR_SIZE; TC_SDP_LIBPEER_SIZE is always enough.
 */
int tc_sdp_write_for_libpeer(const tc_sdp_answer *answer, char *out, size_t capacity);

/** Writes an offer. Returns the length without the NUL, or TC_ERR_SIZE; TC_SDP_OFFER_SIZE is always
 * enough. */
int tc_sdp_write_offer(const tc_sdp_offer *offer, char *out, size_t capacity);

#endif
