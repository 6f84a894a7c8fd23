/* libpeer's ICE and STUN, in bounds. See libpeer.h. */
#include <string.h>

#include "clock.h"
#include "esp_random.h"
#include "libpeer.h"
#include "stun.h"

#define STUN_ATTR_HEADER 4u
/* Room that MESSAGE-INTEGRITY and FINGERPRINT need after the other attributes: RFC 8489
 * sections 14.5 and 14.7. */
#define STUN_TRAILER 32u

int __real_agent_create(Agent *agent);
int __wrap_agent_create(Agent *agent);
int __real_agent_select_candidate_pair(Agent *agent);
int __wrap_agent_select_candidate_pair(Agent *agent);
void __real_stun_msg_create(StunMessage *message, uint16_t type);
void __wrap_stun_msg_create(StunMessage *message, uint16_t type);
int __real_stun_msg_write_attr(StunMessage *message, StunAttrType type, uint16_t length,
                               char *value);
int __wrap_stun_msg_write_attr(StunMessage *message, StunAttrType type, uint16_t length,
                               char *value);
void __wrap_stun_parse_msg_buf(StunMessage *message);
int __wrap_stun_msg_is_valid(uint8_t *bytes, size_t length, char *password);
void __wrap_utils_random_string(char *out, const int length);

/* libpeer counts turns where ICE counts milliseconds: a flood would end its checks at once. */
int __wrap_agent_select_candidate_pair(Agent *agent) {
    static uint64_t last;
    uint64_t now = clock_ms();
    if (now == last && agent->nominated_pair != NULL &&
        agent->nominated_pair->state == ICE_CANDIDATE_STATE_INPROGRESS) {
        return 0;
    }
    last = now;
    return __real_agent_select_candidate_pair(agent);
}

int __wrap_agent_create(Agent *agent) {
    libpeer.agent = agent;
    int error = __real_agent_create(agent);
    libpeer.no_socket = error < 0; /* libpeer does not look */
    return error;
}

/* ice-ufrag and ice-pwd: RFC 8839 section 5.4 allows these characters, and asks for 24 and 128 bits
 * of chance. */
void __wrap_utils_random_string(char *out, const int length) {
    static const char digits[] = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz+/";
    for (int i = 0; i < length; i++) {
        out[i] = digits[esp_random() & 63];
    }
    out[length] = '\0';
}

/* libpeer gives every message the same transaction id; a response to one would fit all. */
void __wrap_stun_msg_create(StunMessage *message, uint16_t type) {
    __real_stun_msg_create(message, type);
    esp_fill_random(message->buf + 8, 12);
}

const uint8_t *libpeer_tie_breaker(void) {
    static uint8_t tie_breaker[8]; /* one for the whole life of the chip is enough */
    while (tie_breaker[0] == 0) {
        esp_fill_random(tie_breaker, sizeof tie_breaker);
    }
    return tie_breaker;
}

int __wrap_stun_msg_write_attr(StunMessage *message, StunAttrType type, uint16_t length,
                               char *value) {
    uint32_t priority;
    size_t padded = (length + 3u) & ~3u;
    if (message->size + STUN_ATTR_HEADER + padded + STUN_TRAILER > sizeof message->buf) {
        return -1; /* libpeer would write past the message */
    }
    if (type == STUN_ATTR_TYPE_ICE_CONTROLLING && length == 8) {
        value = (char *)libpeer_tie_breaker(); /* libpeer's is 0, which libjuice refuses (400) */
    } else if (type == STUN_ATTR_TYPE_PRIORITY && length == sizeof priority) {
        priority = htonl(TC_STUN_PRIORITY); /* libpeer writes the pair's, in the wrong byte order */
        value = (char *)&priority;
    }
    return __real_stun_msg_write_attr(message, type, length, value);
}

/* The guard has parsed and verified the message; libpeer acts on class and method only. */
void __wrap_stun_parse_msg_buf(StunMessage *message) {
    unsigned type = (unsigned)message->buf[0] << 8 | message->buf[1];
    message->stunclass = (StunClass)(type & 0x0110u);
    message->stunmethod = (StunMethod)(type & ~0x0110u);
}

int __wrap_stun_msg_is_valid(uint8_t *bytes, size_t length, char *password) {
    (void)bytes;
    (void)length;
    (void)password;
    return 0;
}
