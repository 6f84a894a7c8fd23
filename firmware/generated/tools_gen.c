/* The tools of the device: their JSON, argument structs, and the parser in front of the handlers.
 * Generated from shared-protocol/src/tools.ts by `npm run generate`; do not edit. */
/* clang-format off */
#include "tools_gen.h"

#include <stddef.h>
#include <string.h>

#include "../core/tools.h"

const char tc_tools_json[TC_TOOLS_JSON_LENGTH + 1] =
    "[{\"type\":\"function\",\"name\":\"end_session\",\"description\":\"End the conversation. Ca"
    "ll it when the person says goodbye or asks to stop.\",\"parameters\":{\"type\":\"objec"
    "t\",\"properties\":{},\"required\":[],\"additionalProperties\":false}},{\"type\":\"functio"
    "n\",\"name\":\"set_volume\",\"description\":\"Set the loudness of the device.\",\"paramete"
    "rs\":{\"type\":\"object\",\"properties\":{\"percent\":{\"type\":\"integer\",\"minimum\":0,\"maxi"
    "mum\":100,\"description\":\"Loudness, 0 is silent.\"}},\"required\":[\"percent\"],\"additi"
    "onalProperties\":false}},{\"type\":\"function\",\"name\":\"set_light\",\"description\":\"Swi"
    "tch the light of the device on or off, and set its colour.\",\"parameters\":{\"type\""
    ":\"object\",\"properties\":{\"on\":{\"type\":\"boolean\",\"description\":\"Whether the light "
    "is on.\"},\"color\":{\"type\":\"string\",\"enum\":[\"white\",\"red\",\"green\",\"blue\",\"yellow\","
    "\"purple\"],\"description\":\"Colour of the light.\"}},\"required\":[\"on\"],\"additionalPr"
    "operties\":false}}]";

const uint32_t tc_color_rgb[6] = {0xffffff, 0xff0000, 0x00ff00, 0x0000ff, 0xffc800, 0xa000ff};

typedef enum { FLAG, INTEGER, WORD, TEXT } parameter_kind;

#define REQUIRED UINT16_MAX /* in place of the offset of has_<member> */

typedef struct {
    const char *name;
    const char *allowed; /* ends the sentence "the argument ... must be" */
    uint8_t kind;
    uint16_t offset;     /* of the member */
    uint16_t has_offset; /* of has_<member>, or REQUIRED */
    int32_t min, max;    /* INTEGER: bounds; WORD: first and last number; TEXT: characters */
    const char *const *words;
} parameter;

typedef struct {
    const char *name;
    tc_err (*run)(const void *args, tc_json_writer *output);
    const parameter *parameters;
    uint8_t count; /* at most 32 */
} tool;

static const parameter parameters_of_set_volume[] = {
    {"percent", "an integer from 0 to 100", INTEGER, offsetof(tc_tool_set_volume_args, percent), REQUIRED, 0, 100, NULL},
};
static const char *const words_of_set_light_color[] = {"white", "red", "green", "blue", "yellow", "purple"};
static const parameter parameters_of_set_light[] = {
    {"on", "true or false", FLAG, offsetof(tc_tool_set_light_args, on), REQUIRED, 0, 1, NULL},
    {"color", "one of white, red, green, blue, yellow, purple", WORD, offsetof(tc_tool_set_light_args, color), offsetof(tc_tool_set_light_args, has_color), 0, 5, words_of_set_light_color},
};

static tc_err run_end_session(const void *args, tc_json_writer *output) {
    return tc_tool_end_session(args, output);
}
static tc_err run_set_volume(const void *args, tc_json_writer *output) {
    return tc_tool_set_volume(args, output);
}
static tc_err run_set_light(const void *args, tc_json_writer *output) {
    return tc_tool_set_light(args, output);
}

static const tool tools[] = {
    {"end_session", run_end_session, NULL, 0},
    {"set_volume", run_set_volume, parameters_of_set_volume, 1},
    {"set_light", run_set_light, parameters_of_set_light, 2},
};

