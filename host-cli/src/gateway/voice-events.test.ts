import { expect, it } from 'vitest';
import { EventVoice } from './voice-events.ts';

it('says that all was heard, also where timers fire a little early', () => {
  let now = 0;
  const timers: { at: number; run: () => void }[] = [];
  const clock = {
    now: () => now,
    after(ms: number, run: () => void) {
      const timer = { at: now + (ms > 1 ? ms - 0.5 : ms), run };
      timers.push(timer);
      return () => void timers.splice(timers.indexOf(timer), 1);
    },
  };
  let played = 0;
  const voice = new EventVoice(clock, { send: () => {}, played: () => played++ });
  const at = { response_id: 'r', item_id: 'i', output_index: 0, content_index: 0 };
  voice.open('r', { type: 'audio/pcm', rate: 24_000 });
  voice.push(at, new Int16Array(24_000));
  voice.end('r');
  for (let rounds = 0; timers.length > 0 && rounds < 10; rounds++) {
    const [next] = timers.splice(0, 1);
    now = next!.at;
    next!.run();
  }
  expect(played).toBe(1);
  expect(now).toBe(1000);
});
