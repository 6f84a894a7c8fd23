import { type Effect, SETTING_NAMES, SETTINGS, type Setting, type SettingName } from '../settings.ts';
import { banner, cEnum, cString, header, lower, upper } from './c-text.ts';

const ABOUT = 'The settings of the device: struct, table, limits and defaults.';
const SOURCE = 'settings.ts';

/** Effects by strength; `none` is what a commit answers that changed nothing. */
const EFFECTS: readonly ('none' | Effect)[] = ['none', 'now', 'session', 'wifi'];

const id = (name: string) => `TC_SETTING_${upper(name)}`;
const choiceId = (name: string, choice: string) => `TC_${upper(name)}_${upper(choice)}`;
const entries: [SettingName, Setting][] = SETTING_NAMES.map((name) => [name, SETTINGS[name]]);

function member(name: string, setting: Setting): string {
  switch (setting.type) {
    case 'text':
      return `char ${lower(name)}[${setting.max + 1}];`;
    case 'number':
      return `${{ u8: 'uint8_t', u16: 'uint16_t', u32: 'uint32_t' }[setting.width]} ${lower(name)}; /* ${setting.unit} */`;
    case 'flag':
      return `bool ${lower(name)};`;
    case 'choice':
      return `uint8_t ${lower(name)}; /* tc_${lower(name)} */`;
  }
}

function kvType(setting: Setting): string {
  if (setting.type === 'text') return 'TC_KV_TEXT';
  if (setting.type === 'number') return `TC_KV_${setting.width.toUpperCase()}`;
  return 'TC_KV_U8';
}

/** Name, bounds and default of the table: text in bytes, numbers in their unit, flags 0 or 1, choices by index. */
function bounds(setting: Setting): { min: number; max: number; number: number; text: string } {
  switch (setting.type) {
    case 'text':
      return { min: 0, max: setting.max, number: 0, text: cString(setting.default) };
    case 'number':
      return { min: setting.min, max: setting.max, number: setting.default, text: 'NULL' };
    case 'flag':
      return { min: 0, max: 1, number: Number(setting.default), text: 'NULL' };
    case 'choice':
      return {
        min: 0,
        max: setting.choices.length - 1,
        number: setting.choices.indexOf(setting.default),
        text: 'NULL',
      };
  }
}

function choicesOf(name: string, setting: Setting): [pointer: string, count: number] {
  return setting.type === 'choice' ? [`choices_of_${lower(name)}`, setting.choices.length] : ['NULL', 0];
}

function row(name: string, setting: Setting): string {
  const { min, max, number, text } = bounds(setting);
  const form = setting.type === 'text' ? (setting.form ?? 'any') : 'any';
  const [choices, count] = choicesOf(name, setting);
  const zeroOr = setting.type === 'number' ? (setting.zeroOr ?? 0) : 0;
  return [
    `    [${id(name)}] = {`,
    `        .name = ${cString(name)},`,
    `        .key = ${cString(setting.key)},`,
    `        .kind = TC_SETTING_${setting.type.toUpperCase()},`,
    `        .kv_type = ${kvType(setting)},`,
    `        .form = TC_FORM_${form.toUpperCase()},`,
    `        .effect = TC_EFFECT_${setting.effect.toUpperCase()},`,
    `        .secret = ${setting.secret === true},`,
    `        .required = ${setting.type === 'text' && setting.required === true},`,
    `        .offset = offsetof(tc_settings, ${lower(name)}),`,
    `        .size = sizeof(((tc_settings *)0)->${lower(name)}),`,
    `        .min = ${min},`,
    `        .max = ${max},`,
    `        .zero_or = ${zeroOr},`,
    `        .choices = ${choices},`,
    `        .choice_count = ${count},`,
    `        .default_text = ${text},`,
    `        .default_number = ${number},`,
    '    },',
  ].join('\n');
}

