#include "text_box.h"

#include <string.h>

#include "../generated/link_gen.h"
#include "../port.h"
#include "board.h"

/* A ring of lines: length (u16, little-endian), bytes. All of it is guarded by tc_port_lock; a
 * line is short, so it is copied in the section. */
static TC_BIG uint8_t box[TC_TEXT_BOX_SIZE];
static uint32_t head, used, dropped;

void tc_text_box_init(void) {
    tc_port_lock();
    head = used = dropped = 0;
    tc_port_unlock();
}

static void copy_in(const void *bytes, uint32_t length) {
    uint32_t at = (head + used) % TC_TEXT_BOX_SIZE;
    uint32_t first = length < TC_TEXT_BOX_SIZE - at ? length : TC_TEXT_BOX_SIZE - at;
    memcpy(box + at, bytes, first);
    memcpy(box, (const uint8_t *)bytes + first, length - first);
    used += length;
}

static void copy_out(void *bytes, uint32_t kept, uint32_t length) {
    uint32_t first = kept < TC_TEXT_BOX_SIZE - head ? kept : TC_TEXT_BOX_SIZE - head;
    memcpy(bytes, box + head, first);
    memcpy((uint8_t *)bytes + first, box, kept - first);
    head = (head + length) % TC_TEXT_BOX_SIZE;
    used -= length;
}

void tc_text_box_put(const char *line, size_t length) {
    uint32_t size = length < TC_LINK_MAX_TEXT ? (uint32_t)length : TC_LINK_MAX_TEXT;
    uint8_t prefix[2] = {(uint8_t)size, (uint8_t)(size >> 8)};
    tc_port_lock();
    if (used + sizeof prefix + size <= TC_TEXT_BOX_SIZE) {
        copy_in(prefix, sizeof prefix);
        copy_in(line, size);
    } else {
        dropped++;
    }
    tc_port_unlock();
}

int tc_text_box_take(char *line, size_t capacity) {
    uint8_t prefix[2];
    int length = -1;
    tc_port_lock();
    if (used > 0) {
        copy_out(prefix, sizeof prefix, sizeof prefix);
        uint32_t size = (uint32_t)prefix[0] | (uint32_t)prefix[1] << 8;
        uint32_t kept = size < capacity ? size : (uint32_t)capacity;
        copy_out(line, kept, size);
        length = (int)kept;
    }
    tc_port_unlock();
    return length;
}

uint32_t tc_text_box_dropped(void) {
    tc_port_lock();
    uint32_t count = dropped;
    dropped = 0;
    tc_port_unlock();
    return count;
}
