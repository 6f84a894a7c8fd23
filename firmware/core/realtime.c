#include "realtime.h"

#include <string.h>

_Static_assert(TC_FIELD_COUNT < 64, "a set of fields is a uint64_t");

typedef uint64_t field_set;
#define BIT(field) ((field_set)1 << (field))
#define NUMBERS (~(field_set)0 << TC_FIELD_NUMBERS)

/* A container whose members may be wanted: `level` segments of the paths lead here. */
typedef struct {
    field_set fields;
    bool array;
} place;

typedef struct {
    tc_json_reader reader;
    tc_event_view *view;
    place places[TC_FIELD_SEGMENTS + 1];
    int level;
    bool has_type;
} walk;

/* The fields of `from` whose path goes on with this key at this level. */
static field_set with_key(field_set from, int level, tc_span key) {
    field_set found = 0;
    const char *last = NULL; /* neighbours in the table share their prefix */
    bool last_equal = false;
    for (int i = 0; i < TC_FIELD_COUNT; i++) {
        if (!(from >> i & 1)) {
            continue;
        }
        const char *segment = tc_field_paths[i][level];
        if (last == NULL || strcmp(last, segment) != 0) {
            last = segment;
            last_equal = tc_json_is(key, segment);
        }
        if (last_equal) {
            found |= BIT(i);
        }
    }
    return found;
}

/* Splits `from` by what its paths want at this level. */
static void split(field_set from, int level, field_set *ending, field_set *objects,
                  field_set *arrays) {
    *ending = *objects = *arrays = 0;
    for (int i = 0; i < TC_FIELD_COUNT; i++) {
        if (!(from >> i & 1)) {
            continue;
        }
        const char *segment = tc_field_paths[i][level];
        if (segment == NULL) {
            *ending |= BIT(i);
        } else if (strcmp(segment, "[]") == 0) {
            *arrays |= BIT(i);
        } else {
            *objects |= BIT(i);
        }
    }
}

static void set_fields(tc_event_view *view, field_set fields, tc_span span) {
    for (int i = 0; i < TC_FIELD_COUNT; i++) {
        if (fields >> i & 1) {
            view->fields[i] = span;
        }
    }
}

/* ---- elements of arrays ---- */

static void end_output(tc_event_view *view) {
    tc_span type = view->fields[TC_FIELD_OUTPUT_TYPE];
    if (view->output_count < TC_OUTPUTS_PER_EVENT) {
        view->outputs[view->output_count++] = view->fields[TC_FIELD_OUTPUT_ID];
    }
    if (type.at == NULL || !tc_json_is(type, "function_call")) {
        return;
    }
    if (view->call_count < TC_CALLS_PER_EVENT) {
        view->calls[view->call_count].name = view->fields[TC_FIELD_OUTPUT_NAME];
        view->calls[view->call_count].call_id = view->fields[TC_FIELD_OUTPUT_CALL_ID];
        view->calls[view->call_count].arguments = view->fields[TC_FIELD_OUTPUT_ARGUMENTS];
        view->call_count++;
    } else {
        view->calls_truncated = true;
    }
}

static void clear_outputs(tc_event_view *view) {
    view->call_count = 0;
    view->output_count = 0;
    view->calls_truncated = false;
}

static void end_part(tc_event_view *view) {
    if (view->part_count < TC_PARTS_PER_EVENT) {
        view->parts[view->part_count].type = view->fields[TC_FIELD_PART_TYPE];
        view->parts[view->part_count].text = view->fields[TC_FIELD_PART_TEXT];
        view->parts[view->part_count].transcript = view->fields[TC_FIELD_PART_TRANSCRIPT];
        view->part_count++;
    }
}

static void clear_parts(tc_event_view *view) {
    view->part_count = 0;
}

static void end_limit(tc_event_view *view) {
    if (view->limit_count < TC_LIMITS_PER_EVENT) {
        view->limits[view->limit_count].name = view->fields[TC_FIELD_LIMIT_NAME];
        view->limits[view->limit_count].remaining = view->fields[TC_FIELD_LIMIT_REMAINING];
        view->limits[view->limit_count].reset = view->fields[TC_FIELD_LIMIT_RESET];
        view->limit_count++;
    }
}

static void clear_limits(tc_event_view *view) {
    view->limit_count = 0;
}

/* Arrays whose elements are taken together: their fields, how deep an element lies, what becomes of
 * one, and of all where the array comes again (the last of equal keys counts). */
static const struct {
    field_set fields;
    int level;
    void (*end)(tc_event_view *view);
    void (*clear)(tc_event_view *view);
} lists[] = {
    {BIT(TC_FIELD_OUTPUT_ID) | BIT(TC_FIELD_OUTPUT_TYPE) | BIT(TC_FIELD_OUTPUT_NAME) |
         BIT(TC_FIELD_OUTPUT_CALL_ID) | BIT(TC_FIELD_OUTPUT_ARGUMENTS),
     3, end_output, clear_outputs},
    {BIT(TC_FIELD_PART_TYPE) | BIT(TC_FIELD_PART_TEXT) | BIT(TC_FIELD_PART_TRANSCRIPT), 3, end_part,
     clear_parts},
    {BIT(TC_FIELD_LIMIT_NAME) | BIT(TC_FIELD_LIMIT_REMAINING) | BIT(TC_FIELD_LIMIT_RESET), 2,
     end_limit, clear_limits},
};
#define LISTS (sizeof lists / sizeof lists[0])

