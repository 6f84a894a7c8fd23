import { getRandomValues } from 'node:crypto';
import { type AppHost, RESET } from '../contract.ts';
import type { PortFunctions } from './codes.ts';
import type { CoreMemory } from './module.ts';

/** What the board says of itself, and its random numbers. */
export function identityPort(
  host: Pick<AppHost, 'mac' | 'reset'>,
  imageHash: string,
  memory: CoreMemory,
): PortFunctions {
  return {
    tc_port_image_hash(out) {
      memory.bytes(out!, 65).set(new TextEncoder().encode(`${imageHash.slice(0, 64)}\0`));
    },
    tc_port_mac(out) {
      memory.bytes(out!, 6).set(host.mac.subarray(0, 6));
    },
    tc_port_reset_reason: () => RESET[host.reset],
    tc_port_random(out, length) {
      // getRandomValues gives at most 65,536 bytes at a time.
      for (let at = 0; at < length! >>> 0; at += 65_536)
        getRandomValues(memory.bytes(out! + at, Math.min(65_536, (length! >>> 0) - at)));
    },
  };
}
