import { FIELDS, FIRST_NUMBER, SERVER_EVENTS } from '../realtime/events.ts';
import { banner, cEnum, cString, header, upper } from './c-text.ts';

const ABOUT = 'Realtime events of the server: their names, and the fields that the device acts on.';
const SOURCE = 'realtime/events.ts';

const typeId = (name: string) => `TC_RT_${upper(name)}`;

/** 'response.output[].type' -> ['response', 'output', '[]', 'type']. */
export function pathSegments(path: string): string[] {
  return path
    .replaceAll('[]', '.[]')
    .split('.')
    .filter((segment) => segment !== '');
}

/** All names that are read, GA and beta, in the order of their bytes. */
function names(): { name: string; type: string }[] {
  const list = Object.entries(SERVER_EVENTS).flatMap(([ga, event]) => [
    { name: ga, type: typeId(ga) },
    ...('beta' in event ? event.beta : []).map((name) => ({ name, type: typeId(ga) })),
  ]);
  return list.sort((a, b) => (a.name < b.name ? -1 : 1));
}

export function realtimeHeader(): string {
  const types = Object.keys(SERVER_EVENTS).map((name, index) => [typeId(name), index + 1] as const);
  const fields = Object.entries(FIELDS).map(
    ([name, path], index) => [`TC_FIELD_${upper(name)}`, index, path] as const,
  );
  const deepest = Math.max(...Object.values(FIELDS).map((path) => pathSegments(path).length));
  const body = `#include <stdint.h>

${cEnum('tc_event_type', [['TC_RT_UNKNOWN', 0], ...types, ['TC_RT_COUNT', types.length + 1]])}
typedef struct {
    const char *name;
    uint8_t type; /* tc_event_type */
} tc_event_name;

/* GA and beta names, in the order of strcmp, for binary search. */
#define TC_EVENT_NAME_COUNT ${names().length}
extern const tc_event_name tc_event_names[TC_EVENT_NAME_COUNT];

${cEnum('tc_field', [...fields, ['TC_FIELD_COUNT', fields.length]])}
/* Fields from here on are numbers, those before it texts. */
#define TC_FIELD_NUMBERS ${Object.keys(FIELDS).indexOf(FIRST_NUMBER)}

/* The path of each field: keys from the top of the event, "[]" for each element of an array, NULL at the end. */
#define TC_FIELD_SEGMENTS ${deepest}
extern const char *const tc_field_paths[TC_FIELD_COUNT][TC_FIELD_SEGMENTS + 1];
`;
  return header('TC_REALTIME_GEN_H', ABOUT, SOURCE, body);
}

export function realtimeSource(): string {
  const events = names().map(({ name, type }) => `    {${cString(name)}, ${type}},`);
  const paths = Object.entries(FIELDS).map(
    ([name, path]) =>
      `    [TC_FIELD_${upper(name)}] = {${pathSegments(path).map(cString).join(', ')}, NULL},`,
  );
  return `${banner(ABOUT, SOURCE)}#include "realtime_gen.h"

#include <stddef.h>

const tc_event_name tc_event_names[TC_EVENT_NAME_COUNT] = {
${events.join('\n')}
};

const char *const tc_field_paths[TC_FIELD_COUNT][TC_FIELD_SEGMENTS + 1] = {
${paths.join('\n')}
};
`;
}
