/* A guard amid a call, and all that a server may send it: for the guard's tests and its fuzz
 * target. */
#ifndef TC_GUARD_WORLD_H
#define TC_GUARD_WORLD_H

#include "../peer/guard.h"

/** Credentials: ours are local, the server's remote. */
#define LOCAL_UFRAG "h6vY"
#define LOCAL_PWD "VOkJxbRl1RmTxUk/WvJxBt"
#define REMOTE_UFRAG "evtj"
#define REMOTE_PWD "P1LtZ7wHhS9uRb3mXvQa5c"
#define PAYLOAD_TYPE 111

/** The two candidates, and somebody else. */
extern const tc_guard_address server, other, stranger;

typedef struct {
    tc_guard guard;
    unsigned hmacs; /* computed so far */
    uint64_t now;
} guard_world;

/** A new guard that knows the answer. */
void guard_world_init(guard_world *world);
/** A request of ours has been answered from `server`, which is chosen. */
void guard_world_choose(guard_world *world);
/** And DTLS is up. */
void guard_world_up(guard_world *world);

/** A transaction id of which each byte is `id`. */
const uint8_t *guard_id(uint8_t id);

/** Datagrams of the server: written to `out` (of at least 256 bytes); the length is returned. */
size_t server_request(uint8_t *out, const char *ours, const char *pwd);
size_t server_response(uint8_t *out, const uint8_t *id, const char *pwd);
/** One record; `fragment` bytes of it count up from `first`. */
size_t dtls_record(uint8_t *out, uint8_t type, uint16_t epoch, uint64_t sequence, size_t fragment,
                   uint8_t first);
size_t rtp_packet(uint8_t *out, uint8_t type, uint16_t sequence);
size_t rtcp_packet(uint8_t *out);

/** The verdict on a datagram from `from`. */
tc_guard_verdict guard_verdict(guard_world *world, const tc_guard_address *from,
                               const uint8_t *bytes, size_t length);

#endif
