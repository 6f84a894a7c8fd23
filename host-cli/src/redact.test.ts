import { describe, expect, it } from 'vitest';
import { redact } from './redact.ts';

describe('what an MCP tool shows its server', () => {
  const tool = (extra: object) => ({
    type: 'mcp',
    server_label: 'docs',
    server_url: 'https://x.test',
    ...extra,
  });

  it('is not printed with the event that holds it', () => {
    const event = {
      type: 'session.updated',
      session: {
        tools: [
          tool({ authorization: 'to"ken \\ one', headers: { 'X-Key': 'two}', Cookie: 'th"ree' } }),
          tool({ headers: null, authorization: '' }),
        ],
      },
    };
    const printed = redact(JSON.stringify(event));
    expect(printed).not.toMatch(/ken|two|ree/);
    expect(JSON.parse(printed)).toMatchObject({
      session: { tools: [{ server_label: 'docs', authorization: '•••', headers: '•••' }, { headers: null }] },
    });
  });

  it('leaves other words alone', () => {
    const text = '{"text":"my authorization: none","headers":[1],"header":"x"}';
    expect(redact(text)).toBe(text);
  });
});
