/* Realtime events of the server: their names, and the fields that the device acts on.
 * Generated from shared-protocol/src/realtime/events.ts by `npm run generate`; do not edit. */
/* clang-format off */
#ifndef TC_REALTIME_GEN_H
#define TC_REALTIME_GEN_H

#include <stdint.h>

typedef enum {
    TC_RT_UNKNOWN = 0,
    TC_RT_ERROR = 1,
    TC_RT_SESSION_CREATED = 2,
    TC_RT_SESSION_UPDATED = 3,
    TC_RT_CONVERSATION_CREATED = 4,
    TC_RT_CONVERSATION_ITEM_ADDED = 5,
    TC_RT_CONVERSATION_ITEM_DONE = 6,
    TC_RT_CONVERSATION_ITEM_CREATED = 7,
    TC_RT_CONVERSATION_ITEM_RETRIEVED = 8,
    TC_RT_CONVERSATION_ITEM_DELETED = 9,
    TC_RT_CONVERSATION_ITEM_TRUNCATED = 10,
    TC_RT_CONVERSATION_ITEM_INPUT_AUDIO_TRANSCRIPTION_DELTA = 11,
    TC_RT_CONVERSATION_ITEM_INPUT_AUDIO_TRANSCRIPTION_COMPLETED = 12,
    TC_RT_CONVERSATION_ITEM_INPUT_AUDIO_TRANSCRIPTION_SEGMENT = 13,
    TC_RT_CONVERSATION_ITEM_INPUT_AUDIO_TRANSCRIPTION_FAILED = 14,
    TC_RT_INPUT_AUDIO_BUFFER_COMMITTED = 15,
    TC_RT_INPUT_AUDIO_BUFFER_CLEARED = 16,
    TC_RT_INPUT_AUDIO_BUFFER_SPEECH_STARTED = 17,
    TC_RT_INPUT_AUDIO_BUFFER_SPEECH_STOPPED = 18,
    TC_RT_INPUT_AUDIO_BUFFER_TIMEOUT_TRIGGERED = 19,
    TC_RT_INPUT_AUDIO_BUFFER_DTMF_EVENT_RECEIVED = 20,
    TC_RT_OUTPUT_AUDIO_BUFFER_STARTED = 21,
    TC_RT_OUTPUT_AUDIO_BUFFER_STOPPED = 22,
    TC_RT_OUTPUT_AUDIO_BUFFER_CLEARED = 23,
    TC_RT_RESPONSE_CREATED = 24,
    TC_RT_RESPONSE_DONE = 25,
    TC_RT_RESPONSE_OUTPUT_ITEM_ADDED = 26,
    TC_RT_RESPONSE_OUTPUT_ITEM_DONE = 27,
    TC_RT_RESPONSE_CONTENT_PART_ADDED = 28,
    TC_RT_RESPONSE_CONTENT_PART_DONE = 29,
    TC_RT_RESPONSE_OUTPUT_TEXT_DELTA = 30,
    TC_RT_RESPONSE_OUTPUT_TEXT_DONE = 31,
    TC_RT_RESPONSE_OUTPUT_AUDIO_TRANSCRIPT_DELTA = 32,
    TC_RT_RESPONSE_OUTPUT_AUDIO_TRANSCRIPT_DONE = 33,
    TC_RT_RESPONSE_OUTPUT_AUDIO_DELTA = 34,
    TC_RT_RESPONSE_OUTPUT_AUDIO_DONE = 35,
    TC_RT_RESPONSE_FUNCTION_CALL_ARGUMENTS_DELTA = 36,
    TC_RT_RESPONSE_FUNCTION_CALL_ARGUMENTS_DONE = 37,
    TC_RT_RESPONSE_MCP_CALL_ARGUMENTS_DELTA = 38,
    TC_RT_RESPONSE_MCP_CALL_ARGUMENTS_DONE = 39,
    TC_RT_RESPONSE_MCP_CALL_IN_PROGRESS = 40,
    TC_RT_RESPONSE_MCP_CALL_COMPLETED = 41,
    TC_RT_RESPONSE_MCP_CALL_FAILED = 42,
    TC_RT_MCP_LIST_TOOLS_IN_PROGRESS = 43,
    TC_RT_MCP_LIST_TOOLS_COMPLETED = 44,
    TC_RT_MCP_LIST_TOOLS_FAILED = 45,
    TC_RT_RATE_LIMITS_UPDATED = 46,
    TC_RT_COUNT = 47,
} tc_event_type;