static void end_element(walk *w) {
    for (size_t i = 0; i < LISTS; i++) {
        if (w->level == lists[i].level && (w->places[w->level].fields & lists[i].fields) != 0) {
            lists[i].end(w->view);
            set_fields(w->view, lists[i].fields, (tc_span){0});
        }
    }
}

/* ---- the walk ---- */

/* Goes into a container whose members are wanted, or passes over it. */
static tc_err enter(walk *w, tc_json_token token, field_set fields) {
    tc_span raw;
    if (fields == 0) {
        return tc_json_skip(&w->reader, token, &raw);
    }
    w->level++;
    w->places[w->level].fields = fields;
    w->places[w->level].array = token == TC_JSON_ARRAY;
    return TC_OK;
}

/* The value behind a key that leads to `fields`. */
static tc_err take_value(walk *w, field_set fields, bool is_type) {
    tc_json_token token = tc_json_next(&w->reader);
    if (is_type) {
        w->has_type = token == TC_JSON_STRING;
        w->view->type_name = w->reader.span;
    }
    field_set ending, objects, arrays;
    split(fields, w->level + 1, &ending, &objects, &arrays);
    switch (token) {
    case TC_JSON_OBJECT:
        return enter(w, token, objects);
    case TC_JSON_ARRAY:
        return enter(w, token, arrays);
    case TC_JSON_STRING:
        set_fields(w->view, ending & ~NUMBERS, w->reader.span);
        return TC_OK;
    case TC_JSON_NUMBER:
        set_fields(w->view, ending & NUMBERS, w->reader.span);
        return TC_OK;
    case TC_JSON_NULL:
        w->view->first = w->view->first || (ending & BIT(TC_FIELD_PREVIOUS_ITEM_ID)) != 0;
        return TC_OK;
    case TC_JSON_ERROR:
        return w->reader.error;
    default: /* no field that we act on is a flag */
        return TC_OK;
    }
}

static tc_err take_member(walk *w) {
    field_set fields = with_key(w->places[w->level].fields, w->level, w->reader.span);
    bool is_type = w->level == 0 && tc_json_is(w->reader.span, "type");
    /* The last of equal keys counts. */
    set_fields(w->view, fields, (tc_span){0});
    for (size_t i = 0; i < LISTS; i++) {
        if ((fields & lists[i].fields) == lists[i].fields) {
            lists[i].clear(w->view);
        }
    }
    if (fields & BIT(TC_FIELD_PREVIOUS_ITEM_ID)) {
        w->view->first = false;
    }
    return take_value(w, fields, is_type);
}

static tc_err take_token(walk *w, tc_json_token token) {
    switch (token) {
    case TC_JSON_KEY:
        return take_member(w);
    case TC_JSON_OBJECT: /* an element of a wanted array */
        return enter(w, token, w->places[w->level].fields);
    case TC_JSON_ARRAY:
        return enter(w, token, 0);
    case TC_JSON_OBJECT_END:
        end_element(w);
        w->level--;
        return TC_OK;
    case TC_JSON_ARRAY_END:
        w->level--;
        return TC_OK;
    default:
        return TC_OK;
    }
}

static tc_event_type type_of(tc_span name) {
    char text[80];
    if (tc_json_text(name, text, sizeof text) < 0) {
        return TC_RT_UNKNOWN;
    }
    size_t low = 0, high = TC_EVENT_NAME_COUNT;
    while (low < high) {
        size_t middle = (low + high) / 2;
        int order = strcmp(text, tc_event_names[middle].name);
        if (order == 0) {
            return (tc_event_type)tc_event_names[middle].type;
        }
        if (order < 0) {
            high = middle;
        } else {
            low = middle + 1;
        }
    }
    return TC_RT_UNKNOWN;
}

tc_err tc_realtime_peek_type(const char *json, size_t length, tc_span *type) {
    tc_json_reader reader;
    tc_json_begin(&reader, json, length);
    tc_json_token token = tc_json_next(&reader);
    if (token != TC_JSON_OBJECT) {
        return TC_ERR_NOT_FOUND;
    }
    while (tc_json_next(&reader) == TC_JSON_KEY) {
        bool is_type = tc_json_is(reader.span, "type");
        tc_span raw;
        token = tc_json_next(&reader);
        if (is_type && token == TC_JSON_STRING) {
            *type = reader.span;
            return TC_OK;
        }
        if (tc_json_skip(&reader, token, &raw) != TC_OK) {
            break;
        }
    }
    return TC_ERR_NOT_FOUND;
}

tc_err tc_realtime_read(const char *json, size_t length, tc_event_view *out) {
    walk w = {.view = out};
    memset(out, 0, sizeof *out);
    tc_json_begin(&w.reader, json, length);
    if (tc_json_next(&w.reader) != TC_JSON_OBJECT) {
        return TC_ERR_FORMAT;
    }
    w.places[0].fields = BIT(TC_FIELD_COUNT) - 1;
    for (;;) {
        tc_json_token token = tc_json_next(&w.reader);
        if (token == TC_JSON_END) {
            break;
        }
        if (token == TC_JSON_ERROR || take_token(&w, token) != TC_OK) {
            return TC_ERR_FORMAT;
        }
    }
    if (!w.has_type) {
        return TC_ERR_FORMAT;
    }
    out->type = type_of(out->type_name);
    return TC_OK;
}
