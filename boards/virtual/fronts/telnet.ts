/**
 * Telnet (RFC 854, 855) with the COM port option (RFC 2217), the server's side: splits what a client sends into serial
 * data and commands, and makes the answers. No sockets here.
 */
import { escapeIac, IAC } from '@tincan/shared-protocol';

const DONT = 254;
const DO = 253;
const WONT = 252;
const WILL = 251;
const SB = 250;
const SE = 240;

const BINARY = 0;
const SUPPRESS_GO_AHEAD = 3;
const COM_PORT = 44;
/** What both sides may do. ECHO (1) and all else is refused. */
const SUPPORTED: ReadonlySet<number> = new Set([BINARY, SUPPRESS_GO_AHEAD, COM_PORT]);

/** RFC 2217, section 3; a server's answer is the client's command + 100. */
const COM = {
  signature: 0,
  setBaudrate: 1,
  setDatasize: 2,
  setParity: 3,
  setStopsize: 4,
  setControl: 5,
  notifyLinestate: 6,
  notifyModemstate: 7,
  flowSuspend: 8,
  flowResume: 9,
  setLinestateMask: 10,
  setModemstateMask: 11,
  purgeData: 12,
} as const;
const FROM_SERVER = 100;

const CONTROL = {
  requestFlow: 0,
  noFlow: 1,
  hardwareFlow: 3,
  requestBreak: 4,
  breakOn: 5,
  breakOff: 6,
  requestDtr: 7,
  dtrOn: 8,
  dtrOff: 9,
  requestRts: 10,
  rtsOn: 11,
  rtsOff: 12,
  requestInFlow: 13,
  noInFlow: 14,
  lastInFlow: 19,
} as const;
/** Carrier, DSR and CTS: somebody is there and listens. */
const MODEM_STATE = 0x80 | 0x20 | 0x10;
const MAX_SUBNEGOTIATION = 256;
const MIN_BAUD = 300;
const MAX_BAUD = 5_000_000;

/** What the client asks of the serial port. */
export interface PortActions {
  data(bytes: Uint8Array): void;
  baud(baud: number): void;
  lines(dtr: boolean, rts: boolean): void;
  /** Stop, or go on, sending to this client. */
  suspend(on: boolean): void;
}

export class TelnetComPort {
  dtr = false;
  rts = false;
  baud = 115_200;
  readonly #actions: PortActions;
  readonly #send: (bytes: Uint8Array) => void;
  readonly #signature: string;
  readonly #weDo = new Set<number>();
  readonly #theyDo = new Set<number>();
  #state: 'data' | 'iac' | 'option' | 'sub' | 'sub-iac' = 'data';
  #verb = 0;
  #sub: number[] = [];
  #break = false;
  #modemMask = 0xff;
  #welcomed = false;

  /** `send` takes answers, ready for the socket. */
  constructor(actions: PortActions, send: (bytes: Uint8Array) => void, signature: string) {
    this.#actions = actions;
    this.#send = send;
    this.#signature = signature;
  }

  /** What a server says first. */
  start(): void {
    for (const option of [COM_PORT, BINARY, SUPPRESS_GO_AHEAD]) {
      this.#weDo.add(option);
      this.#theyDo.add(option);
      this.#send(Uint8Array.of(IAC, WILL, option, IAC, DO, option));
    }
  }

  /** Bytes from the socket. Data and commands reach the actions in the order in which they came. */
  receive(bytes: Uint8Array): void {
    let plain = 0; // begin of the run of data that ends at i
    for (let i = 0; i < bytes.length; i++) {
      const byte = bytes[i]!;
      if (this.#state === 'data') {
        if (byte !== IAC) continue;
        if (i > plain) this.#actions.data(bytes.subarray(plain, i));
        this.#state = 'iac';
      } else {
        // A doubled IAC is data: it begins the next run.
        plain = this.#command(byte) ? i : i + 1;
      }
    }
    if (this.#state === 'data' && plain < bytes.length) this.#actions.data(bytes.subarray(plain));
  }

  /** True if the byte is data after all. */
  #command(byte: number): boolean {
    switch (this.#state) {
      case 'iac':
        if (byte === IAC) {
          this.#state = 'data';
          return true;
        }
        if (byte >= WILL) {
          this.#verb = byte;
          this.#state = 'option';
        } else if (byte === SB) {
          this.#sub = [];
          this.#state = 'sub';
        } else {
          this.#state = 'data';
        }
        break;
      case 'option':
        this.#state = 'data';
        this.#negotiate(this.#verb, byte);
        break;
      case 'sub':
        if (byte === IAC) this.#state = 'sub-iac';
        else this.#put(byte);
        break;
      case 'sub-iac':
        if (byte === SE) {
          this.#state = 'data';
          this.#subnegotiation(Uint8Array.from(this.#sub));
        } else {
          this.#put(byte);
          this.#state = 'sub';
        }
        break;
    }
    return false;
  }

