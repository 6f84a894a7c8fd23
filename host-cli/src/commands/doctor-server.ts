/** Whether the server of the device's settings is there, seen from this machine. */
import { createHash } from 'node:crypto';
import { request as httpRequest } from 'node:http';
import { request as httpsRequest } from 'node:https';
import type { TLSSocket } from 'node:tls';
import { messageOf } from '../errors.ts';
import type { Check } from './doctor.ts';

const LIMIT_MS = 5000;

class WrongKey extends Error {}

/** The status of a POST without a body. With a pin, the server's key is compared, and its certificate is not. */
function post(url: string, pin: string): Promise<number> {
  return new Promise((resolve, reject) => {
    const secure = url.startsWith('https:');
    const pinned = secure && pin !== '';
    const signal = AbortSignal.timeout(LIMIT_MS);
    const request = (secure ? httpsRequest : httpRequest)(url, {
      method: 'POST',
      agent: false,
      signal,
      ...(pinned ? { rejectUnauthorized: false } : {}),
    });
    request.on('response', (response) => {
      response.resume();
      resolve(response.statusCode ?? 0);
    });
    request.on('error', (error) =>
      reject(signal.aborted ? new Error(`no answer in ${LIMIT_MS / 1000} s`) : error),
    );
    request.on('socket', (socket) =>
      (socket as TLSSocket).once('secureConnect', () => {
        if (!pinned) return;
        const key = (socket as TLSSocket).getPeerX509Certificate()?.publicKey;
        const spki = key?.export({ type: 'spki', format: 'der' }) ?? '';
        if (createHash('sha256').update(spki).digest('hex') === pin.toLowerCase()) request.end();
        else request.destroy(new WrongKey('it has another key than server.pin'));
      }),
    );
    if (!pinned) request.end();
  });
}

/** A URL for a report: neither user and password nor what stands behind the path, which may be a key. */
function shownUrl(text: string): string {
  if (!URL.canParse(text)) return '(no URL)';
  const url = new URL(text);
  return `${url.origin}${url.pathname}${url.search === '' ? '' : '?…'}`;
}

/**
 * A POST without an offer: any answer of the 4xx kind means that a server is there and understands the path. `pin` is
 * the setting `server.pin`.
 */
export async function serverCheck(url: string, pin = ''): Promise<Check> {
  const name = 'server';
  try {
    const status = await post(url, pin);
    const found = `${shownUrl(url)} answers ${status}`;
    if (status === 404) return { name, state: 'fail', found, next: 'Check the path of server.url.' };
    if (status >= 400 && status < 500) return { name, state: 'ok', found };
    if (status >= 300 && status < 400) {
      return {
        name,
        state: 'fail',
        found,
        next: 'The device does not follow redirects: put the final URL into server.url.',
      };
    }
    return { name, state: 'warn', found, next: 'It should refuse an empty offer; is it a Realtime server?' };
  } catch (error) {
    return {
      name,
      state: 'fail',
      // Where a name has several addresses, Node's error has a code, and no message.
      found: `${shownUrl(url)}: ${(messageOf(error) || (error as NodeJS.ErrnoException).code || '').replaceAll(url, shownUrl(url))}`,
      next:
        error instanceof WrongKey
          ? 'Set server.pin anew; `tincan gateway --tls` prints it.'
          : 'Check server.url and the network; for a gateway, start `tincan gateway`.',
    };
  }
}
