/* Numbers of the wire: big endian. */
#ifndef TC_PEER_BYTES_H
#define TC_PEER_BYTES_H

#include <stdint.h>

static inline uint16_t tc_read_u16(const uint8_t *at) {
    return (uint16_t)(at[0] << 8 | at[1]);
}

static inline uint32_t tc_read_u32(const uint8_t *at) {
    return (uint32_t)tc_read_u16(at) << 16 | tc_read_u16(at + 2);
}

static inline void tc_write_u16(uint8_t *at, uint16_t value) {
    at[0] = (uint8_t)(value >> 8);
    at[1] = (uint8_t)value;
}

static inline void tc_write_u32(uint8_t *at, uint32_t value) {
    tc_write_u16(at, (uint16_t)(value >> 16));
    tc_write_u16(at + 2, (uint16_t)value);
}

#endif
