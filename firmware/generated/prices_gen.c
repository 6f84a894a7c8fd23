/* List prices of the Realtime models.
 * Generated from shared-protocol/src/prices.ts by `npm run generate`; do not edit. */
/* clang-format off */
#include "prices_gen.h"

const tc_price tc_prices[TC_PRICE_COUNT] = {
    {"gpt-realtime", {32000, 400, 64000}, {4000, 400, 16000}, 5000},
    {"gpt-realtime-1.5", {32000, 400, 64000}, {4000, 400, 16000}, 5000},
    {"gpt-realtime-mini", {10000, 300, 20000}, {600, 60, 2400}, 800},
    {"gpt-realtime-2", {32000, 400, 64000}, {4000, 400, 24000}, 5000},
    {"gpt-realtime-2.1", {32000, 400, 64000}, {4000, 400, 24000}, 5000},
    {"gpt-realtime-2.1-mini", {10000, 300, 20000}, {600, 60, 2400}, 800},
};
