#include "history_store.h"

#include <string.h>

#include "board.h"

#define ITEMS TC_HISTORY_ITEMS
#define PARTS TC_HISTORY_PARTS
#define ASIDE 8 /* items whose text has come, but which are not known yet */
#define TURNS 32

typedef history_item item;

static TC_BIG item items[ITEMS]; /* known, in order */
static TC_BIG item asides[ASIDE];
static size_t count, aside_count;
static TC_BIG char texts[TC_HISTORY_BYTES]; /* without gaps */
static size_t used;
static uint8_t limit = TURNS;
static uint32_t last_number;
/* A text, unescaped, or joined from its parts. */
static TC_BIG char scratch[TC_HISTORY_TURN_BYTES + PARTS];

static uint64_t hash_bytes(const char *text, size_t length) {
    uint64_t hash = 0xcbf29ce484222325u; /* FNV-1a, as session_hash */
    for (size_t i = 0; i < length; i++) {
        hash = (hash ^ (uint8_t)text[i]) * 0x100000001b3u;
    }
    return hash == 0 ? 1 : hash;
}

uint64_t history_hash(tc_span span) {
    return span.at == NULL || span.length == 0 ? 0 : hash_bytes(span.at, span.length);
}

void tc_history_clear(void) {
    memset(items, 0, sizeof items);
    memset(asides, 0, sizeof asides);
    memset(texts, 0, sizeof texts);
    memset(scratch, 0, sizeof scratch);
    count = aside_count = used = 0;
}

/* ---- texts ---- */

bool history_is_turn(const item *one) {
    return one->role == ROLE_USER || one->role == ROLE_ASSISTANT;
}

static size_t length_of(const item *one) {
    size_t length = 0;
    for (int i = 0; i < PARTS; i++) {
        length += one->lengths[i];
    }
    return length;
}

static void shift(item *list, size_t size, size_t from, int32_t by) {
    for (size_t i = 0; i < size; i++) {
        if (list[i].at >= from) {
            list[i].at = (uint16_t)(list[i].at + by);
        }
    }
}

/* Takes `length` bytes out of the texts. */
static void cut(size_t at, size_t length) {
    if (length == 0) {
        return;
    }
    memmove(texts + at, texts + at + length, used - at - length);
    used -= length;
    shift(items, count, at + 1, -(int32_t)length);
    shift(asides, aside_count, at + 1, -(int32_t)length);
}

static void forget(item *list, size_t *size, size_t index) {
    item gone = list[index];
    memmove(list + index, list + index + 1, (*size - index - 1) * sizeof *list);
    (*size)--;
    cut(gone.at, length_of(&gone));
}

size_t history_count(void) {
    return count;
}

item *history_at(size_t index) {
    return &items[index];
}

item *history_find(uint64_t id) {
    for (size_t i = 0; id != 0 && i < count; i++) {
        if (items[i].id == id) {
            return &items[i];
        }
    }
    return NULL;
}

item *history_find_aside(uint64_t id) {
    for (size_t i = 0; i < aside_count; i++) {
        if (asides[i].id == id) {
            return &asides[i];
        }
    }
    return NULL;
}

static item *find_any(uint64_t id) {
    item *known = history_find(id);
    return known != NULL ? known : history_find_aside(id);
}

/* Forgets what is oldest until so many bytes have room; `keep` stays. False where that does not
 * help. */
static bool make_room(size_t bytes, uint64_t keep) {
    while (used + bytes > sizeof texts) {
        size_t oldest = 0;
        while (oldest < count && (items[oldest].id == keep || length_of(&items[oldest]) == 0)) {
            oldest++;
        }
        if (oldest < count) {
            forget(items, &count, oldest);
        } else if (aside_count > 0 && asides[0].id != keep) {
            forget(asides, &aside_count, 0);
        } else {
            return false;
        }
    }
    return true;
}

