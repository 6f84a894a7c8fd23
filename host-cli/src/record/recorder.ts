/**
 * A recording, written as it happens:
 *
 *     events.jsonl        what the device says, and both directions of Realtime events, one JSON object a line
 *     microphone.opus     what was sent to the server, and
 *     loudspeaker.opus    what was played; a place in one is the same time as in the other
 *     transcript.md       the turns that are complete, in order
 *     cost.json           tokens and dollars
 *     summary.json        at the end only
 *
 * Lines go to the system at once, sound within half a second, and all of it to the disk once a second.
 */
import { randomBytes } from 'node:crypto';
import {
  closeSync,
  existsSync,
  fdatasync,
  mkdirSync,
  openSync,
  readdirSync,
  renameSync,
  rmdirSync,
  rmSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import type { Sound, Turn } from '@tincan/shared-protocol';
import type { DeviceMessage } from '../device/device.ts';
import { eventType, messageRecord, type TailRecord } from '../device/format.ts';
import { Turns } from '../device/turns.ts';
import { messageOf, TincanError } from '../errors.ts';
import { redact } from '../redact.ts';
import { type Cost, CostMeter } from './cost.ts';
import { TranscriptPage } from './page.ts';
import { Voice } from './voice.ts';

export const FILES = {
  events: 'events.jsonl',
  microphone: 'microphone.opus',
  loudspeaker: 'loudspeaker.opus',
  transcript: 'transcript.md',
  cost: 'cost.json',
  summary: 'summary.json',
} as const;
const VOICES = ['microphone', 'loudspeaker'] as const;
type VoiceName = (typeof VOICES)[number];

/** How often `tick()` wants to be called, in ms. */
export const TICK_MS = 500;
const RATE_MS = 48;
/** A voice that is silent is kept so close behind the other, in samples. */
const BEHIND = 2 * 48_000;
/** A time that is so far from that of its arrival is of another session, in samples. */
const ASTRAY = 5 * 48_000;
/** Before the first packet, where the recording begins in the middle of a session. */
const LEAD = 9600;
/** Items whose time is remembered. */
const TIMES = 2000;
const SECRET = /\b(?:sk|ek|tc)[_-][\w-]{16,}/g;

export interface Summary {
  folder: string;
  /** By the clock of the host. */
  started: string;
  ms: number;
  /** Sound, in ms; 0 where none came. */
  sound_ms: number;
  sessions: number;
  turns: number;
  responses: number;
  dollars: number | null;
  voices: Record<VoiceName, { packets: number; lost: number; refused: number }>;
  /** Frames of the serial link that never arrived, or were damaged. */
  link: { lost: number; damaged: number };
  /** Reason of the last `state` that ended a session. */
  ended: string | undefined;
}

export interface RecorderOptions {
  /** Milliseconds since 1970. */
  now: () => number;
  /** Called once when the disk does not take any more. */
  failed?: (error: Error) => void;
}

export class Recorder {
  readonly #folder: string;
  readonly #options: RecorderOptions;
  readonly #startedAt: number;
  readonly #files: number[] = [];
  readonly #events: number;
  readonly #made: boolean;
  readonly #voices: Record<VoiceName, Voice>;
  readonly #turns = new Turns();
  readonly #cost = new CostMeter();
  readonly #page: TranscriptPage;
  readonly #times = new Map<string, number>();
  /** Samples between the device's time and that of the files; undefined until a packet of the session comes. */
  #offset: number | undefined;
  /** When the files of sound begin, by the clock of the host. */
  #zero = 0;
  #syncing = 0;
  #dirty = false;
  #written = '';
  #closed = false;
  /** Samples of sound, when it is over. */
  #length: number | undefined;
  #failure: Error | undefined;
  #counts = { sessions: 0, turns: 0, responses: 0, lost: 0, damaged: 0 };
  #ended: string | undefined;

  /** Makes the folder and its files. @throws TincanError RECORDING_EXISTS, FILE_WRITE */
  constructor(folder: string, options: RecorderOptions) {
    this.#folder = folder;
    this.#options = options;
    this.#startedAt = options.now();
    refuseExisting(folder);
    try {
      this.#made = mkdirSync(folder, { recursive: true }) !== undefined;
      this.#events = this.#open(FILES.events);
      const serial = () => randomBytes(4).readUInt32LE();
      const voice = (name: VoiceName, title: string) => {
        const file = this.#open(FILES[name]);
        return new Voice((page) => this.#write(file, page), serial(), title);
      };
      this.#voices = {
        microphone: voice('microphone', 'Person'),
        loudspeaker: voice('loudspeaker', 'Tincan'),
      };
      const date = new Date(this.#startedAt).toISOString();
      this.#page = new TranscriptPage(`Conversation of ${date.slice(0, 10)}, ${date.slice(11, 16)} UTC`);
      this.#replace(FILES.transcript, this.#page.text());
      this.#replace(FILES.cost, this.#costText());
    } catch (error) {
      for (const file of this.#files) closeSync(file);
      throw new TincanError('FILE_WRITE', `${folder} cannot be written.`, {
        exit: 'usage',
        cause: new Error(messageOf(error)),
      });
    }
  }

  /** It begins in the middle of a session of this model. */
  joined(model: string): void {
    this.#cost.assume(model);
  }

  /** A message of the device. Answers the turns that are complete by it. */
  message(message: DeviceMessage): Turn[] {
    if (this.#closed) return [];
    if (message.method === 'sound') {
      this.#sound(message.params as unknown as Sound, message.at);
      return [];
    }
    this.record(messageRecord(message));
    if (message.method === 'state' && typeof message.params.reason === 'string') {
      const { state, reason } = message.params;
      if (state === 'live') this.#ended = undefined;
      // It comes back to its network after a restart, which was the end.
      else if (/^(?:ready|backoff|joining)$/.test(String(state)) && reason !== 'wifi_up')
        this.#ended = reason;
      return [];
    }
    if (message.method !== 'realtime.event') return [];
    const { event } = message.params;
    const type = eventType(message);
    this.#seen(event, message.at);
    const left = type === 'session.created' ? this.#nextSession(message.at) : [];
    const ready = this.#turns.take(message);
    if (type === 'response.done') this.#counts.responses++;
    if (this.#cost.take(event)) this.#replace(FILES.cost, this.#costText());
    return [...left, ...this.#told(ready)];
  }

  /** Anything else that is worth a line: log text, losses. */
  record(record: TailRecord): void {
    if (this.#closed) return;
    if ('lost' in record) this.#counts.lost += record.lost;
    if ('broken' in record) this.#counts.damaged++;
    this.#write(this.#events, Buffer.from(`${clean(JSON.stringify(record))}\n`));
  }

  /** To be called every TICK_MS. Answers turns that are told because of the time. */
  tick(): Turn[] {
    if (this.#closed) return [];
    const latest = this.#end;
    for (const name of VOICES) {
      this.#voices[name].fill(latest - BEHIND);
      this.#voices[name].flush();
    }
    this.#sync();
    return this.#told(this.#turns.tick(this.#options.now()));
  }

  /** Ends all files. */
  close(): Summary {
    if (!this.#closed) {
      this.#told(this.#turns.end());
      this.#length = this.#end;
      for (const name of VOICES) this.#voices[name].close(this.#length);
      this.#closed = true;
      this.#replace(FILES.summary, `${JSON.stringify(this.summary, null, 2)}\n`);
      for (const file of this.#files) closeSync(file);
    }
    return this.summary;
  }

  /** Takes its files away again, and the folder where it made it: nothing came of it. */
  discard(): void {
    this.close();
    for (const name of Object.values(FILES)) rmSync(join(this.#folder, name), { force: true });
    if (this.#made && readdirSync(this.#folder).length === 0) rmdirSync(this.#folder);
  }

  get summary(): Summary {
    const { sessions, turns, responses, lost, damaged } = this.#counts;
    return {
      folder: this.#folder,
      started: new Date(this.#startedAt).toISOString(),
      ms: Math.round(this.#options.now() - this.#startedAt),
      sound_ms: Math.round((this.#length ?? this.#end) / RATE_MS),
      sessions,
      turns,
      responses,
      dollars: this.#cost.cost.dollars,
      voices: {
        microphone: { ...this.#voices.microphone.counts },
        loudspeaker: { ...this.#voices.loudspeaker.counts },
      },
      link: { lost, damaged },
      ended: this.#ended,
    };
  }

  /** Where the longer voice ends, in samples. */
  get #end(): number {
    return Math.max(...VOICES.map((name) => this.#voices[name].end));
  }

  get cost(): Cost {
    return this.#cost.cost;
  }

  /** Answers what was left of the session before. */
  #nextSession(at: number): Turn[] {
    const left = this.#told(this.#turns.end());
    this.#counts.sessions++;
    this.#offset = undefined;
    this.#page.next(at - this.#startedAt);
    return left;
  }

  #sound({ from, at, packets }: Sound, arrived: number): void {
    if (!VOICES.includes(from) || !Number.isFinite(at) || !Array.isArray(packets)) return;
    // Whatever was missed - the start of another session, whose times begin at 0 - the clock of the host knows better.
    const expected = (arrived - this.#zero) * RATE_MS;
    if (this.#offset !== undefined && Math.abs(at + this.#offset - expected) > ASTRAY)
      this.#offset = undefined;
    this.#offset ??= this.#place(at, arrived);
    const voice = this.#voices[from];
    packets.forEach((packet, i) => {
      if (typeof packet === 'string')
        voice.packet(Buffer.from(packet, 'base64'), at + i * 960 + (this.#offset as number));
    });
  }

  /** Where a session stands in the files: the first at their start, another as much later as it came. */
  #place(at: number, arrived: number): number {
    const end = this.#end;
    if (end === 0) {
      this.#zero = arrived - Math.min(at, LEAD) / RATE_MS;
      return -Math.max(0, at - LEAD);
    }
    return Math.max(end, Math.round((arrived - this.#zero) * RATE_MS)) - at;
  }

  #told(turns: Turn[]): Turn[] {
    if (turns.length === 0) return turns;
    this.#counts.turns += turns.length;
    this.#page.update(
      this.#turns.inOrder(),
      (id) => this.#times.get(id) ?? this.#options.now() - this.#startedAt,
    );
    this.#replace(FILES.transcript, this.#page.text());
    return turns;
  }

  /** Remembers when an item was first heard of. */
  #seen(event: unknown, at: number): void {
    const { item_id, item } = (event ?? {}) as { item_id?: unknown; item?: { id?: unknown } | null };
    const id = typeof item_id === 'string' ? item_id : item?.id;
    if (typeof id !== 'string' || this.#times.has(id)) return;
    this.#times.set(id, at - this.#startedAt);
    for (const oldest of this.#times.keys()) {
      if (this.#times.size <= TIMES) break;
      this.#times.delete(oldest);
    }
  }

  #open(name: string): number {
    const file = openSync(join(this.#folder, name), 'wx');
    this.#files.push(file);
    return file;
  }

  #write(file: number, bytes: Uint8Array): void {
    try {
      for (let at = 0; at < bytes.length; ) at += writeSync(file, bytes, at);
      this.#dirty = true;
    } catch (error) {
      this.#fail(error);
    }
  }

  /** Another content of a small file, all of it or none. */
  #replace(name: string, text: string): void {
    if (name === FILES.transcript) {
      if (text === this.#written) return;
      this.#written = text;
    }
    try {
      const path = join(this.#folder, name);
      writeFileSync(`${path}.part`, clean(text));
      renameSync(`${path}.part`, path);
    } catch (error) {
      this.#fail(error);
    }
  }

  #sync(): void {
    if (!this.#dirty || this.#syncing > 0) return;
    this.#dirty = false;
    for (const file of this.#files) {
      this.#syncing++;
      fdatasync(file, (error) => {
        this.#syncing--;
        // What cannot be synced (a pipe) or was closed meanwhile is written all the same.
        if (error && error.code === 'ENOSPC') this.#fail(error);
      });
    }
  }

  #costText(): string {
    return `${JSON.stringify(this.#cost.cost, null, 2)}\n`;
  }

  #fail(error: unknown): void {
    if (this.#failure !== undefined) return;
    this.#failure = new TincanError('FILE_WRITE', `${this.#folder} cannot be written any more.`, {
      cause: new Error(messageOf(error)),
      hint: 'Is the disk full? What was written before is whole.',
    });
    this.#options.failed?.(this.#failure);
  }
}

/** @throws TincanError RECORDING_EXISTS */
export function refuseExisting(folder: string): void {
  const there = Object.values(FILES).find((name) => existsSync(join(folder, name)));
  if (there === undefined) return;
  throw new TincanError('RECORDING_EXISTS', `${folder} holds a recording already (${there}).`, {
    exit: 'usage',
    hint: `Nothing was changed. Another folder: tincan session record ${nextName(folder)}`,
  });
}

/** No secret that we know of, and nothing that looks like a key. */
function clean(text: string): string {
  return redact(text).replace(SECRET, '•••');
}

/** talk → talk-2, talk-2 → talk-3, until one is free. */
function nextName(folder: string): string {
  const [, name = folder, number = '1'] = /^(.*?)(?:-(\d+))?$/.exec(folder.replace(/[\\/]+$/, '')) ?? [];
  for (let i = Number(number) + 1; ; i++) if (!existsSync(`${name}-${i}`)) return `${name}-${i}`;
}
