/*
 * Realtime events: what a server's event is and the few fields that the device acts on, found in
 * one pass; and the events that the device sends, written into the caller's buffer. Names and
 * fields: shared-protocol/src/realtime/.
 */
#ifndef TC_REALTIME_H
#define TC_REALTIME_H

#include "../generated/realtime_gen.h" /* tc_event_type (TC_RT_…), tc_field (TC_FIELD_…), tables */
#include "err.h"
#include "json_read.h"
#include "json_write.h"
#include "settings.h"

#define TC_CALLS_PER_EVENT 8
#define TC_OUTPUTS_PER_EVENT 8
#define TC_PARTS_PER_EVENT 8
#define TC_LIMITS_PER_EVENT 4

typedef struct {
    tc_event_type type;             /* TC_RT_UNKNOWN where the name is not in the table */
    tc_span type_name;              /* raw */
    tc_span fields[TC_FIELD_COUNT]; /* raw span between the quotes for strings, of numbers as they
                                       are written; at == NULL where absent */
    bool first;                     /* previous_item_id is null: no item is before this one */
    struct {
        tc_span name, call_id, arguments; /* raw spans */
    } calls[TC_CALLS_PER_EVENT];          /* function calls in response.output[] */
    uint8_t call_count;
    bool calls_truncated;                  /* there were more than TC_CALLS_PER_EVENT */
    tc_span outputs[TC_OUTPUTS_PER_EVENT]; /* ids of all in response.output[], raw, the first */
    uint8_t output_count;
    struct {
        tc_span type, text, transcript; /* raw spans */
    } parts[TC_PARTS_PER_EVENT];        /* of item.content[], the first */
    uint8_t part_count;
    struct {
        tc_span name, remaining, reset; /* raw spans: a text, and numbers */
    } limits[TC_LIMITS_PER_EVENT];      /* of rate_limits[], the first */
    uint8_t limit_count;
} tc_event_view;

/** Reads one event to its end. TC_ERR_FORMAT where it is not a JSON object with a string "type". */
tc_err tc_realtime_read(const char *json, size_t length, tc_event_view *out);

/** The type of an event of which only the begin is there. TC_ERR_NOT_FOUND where it is not in it.
 */
tc_err tc_realtime_peek_type(const char *json, size_t length, tc_span *type);

/* The members of a session that change by themselves: what the API replaces as a whole. */
typedef enum {
    TC_PART_MODEL,
    TC_PART_INSTRUCTIONS,
    TC_PART_MODALITY,
    TC_PART_MAX_TOKENS,
    TC_PART_TOOLS,
    TC_PART_TOOL_CHOICE,
    TC_PART_REASONING,
    TC_PART_PROMPT,
    TC_PART_TRUNCATION,
    TC_PART_NOISE_REDUCTION,
    TC_PART_TRANSCRIPTION,
    TC_PART_TURN_DETECTION,
    TC_PART_VOICE,
    TC_PART_SPEED,
    TC_PART_COUNT,
} tc_session_part;
/** A set of parts has a bit for each. */
#define TC_PART_BIT(part) ((uint32_t)1 << (part))
#define TC_PARTS_ALL (TC_PART_BIT(TC_PART_COUNT) - 1)

/* What a server was told of each part, as hashes. */
typedef struct {
    uint64_t parts[TC_PART_COUNT];
} tc_session_told;

/** The server is told these parts now. */
void tc_realtime_session_told(tc_session_told *told, const tc_settings *s, uint32_t parts);
/** The parts that are no longer what the server was told, by the settings or by the host's tools.
 */
uint32_t tc_realtime_session_differs(const tc_session_told *told, const tc_settings *s);
/** The parts that no running session can be told as they are now: its model; its voice once it has
 * spoken, or where none is named; and that nothing is said of reasoning. */
uint32_t tc_realtime_session_fixed(const tc_settings *s, bool has_spoken);

/* Each but the first writes one whole event, and all return TC_OK, or TC_ERR_SIZE where it does not
 * fit. `event_id` is "tc_<n>". */

/** The session that is posted with an offer: no event, but its object alone, with the model. */
tc_err tc_realtime_session(tc_json_writer *w, const tc_settings *s);
/** The whole session but its model. */
tc_err tc_realtime_session_update(tc_json_writer *w, uint32_t event_id, const tc_settings *s);
/** These parts of it. */
tc_err tc_realtime_session_change(tc_json_writer *w, uint32_t event_id, const tc_settings *s,
                                  uint32_t parts);
/** The tool choice that is in force: session.tool_choice, but "none" where no tool is offered, and
 * "auto" where it names one that is not. */
const char *tc_realtime_tool_choice(const tc_settings *s);
/** `instructions` may be NULL or "", `tool_choice` NULL or a word: then those of the session stand.
 */
tc_err tc_realtime_response_create(tc_json_writer *w, uint32_t event_id, const char *instructions,
                                   const char *tool_choice);
tc_err tc_realtime_response_cancel(tc_json_writer *w, uint32_t event_id);
tc_err tc_realtime_output_clear(tc_json_writer *w, uint32_t event_id);
tc_err tc_realtime_input_clear(tc_json_writer *w, uint32_t event_id);
tc_err tc_realtime_input_commit(tc_json_writer *w, uint32_t event_id);
tc_err tc_realtime_user_text(tc_json_writer *w, uint32_t event_id, const char *text, size_t length);
/** `call_id` is the raw span of the call; `output` is JSON text, sent as a string. */
tc_err tc_realtime_call_output(tc_json_writer *w, uint32_t event_id, tc_span call_id,
                               const char *output, size_t length);

#endif