export function settingsHeader(): string {
  const longest = Math.max(...SETTING_NAMES.map((name) => name.length));
  const choices = entries.flatMap(([name, setting]) =>
    setting.type === 'choice'
      ? [
          cEnum(
            `tc_${lower(name)}`,
            setting.choices.map((choice, index) => [choiceId(name, choice), index] as const),
          ),
        ]
      : [],
  );
  const ids: [string, number?][] = entries.map(([name], index) => [id(name), index]);
  ids.push(['TC_SETTING_COUNT', entries.length]);
  const members = entries.map(([name, setting]) => `    ${member(name, setting)}`).join('\n');
  const body = `#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

${cEnum('tc_setting_id', ids)}
/* Size of a buffer for the longest name, NUL included. */
#define TC_SETTING_NAME_SIZE ${longest + 1}

/* Choices are stored as their number. */
${choices.join('\n')}
/* All settings, by value. */
typedef struct {
${members}
} tc_settings;

${cEnum('tc_setting_kind', [['TC_SETTING_TEXT'], ['TC_SETTING_NUMBER'], ['TC_SETTING_FLAG'], ['TC_SETTING_CHOICE']])}
/* What a text may hold; the rules in words: settings-check.ts, in cases: golden/settings.json. */
${cEnum('tc_setting_form', [
  ['TC_FORM_ANY', '', 'UTF-8 without control characters (U+0000 to U+001F, U+007F)'],
  ['TC_FORM_WORD', '', 'outer white space is cut off; then printable ASCII without spaces'],
  ['TC_FORM_URL', '', 'like WORD; an absolute https URL, http only to a loopback host'],
  ['TC_FORM_LINES', '', 'like ANY, but U+000A is allowed'],
  ['TC_FORM_PASSPHRASE', '', 'like ANY; empty, 8 to 63 bytes, or 64 hex digits'],
  ['TC_FORM_PIN', '', 'like WORD; empty, or 64 hex digits'],
  ['TC_FORM_QUERY', '', 'like WORD; what follows the "?" of a URL, without keys'],
])}
/* What follows a change, by strength. */
${cEnum(
  'tc_setting_effect',
  EFFECTS.map((effect) => [`TC_EFFECT_${effect.toUpperCase()}`] as const),
)}
typedef struct {
    const char *name;
    const char *key;   /* in NVS, at most 15 characters */
    uint8_t kind;      /* tc_setting_kind */
    uint8_t kv_type;   /* tc_kv_type of port.h */
    uint8_t form;      /* tc_setting_form; of texts */
    uint8_t effect;    /* tc_setting_effect */
    bool secret;
    bool required;     /* the device cannot work while it is empty */
    uint16_t offset;   /* of the member in tc_settings */
    uint16_t size;     /* of the member, a text's NUL included */
    uint32_t min, max; /* text: bytes; number: its unit; flag: 0, 1; choice: first and last number */
    uint32_t zero_or;  /* number: 0, or at least this; 0 where there is no such rule */
    const char *const *choices; /* their words, else NULL */
    uint8_t choice_count;
    const char *default_text; /* of texts, else NULL */
    uint32_t default_number;  /* of the others; flags 0 or 1, choices by number */
} tc_setting_info;

extern const tc_setting_info tc_setting_table[TC_SETTING_COUNT];
`;
  return header('TC_SETTINGS_GEN_H', ABOUT, SOURCE, body);
}

export function settingsSource(): string {
  const words = entries.flatMap(([name, setting]) =>
    setting.type === 'choice'
      ? [
          `static const char *const choices_of_${lower(name)}[] = {${setting.choices.map(cString).join(', ')}};`,
        ]
      : [],
  );
  return `${banner(ABOUT, SOURCE)}#include "settings_gen.h"

#include "../port.h"

${words.join('\n')}

const tc_setting_info tc_setting_table[TC_SETTING_COUNT] = {
${entries.map(([name, setting]) => row(name, setting)).join('\n')}
};
`;
}