typedef union {
    tc_tool_end_session_args end_session;
    tc_tool_set_volume_args set_volume;
    tc_tool_set_light_args set_light;
} any_args;

/* A sentence in pieces, cut where it would not fit. */
typedef struct {
    char text[256];
    size_t length;
} sentence;

static void say(sentence *s, const char *piece) {
    while (*piece != '\0' && s->length < sizeof s->text) {
        s->text[s->length++] = *piece++;
    }
}

static tc_err refuse(tc_json_writer *output, const sentence *s, tc_err error) {
    tc_json_open_object(output);
    tc_json_key(output, "error");
    tc_json_string_n(output, s->text, s->length);
    tc_json_close_object(output);
    return error;
}

static tc_err refuse_text(tc_json_writer *output, const char *text, tc_err error) {
    sentence s = {.length = 0};
    say(&s, text);
    return refuse(output, &s, error);
}

static tc_err refuse_argument(tc_json_writer *output, const parameter *p, const char *how, tc_err error) {
    sentence s = {.length = 0};
    say(&s, "the argument \"");
    say(&s, p->name);
    say(&s, how);
    say(&s, p->allowed);
    return refuse(output, &s, error);
}

/* The exact value of a JSON number if it is a whole one, however it is written (50, 50.0, 5e1). */
static tc_err whole_number(tc_span span, int32_t *out) {
    const int64_t far = (int64_t)1 << 40; /* past every int32; keeps the arithmetic small */
    const char *at = span.at, *end = span.at + span.length;
    bool negative = at < end && *at == '-', fraction = false;
    int64_t value = 0;
    int32_t power = 0, zeros = 0, exponent = 0; /* value * 10^power; zeros: digits 0 not yet taken in */
    for (at += negative; at < end && *at != 'e' && *at != 'E'; at++) {
        if (*at == '.') {
            fraction = true;
            continue;
        }
        power -= fraction;
        zeros++;
        if (*at != '0') {
            for (; zeros > 0; zeros--) {
                value = value > far ? value : value * 10;
            }
            value += *at - '0';
        }
    }
    if (at < end) {
        bool down = *++at == '-';
        for (at += down || *at == '+'; at < end; at++) {
            exponent = exponent > 1000000 ? exponent : exponent * 10 + (*at - '0');
        }
        exponent = down ? -exponent : exponent;
    }
    if (value == 0) {
        *out = 0;
        return TC_OK;
    }
    for (power += zeros + exponent; power > 0 && value <= far; power--) {
        value *= 10;
    }
    if (power < 0) {
        return TC_ERR_TYPE;
    }
    value = negative ? -value : value;
    if (value < INT32_MIN || value > INT32_MAX) {
        return TC_ERR_RANGE;
    }
    *out = (int32_t)value;
    return TC_OK;
}

/* Puts one value into its member. */
static tc_err take(const parameter *p, tc_json_token token, tc_span span, uint8_t *args) {
    uint8_t *member = args + p->offset;
    int32_t number = 0;
    bool flag = token == TC_JSON_TRUE;
    int length;
    tc_err error;
    switch ((parameter_kind)p->kind) {
    case FLAG:
        if (token != TC_JSON_TRUE && token != TC_JSON_FALSE) {
            return TC_ERR_TYPE;
        }
        memcpy(member, &flag, sizeof flag);
        return TC_OK;
    case INTEGER:
        if (token != TC_JSON_NUMBER) {
            return TC_ERR_TYPE;
        }
        error = whole_number(span, &number);
        if (error != TC_OK) {
            return error;
        }
        if (number < p->min || number > p->max) {
            return TC_ERR_RANGE;
        }
        memcpy(member, &number, sizeof number);
        return TC_OK;
    case WORD:
        if (token != TC_JSON_STRING) {
            return TC_ERR_TYPE;
        }
        for (number = 0; number <= p->max; number++) {
            if (tc_json_is(span, p->words[number])) {
                *member = (uint8_t)number;
                return TC_OK;
            }
        }
        return TC_ERR_RANGE;
    case TEXT:
        if (token != TC_JSON_STRING) {
            return TC_ERR_TYPE;
        }
        length = tc_json_text(span, (char *)member, (size_t)p->max * 4 + 1);
        for (int i = 0; i < length; i++) {
            number += (member[i] & 0xC0) != 0x80; /* all but continuation bytes */
        }
        return length < 0 ? (tc_err)length : number > p->max ? TC_ERR_SIZE : TC_OK;
    }
    return TC_ERR_TYPE;
}

