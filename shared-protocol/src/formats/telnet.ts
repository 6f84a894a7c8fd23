/** Telnet's "interpret as command" (RFC 854). */
export const IAC = 255;

/** Doubles every IAC in `bytes` (RFC 854); the same array where there is none. */
export function escapeIac(bytes: Uint8Array): Uint8Array {
  let count = 0;
  for (let at = bytes.indexOf(IAC); at >= 0; at = bytes.indexOf(IAC, at + 1)) count++;
  if (count === 0) return bytes;
  const out = new Uint8Array(bytes.length + count);
  let to = 0;
  for (const byte of bytes) {
    out[to++] = byte;
    if (byte === IAC) out[to++] = IAC;
  }
  return out;
}
