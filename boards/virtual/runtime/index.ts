/** The port of the firmware core in the virtual world. */
export { type RuntimeOptions, type RuntimeStats, type TincanApp, tincanLoader } from './app.ts';
export { rms } from './level.ts';
export { ModuleError } from './module.ts';
export type { PeerOptions } from './peer.ts';
export { type PersonOptions, SilentRoom, type Spoken, WavPerson } from './person.ts';
export { FileSpeaker, NullSpeaker, WavSpeaker } from './speaker.ts';
