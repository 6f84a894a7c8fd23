#include "realtime.h"

#include <string.h>

_Static_assert(TC_FIELD_COUNT <= 32, "a set of fields is a uint32_t");

typedef uint32_t field_set;

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
            found |= (field_set)1 << i;
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
            *ending |= (field_set)1 << i;
        } else if (strcmp(segment, "[]") == 0) {
            *arrays |= (field_set)1 << i;
        } else {
            *objects |= (field_set)1 << i;
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

static const field_set output_fields =
    (field_set)1 << TC_FIELD_OUTPUT_TYPE | (field_set)1 << TC_FIELD_OUTPUT_NAME |
    (field_set)1 << TC_FIELD_OUTPUT_CALL_ID | (field_set)1 << TC_FIELD_OUTPUT_ARGUMENTS;

/* An element of response.output[] ended: keeps it if it is a function call. */
static void end_output(tc_event_view *view) {
    tc_span type = view->fields[TC_FIELD_OUTPUT_TYPE];
    if (type.at != NULL && tc_json_is(type, "function_call")) {
        if (view->call_count < TC_CALLS_PER_EVENT) {
            view->calls[view->call_count].name = view->fields[TC_FIELD_OUTPUT_NAME];
            view->calls[view->call_count].call_id = view->fields[TC_FIELD_OUTPUT_CALL_ID];
            view->calls[view->call_count].arguments = view->fields[TC_FIELD_OUTPUT_ARGUMENTS];
            view->call_count++;
        } else {
            view->calls_truncated = true;
        }
    }
    set_fields(view, output_fields, (tc_span){0});
}

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
        set_fields(w->view, ending, w->reader.span);
        return TC_OK;
    case TC_JSON_ERROR:
        return w->reader.error;
    default: /* no field that we act on is a number, a flag, or null */
        return TC_OK;
    }
}

static tc_err take_member(walk *w) {
    field_set fields = with_key(w->places[w->level].fields, w->level, w->reader.span);
    bool is_type = w->level == 0 && tc_json_is(w->reader.span, "type");
    /* The last of equal keys counts. */
    set_fields(w->view, fields, (tc_span){0});
    if ((fields & output_fields) == output_fields) {
        w->view->call_count = 0;
        w->view->calls_truncated = false;
    }
    return take_value(w, fields, is_type);
}

static tc_err take_token(walk *w, tc_json_token token) {
    bool in_output = w->level >= 3 && (w->places[w->level].fields & output_fields) != 0;
    switch (token) {
    case TC_JSON_KEY:
        return take_member(w);
    case TC_JSON_OBJECT: /* an element of a wanted array */
        return enter(w, token, w->places[w->level].fields);
    case TC_JSON_ARRAY:
        return enter(w, token, 0);
    case TC_JSON_OBJECT_END:
    case TC_JSON_ARRAY_END:
        if (token == TC_JSON_OBJECT_END && in_output) {
            end_output(w->view);
        }
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
    w.places[0].fields = ((field_set)1 << TC_FIELD_COUNT) - 1;
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
