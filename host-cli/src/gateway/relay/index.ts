/**
 * Mode `relay`: the gateway holds the real key, devices hold tokens of the gateway. An offer goes on with the session laid
 * over it, the answer comes back as it is, and the media flow between device and server. See relay/upstream.ts for how
 * the key is used, relay/sideband.ts for how tokens are counted.
 */
import { priceOf } from '@tincan/shared-protocol';
import { admit } from '../admit.ts';
import type { CallHost } from '../call-host.ts';
import type { Clock } from '../clock.ts';
import { DEFAULT_MODEL, type SessionUpdate } from '../config.ts';
import { newId, RealtimeError } from '../events.ts';
import { type CallRequest, HttpError } from '../http.ts';
import { type Bearer, mayReach } from '../secrets.ts';
import type { DeviceDesk } from '../store/desk.ts';
import { RelayCall } from './call.ts';
import { clean } from './clean.ts';
import { layOver } from './session.ts';
import type { Upstream } from './upstream.ts';

export { sessionOf } from './session.ts';
export { Upstream, type UpstreamOptions } from './upstream.ts';

export interface RelayOptions {
  upstream: Upstream;
  desk: DeviceDesk;
  clock: Clock;
  /** Milliseconds since 1970. */
  now(): number;
  /** Laid over what devices choose. */
  session?: SessionUpdate | undefined;
  /** Model where nobody names one. Left out: that of the API; null: such a call is refused. */
  model?: string | null | undefined;
  /** Calls at the same time, of all devices. */
  maxCalls?: number | undefined;
  log(line: string): void;
}

/** Calls of all devices together, where nothing else is said. */
const MAX_CALLS = 64;
const CLOSE_MS = 5000;

interface Kept {
  call: RelayCall;
  owner: string;
}

export class Relay implements CallHost {
  readonly mode = 'relay';
  readonly #options: RelayOptions;
  readonly #calls = new Map<string, Kept>();
  /** Calls that are being made. */
  #starting = 0;
  #closing = false;

  constructor(options: RelayOptions) {
    this.#options = options;
  }

  /** Takes calls up again that a former gateway left when it was killed; closes what cannot be taken up. */
  resume(): void {
    const { desk, upstream, now, log } = this.#options;
    for (const left of desk.store.openCalls(now())) {
      if (!left.orphan) continue;
      if (left.upstream === undefined || left.server !== upstream.server) {
        desk.store.endCall(left.id, left.seen, 'the gateway stopped');
        continue;
      }
      log(`call ${left.id}: taken up again`);
      desk.store.adoptCall(left.id);
      const { id, model, upstream: upstreamId, started, seen } = left;
      const device = left.device === undefined ? undefined : { id: left.device };
      this.#keep({ id, device, model, upstreamId, age: now() - started, seen }, '');
    }
  }

  async call({ offer, session, model, bearer }: CallRequest): Promise<{ id: string; answer: string }> {
    const { desk, upstream, now, log, maxCalls = MAX_CALLS } = this.#options;
    if (this.#closing || this.#calls.size + this.#starting >= maxCalls)
      throw new RealtimeError('rate_limit_exceeded', `This gateway relays ${maxCalls} calls at a time.`);
    const { device } = bearer;
    const wanted = this.#session(bearer.secret?.session, session, model);
    if (device?.centsPerDay !== undefined) this.#priced(wanted);
    const id = newId('rtc');
    const row = { id, mode: 'relay', server: upstream.server, model: wanted.model, metered: true, at: now() };
    admit(desk, device, row, log);
    this.#starting++;
    try {
      const { answer, id: upstreamId } = await upstream.call(offer.raw, wanted);
      desk.changed(id, { upstream: upstreamId, started: now() });
      log(`call ${id} of ${device ? `device "${device.name}"` : 'the gateway token'} relayed`);
      const call = this.#keep({ id, upstreamId, device, model: wanted.model, age: 0 }, bearer.name);
      if (this.#closing) call.end('the gateway closes', false);
      return { id, answer };
    } catch (error) {
      desk.dropped(id);
      throw error;
    } finally {
      this.#starting--;
    }
  }

  #session(
    ofSecret: SessionUpdate | undefined,
    ofCall: SessionUpdate | undefined,
    model: string | undefined,
  ): SessionUpdate {
    const chosen = layOver(ofSecret, ofCall);
    const named = chosen.model ?? model;
    const result = layOver(named === undefined ? chosen : { ...chosen, model: named }, this.#options.session);
    // A session that only writes down has no model of its own.
    if (result.model !== undefined || result.type !== 'realtime') return result;
    const fallback = this.#options.model === undefined ? DEFAULT_MODEL : this.#options.model;
    if (fallback !== null) return { ...result, model: fallback };
    throw new HttpError(
      400,
      'missing_required_parameter',
      "Missing required parameter: 'session.model'. Neither the device nor the relay names one.",
      {},
      'session.model',
    );
  }

  /** A limit of cost must not be got rid of by choosing what has no price. What the relay chose is its own affair. */
  #priced({ type, model }: SessionUpdate): void {
    const { session } = this.#options;
    if (session?.model !== undefined || session?.type === 'transcription') return;
    if (type === 'realtime' && model !== undefined && priceOf(model) !== undefined) return;
    const what = type === 'realtime' ? `model '${clean(model ?? '')}'` : 'transcription';
    throw new HttpError(
      400,
      'model_without_price',
      `This device has a limit of cost, and the relay knows no price of ${what}.`,
      {},
      type === 'realtime' ? 'session.model' : 'session.type',
    );
  }

  #keep(
    {
      id,
      upstreamId,
      device,
      model,
      age,
      seen,
    }: {
      id: string;
      upstreamId: string | undefined;
      device: { id: number; hash?: Buffer } | undefined;
      model: string | undefined;
      age: number;
      seen?: number;
    },
    owner: string,
  ): RelayCall {
    const { upstream, desk, clock, log, session } = this.#options;
    const call = new RelayCall({
      id,
      upstreamId,
      device: device?.id,
      model,
      age,
      seen,
      upstream,
      desk,
      clock,
      fixed: session,
      log,
      ended: () => this.#calls.delete(id),
    });
    this.#calls.set(id, { call, owner });
    desk.watch(call, device);
    return call;
  }

  async hangUp(id: string, bearer: Bearer): Promise<boolean> {
    const kept = this.#calls.get(id);
    if (!kept) return false;
    const { call, owner: name } = kept;
    const device = call.device === undefined ? undefined : { id: call.device };
    return mayReach(bearer, { name, device }) && call.hangUpFor();
  }

  /** Ends all calls, here and at the server; one that does not answer is not waited for long. */
  async close(): Promise<void> {
    this.#closing = true;
    const ends = [...this.#calls.values()].map(({ call }) => call.close('the gateway closes'));
    let timer: NodeJS.Timeout | undefined;
    const patience = new Promise<void>((resolve) => {
      timer = setTimeout(() => {
        this.#options.log(
          'the server did not answer in time: calls may go on there until they are 60 minutes old',
        );
        resolve();
      }, CLOSE_MS);
    });
    await Promise.race([Promise.all(ends), patience]);
    clearTimeout(timer);
  }
}
