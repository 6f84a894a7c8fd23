#include "host_tools.h"

#include <string.h>

#include "../generated/tools_gen.h"
#include "board.h"

#define NAME_LIMIT 64u

static TC_BIG char json[TC_HOST_TOOLS_JSON];
static size_t json_length;
static uint32_t count, timeout;

void tc_host_tools_init(void) {
    json_length = 0;
    count = 0;
    timeout = TC_HOST_TOOLS_TIMEOUT;
}

tc_span tc_host_tools(void) {
    return count == 0 ? (tc_span){json, 0} : (tc_span){json + 1, json_length - 2};
}

uint32_t tc_host_tools_count(void) {
    return count;
}

uint32_t tc_host_tools_timeout(void) {
    return timeout;
}

/* Whether an element of the array has this name. */
static bool have(const char *text, size_t length, const char *name) {
    tc_json_reader reader;
    tc_json_token token;
    tc_span element, found;
    tc_json_begin(&reader, text, length);
    if (tc_json_next(&reader) != TC_JSON_ARRAY) {
        return false;
    }
    while ((token = tc_json_next(&reader)) == TC_JSON_OBJECT) {
        if (tc_json_skip(&reader, token, &element) != TC_OK) {
            return false;
        }
        if (tc_json_member(element, "name", &found) == TC_JSON_STRING &&
            tc_json_is((tc_span){found.at + 1, found.length - 2}, name)) {
            return true;
        }
    }
    return false;
}

bool tc_host_tools_have(const char *name) {
    return have(json, json_length, name);
}

bool tc_device_tools_have(const char *name) {
    return have(tc_tools_json, TC_TOOLS_JSON_LENGTH, name);
}

/* ---- checks ---- */

static bool is_name(const char *name) {
    size_t length = strlen(name);
    for (size_t i = 0; i < length; i++) {
        char c = name[i];
        if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
              c == '_' || c == '-')) {
            return false;
        }
    }
    return length > 0;
}

static bool is_text(tc_span string) {
    char c[4];
    int size;
    while ((size = tc_json_char(&string, c)) > 0) {
    }
    return size == 0;
}

/* One definition, behind its opening brace. */
static const char *check_members(tc_json_reader *reader, char name[NAME_LIMIT + 1]) {
    static const char *const keys[] = {"type", "name", "description", "parameters"};
    bool seen[4] = {false};
    tc_json_token token;
    while ((token = tc_json_next(reader)) == TC_JSON_KEY) {
        size_t key = 0;
        while (key < 4 && !tc_json_is(reader->span, keys[key])) {
            key++;
        }
        if (key == 4 || seen[key]) {
            return "A tool has type, name, description and parameters, each once, and no more.";
        }
        seen[key] = true;
        token = tc_json_next(reader);
        tc_span value = reader->span, raw;
        bool text = token == TC_JSON_STRING;
        if (key == 0 && !(text && tc_json_is(value, "function"))) {
            return "The type of a tool is \"function\".";
        }
        if (key == 1 && !(text && tc_json_text(value, name, NAME_LIMIT + 1) > 0 && is_name(name))) {
            return "The name of a tool has 1 to 64 letters, digits, \"_\" and \"-\".";
        }
        if (key == 2 && !(text && is_text(value))) {
            return "The description of a tool is a text.";
        }
        if (key == 3 && token != TC_JSON_OBJECT) {
            return "The parameters of a tool are a JSON schema, an object.";
        }
        if (tc_json_skip(reader, token, &raw) != TC_OK) {
            break;
        }
    }
    return token == TC_JSON_OBJECT_END && seen[0] && seen[1] ? NULL
                                                             : "A tool has a type and a name.";
}

static const char *check(tc_span list, uint32_t *found) {
    tc_json_reader reader;
    tc_json_token token;
    char name[NAME_LIMIT + 1] = "";
    *found = 0;
    if (list.length > TC_HOST_TOOLS_JSON) {
        return "All tools together have at most 8192 bytes of JSON.";
    }
    tc_json_begin(&reader, list.at, list.length);
    if (tc_json_next(&reader) != TC_JSON_ARRAY) {
        return "tools is a list.";
    }
    while ((token = tc_json_next(&reader)) == TC_JSON_OBJECT) {
        size_t before = reader.position - 1;
        const char *fault = check_members(&reader, name);
        if (fault != NULL) {
            return fault;
        }
        if (tc_device_tools_have(name)) {
            return "A tool of the device has this name already.";
        }
        if (have(list.at, before, name)) {
            return "Two tools have the same name.";
        }
        if (++*found > TC_HOST_TOOLS_MAX) {
            return "There are more than 64 tools.";
        }
    }
    return token == TC_JSON_ARRAY_END ? NULL : "A tool is an object.";
}

const char *tc_host_tools_serve(tc_span list, uint32_t timeout_ms) {
    uint32_t found;
    const char *fault = check(list, &found);
    if (fault != NULL) {
        return fault;
    }
    count = found;
    timeout = timeout_ms;
    json_length = list.length;
    for (size_t i = 0; i < list.length; i++) {
        /* White space between tokens; inside a string there is none of it. */
        json[i] = (uint8_t)list.at[i] < 0x20 ? ' ' : list.at[i];
    }
    return NULL;
}
