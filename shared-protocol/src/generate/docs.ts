import { LINK_ERRORS, METHODS, NOTIFICATIONS, REASONS, STATS } from '../link.ts';
import { FIELDS, type FieldName, SERVER_EVENTS } from '../realtime/events.ts';
import { SETTING_NAMES, SETTINGS, type Setting } from '../settings.ts';
import { TASKS } from '../tasks.ts';

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) =>
    `| ${cells.map((cell) => cell.replaceAll('|', '\\|').replaceAll('\n', ' ')).join(' | ')} |`;
  return [line(head), line(head.map(() => '---')), ...rows.map(line), ''].join('\n');
}

const code = (text: string) => `\`${text}\``;

function values(setting: Setting): string {
  switch (setting.type) {
    case 'text': {
      const form = {
        word: ', one word',
        url: ', a URL',
        lines: ', lines',
        passphrase: '',
        pin: '; empty, or 64 hex digits',
        query: ', one word without keys',
      };
      return `text, ${setting.max} bytes${setting.form ? form[setting.form] : ''}`;
    }
    case 'number':
      return `${setting.zeroOr ? `0, ${setting.zeroOr}` : setting.min} to ${setting.max} ${setting.unit}`;
    case 'flag':
      return 'on, off';
    case 'choice':
      return setting.choices.map(code).join(', ');
  }
}

function defaultOf(setting: Setting): string {
  if (setting.type === 'flag') return setting.default ? 'on' : 'off';
  return setting.default === '' ? '' : code(String(setting.default));
}

function notes(setting: Setting): string {
  return [
    setting.secret ? 'secret' : '',
    setting.type === 'text' && setting.required ? 'required' : '',
    { now: '', session: 'new session', wifi: 'joins again' }[setting.effect],
  ]
    .filter(Boolean)
    .join(', ');
}

function fieldList(fields: readonly FieldName[] | undefined): string {
  return fields ? fields.map((field) => code(FIELDS[field])).join(', ') : 'passed on';
}

/** The reference page: settings, link, Realtime events, tasks. */
export function generateDocs(): string {
  const settings = SETTING_NAMES.map((name) => {
    const setting: Setting = SETTINGS[name];
    return [code(name), values(setting), defaultOf(setting), notes(setting), code(setting.key), setting.help];
  });
  const methods = Object.entries(METHODS).map(([name, { params, help }]) => [
    code(name),
    Object.entries(params)
      .map(([key, type]) => code(`${key}: ${type}`))
      .join(', '),
    help,
  ]);
  const notifications = Object.entries(NOTIFICATIONS).map(([name, { drop, help }]) => [
    code(name),
    drop,
    help,
  ]);
  const errors = Object.entries(LINK_ERRORS).map(([name, { code: number, message }]) => [
    code(String(number)),
    name,
    message,
  ]);
  const events = Object.entries(SERVER_EVENTS).map(([name, event]) => [
    code(name),
    'beta' in event ? event.beta.map(code).join(', ') : '',
    fieldList('fields' in event ? event.fields : undefined),
  ]);
  const tasks = Object.entries(TASKS).map(([name, { core, priority, stack, memory, owns }]) => [
    code(name),
    String(core),
    String(priority),
    `${stack} ${memory}`,
    owns,
  ]);
  return `# Reference

Generated from \`shared-protocol/src/\` by \`npm run generate\`; do not edit.

## Settings

${table(['setting', 'values', 'default', 'notes', 'NVS key', 'what it is'], settings)}
## The serial link

Requests, host to device:

${table(['method', 'params', 'what it does'], methods)}
Notifications, device to host; the class says what a full ring drops first (text, log, metric, event):

${table(['notification', 'class', 'what it holds'], notifications)}
What \`device.stats\` answers:

${table(
  ['member', 'what it holds'],
  Object.entries(STATS).map(([name, help]) => [code(name), help]),
)}
Reasons, in \`state\` and in \`device.stats\`: why a state was entered, or a session ended:

${table(
  ['reason', 'what it means, and what follows'],
  Object.entries(REASONS).map(([name, help]) => [code(name), help]),
)}
Errors:

${table(['code', 'name', 'message'], errors)}
## Realtime events of the server

What the device picks out of each to act on it; an event without such fields may still change its activity, and
every event goes on to the host untouched.

${table(['event', 'beta name, read too', 'fields'], events)}
## Tasks on the chip

${table(['task', 'processor', 'priority', 'stack, bytes', 'owns'], tasks)}`;
}