static const parameter *find_parameter(const tool *t, tc_span key) {
    for (uint8_t i = 0; i < t->count; i++) {
        if (tc_json_is(key, t->parameters[i].name)) {
            return &t->parameters[i];
        }
    }
    return NULL;
}

static bool is_blank(const char *text, size_t length) {
    size_t i = 0;
    while (i < length && (text[i] == ' ' || text[i] == '\t' || text[i] == '\r' || text[i] == '\n')) {
        i++;
    }
    return i == length;
}

/* Reads all members. Those nobody declared are passed over; null is as good as absent; the last of a name counts. */
static tc_err parse(const tool *t, const char *text, size_t length, uint8_t *args, tc_json_writer *output) {
    static const char not_object[] = "the arguments are not a JSON object";
    tc_json_reader reader;
    uint32_t seen = 0;
    if (is_blank(text, length)) { /* some models write nothing where there are no arguments */
        text = "{}";
        length = 2;
    }
    tc_json_begin(&reader, text, length);
    if (tc_json_next(&reader) != TC_JSON_OBJECT) {
        return refuse_text(output, not_object, reader.error != TC_OK ? reader.error : TC_ERR_TYPE);
    }
    while (tc_json_next(&reader) == TC_JSON_KEY) {
        const parameter *p = find_parameter(t, reader.span);
        tc_json_token token = tc_json_next(&reader);
        tc_span raw;
        if (p == NULL || token == TC_JSON_NULL || token == TC_JSON_ERROR) {
            if (p != NULL) {
                seen &= ~((uint32_t)1 << (p - t->parameters));
            }
            tc_json_skip(&reader, token, &raw);
            continue;
        }
        tc_err error = take(p, token, reader.span, args);
        if (error != TC_OK) {
            return refuse_argument(output, p, "\" must be ", error);
        }
        seen |= (uint32_t)1 << (p - t->parameters);
    }
    if (reader.error == TC_OK) {
        tc_json_next(&reader); /* nothing may follow */
    }
    if (reader.error != TC_OK) {
        return refuse_text(output, not_object, reader.error);
    }
    for (uint8_t i = 0; i < t->count; i++) {
        const parameter *p = &t->parameters[i];
        bool has = (seen >> i) & 1;
        if (p->has_offset != REQUIRED) {
            memcpy(args + p->has_offset, &has, sizeof has);
        } else if (!has) {
            return refuse_argument(output, p, "\" is missing; it must be ", TC_ERR_TYPE);
        }
    }
    return TC_OK;
}

tc_err tc_tools_run(const char *name, const char *arguments, size_t length, tc_json_writer *output) {
    any_args args;
    memset(&args, 0, sizeof args);
    for (size_t i = 0; i < sizeof tools / sizeof tools[0]; i++) {
        if (strcmp(name, tools[i].name) != 0) {
            continue;
        }
        tc_err error = parse(&tools[i], arguments, length, (uint8_t *)&args, output);
        if (error != TC_OK) {
            return error;
        }
        size_t before = output->length;
        error = tools[i].run(&args, output);
        if (error != TC_OK && output->length == before && !output->full) {
            refuse_text(output, "the device could not do it", error);
        }
        return error;
    }
    return refuse_text(output, "this device has no such tool", TC_ERR_NOT_FOUND);
}
