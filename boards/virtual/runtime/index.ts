/** The port of the firmware core in the virtual world. */
export {
  type Network,
  type PortPart,
  type RuntimeOptions,
  type RuntimeStats,
  type TincanApp,
  tincanLoader,
} from './app.ts';
export { type CoreEvent, ERR, EVENT, HTTP, PEER_DOWN, type PortFunctions, type Post } from './codes.ts';
export { rms } from './level.ts';
export { type CoreMemory, ModuleError } from './module.ts';
export type { PeerCalls, PeerOptions } from './peer.ts';
export { type PersonOptions, SilentRoom, type Spoken, WavPerson } from './person.ts';
export { FileSpeaker, NullSpeaker, WavSpeaker } from './speaker.ts';
