#include "inbox.h"

#include <string.h>

#include "../port.h"
#include "board.h"

/* One event; its data follow. Sizes are multiples of 8. */
typedef struct {
    uint32_t size; /* of header and data */
    uint32_t id, extra;
    int32_t kind, code;
    uint32_t length;
    bool ready; /* its poster has copied the data */
    bool gap;   /* no event: the arena goes on at its start */
} record;

#define HEADER ((uint32_t)(sizeof(record) + 7) / 8 * 8)

static TC_BIG _Alignas(8) uint8_t arena[TC_INBOX_SIZE];
static uint32_t head, tail, used, count, high; /* guarded by tc_port_lock */

static record *at(uint32_t offset) {
    return (record *)(void *)(arena + offset);
}

void tc_inbox_init(void) {
    head = tail = used = count = high = 0;
}

/* Finds room and marks it as taken, so that data can be copied without the lock. */
static record *reserve(const tc_event *event, uint32_t size) {
    if (used == 0) {
        head = tail = 0;
    }
    uint32_t rest = TC_INBOX_SIZE - tail;
    uint32_t gap = rest < size ? rest : 0;
    if (used + gap + size > TC_INBOX_SIZE) {
        return NULL;
    }
    if (gap >= HEADER) {
        at(tail)->gap = true;
        at(tail)->size = gap;
    }
    if (gap > 0) {
        used += gap;
        tail = 0;
    }
    record *r = at(tail);
    *r = (record){.size = size,
                  .id = event->id,
                  .extra = event->extra,
                  .kind = event->kind,
                  .code = event->code,
                  .length = (uint32_t)event->length};
    tail = (tail + size) % TC_INBOX_SIZE;
    used += size;
    count++;
    high = used > high ? used : high;
    return r;
}

tc_err tc_inbox_put(const tc_event *event) {
    if (event->length > 0 && event->data == NULL) {
        return TC_ERR_FORMAT;
    }
    if (event->length > TC_INBOX_SIZE - HEADER) {
        return TC_ERR_SIZE;
    }
    uint32_t size = (HEADER + (uint32_t)event->length + 7) / 8 * 8;
    tc_port_lock();
    record *r = reserve(event, size);
    tc_port_unlock();
    if (r == NULL) {
        return TC_ERR_FULL;
    }
    if (event->length > 0) {
        memcpy((uint8_t *)r + HEADER, event->data, event->length);
    }
    tc_port_lock();
    r->ready = true;
    tc_port_unlock();
    return TC_OK;
}

/* Passes over the end of the arena where nothing is. Locked. */
static void skip_gap(void) {
    if (used == 0) {
        return;
    }
    uint32_t rest = TC_INBOX_SIZE - head;
    if (rest < HEADER || at(head)->gap) {
        used -= rest;
        head = 0;
    }
}

bool tc_inbox_peek(tc_event *out) {
    tc_port_lock();
    skip_gap();
    bool ready = used > 0 && at(head)->ready;
    if (ready) {
        const record *r = at(head);
        *out = (tc_event){.kind = r->kind,
                          .id = r->id,
                          .code = r->code,
                          .extra = r->extra,
                          .data = (const uint8_t *)r + HEADER,
                          .length = r->length};
    }
    tc_port_unlock();
    return ready;
}

void tc_inbox_drop(void) {
    tc_port_lock();
    uint32_t size = at(head)->size;
    head = (head + size) % TC_INBOX_SIZE;
    used -= size;
    count--;
    tc_port_unlock();
}

uint32_t tc_inbox_count(void) {
    tc_port_lock();
    uint32_t waiting = count;
    tc_port_unlock();
    return waiting;
}

uint32_t tc_inbox_high(void) {
    return high;
}
