import { describe, expect, it } from 'vitest';
import { type MessageError, parseMessage } from './link-message.ts';

const rpc = (members: string) => `{"jsonrpc":"2.0"${members === '' ? '' : `,${members}`}}`;

describe('parseMessage', () => {
  it.each([
    [
      '"id":1,"method":"settings.get","params":{"names":["a"]}',
      { kind: 'request', id: 1, method: 'settings.get', params: { names: ['a'] } },
    ],
    ['"id":"x","method":"device.hello"', { kind: 'request', id: 'x', method: 'device.hello', params: {} }],
    ['"method":"hello","params":{}', { kind: 'notification', method: 'hello', params: {} }],
    ['"id":1,"result":null', { kind: 'response', id: 1, result: null }],
    ['"id":0,"result":{"a":1}', { kind: 'response', id: 0, result: { a: 1 } }],
    [
      '"id":null,"error":{"code":-32700,"message":"not JSON"}',
      { kind: 'response', id: null, error: { code: -32700, message: 'not JSON' } },
    ],
    [
      '"id":1,"error":{"code":-32002,"message":"m","data":"why"}',
      { kind: 'response', id: 1, error: { code: -32002, message: 'm', data: 'why' } },
    ],
    ['"method":"x","new":1', { kind: 'notification', method: 'x', params: {} }],
  ])('reads %s', (members, message) => {
    expect(parseMessage(rpc(members))).toEqual(message);
  });

  it.each([
    ['', 'PARSE'],
    ['{"jsonrpc":"2.0"', 'PARSE'],
    ['null', 'REQUEST'],
    ['[]', 'REQUEST'],
    [`[${rpc('"method":"x"')}]`, 'REQUEST'],
    ['"x"', 'REQUEST'],
    ['{"method":"x"}', 'REQUEST'],
    ['{"jsonrpc":2,"method":"x"}', 'REQUEST'],
    [rpc(''), 'REQUEST'],
    [rpc('"id":1'), 'REQUEST'],
    [rpc('"method":1'), 'REQUEST'],
    [rpc('"method":""'), 'REQUEST'],
    [rpc('"method":"x","params":[1]'), 'REQUEST'],
    [rpc('"method":"x","params":null'), 'REQUEST'],
    [rpc('"method":"x","id":null'), 'REQUEST'],
    [rpc('"method":"x","id":1.5'), 'REQUEST'],
    [rpc('"method":"x","id":{}'), 'REQUEST'],
    [rpc('"method":"x","id":1,"result":1'), 'REQUEST'],
    [rpc('"result":1'), 'REQUEST'],
    [rpc('"id":1,"result":1,"error":{"code":1,"message":"x"}'), 'REQUEST'],
    [rpc('"id":1,"error":null'), 'REQUEST'],
    [rpc('"id":1,"error":{"code":"1","message":"x"}'), 'REQUEST'],
    [rpc('"id":1,"error":{"code":1}'), 'REQUEST'],
    [rpc('"id":true,"result":1'), 'REQUEST'],
  ])('refuses %s', (json, code) => {
    expect(() => parseMessage(json)).toThrow(expect.objectContaining({ code }) as MessageError);
  });

  it('says nothing of what the text held', () => {
    for (const json of ['ek_secret', '{"token":"ek_secret"}'])
      expect(() => parseMessage(json)).toThrow(/^(?!.*secret)/);
  });
});
