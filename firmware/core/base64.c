#include "base64.h"

#include <stdbool.h>
#include <string.h>

static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

size_t tc_base64_encode(const uint8_t *bytes, size_t length, char *out) {
    size_t at = 0;
    for (size_t i = 0; i < length; i += 3) {
        size_t left = length - i;
        uint32_t bits = (uint32_t)bytes[i] << 16 | (left > 1 ? (uint32_t)bytes[i + 1] << 8 : 0) |
                        (left > 2 ? bytes[i + 2] : 0);
        out[at++] = digits[bits >> 18];
        out[at++] = digits[bits >> 12 & 63];
        out[at++] = left > 1 ? digits[bits >> 6 & 63] : '=';
        out[at++] = left > 2 ? digits[bits & 63] : '=';
    }
    return at;
}

static int digit_of(char c) {
    const char *at = c == '\0' ? NULL : strchr(digits, c);
    return at == NULL ? -1 : (int)(at - digits);
}

int tc_base64_decode(tc_span text, uint8_t *out, size_t capacity) {
    uint32_t bits = 0;
    size_t length = 0, count = 0, padding = 0;
    char c[4];
    int size;
    while ((size = tc_json_char(&text, c)) > 0) {
        int digit = size == 1 ? digit_of(c[0]) : -1;
        if (size == 1 && c[0] == '=' && padding < 2 && count % 4 + padding >= 2) {
            padding++;
            continue;
        }
        if (digit < 0 || padding > 0) {
            return TC_ERR_FORMAT;
        }
        bits = bits << 6 | (uint32_t)digit;
        if (count++ % 4 != 0) {
            if (length == capacity) {
                return TC_ERR_SIZE;
            }
            out[length++] = (uint8_t)(bits >> (6 - 2 * ((count - 1) % 4)));
        }
    }
    return size < 0 || (count + padding) % 4 != 0 ? TC_ERR_FORMAT : (int)length;
}
