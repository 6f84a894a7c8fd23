/* Descriptions in; out: sdp_write.c. */
#include "sdp.h"

#include <string.h>

typedef struct {
    const char *at;
    size_t length;
} span;

enum { SESSION, AUDIO, DATA, SECTIONS };

/* What may stand in any section; NULL where it does not. */
typedef struct {
    span ufrag, pwd, setup, mid;
    bool has_fingerprint;
    char fingerprint[TC_SDP_FINGERPRINT + 1];
} transport;

typedef struct {
    const tc_sdp_offer *offer;
    tc_sdp_answer *out;
    const char *why; /* NULL until something is wrong */
    int section;
    transport transports[SECTIONS];
    span bundle;
    span direction[SECTIONS];
    bool rtcp_mux, rtpmap;
} reader;

/* ---- words and numbers ------------------------------------------------------------------------
 */

static bool is(span text, const char *wanted) {
    return text.length == strlen(wanted) && memcmp(text.at, wanted, text.length) == 0;
}

static char lower(char c) {
    return c >= 'A' && c <= 'Z' ? (char)(c | 0x20) : c;
}

static bool is_nocase(span text, const char *wanted) {
    if (text.length != strlen(wanted)) {
        return false;
    }
    for (size_t i = 0; i < text.length; i++) {
        if (lower(text.at[i]) != wanted[i]) {
            return false;
        }
    }
    return true;
}

/* Takes what stands before the next `separator`, and the separator; all where there is none. */
static span take(span *from, char separator) {
    span word = {from->at, 0};
    if (from->length == 0) {
        return word; /* it may be NULL, to which nothing may be added */
    }
    while (word.length < from->length && word.at[word.length] != separator) {
        word.length++;
    }
    size_t used = word.length < from->length ? word.length + 1 : word.length;
    from->at += used;
    from->length -= used;
    return word;
}

/* Takes a word; several spaces count as one. */
static span take_word(span *from) {
    span word;
    do {
        word = take(from, ' ');
    } while (word.length == 0 && from->length > 0);
    return word;
}

/* Decimal digits alone, at most `most`. */
static bool number(span text, uint32_t most, uint32_t *out) {
    uint64_t value = 0;
    if (text.length == 0 || text.length > 10) {
        return false;
    }
    for (size_t i = 0; i < text.length; i++) {
        if (text.at[i] < '0' || text.at[i] > '9') {
            return false;
        }
        value = value * 10 + (uint64_t)(text.at[i] - '0');
    }
    *out = (uint32_t)value;
    return value <= most;
}

static bool contains_word(span list, const char *wanted) {
    while (list.length > 0) {
        if (is(take_word(&list), wanted)) {
            return true;
        }
    }
    return false;
}

static void refuse(reader *in, const char *why) {
    if (in->why == NULL) {
        in->why = why;
    }
}

/* ---- candidates (RFC 8839 section 5.1) --------------------------------------------------------
 */

static bool read_ip(span text, uint8_t ip[4]) {
    for (int i = 0; i < 4; i++) {
        uint32_t value;
        span part = take(&text, '.');
        if (!number(part, 255, &value) || (part.length > 1 && part.at[0] == '0')) {
            return false;
        }
        ip[i] = (uint8_t)value;
    }
    /* Nobody can be there: "this network"; multicast and above. */
    return text.length == 0 && ip[0] != 0 && ip[0] < 224;
}

static void insert(tc_sdp_answer *out, const tc_guard_address *address, uint32_t priority,
                   tc_sdp_kind kind) {
    for (size_t i = 0; i < out->candidate_count; i++) {
        if (out->candidates[i].port == address->port &&
            memcmp(out->candidates[i].ip, address->ip, sizeof address->ip) == 0) {
            if (out->priorities[i] >= priority) {
                return;
            }
            /* The better one of the two comes in its place. */
            out->candidate_count--;
            for (; i < out->candidate_count; i++) {
                out->candidates[i] = out->candidates[i + 1];
                out->priorities[i] = out->priorities[i + 1];
                out->kinds[i] = out->kinds[i + 1];
            }
        }
    }
    size_t at = 0;
    while (at < out->candidate_count && out->priorities[at] >= priority) {
        at++;
    }
    if (at == TC_SDP_CANDIDATES) {
        return;
    }
    if (out->candidate_count < TC_SDP_CANDIDATES) {
        out->candidate_count++;
    }
    for (size_t i = out->candidate_count - 1; i > at; i--) {
        out->candidates[i] = out->candidates[i - 1];
        out->priorities[i] = out->priorities[i - 1];
        out->kinds[i] = out->kinds[i - 1];
    }
    out->candidates[at] = *address;
    out->priorities[at] = priority;
    out->kinds[at] = kind;
}

/* foundation component transport priority address port "typ" type …; others than ours are no error.
 */
