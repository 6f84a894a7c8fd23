/* RFC 4648, section 4, with padding. */
#ifndef TC_BASE64_H
#define TC_BASE64_H

#include <stddef.h>
#include <stdint.h>

#include "json_read.h"

/** Characters that `length` bytes take. */
#define TC_BASE64_LENGTH(length) (((length) + 2) / 3 * 4)

/** Writes TC_BASE64_LENGTH(length) characters, no NUL; returns how many. */
size_t tc_base64_encode(const uint8_t *bytes, size_t length, char *out);
/** The span of a JSON string. Returns the length, or TC_ERR_FORMAT, TC_ERR_SIZE. */
int tc_base64_decode(tc_span text, uint8_t *out, size_t capacity);

#endif
