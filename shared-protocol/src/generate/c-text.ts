/** Small helpers with which the generators write C. */

/** "wifi.ssid", "api-key" -> WIFI_SSID, API_KEY. */
export function upper(name: string): string {
  return lower(name).toUpperCase();
}

/** "wifi.ssid" -> wifi_ssid. */
export function lower(name: string): string {
  return name.replace(/[^A-Za-z0-9]+/g, '_').toLowerCase();
}

/** A C string literal; everything outside printable ASCII as octal escapes, which cannot run on into digits. */
export function cString(text: string): string {
  let out = '"';
  for (const byte of new TextEncoder().encode(text)) {
    const char = String.fromCharCode(byte);
    if (char === '"' || char === '\\') out += `\\${char}`;
    else if (char === '\n') out += '\\n';
    else if (char === '?')
      out += '\\?'; // "??=" would be a trigraph
    else if (byte < 0x20 || byte > 0x7e) out += `\\${byte.toString(8).padStart(3, '0')}`;
    else out += char;
  }
  return `${out}"`;
}

/** First lines of every generated file. Its layout is the generator's, not clang-format's. */
export function banner(about: string, source: string): string {
  return [
    `/* ${about}`,
    ` * Generated from shared-protocol/src/${source} by \`npm run generate\`; do not edit. */`,
    '/* clang-format off */',
    '',
  ].join('\n');
}

/** A header between its include guards. `body` ends with a line break. */
export function header(guard: string, about: string, source: string, body: string): string {
  return `${banner(about, source)}#ifndef ${guard}\n#define ${guard}\n\n${body}\n#endif\n`;
}

/** An enum, one name per line: `[name]`, `[name, value]` or `[name, value, comment]`; value '' counts on. */
export function cEnum(
  name: string,
  members: readonly (readonly [string, (number | string)?, string?])[],
): string {
  const lines = members.map(([member, value, comment]) => {
    const equals = value === undefined || value === '' ? '' : ` = ${value}`;
    return `    ${member}${equals},${comment ? ` /* ${comment} */` : ''}`;
  });
  return `typedef enum {\n${lines.join('\n')}\n} ${name};\n`;
}

/** A table of words, one per line, indexed by an enum. */
export function cWords(declaration: string, words: readonly (readonly [string, string])[]): string {
  const lines = words.map(([index, word]) => `    [${index}] = ${cString(word)},`);
  return `${declaration} = {\n${lines.join('\n')}\n};\n`;
}
