/** A real browser without a window: Chromium as it is installed, its microphone a file. */
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type BrowserContext, chromium, type Page } from 'playwright-core';

const PLACES = [
  '/usr/bin/chromium',
  '/usr/bin/chromium-browser',
  '/usr/bin/google-chrome',
  '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
];

/** The program of TINCAN_CHROMIUM, or one in a usual place; undefined where there is none. */
export const CHROMIUM = process.env.TINCAN_CHROMIUM || PLACES.find((place) => existsSync(place));
if (CHROMIUM === undefined)
  console.warn(
    'no Chromium is installed, and TINCAN_CHROMIUM names none: the tests in a browser are skipped',
  );

export interface Browser {
  readonly page: Page;
  /** What the page wrote on its console, and its errors. */
  readonly lines: string[];
  close(): Promise<void>;
}

/**
 * Opens a page that has these scripts. `microphone` is a WAV that is heard once, from the moment when the page takes
 * the microphone; then it is silent.
 */
export async function openBrowser(options: { microphone: string; scripts: string[] }): Promise<Browser> {
  if (CHROMIUM === undefined) throw new Error('no Chromium');
  const profile = mkdtempSync(join(tmpdir(), 'tincan-chromium-'));
  // A page of localhost is a secure one: it may have a microphone.
  const server = createServer((_, response) => {
    response.writeHead(200, { 'content-type': 'text/html' }).end('<!doctype html><title>Tincan</title>');
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  let context: BrowserContext | undefined;
  const close = async () => {
    await context?.close();
    server.closeAllConnections();
    server.close();
    rmSync(profile, { recursive: true, force: true, maxRetries: 5 });
  };
  try {
    context = await chromium.launchPersistentContext(profile, {
      executablePath: CHROMIUM,
      headless: true,
      args: [
        '--headless',
        '--no-sandbox',
        '--disable-gpu',
        '--disable-quic',
        '--no-first-run',
        '--disable-background-networking',
        '--disable-component-update',
        '--disable-sync',
        '--use-fake-ui-for-media-stream',
        '--use-fake-device-for-media-stream',
        `--use-file-for-fake-audio-capture=${options.microphone}%noloop`,
        '--autoplay-policy=no-user-gesture-required',
      ],
    });
    const page = context.pages()[0] ?? (await context.newPage());
    const lines: string[] = [];
    page.on('console', (message) => lines.push(message.text()));
    page.on('pageerror', (error) => lines.push(String(error)));
    await page.goto(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`);
    for (const path of options.scripts) await page.addScriptTag({ path });
    return { page, lines, close };
  } catch (error) {
    await close();
    throw error;
  }
}
