export { servePty } from './pty.ts';
export { serveRaw } from './raw.ts';
export { type Front, type SerialChip, serveRfc2217 } from './rfc2217.ts';
export { BUSY_LINE } from './server.ts';
