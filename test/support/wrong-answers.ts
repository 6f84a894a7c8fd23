/** What servers answer to an offer instead of SDP. */
import type { ServerResponse } from 'node:http';
import type { Reason } from '@tincan/shared-protocol';

const json =
  (status: number, body: object, headers = {}) =>
  (response: ServerResponse) =>
    response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(JSON.stringify(body));
const apiError = (message: string, code: string) => ({
  error: { message, type: 'invalid_request_error', code, param: null },
});
export const sdp = (text: string) => (response: ServerResponse) =>
  response.writeHead(201, { 'content-type': 'application/sdp' }).end(text);

/** An HTTP answer, and what a person must see of it. */
export interface WrongAnswer {
  name: string;
  /** `url`: where the offer was posted. */
  answer: (response: ServerResponse, url: string) => unknown;
  goes: 'ready' | 'backoff';
  reason: Reason;
  /** In the sentence. */
  says: RegExp;
  hint: RegExp;
  detail?: RegExp;
  retryMs?: number;
  retryMostMs?: number;
}

/** `token` is the one that the board shows: a server may quote it. */
export const wrongAnswers = (token: string): WrongAnswer[] => [
  {
    name: '401 with an error that quotes the token',
    answer: json(
      401,
      apiError(`Incorrect API key provided: ${token}. Find yours at /keys.`, 'invalid_api_key'),
    ),
    goes: 'ready',
    reason: 'http_401',
    says: /refused the token \(401\).*Incorrect API key provided: \*+\. Find yours/,
    hint: /new token/,
    detail: /Incorrect API key/,
  },
  {
    name: '400',
    answer: json(400, apiError('The model does not exist.', 'model_not_found')),
    goes: 'ready',
    reason: 'http_400',
    says: /\(400\).*The model does not exist\./,
    hint: /session\.model/,
  },
  {
    name: '403 without a body',
    answer: (response) => response.writeHead(403).end(),
    goes: 'ready',
    reason: 'http_403',
    says: /forbids it \(403\)/,
    hint: /token/,
  },
  {
    name: '404',
    answer: json(404, { error: 'no route' }),
    goes: 'ready',
    reason: 'http_404',
    says: /nothing at this address \(404\).*no route/,
    hint: /server\.url/,
  },
  {
    name: '429 that wants 7 s of patience',
    answer: json(429, apiError('Rate limit reached.', 'rate_limit_exceeded'), { 'retry-after': '7' }),
    goes: 'backoff',
    reason: 'http_429',
    says: /too many requests \(429\)/,
    hint: /[Ww]ait/,
    retryMs: 7000,
  },
  {
    name: '429 whose Retry-After is a date, which nobody waits for',
    answer: json(429, apiError('Slow down.', 'rate_limit_exceeded'), {
      'retry-after': 'Wed, 21 Oct 2026 07:28:00 GMT',
    }),
    goes: 'backoff',
    reason: 'http_429',
    says: /too many requests \(429\)/,
    hint: /[Ww]ait/,
    retryMs: 1000,
  },
  {
    name: '429 that wants patience for years: a day is enough',
    answer: json(429, apiError('Quota.', 'insufficient_quota'), { 'retry-after': '999999999' }),
    goes: 'backoff',
    reason: 'http_429',
    says: /too many requests \(429\)/,
    hint: /limits of the account/,
    retryMs: 86_400_000,
    retryMostMs: 86_400_000,
  },
  {
    name: '503 that says when it is back',
    answer: (response) => response.writeHead(503, { 'retry-after': '33' }).end(),
    goes: 'backoff',
    reason: 'http_5xx',
    says: /failed \(503\)/,
    hint: /log of the server/,
    retryMs: 33_000,
  },
  {
    name: '502 of a proxy, as a web page',
    answer: (response) =>
      response.writeHead(502, { 'content-type': 'text/html' }).end('<html><h1>502 Bad Gateway</h1></html>'),
    goes: 'backoff',
    reason: 'http_5xx',
    says: /failed \(502\)\.$/,
    hint: /log of the server/,
  },
  {
    name: '401 of a proxy, as a web page',
    answer: (response) => response.writeHead(401, { 'content-type': 'text/html' }).end('<html>Log in</html>'),
    goes: 'ready',
    reason: 'http_401',
    says: /refused the token \(401\)\.$/,
    hint: /new token/,
  },
  {
    name: '404 of Azure: no such deployment',
    answer: json(404, apiError('The API deployment for this resource does not exist.', 'DeploymentNotFound')),
    goes: 'ready',
    reason: 'http_404',
    says: /nothing at this address \(404\).*deployment for this resource does not exist/,
    hint: /server\.url/,
  },
  {
    name: 'a status that nobody expects',
    answer: (response) => response.writeHead(418).end('short and stout'),
    goes: 'backoff',
    reason: 'http_status',
    says: /without an SDP \(418\)/,
    hint: /server\.url/,
  },
  {
    name: 'a redirect for good',
    answer: (response, url) => response.writeHead(308, { location: url }).end(),
    goes: 'backoff',
    reason: 'http_redirect',
    says: /elsewhere \(308\)/,
    hint: /final address/,
  },
  {
    name: '500 with text',
    answer: (response) => response.writeHead(500).end('oops'),
    goes: 'backoff',
    reason: 'http_5xx',
    says: /failed \(500\)/,
    hint: /log of the server/,
  },
  {
    name: 'a web page',
    answer: (response) =>
      response.writeHead(200, { 'content-type': 'text/html' }).end('<!doctype html><title>Log in</title>'),
    goes: 'backoff',
    reason: 'not_sdp',
    says: /web page, not SDP/,
    hint: /server\.url/,
  },
  {
    name: 'an empty 201',
    answer: sdp(''),
    goes: 'backoff',
    reason: 'not_sdp',
    says: /not SDP/,
    hint: /server\.url/,
  },
  {
    name: 'a redirect, which is not followed',
    answer: (response, url) => response.writeHead(302, { location: url }).end(),
    goes: 'backoff',
    reason: 'http_redirect',
    says: /elsewhere \(302\)/,
    hint: /final address/,
  },
  {
    name: 'an SDP answer of more than 20 kB',
    answer: sdp(`v=0\r\n${'a=candidate:1 1 UDP 1 192.0.2.1 9 typ host\r\n'.repeat(500)}`),
    goes: 'backoff',
    reason: 'too_large',
    says: /larger than 20,480 bytes/,
    hint: /server\.url/,
  },
  {
    name: 'SDP of a server without WebRTC',
    answer: sdp('v=0\r\no=- 0 0 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\nm=audio 9 RTP/AVP 0\r\n'),
    goes: 'backoff',
    reason: 'sdp_rejected',
    says: /could not be used/,
    hint: /WebRTC/,
  },
  {
    name: 'a connection that breaks within the answer',
    answer: (response) => {
      response.writeHead(201, { 'content-type': 'application/sdp', 'content-length': '500' });
      response.write('v=0\r\n');
      setTimeout(() => response.destroy(), 20);
    },
    goes: 'backoff',
    reason: 'tcp',
    says: /could not be reached/,
    hint: /server runs/,
  },
];
