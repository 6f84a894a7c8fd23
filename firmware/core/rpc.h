/* JSON-RPC 2.0 over the serial link: each method of shared-protocol/src/link.ts is a call into its
 * module. Core task. */
#ifndef TC_RPC_H
#define TC_RPC_H

#include <stddef.h>
#include <stdint.h>

/** One request of the host. It is answered, unless it is a notification (no id). */
void tc_rpc_receive(const char *json, size_t length, uint64_t now_ms);

#endif