/* Unescapes into `scratch`, cut to `capacity` at a character. */
static size_t unescape(tc_span span, size_t capacity) {
    size_t length = 0;
    char piece[4];
    int size;
    while (span.at != NULL && (size = tc_json_char(&span, piece)) > 0) {
        if (length + (size_t)size > capacity) {
            /* A character that is not escaped comes byte by byte. */
            bool within = ((uint8_t)piece[0] & 0xc0) == 0x80;
            while (within && length > 0) {
                within = ((uint8_t)scratch[--length] & 0xc0) == 0x80;
            }
            break;
        }
        memcpy(scratch + length, piece[0] == '\0' ? " " : piece, (size_t)size);
        length += (size_t)size;
    }
    return length;
}

/* Writes `length` bytes of `scratch` behind what part `index` has, or in its place. */
static void put(uint64_t id, unsigned index, size_t length, bool append) {
    item *one = find_any(id);
    size_t at = one->at;
    for (unsigned i = 0; i < index; i++) {
        at += one->lengths[i];
    }
    if (append) {
        at += one->lengths[index];
    } else {
        cut(at, one->lengths[index]);
        one->lengths[index] = 0;
    }
    if (length == 0) {
        return;
    }
    if (length_of(one) == 0) { /* its place may be anywhere: at the end nothing has to move */
        if (!make_room(length, id)) {
            return;
        }
        one = find_any(id);
        at = one->at = (uint16_t)used;
    } else {
        size_t within = at - one->at;
        if (!make_room(length, id)) {
            return;
        }
        one = find_any(id);
        at = one->at + within;
        memmove(texts + at + length, texts + at, used - at);
        shift(items, count, at, (int32_t)length);
        shift(asides, aside_count, at, (int32_t)length);
        one->at = (uint16_t)(at - within);
    }
    memcpy(texts + at, scratch, length);
    used += length;
    one->lengths[index] = (uint16_t)(one->lengths[index] + length);
}

void history_set(uint64_t id, unsigned index, tc_span span, bool append, bool whole) {
    item *one = find_any(id);
    if (one == NULL || index >= PARTS) {
        return;
    }
    size_t others = length_of(one) - (append ? 0 : one->lengths[index]);
    size_t length = unescape(span, TC_HISTORY_TURN_BYTES - others);
    one->whole |= whole ? (uint8_t)(1u << index) : 0;
    put(id, index, length, append);
}

bool history_same_text(const item *one, tc_span span) {
    size_t length = unescape(span, TC_HISTORY_TURN_BYTES);
    return length == length_of(one) && memcmp(scratch, texts + one->at, length) == 0;
}

/* ---- order ---- */

item *history_add_aside(uint64_t id) {
    if (aside_count == ASIDE) {
        forget(asides, &aside_count, 0);
    }
    asides[aside_count] = (item){.id = id};
    return &asides[aside_count++];
}

item history_take_aside(item *waiting) {
    item taken = *waiting;
    memmove(waiting, waiting + 1, (size_t)(asides + aside_count - waiting - 1) * sizeof *waiting);
    aside_count--;
    return taken;
}

void history_forget(uint64_t id) {
    item *one = history_find(id), *waiting = history_find_aside(id);
    if (one != NULL) {
        forget(items, &count, (size_t)(one - items));
    }
    if (waiting != NULL) {
        forget(asides, &aside_count, (size_t)(waiting - asides));
    }
}

static void reverse(size_t from, size_t end) {
    while (from + 1 < end) {
        item swap = items[from];
        items[from++] = items[--end];
        items[end] = swap;
    }
}

/* Where an item belongs by what was said to be before it. */
static size_t place_of(const item *one, size_t end) {
    if (!one->placed) {
        return end;
    }
    if (one->previous == 0) {
        return 0;
    }
    for (size_t i = 0; i < end; i++) {
        if (items[i].id == one->previous) {
            return i + 1;
        }
    }
    return end;
}