typedef struct {
    const char *name;
    uint8_t type; /* tc_event_type */
} tc_event_name;

/* GA and beta names, in the order of strcmp, for binary search. */
#define TC_EVENT_NAME_COUNT 52
extern const tc_event_name tc_event_names[TC_EVENT_NAME_COUNT];

typedef enum {
    TC_FIELD_SESSION_ID = 0, /* session.id */
    TC_FIELD_SESSION_MODEL = 1, /* session.model */
    TC_FIELD_RESPONSE_ID = 2, /* response_id */
    TC_FIELD_RESPONSE_OBJECT_ID = 3, /* response.id */
    TC_FIELD_RESPONSE_STATUS = 4, /* response.status */
    TC_FIELD_RESPONSE_REASON = 5, /* response.status_details.reason */
    TC_FIELD_RESPONSE_ERROR_CODE = 6, /* response.status_details.error.code */
    TC_FIELD_ITEM_ID = 7, /* item_id */
    TC_FIELD_PREVIOUS_ITEM_ID = 8, /* previous_item_id */
    TC_FIELD_DELTA = 9, /* delta */
    TC_FIELD_TEXT = 10, /* text */
    TC_FIELD_TRANSCRIPT = 11, /* transcript */
    TC_FIELD_ITEM_OBJECT_ID = 12, /* item.id */
    TC_FIELD_ITEM_TYPE = 13, /* item.type */
    TC_FIELD_ITEM_ROLE = 14, /* item.role */
    TC_FIELD_ITEM_STATUS = 15, /* item.status */
    TC_FIELD_ITEM_NAME = 16, /* item.name */
    TC_FIELD_ITEM_CALL_ID = 17, /* item.call_id */
    TC_FIELD_ITEM_ARGUMENTS = 18, /* item.arguments */
    TC_FIELD_PART_TYPE = 19, /* item.content[].type */
    TC_FIELD_PART_TEXT = 20, /* item.content[].text */
    TC_FIELD_PART_TRANSCRIPT = 21, /* item.content[].transcript */
    TC_FIELD_ERROR_CODE = 22, /* error.code */
    TC_FIELD_ERROR_MESSAGE = 23, /* error.message */
    TC_FIELD_ERROR_EVENT_ID = 24, /* error.event_id */
    TC_FIELD_OUTPUT_ID = 25, /* response.output[].id */
    TC_FIELD_OUTPUT_TYPE = 26, /* response.output[].type */
    TC_FIELD_OUTPUT_NAME = 27, /* response.output[].name */
    TC_FIELD_OUTPUT_CALL_ID = 28, /* response.output[].call_id */
    TC_FIELD_OUTPUT_ARGUMENTS = 29, /* response.output[].arguments */
    TC_FIELD_LIMIT_NAME = 30, /* rate_limits[].name */
    TC_FIELD_SESSION_EXPIRES_AT = 31, /* session.expires_at */
    TC_FIELD_CONTENT_INDEX = 32, /* content_index */
    TC_FIELD_USAGE_TEXT = 33, /* response.usage.input_token_details.text_tokens */
    TC_FIELD_USAGE_AUDIO = 34, /* response.usage.input_token_details.audio_tokens */
    TC_FIELD_USAGE_IMAGE = 35, /* response.usage.input_token_details.image_tokens */
    TC_FIELD_USAGE_CACHED_TEXT = 36, /* response.usage.input_token_details.cached_tokens_details.text_tokens */
    TC_FIELD_USAGE_CACHED_AUDIO = 37, /* response.usage.input_token_details.cached_tokens_details.audio_tokens */
    TC_FIELD_USAGE_CACHED_IMAGE = 38, /* response.usage.input_token_details.cached_tokens_details.image_tokens */
    TC_FIELD_USAGE_MADE_TEXT = 39, /* response.usage.output_token_details.text_tokens */
    TC_FIELD_USAGE_MADE_AUDIO = 40, /* response.usage.output_token_details.audio_tokens */
    TC_FIELD_LIMIT_REMAINING = 41, /* rate_limits[].remaining */
    TC_FIELD_LIMIT_RESET = 42, /* rate_limits[].reset_seconds */
    TC_FIELD_COUNT = 43,
} tc_field;

/* Fields from here on are numbers, those before it texts. */
#define TC_FIELD_NUMBERS 31

/* The path of each field: keys from the top of the event, "[]" for each element of an array, NULL at the end. */
#define TC_FIELD_SEGMENTS 5
extern const char *const tc_field_paths[TC_FIELD_COUNT][TC_FIELD_SEGMENTS + 1];

#endif