static void read_candidate(reader *in, span value) {
    span words[8];
    for (int i = 0; i < 8; i++) {
        words[i] = take_word(&value);
    }
    uint32_t priority, port;
    tc_guard_address address;
    tc_sdp_kind kind;
    if (!is(words[1], "1") || !is_nocase(words[2], "udp") || !is(words[6], "typ") ||
        !number(words[3], INT32_MAX, &priority) || priority == 0 ||
        !read_ip(words[4], address.ip) || !number(words[5], 65535, &port) || port == 0) {
        return;
    }
    if (is(words[7], "host")) {
        kind = TC_SDP_HOST;
    } else if (is(words[7], "srflx")) {
        kind = TC_SDP_SRFLX;
    } else if (is(words[7], "relay")) {
        kind = TC_SDP_RELAY;
    } else {
        return;
    }
    address.port = (uint16_t)port;
    insert(in->out, &address, priority, kind);
}

/* ---- attributes -------------------------------------------------------------------------------
 */

static int hex(char c) {
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    c = lower(c);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Of several, the first SHA-256 counts: ours is no client that could use another hash. */
static void read_fingerprint(reader *in, span value) {
    transport *to = &in->transports[in->section];
    if (!is_nocase(take_word(&value), "sha-256") || to->has_fingerprint) {
        return;
    }
    span digits = take_word(&value);
    if (digits.length != TC_SDP_FINGERPRINT) {
        refuse(in, "the fingerprint has another length than SHA-256");
        return;
    }
    for (size_t i = 0; i < digits.length; i++) {
        if (i % 3 == 2 ? digits.at[i] != ':' : hex(digits.at[i]) < 0) {
            refuse(in, "the fingerprint is not hexadecimal");
            return;
        }
        to->fingerprint[i] = i % 3 == 2 ? ':' : "0123456789ABCDEF"[hex(digits.at[i])];
    }
    to->fingerprint[digits.length] = '\0';
    to->has_fingerprint = true;
}

static void read_rtpmap(reader *in, span value) {
    uint32_t type;
    if (!number(take_word(&value), 127, &type) || type != in->offer->opus) {
        return;
    }
    if (!is_nocase(take_word(&value), "opus/48000/2")) {
        refuse(in, "the offered payload type is not Opus");
    }
    in->rtpmap = true;
}

static void read_audio_attribute(reader *in, span name, span value) {
    if (is(name, "rtcp-mux")) {
        in->rtcp_mux = true;
    } else if (is(name, "rtpmap")) {
        read_rtpmap(in, value);
    } else if (is(name, "ssrc") && !in->out->has_ssrc) {
        in->out->has_ssrc = number(take_word(&value), UINT32_MAX, &in->out->ssrc);
    }
}

static void read_data_attribute(reader *in, span name, span value) {
    uint32_t size;
    if (is(name, "sctp-port")) {
        if (!number(value, 65535, &size) || size == 0) {
            refuse(in, "the SCTP port is none");
            return;
        }
        in->out->sctp_port = (uint16_t)size;
    } else if (is(name, "max-message-size")) {
        /* 0 means any size, and so does what does not fit into 32 bits. */
        bool fits = number(value, UINT32_MAX, &size);
        in->out->max_message_size = !fits || size == 0 ? UINT32_MAX : size;
    }
}

static void read_attribute(reader *in, span value) {
    span name = take(&value, ':');
    transport *to = &in->transports[in->section];
    if (is(name, "candidate")) {
        read_candidate(in, value);
    } else if (is(name, "ice-ufrag")) {
        to->ufrag = value;
    } else if (is(name, "ice-pwd")) {
        to->pwd = value;
    } else if (is(name, "setup")) {
        to->setup = value;
    } else if (is(name, "mid")) {
        to->mid = value;
    } else if (is(name, "fingerprint")) {
        read_fingerprint(in, value);
    } else if (is(name, "end-of-candidates")) {
        in->out->end_of_candidates = true;
    } else if (is(name, "sendrecv") || is(name, "sendonly") || is(name, "recvonly") ||
               is(name, "inactive")) {
        in->direction[in->section] = name;
    } else if (in->section == SESSION && is(name, "ice-lite")) {
        in->out->ice_lite = true;
    } else if (in->section == SESSION && is(name, "group")) {
        if (is(take_word(&value), "BUNDLE")) {
            in->bundle = value;
        }
    } else if (in->section == AUDIO) {
        read_audio_attribute(in, name, value);
    } else if (in->section == DATA) {
        read_data_attribute(in, name, value);
    }
}

/* media port protocol formats; in the order of the offer (RFC 3264 section 6) */
static void read_media(reader *in, span value) {
    in->section++;
    span media = take_word(&value), port = take_word(&value), protocol = take_word(&value);
    uint32_t at;
    if (in->section >= SECTIONS) {
        refuse(in, "it has more media than were offered");
        in->section = DATA;
    } else if (!is(media, in->section == AUDIO ? "audio" : "application")) {
        refuse(in, "its media are not those of the offer");
    } else if (!number(port, 65535, &at) || at == 0) {
        refuse(in, in->section == AUDIO ? "audio is refused" : "the data channel is refused");
    } else if (in->section == DATA) {
        if (!is(protocol, "UDP/DTLS/SCTP") || !contains_word(value, "webrtc-datachannel")) {
            refuse(in, "the data channel is not SCTP over DTLS over UDP");
        }
    } else if (!is(protocol, "UDP/TLS/RTP/SAVPF") && !is(protocol, "UDP/TLS/RTP/SAVP")) {
        refuse(in, "audio is not SRTP keyed by DTLS");
    } else {
        bool found = false;
        while (value.length > 0) {
            uint32_t type;
            found = (number(take_word(&value), 127, &type) && type == in->offer->opus) || found;
        }
        if (!found) {
            refuse(in, "audio is not the offered Opus");
        }
    }
}

/* ---- the whole --------------------------------------------------------------------------------
 */

/* RFC 8839 section 5.4: ice-char, and at least `least` of them */
static bool copy_credential(char *to, size_t least, size_t most, span value) {
    if (value.length < least || value.length > most) {
        return false;
    }
    for (size_t i = 0; i < value.length; i++) {
        char c = value.at[i];
        if (!(c >= '0' && c <= '9') && !(lower(c) >= 'a' && lower(c) <= 'z') && c != '+' &&
            c != '/') {
            return false;
        }
        to[i] = c;
    }
    to[value.length] = '\0';
    return true;
}

/* The bundle's transport is that of the section whose mid comes first (RFC 9143 section 7.1); what
 * it does not say, the session may say for it. */
static void settle_transport(reader *in) {
    span mids = in->bundle;
    const transport *first = &in->transports[is(take_word(&mids), TC_SDP_MID_DATA) ? DATA : AUDIO];
    const transport *session = &in->transports[SESSION];
    span setup = first->setup.at != NULL ? first->setup : session->setup;
    if (!copy_credential(in->out->ufrag, 4, TC_SDP_UFRAG_MAX,
                         first->ufrag.at != NULL ? first->ufrag : session->ufrag)) {
        refuse(in, "ice-ufrag is missing or not usable");
    }
    if (!copy_credential(in->out->pwd, 22, TC_SDP_PWD_MAX,
                         first->pwd.at != NULL ? first->pwd : session->pwd)) {
        refuse(in, "ice-pwd is missing or not usable");
    }
    const transport *certified = first->has_fingerprint ? first : session;
    if (!certified->has_fingerprint) {
        refuse(in, "there is no SHA-256 fingerprint");
    }
    memcpy(in->out->fingerprint, certified->fingerprint, sizeof in->out->fingerprint);
    if (!is(setup, "active")) {
        refuse(in, "setup is not active, although passive was offered");
    }
}

static void settle_direction(reader *in) {
    span direction =
        in->direction[AUDIO].at != NULL ? in->direction[AUDIO] : in->direction[SESSION];
    bool both = direction.at == NULL || is(direction, "sendrecv");
    in->out->sends = both || is(direction, "sendonly");
    in->out->receives = both || is(direction, "recvonly");
    if (!in->out->sends && !in->out->receives) {
        refuse(in, "audio is inactive");
    }
}

static void settle(reader *in) {
    if (in->section != DATA) {
        refuse(in, "it has less media than were offered");
        return;
    }
    if (!contains_word(in->bundle, TC_SDP_MID_AUDIO) ||
        !contains_word(in->bundle, TC_SDP_MID_DATA) ||
        !is(in->transports[AUDIO].mid, TC_SDP_MID_AUDIO) ||
        !is(in->transports[DATA].mid, TC_SDP_MID_DATA)) {
        refuse(in, "its media are not bundled as offered");
    }
    settle_transport(in);
    settle_direction(in);
    if (!in->rtcp_mux) {
        refuse(in, "rtcp-mux is missing");
    }
    if (!in->rtpmap) {
        refuse(in, "audio is not the offered Opus");
    }
    if (in->out->candidate_count == 0) {
        refuse(in, "there is no candidate with UDP and IPv4");
    }
}

tc_err tc_sdp_read_answer(const char *text, size_t length, const tc_sdp_offer *offer,
                          tc_sdp_answer *out, const char **why) {
    reader in = {.offer = offer, .out = out};
    span rest = {text, length};
    memset(out, 0, sizeof *out);
    out->opus = offer->opus;
    out->sctp_port = 5000;
    out->max_message_size = 65536;
    for (bool first = true; rest.length > 0; first = false) {
        span line = take(&rest, '\n');
        if (line.length > 0 && line.at[line.length - 1] == '\r') {
            line.length--;
        }
        if (first && !is(line, "v=0")) {
            refuse(&in, "it is no session description");
            break;
        }
        if (line.length < 2 || line.at[1] != '=') {
            continue;
        }
        span value = {line.at + 2, line.length - 2};
        if (line.at[0] == 'm') {
            read_media(&in, value);
        } else if (line.at[0] == 'a') {
            read_attribute(&in, value);
        }
    }
    settle(&in);
    *why = in.why == NULL ? "" : in.why;
    return in.why == NULL ? TC_OK : TC_ERR_FORMAT;
}
