/* UTF-8, checked: no overlong forms, no surrogates, nothing above U+10FFFF (RFC 3629 section 4). */
#ifndef TC_UTF8_H
#define TC_UTF8_H

#include <stddef.h>
#include <stdint.h>

/**
 * Looks at the character that starts at `at` (there is at least one byte). Returns its length, 1 to
 * 4; or, where it is ill-formed, minus the number of bytes that belong to it (what a decoder
 * replaces by one U+FFFD).
 */
static inline int tc_utf8_step(const char *at, size_t left) {
    const uint8_t *byte = (const uint8_t *)at;
    uint8_t first = byte[0], low = 0x80, high = 0xBF;
    int length;
    if (first < 0x80) {
        return 1;
    }
    if (first >= 0xC2 && first <= 0xDF) {
        length = 2;
    } else if (first >= 0xE0 && first <= 0xEF) {
        length = 3;
        low = first == 0xE0 ? 0xA0 : low;
        high = first == 0xED ? 0x9F : high;
    } else if (first >= 0xF0 && first <= 0xF4) {
        length = 4;
        low = first == 0xF0 ? 0x90 : low;
        high = first == 0xF4 ? 0x8F : high;
    } else {
        return -1;
    }
    for (int i = 1; i < length; i++) {
        if ((size_t)i >= left || byte[i] < low || byte[i] > high) {
            return -i;
        }
        low = 0x80;
        high = 0xBF;
    }
    return length;
}

#endif