  #put(byte: number): void {
    if (this.#sub.length < MAX_SUBNEGOTIATION) this.#sub.push(byte);
  }

  /** Answers only what changes something, so that two sides never go on for ever. */
  #negotiate(verb: number, option: number): void {
    const on = verb === WILL || verb === DO;
    const side = verb === WILL || verb === WONT ? this.#theyDo : this.#weDo;
    const [yes, no] = side === this.#theyDo ? [DO, DONT] : [WILL, WONT];
    if (on && !SUPPORTED.has(option)) {
      this.#send(Uint8Array.of(IAC, no, option));
    } else if (on && !side.has(option)) {
      side.add(option);
      this.#send(Uint8Array.of(IAC, yes, option));
    } else if (!on && side.delete(option)) {
      this.#send(Uint8Array.of(IAC, no, option));
    }
    if (on && option === COM_PORT && !this.#welcomed) {
      this.#welcomed = true;
      this.#answer(COM.notifyModemstate, MODEM_STATE & this.#modemMask);
    }
  }

  #answer(command: number, ...values: number[]): void {
    const value = escapeIac(Uint8Array.from(values));
    this.#send(Uint8Array.of(IAC, SB, COM_PORT, command + FROM_SERVER, ...value, IAC, SE));
  }

  #subnegotiation(sub: Uint8Array): void {
    if (sub[0] !== COM_PORT || sub.length < 2) return;
    const command = sub[1]!;
    const value = sub[2] ?? 0;
    switch (command) {
      case COM.signature:
        if (sub.length === 2) this.#answer(command, ...Buffer.from(this.#signature, 'latin1'));
        break;
      case COM.setBaudrate: {
        const wanted = sub.length >= 6 ? new DataView(sub.buffer).getUint32(2) : 0;
        if (wanted >= MIN_BAUD && wanted <= MAX_BAUD) {
          this.baud = wanted;
          this.#actions.baud(wanted);
        }
        this.#answer(command, ...u32(this.baud));
        break;
      }
      // 8N1 is all there is; the answer says so.
      case COM.setDatasize:
        this.#answer(command, 8);
        break;
      case COM.setParity:
      case COM.setStopsize:
        this.#answer(command, 1);
        break;
      case COM.setControl:
        this.#setControl(value);
        break;
      case COM.notifyLinestate:
        this.#answer(command, 0);
        break;
      case COM.notifyModemstate:
        this.#answer(command, MODEM_STATE & this.#modemMask);
        break;
      case COM.flowSuspend:
      case COM.flowResume:
        this.#actions.suspend(command === COM.flowSuspend);
        break;
      case COM.setModemstateMask:
        this.#modemMask = value;
        this.#answer(command, value);
        break;
      case COM.setLinestateMask:
      case COM.purgeData: // nothing waits between chip and socket
        this.#answer(command, value);
        break;
    }
  }

  #setControl(value: number): void {
    const flag = (on: boolean, yes: number, no: number) => this.#answer(COM.setControl, on ? yes : no);
    if (value === CONTROL.breakOn || value === CONTROL.breakOff) this.#break = value === CONTROL.breakOn;
    if (value >= CONTROL.dtrOn && value <= CONTROL.rtsOff && value !== CONTROL.requestRts) {
      if (value <= CONTROL.dtrOff) this.dtr = value === CONTROL.dtrOn;
      else this.rts = value === CONTROL.rtsOn;
      this.#actions.lines(this.dtr, this.rts);
    }
    if (value <= CONTROL.hardwareFlow) this.#answer(COM.setControl, CONTROL.noFlow);
    else if (value <= CONTROL.breakOff) flag(this.#break, CONTROL.breakOn, CONTROL.breakOff);
    else if (value <= CONTROL.dtrOff) flag(this.dtr, CONTROL.dtrOn, CONTROL.dtrOff);
    else if (value <= CONTROL.rtsOff) flag(this.rts, CONTROL.rtsOn, CONTROL.rtsOff);
    else if (value <= CONTROL.lastInFlow) this.#answer(COM.setControl, CONTROL.noInFlow);
  }
}

function u32(value: number): number[] {
  return [value >>> 24, (value >>> 16) & 255, (value >>> 8) & 255, value & 255];
}
