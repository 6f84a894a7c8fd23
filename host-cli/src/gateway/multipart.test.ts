import { describe, expect, it } from 'vitest';
import { parseMultipart } from './multipart.ts';

const TYPE = 'multipart/form-data; boundary=XX';
const part = (name: string, body: string, type?: string) =>
  `--XX\r\nContent-Disposition: form-data; name="${name}"\r\n${type ? `Content-Type: ${type}\r\n` : ''}\r\n${body}\r\n`;
const parse = (body: string, type = TYPE) => parseMultipart(type, Buffer.from(body));

describe('multipart/form-data', () => {
  it('gives the parts with their types', () => {
    expect(
      parse(`${part('sdp', 'v=0\r\n', 'Application/SDP; charset=utf-8')}${part('session', '{}')}--XX--\r\n`),
    ).toEqual([
      { name: 'sdp', contentType: 'application/sdp', body: 'v=0\r\n' },
      { name: 'session', contentType: '', body: '{}' },
    ]);
  });

  it('takes a quoted boundary, a file name before the name, and an empty body', () => {
    const body = '--a b\r\ncontent-disposition: form-data; filename="x"; name="sdp"\r\n\r\n\r\n--a b--';
    expect(parse(body, 'multipart/form-data; boundary="a b"')).toEqual([
      { name: 'sdp', contentType: '', body: '' },
    ]);
  });

  it('reads what the browser writes', async () => {
    const form = new FormData();
    form.set('sdp', new Blob(['v=0'], { type: 'application/sdp' }), 'offer');
    form.set('session', '{"ä":1}');
    const response = new Response(form);
    const body = Buffer.from(await response.arrayBuffer());
    expect(parseMultipart(response.headers.get('content-type')!, body).map((one) => one.body)).toEqual([
      'v=0',
      '{"ä":1}',
    ]);
  });

  it.each([
    ['no boundary', part('a', ''), 'multipart/form-data'],
    ['another boundary', part('a', '').replaceAll('XX', 'YY'), TYPE],
    ['no end', part('a', 'b'), TYPE],
    ['headers without end', '--XX\r\nContent-Disposition: form-data; name="a"', TYPE],
    ['headers that are too long', `--XX\r\nX: ${'a'.repeat(2000)}\r\n\r\n\r\n--XX--`, TYPE],
    ['a part without name', '--XX\r\nX: y\r\n\r\n\r\n--XX--', TYPE],
    ['a name twice', `${part('a', '')}${part('a', '')}--XX--`, TYPE],
    ['too many parts', `${Array.from({ length: 9 }, (_, i) => part(`p${i}`, '')).join('')}--XX--`, TYPE],
    ['a boundary in the middle of a line', '--XXyz\r\n\r\n\r\n--XX--', TYPE],
  ])('refuses %s', (_, body, type) => {
    expect(() => parse(body, type)).toThrow(expect.objectContaining({ code: 'invalid_multipart' }));
  });

  it('takes a name without quotes, as .NET writes it', () => {
    const body =
      '--XX\r\nContent-Type: application/sdp\r\nContent-Disposition: form-data; name=sdp\r\n\r\nv=0\r\n--XX--';
    expect(parse(body)).toEqual([{ name: 'sdp', contentType: 'application/sdp', body: 'v=0' }]);
  });
});
