/* CRC-32 of IEEE 802.3, as zlib's crc32(). */
#ifndef TC_CRC32_H
#define TC_CRC32_H

#include <stddef.h>
#include <stdint.h>

/** Goes on from `crc`, the CRC of all bytes before (0 where there are none). */
uint32_t tc_crc32(uint32_t crc, const void *bytes, size_t length);

#endif
