/** multipart/form-data (RFC 7578), as much of it as a call needs: small, strict, over a body that is bounded already. */
import { RealtimeError } from './events.ts';

export interface FormPart {
  name: string;
  /** Lower case, without parameters; empty where the part has none. */
  contentType: string;
  body: string;
}

const MAX_PARTS = 8;
const MAX_HEADERS = 1024;
const bad = (message: string): RealtimeError => new RealtimeError('invalid_multipart', message);

/** `contentType` is the header of the request. Throws RealtimeError. */
export function parseMultipart(contentType: string, body: Buffer): FormPart[] {
  const match = /;\s*boundary=(?:"([^"]{1,70})"|([^\s;"]{1,70}))/i.exec(contentType);
  const boundary = match?.[1] ?? match?.[2];
  if (!boundary) throw bad('The Content-Type names no boundary.');
  const mark = Buffer.from(`--${boundary}`, 'latin1');
  const next = Buffer.from(`\r\n--${boundary}`, 'latin1');
  if (!body.subarray(0, mark.length).equals(mark)) throw bad('The body does not begin with the boundary.');

  const parts: FormPart[] = [];
  let at = mark.length;
  for (;;) {
    if (body.subarray(at, at + 2).toString('latin1') === '--') return parts;
    if (body.subarray(at, at + 2).toString('latin1') !== '\r\n')
      throw bad('A boundary is not followed by a line end.');
    if (parts.length === MAX_PARTS) throw bad(`The body has more than ${MAX_PARTS} parts.`);
    const headEnd = body.indexOf('\r\n\r\n', at);
    if (headEnd < 0 || headEnd - at > MAX_HEADERS) throw bad('A part has no end of its headers.');
    const end = body.indexOf(next, headEnd + 2);
    if (end < 0) throw bad('The last boundary is missing.');
    const headers = body
      .subarray(at + 2, headEnd)
      .toString('utf8')
      .split('\r\n');
    const header = (name: string) =>
      headers
        .find((line) => line.toLowerCase().startsWith(`${name}:`))
        ?.slice(name.length + 1)
        .trim() ?? '';
    // A name without quotes is a token (RFC 2183 §2); .NET writes it so.
    const found = /^form-data\s*;(?:.*;)?\s*name=(?:"([^"]*)"|([^\s;"]+))/i.exec(
      header('content-disposition'),
    );
    const name = found?.[1] ?? found?.[2];
    if (name === undefined) throw bad('A part has no name.');
    if (parts.some((part) => part.name === name)) throw bad('Two parts have the same name.');
    parts.push({
      name,
      contentType: header('content-type').split(';')[0]!.trim().toLowerCase(),
      body: body.subarray(Math.min(headEnd + 4, end), end).toString('utf8'),
    });
    at = end + next.length;
  }
}
