/** The parts of the gateway, for worlds that are made up: a server without sockets, on a clock that is moved by hand. */
export type { Brain, Mind, Part, Question } from './brain.ts';
export { Call, type CallStats, type Carrier } from './call.ts';
export { defaultConfig, mergeConfig } from './config.ts';
export type { Entry } from './conversation.ts';
export { Faults, type HttpFault } from './faults.ts';
export { type CallRequest, type HttpHost, handle } from './http.ts';
export { RateLimits } from './limits.ts';
export { Receiver, Sender } from './media.ts';
export { parseRtp, writeRtp } from './rtp.ts';
export { Access } from './secrets.ts';
