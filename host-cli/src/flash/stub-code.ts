/** Espressif's flasher stub for the ESP32-S3, as esptool-js carries it, and how it gets into RAM. */
import { dataBody, encodeRequest, ROM, ROM_OP, words } from '@tincan/shared-protocol';
import stub from 'esptool-js/lib/targets/stub_flasher/esp32s3.json' with { type: 'json' };
import { LoaderError, type LoaderLink } from './link.ts';

const HELLO_MS = 1000;

/** Loads the stub through the ROM and starts it. @throws LoaderError */
export async function startStub(link: LoaderLink): Promise<void> {
  await upload(link, stub.text_start, stub.text);
  await upload(link, stub.data_start, stub.data);
  // The ROM's answer may be cut off by the jump, so what counts is that the stub speaks.
  link.forget();
  link.sendFrame(encodeRequest(ROM_OP.memEnd, words(0, stub.entry)));
  if (!(await link.stubHello(HELLO_MS))) throw new LoaderError('silent', 'the stub did not start');
  link.stub = true;
}

async function upload(link: LoaderLink, address: number, base64: string): Promise<void> {
  const bytes = Buffer.from(base64, 'base64');
  const blocks = Math.ceil(bytes.length / ROM.ramBlock);
  await link.request(ROM_OP.memBegin, words(bytes.length, blocks, ROM.ramBlock, address));
  for (let block = 0; block < blocks; block++) {
    const piece = bytes.subarray(block * ROM.ramBlock, (block + 1) * ROM.ramBlock);
    await link.request(ROM_OP.memData, dataBody(block, piece));
  }
}
