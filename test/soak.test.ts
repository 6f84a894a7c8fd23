/**
 * Three hours of conversation in seconds: the board's real core and the gateway's real calls, on one clock that is
 * moved by hand, over a network that loses 5 % of everything. Sessions are renewed and expire, tokens end, the server
 * limits, refuses and hangs up. No turn is lost: each is answered once, in order, and each new session is given a
 * correct tail of what was said.
 */
import { manualClock } from '@tincan/boards';
import type { gatewayParts } from '@tincan/host-cli';
import { type StateChange, Transcript } from '@tincan/shared-protocol';
import { expect, test } from 'vitest';
import { chance } from './support/chance.ts';
import { memoryBoard } from './support/memory-board.ts';
import { memoryServer } from './support/memory-server.ts';
import { CODE_MS, hearNumber, sayNumber } from './support/tone-code.ts';

const HOURS = 3;
const EPOCH = 1_800_000_000;
const HISTORY = 16;
const FRAME = 320;
const TOKEN_S = 600;
const FAULTS = ['hang_up', 'hang_up_now', 'expire', 'rate_limit', 'refuse', 'late'] as const;

interface Said {
  role: 'user' | 'assistant';
  text: string;
}

const question = (n: number) => `turn ${n}`;
const answer = (n: number) => `This is the answer to turn ${n}.`;

