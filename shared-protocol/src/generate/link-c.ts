import {
  ACTIVITIES,
  DROP_CLASSES,
  LINK,
  LINK_ERRORS,
  METHODS,
  NOTIFICATIONS,
  PROTOCOL_VERSION,
  REASONS,
  STATES,
} from '../link.ts';
import { banner, cEnum, cString, cWords, header, upper } from './c-text.ts';

const ABOUT = 'The serial link: limits, methods, notifications, errors, and the words of the states.';
const SOURCE = 'link.ts';

const methods = Object.keys(METHODS).map((name) => [`TC_METHOD_${upper(name)}`, name] as const);
const states = STATES.map((name) => [`TC_STATE_${upper(name)}`, name] as const);
const activities = ACTIVITIES.map((name) => [`TC_ACTIVITY_${upper(name)}`, name] as const);
const reasons = Object.keys(REASONS).map((name) => [`TC_REASON_${upper(name)}`, name] as const);
const drops = DROP_CLASSES.map((name) => [`TC_DROP_${upper(name)}`, name] as const);
const errors = Object.entries(LINK_ERRORS);

function counted(name: string, words: readonly (readonly [string, string])[], count: string): string {
  return cEnum(name, [...words.map(([id], index) => [id, index] as const), [count, words.length]]);
}

export function linkHeader(): string {
  const notifications = Object.entries(NOTIFICATIONS).map(
    ([name, { drop }]) =>
      `#define TC_NOTIFY_${upper(name)} ${cString(name)}\n#define TC_NOTIFY_${upper(name)}_DROP TC_DROP_${upper(drop)}`,
  );
  const body = `#include <stdint.h>

#define TC_PROTOCOL_VERSION ${PROTOCOL_VERSION}

/* Limits, in bytes. */
#define TC_LINK_MARK 0x${LINK.mark.toString(16)}
#define TC_LINK_MAX_EVENT ${LINK.maxEvent}
#define TC_LINK_MAX_JSON ${LINK.maxJson}
#define TC_LINK_MAX_TEXT ${LINK.maxText}
#define TC_LINK_TX_RING ${LINK.txRing}
#define TC_LINK_MAX_OTA ${LINK.maxOta}

/* Host to device: requests. */
${counted('tc_method', methods, 'TC_METHOD_COUNT')}extern const char *const tc_method_names[TC_METHOD_COUNT];

/* Device to host: notifications, and the class (tc_drop_class) in which each waits. */
${notifications.join('\n')}

/* Words of tc_drop_class (core/link.h), in its order. */
#define TC_DROP_NAME_COUNT ${drops.length}
extern const char *const tc_drop_names[TC_DROP_NAME_COUNT];

/* JSON-RPC errors. */
${cEnum(
  'tc_link_error',
  errors.map(([name, { code, message }]) => [`TC_LINK_ERR_${name}`, code, message] as const),
)}/** The standing message of an error code; that of TC_LINK_ERR_INTERNAL for an unknown one. */
const char *tc_link_error_message(int32_t code);

${counted('tc_state', states, 'TC_STATE_COUNT')}extern const char *const tc_state_names[TC_STATE_COUNT];

/* What a live session is doing. */
${counted('tc_activity', activities, 'TC_ACTIVITY_COUNT')}extern const char *const tc_activity_names[TC_ACTIVITY_COUNT];

/* Why a state was left or a session ended. */
${counted('tc_reason', reasons, 'TC_REASON_COUNT')}extern const char *const tc_reason_names[TC_REASON_COUNT];
`;
  return header('TC_LINK_GEN_H', ABOUT, SOURCE, body);
}

export function linkSource(): string {
  const cases = errors
    .filter(([name]) => name !== 'INTERNAL')
    .map(([name, { message }]) => `    case TC_LINK_ERR_${name}:\n        return ${cString(message)};`);
  return `${banner(ABOUT, SOURCE)}#include "link_gen.h"

${cWords('const char *const tc_method_names[TC_METHOD_COUNT]', methods)}
${cWords(
  'const char *const tc_drop_names[TC_DROP_NAME_COUNT]',
  drops.map(([, word], index) => [String(index), word] as const),
)}
const char *tc_link_error_message(int32_t code) {
    switch (code) {
${cases.join('\n')}
    default:
        return ${cString(LINK_ERRORS.INTERNAL.message)};
    }
}

${cWords('const char *const tc_state_names[TC_STATE_COUNT]', states)}
${cWords('const char *const tc_activity_names[TC_ACTIVITY_COUNT]', activities)}
${cWords('const char *const tc_reason_names[TC_REASON_COUNT]', reasons)}`;
}
