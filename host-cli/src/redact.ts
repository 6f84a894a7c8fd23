/**
 * The last line of defence for secrets: every value that was read as a secret during this run is registered here, and
 * everything printed passes through `redact`. It is no licence to print secrets.
 */

const secrets = new Set<string>();

/** Shorter values are not searched for: replacing each "a" in a text would tell the secret instead of hiding it. */
const SHORTEST = 4;

/** Remembers a value that must never be printed, also as JSON or a URL would spell it. */
export function registerSecret(value: string): void {
  if (value.length < SHORTEST) return;
  for (const form of formsOf(value)) secrets.add(form);
}

/** One that is used no more, of many in a long run. */
export function forgetSecret(value: string): void {
  for (const form of formsOf(value)) secrets.delete(form);
}

const formsOf = (value: string): string[] => [
  value,
  JSON.stringify(value).slice(1, -1),
  encodeURIComponent(value),
];

/** The text with every registered secret replaced by dots. */
export function redact(text: string): string {
  let clean = text;
  // Longest first, so that a secret that holds another one goes as a whole.
  for (const secret of [...secrets].sort((a, b) => b.length - a.length)) {
    if (clean.includes(secret)) clean = clean.replaceAll(secret, '•••');
  }
  return clean.replace(MCP_KEY, '"$1":"•••"');
}

/**
 * What an MCP tool of a session shows its server, wherever such an event is printed. It is a client's: nobody here has
 * registered it.
 */
const MCP_KEY = /"(authorization|headers)":(?:"(?:[^"\\]|\\.)*"|\{(?:[^{}"]|"(?:[^"\\]|\\.)*")*\})/g;

/** Forgets all; for tests. */
export function forgetSecrets(): void {
  secrets.clear();
}