test('three hours with renewals, expiries, rate limits, hang-ups and 5 % loss: no turn is lost', async () => {
  const clock = manualClock(1000);
  const roll = chance(20_261_127);
  const unixNow = () => EPOCH + clock.now() / 1000;

  // ---- what was said, and what became of it ----
  /** Turns that the person has said, in order; the answers as far as they were made. */
  const truth: Said[] = [];
  /** Turns that the assistant has answered, as the host at the serial line saw it. */
  const answered = new Map<number, string>();
  /** What was wrong with what a session was given. */
  const wrong: string[] = [];
  const count = { greetings: 0, sessions: 0, given: 0, asked: 0, misheard: 0 };
  /** Faults that the next answers bring. */
  const faults: ('hang_up' | 'expire' | 'rate_limit')[] = [];

  // ---- the server ----
  const hear = (pcm: Int16Array | undefined) => {
    const n = pcm && hearNumber(pcm, 24_000);
    if (n === undefined) count.misheard++;
    return n === undefined ? '' : question(n);
  };
  const words = ({ item, pcm }: gatewayParts.Entry): Said | undefined => {
    if (item.type !== 'message' || item.role === 'system') return undefined;
    const text = item.content
      .map((part) => ('transcript' in part && part.transcript) || ('text' in part && part.text) || '')
      .join('');
    // A model hears before anybody has written down what it hears.
    return { role: item.role, text: text || (item.role === 'user' ? hear(pcm) : '') };
  };
  /** What a session knows must be the end of what was said: all that was said in it, and what it was given before. */
  const check = (known: readonly Said[]) => {
    const until = truth.findLastIndex(({ role, text }) => role === 'user' && text === known.at(-1)?.text);
    const expected = truth.slice(0, until + 1).slice(-known.length);
    const same = known.every(
      ({ role, text }, i) =>
        expected[i]?.role === role &&
        (expected[i]!.text === text ||
          (role === 'assistant' && text !== '' && expected[i]!.text.startsWith(text))),
    );
    // One fewer where an answer broke off: it had its place in the history until then.
    const enough = known.length >= Math.min(HISTORY - 1, until + 1);
    if (until < 0 || !same || !enough)
      wrong.push(
        `at ${clock.now()}: known ${JSON.stringify(known.slice(-20))}, said ${JSON.stringify(expected)}`,
      );
  };
  const brain: gatewayParts.Brain = {
    mode: 'soak',
    open: () => ({
      transcribe: async ({ pcm }) => hear(pcm),
      async *answer({ entries, params }) {
        const known = entries.flatMap((entry) => words(entry) ?? []);
        if (params?.instructions) {
          count.greetings++;
          truth.push({ role: 'assistant', text: 'Hello.' });
          yield { type: 'text', text: 'Hello.' };
          return;
        }
        count.asked++;
        check(known);
        const n = Number(/\d+$/.exec(known.at(-1)?.text ?? '')?.[0]);
        // One that was asked for again, since it broke off or the server had no room, is the same answer.
        if (truth.at(-1)?.role === 'user') truth.push({ role: 'assistant', text: answer(n) });
        const fault = faults.shift();
        if (fault === 'rate_limit') {
          yield { type: 'fault', fault };
          return;
        }
        if (fault === 'hang_up') {
          // In the middle of the answer.
          const spoken = { type: 'say', text: answer(n), pcm: sayNumber(n % 512, 24_000) } as const;
          clock.after(150, () => server.hangUp());
          yield spoken;
          return;
        }
        if (n % 3 === 0)
          yield { type: 'say', text: answer(n), pcm: sayNumber(n % 512, 24_000).subarray(0, 9600) };
        else yield { type: 'text', text: answer(n) };
        if (fault === 'expire') yield { type: 'fault', fault };
      },
    }),
  };
  let refusals = 0;
  const server = memoryServer({
    clock,
    brain,
    unixNow,
    chance: roll,
    lose: 5,
    fault: () => (refusals-- > 0 ? { http: 429, retry_after: 7, probability: 1, after: 0 } : undefined),
    // Every third session is promised a quarter of an hour only.
    lasts: () => (server.calls.length % 3 === 2 ? 900 : undefined),
  });

  // ---- the board, and the host at its serial line ----
  const states: StateChange[] = [];
  let transcript = new Transcript();
  let committed = 0;
  let cleared = 0;
  const heard: Int16Array[] = [];
  const board = await memoryBoard({
    clock,
    network: server.network,
    microphone: { frame: () => heard.shift() ?? new Int16Array(FRAME) },
    unixNow,
    random: (bytes) => {
      for (let i = 0; i < bytes.length; i++) bytes[i] = roll(256);
    },
    settings: {
      'wifi.ssid': 'soak',
      'wifi.password': 'soak-soak',
      'server.url': 'https://gateway.example/v1/realtime/calls',
      'turn.detection': 'none',
      'session.history': HISTORY,
      'session.renew': 6,
      'device.autostart': true,
      'device.idle_limit': 300,
    },
    message(method, params) {
      if (method === 'state') {
        const state = params as unknown as StateChange;
        states.push(state);
        if (state.state === 'connecting') transcript = new Transcript();
        if (state.state === 'live' && states.at(-2)?.state === 'configuring') count.sessions++;
      }
      const event = params.event as { type: string; item?: { id?: string } } | undefined;
      if (method === 'realtime.sent' && event?.item?.id?.startsWith('tc_turn_')) count.given++;
      if (method !== 'realtime.event' || !event) return;
      if (event.type === 'input_audio_buffer.committed') committed++;
      if (event.type === 'input_audio_buffer.cleared') cleared++;
      for (const { role, text, complete } of transcript.feed(event, 'server')) {
        const n = Number(/turn (\d+)/.exec(text)?.[1]);
        if (role === 'assistant' && complete && text === answer(n)) answered.set(n, text);
      }
    },
  });

  // ---- time ----
  /** Lets it pass; what waits for something else than time gets its turn. */
  const until = async (done: () => boolean, limitMs: number): Promise<boolean> => {
    const end = clock.now() + limitMs;
    while (!done()) {
      const { due = end } = clock;
      if (due > end) {
        clock.advance(end - clock.now());
        return done();
      }
      clock.advance(Math.max(0, due - clock.now()) + 1e-6);
      do await new Promise((resolve) => setImmediate(resolve));
      while (server.network.busy > 0);
    }
    return true;
  };
  const wait = (ms: number) => until(() => false, ms);
  const live = () => states.at(-1)?.state === 'live';
  const idle = () => live() && states.at(-1)!.activity === 'listening';
  const request = async (method: string, params?: object) => {
    const result = board.request(method, params).then(
      (value) => ({ value }),
      (error: Error) => ({ error: error.message }),
    );
    let over: { value?: unknown; error?: string } | undefined;
    void result.then((what) => {
      over = what;
    });
    await until(() => over !== undefined, 2000);
    return over;
  };

  /** In the last hour it is the server that hears when a turn ends. */
  let byVoice = false;

  // ---- tokens: lent before the old one ends, mostly ----
  let lentUntil = 0;
  const lend = async () => {
    const { value, expiresAt } = server.issue(TOKEN_S);
    lentUntil = expiresAt;
    expect(await request('token.lend', { token: value, expires_at: expiresAt })).toEqual({ value: {} });
  };

  /** Says a turn; false where the session ended before it was taken, so that the person has to say it again. */
  const say = async (n: number): Promise<boolean> => {
    const sessions = count.sessions;
    if (roll(2) === 0) {
      truth.push({ role: 'user', text: question(n) });
      const result = await request('session.say', { text: question(n) });
      if (result?.error === undefined) return true;
      truth.pop();
      return false;
    }
    const before = committed;
    truth.push({ role: 'user', text: question(n) });
    const sound = sayNumber(n % 512, 16_000);
    const taken = async () => {
      await until(() => committed > before || count.sessions !== sessions || !live(), 5000);
      heard.length = 0;
      if (committed > before) return true;
      truth.splice(
        truth.findLastIndex(({ text }) => text === question(n)),
        1,
      );
      return false;
    };
    if (byVoice) {
      // Muted in between, for the sake of the computer that encodes three hours of silence.
      board.app.mute(false);
      await wait(400);
      for (let at = 0; at < sound.length; at += FRAME) heard.push(sound.slice(at, at + FRAME));
      const over = await taken();
      board.app.mute(true);
      await wait(20);
      return over;
    }
    const clean = cleared;
    board.app.button(true);
    // input_audio_buffer.clear goes first; where it has to be sent again it takes away what was said until then.
    await until(() => cleared > clean || !live(), 5000);
    for (let at = 0; at < sound.length; at += FRAME) heard.push(sound.slice(at, at + FRAME));
    await wait(CODE_MS + 200);
    board.app.button(false);
    return taken();
  };

  // ---- three hours ----
  await wait(200); // the board says hello before anything is asked of it
  await lend();
  let said = 0;
  let late = false;
  const happened: Record<string, number> = {};
  while (clock.now() < HOURS * 3_600_000) {
    await wait(5000 + roll(30_000));
    if (!byVoice && clock.now() > 2 * 3_600_000) {
      byVoice = true;
      board.app.mute(true);
      await request('settings.set', { values: { 'turn.detection': 'server_vad' } });
      await request('settings.commit');
      await wait(1000);
    }
    const left = lentUntil - unixNow();
    if (left < 120 && !late) await lend();
    expect(await until(idle, 240_000), `it never came back: ${JSON.stringify(states.slice(-4))}`).toBe(true);
    const event = FAULTS[roll(12 * FAULTS.length)];
    if (event !== undefined) happened[event] = (happened[event] ?? 0) + 1;
    if (event === 'late') late = true;
    if (event === 'refuse') refusals = 2;
    if (event === 'hang_up_now' || event === 'refuse' || (late && left < 0)) {
      server.hangUp();
      await wait(50 + roll(3000));
    }
    if (late && left < 0) {
      // The host has forgotten to bring a token in time; the board waits for it.
      expect(await until(() => states.at(-1)?.reason === 'token_expired', 60_000)).toBe(true);
      await wait(roll(120_000));
      await lend();
      late = false;
    }
    expect(await until(idle, 240_000), `it never came back: ${JSON.stringify(states.slice(-4))}`).toBe(true);
    if (event === 'hang_up' || event === 'expire' || event === 'rate_limit') faults.push(event);
    const n = said;
    while (!(await say(n))) expect(await until(idle, 240_000)).toBe(true);
    said++;
    expect(
      await until(() => answered.has(n), 240_000),
      `turn ${n} was never answered: ${JSON.stringify({ truth: truth.slice(-4), states: states.slice(-6), wrong })}`,
    ).toBe(true);
  }

  // ---- what is left of it ----
  const stats = (await request('device.stats'))?.value as {
    session: { illegal: number };
    playout: { lost: number };
  };
  const reasons = new Set(states.map(({ reason }) => reason));
  expect(board.faults).toEqual([]);
  expect(wrong).toEqual([]);
  expect(stats.session.illegal).toBe(0);
  // Each turn once, in order, each with its answer behind it.
  const turns = truth.filter(({ text }) => text !== 'Hello.');
  expect(turns.filter(({ role }) => role === 'user').map(({ text }) => text)).toEqual(
    Array.from({ length: said }, (_, n) => question(n)),
  );
  expect(turns.map(({ role }) => role)).toEqual(
    Array.from({ length: 2 * said }, (_, i) => (i % 2 === 0 ? 'user' : 'assistant')),
  );
  expect([...answered.keys()]).toEqual(Array.from({ length: said }, (_, n) => n));
  expect(count.misheard).toBe(0);
  expect(count.greetings).toBe(1);
  // An answer was asked for again only where it broke off, or a limit stopped it.
  expect(count.asked).toBe(said + happened.hang_up! + happened.rate_limit!);
  // All of it has happened.
  for (const reason of [
    'renewal',
    'session_expired',
    'channel_closed',
    'http_429',
    'rate_limit',
    'token_expired',
  ])
    expect(reasons).toContain(reason);
  expect(server.calls.reduce((sum, call) => sum + call.stats().lost, 0)).toBeGreaterThan(100);
  expect(stats.playout.lost).toBeGreaterThan(0);
  for (const fault of FAULTS) expect(happened[fault]).toBeGreaterThan(0);
  expect(said).toBeGreaterThan(200);
  expect(count.sessions).toBeGreaterThan(20);
}, 240_000);
