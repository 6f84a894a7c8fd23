/** Calls of headless Chromium. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { chromium } from 'playwright-core';
import { CHROMIUM } from '../support/browser.ts';
import { PAGE, WORKLET } from './call-page.ts';
import type { Calls, Target } from './calls.ts';

const GUARD_MS = 60_000;

/** `microphone`: a WAV file that is heard again and again. A call is over when its first turn was answered. */
export async function chromiumCalls(
  { url, token }: Target,
  microphone: string,
  times: number,
): Promise<Calls> {
  const pages = createServer((request, response) => {
    const worklet = request.url === '/worklet.js';
    response.writeHead(200, { 'content-type': worklet ? 'text/javascript' : 'text/html' });
    response.end(worklet ? WORKLET : PAGE);
  });
  await new Promise<void>((resolve) => pages.listen(0, '127.0.0.1', resolve));
  const browser = await chromium.launch({
    ...(CHROMIUM === undefined ? {} : { executablePath: CHROMIUM }),
    args: [
      '--no-sandbox',
      '--use-fake-ui-for-media-stream',
      '--use-fake-device-for-media-stream',
      `--use-file-for-fake-audio-capture=${microphone}`,
      '--autoplay-policy=no-user-gesture-required',
      '--disable-features=WebRtcHideLocalIpsWithMdns',
    ],
  });
  try {
    const calls: Calls = { connect: [], reply: [] };
    const page = await browser.newPage();
    for (let call = 0; call < times; call++) {
      await page.goto(`http://127.0.0.1:${(pages.address() as AddressInfo).port}/`);
      const made = page.evaluate(
        ([to, bearer]) =>
          (globalThis as unknown as { call(url: string, token: string): Promise<unknown> }).call(
            to!,
            bearer!,
          ),
        [url, token],
      ) as Promise<{ connect: number; reply: number }>;
      const late = new Promise<never>((_resolve, reject) => {
        setTimeout(() => reject(new Error('Chromium heard no answer')), GUARD_MS).unref();
      });
      const { connect, reply } = await Promise.race([made, late]);
      calls.connect.push(connect);
      calls.reply.push(reply);
    }
    return calls;
  } finally {
    await browser.close();
    pages.close();
  }
}
