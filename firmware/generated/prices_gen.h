/* List prices of the Realtime models.
 * Generated from shared-protocol/src/prices.ts by `npm run generate`; do not edit. */
/* clang-format off */
#ifndef TC_PRICES_GEN_H
#define TC_PRICES_GEN_H

#include <stdint.h>

/* Nanodollars a token: fresh input, cached input, output. */
typedef struct {
    const char *model;
    uint32_t audio[3], text[3];
    uint32_t image; /* fresh input */
} tc_price;

#define TC_PRICE_COUNT 6
extern const tc_price tc_prices[TC_PRICE_COUNT];

#endif
