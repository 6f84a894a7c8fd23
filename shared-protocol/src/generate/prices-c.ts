import { PRICES, type Price } from '../prices.ts';
import { banner, cString, header } from './c-text.ts';

const ABOUT = 'List prices of the Realtime models.';
const SOURCE = 'prices.ts';

const entries: [string, Price][] = Object.entries(PRICES);

export function pricesHeader(): string {
  const body = `#include <stdint.h>

/* Nanodollars a token: fresh input, cached input, output. */
typedef struct {
    const char *model;
    uint32_t audio[3], text[3];
    uint32_t image; /* fresh input */
} tc_price;

#define TC_PRICE_COUNT ${entries.length}
extern const tc_price tc_prices[TC_PRICE_COUNT];
`;
  return header('TC_PRICES_GEN_H', ABOUT, SOURCE, body);
}

export function pricesSource(): string {
  const row = ([model, { audio, text, image }]: [string, Price]) =>
    `    {${cString(model)}, {${audio.join(', ')}}, {${text.join(', ')}}, ${image}},`;
  return `${banner(ABOUT, SOURCE)}#include "prices_gen.h"

const tc_price tc_prices[TC_PRICE_COUNT] = {
${entries.map(row).join('\n')}
};
`;
}
