/** What `npm start` must leave behind. */
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';

const summary = JSON.parse(await readFile('out/demo/summary.json', 'utf8'));
for (const path of ['flash.seconds', 'flash.bytes', 'provision.ms', 'connect.ms', 'replyLatency.ms']) {
  const value = path.split('.').reduce((at, key) => at?.[key], summary);
  assert.ok(value > 0, `summary.json: ${path} is ${value}`);
}
assert.equal(summary.link.framesLost, 0);
assert.ok(summary.turns.length > 0, 'no turns');
const events = (await readFile('out/demo/events.jsonl', 'utf8'))
  .trim()
  .split('\n')
  .map((line) => JSON.parse(line));
assert.ok(events.length > 20, `only ${events.length} events`);
for (const file of ['heard.wav', 'spoken.wav']) {
  const bytes = await readFile(`out/demo/${file}`);
  const samples = new Int16Array(bytes.buffer, bytes.byteOffset + 44, (bytes.length - 44) >> 1);
  assert.ok(samples.reduce((most, s) => Math.max(most, Math.abs(s)), 0) > 3000, `${file} is silence`);
}
console.log('the demo left what it should');