void history_follow(uint64_t id) {
    size_t from = (size_t)(history_find(id) - items), end = from + 1;
    for (; end < count; end++) {
        bool behind = false;
        for (size_t i = from; i < end && !behind; i++) {
            behind = items[end].placed && items[end].previous == items[i].id;
        }
        if (!behind) {
            break;
        }
    }
    for (size_t i = from; i < end; i++) {
        if (items[from].placed && items[from].previous == items[i].id) {
            return; /* two that name each other: the one that came first stays */
        }
    }
    size_t size = end - from;
    /* To the end first; there the rest of the order is as it is without the block. */
    reverse(from, end);
    reverse(end, count);
    reverse(from, count);
    size_t rest = count - size;
    size_t to = place_of(&items[rest], rest);
    reverse(to, rest);
    reverse(rest, count);
    reverse(to, count);
}

void history_trim(void) {
    size_t turns = 0;
    for (size_t i = 0; i < count; i++) {
        turns += history_is_turn(&items[i]) ? 1 : 0;
    }
    while (turns > limit) {
        turns -= history_is_turn(&items[0]) ? 1 : 0;
        forget(items, &count, 0);
    }
}

void tc_history_limit(uint8_t turns) {
    limit = turns < TURNS ? turns : TURNS;
    history_trim();
}

void history_insert(const item *one) {
    if (count == ITEMS) {
        forget(items, &count, 0);
    }
    size_t to = place_of(one, count);
    memmove(items + to + 1, items + to, (count - to) * sizeof *items);
    items[to] = *one;
    count++;
}

/* ---- turns ---- */

void tc_history_name(uint32_t number, char out[20]) {
    char digits[10];
    size_t length = 8, size = 0;
    memcpy(out, "tc_turn_", length);
    do {
        digits[size++] = (char)('0' + number % 10);
        number /= 10;
    } while (number > 0);
    while (size > 0) {
        out[length++] = digits[--size];
    }
    out[length] = '\0';
}

/* Names an item as we name it to the server. */
static void name(item *one) {
    char text[20];
    one->number = ++last_number;
    tc_history_name(one->number, text);
    one->id = hash_bytes(text, strlen(text));
    one->ours = true;
}

void tc_history_said(const char *text, size_t length) {
    item one = {.role = ROLE_USER, .complete = true};
    if (limit == 0) {
        return;
    }
    if (length > TC_HISTORY_TURN_BYTES) {
        length = TC_HISTORY_TURN_BYTES;
        while (length > 0 && ((uint8_t)text[length] & 0xc0) == 0x80) {
            length--; /* not within a character */
        }
    }
    name(&one);
    history_insert(&one);
    memcpy(scratch, text, length);
    put(one.id, 0, length, false);
    history_trim();
}

bool tc_history_turn(size_t index, tc_turn *out) {
    for (size_t i = 0; i < count; i++) {
        const item *one = &items[i];
        if (!history_is_turn(one) || index-- > 0) {
            continue;
        }
        size_t length = 0, at = one->at;
        for (int part = 0; part < PARTS; part++) {
            if (one->lengths[part] == 0) {
                continue;
            }
            if (length > 0) {
                scratch[length++] = ' ';
            }
            memcpy(scratch + length, texts + at, one->lengths[part]);
            length += one->lengths[part];
            at += one->lengths[part];
        }
        *out = (tc_turn){.id = one->id,
                         .number = one->number,
                         .user = one->role == ROLE_USER,
                         .complete = one->complete,
                         .text = scratch,
                         .length = length};
        return true;
    }
    return false;
}

bool tc_history_open(void) {
    for (size_t i = 0; i < count; i++) {
        if (history_is_turn(&items[i]) && !items[i].complete) {
            return true;
        }
    }
    return false;
}

void tc_history_reopen(void) {
    while (aside_count > 0) {
        forget(asides, &aside_count, 0);
    }
    for (size_t i = 0; i < count;) {
        /* An answer that broke off with its session is asked for again. */
        bool broken = i + 1 == count && items[i].role == ROLE_ASSISTANT && !items[i].complete;
        if (!history_is_turn(&items[i]) || length_of(&items[i]) == 0 || broken) {
            forget(items, &count, i);
            continue;
        }
        name(&items[i]);
        items[i].response = 0;
        items[i].complete = items[i].placed = true;
        items[i].previous = i > 0 ? items[i - 1].id : 0;
        i++;
    }
}
