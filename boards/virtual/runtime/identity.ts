import { getRandomValues } from 'node:crypto';
import { type AppHost, RESET } from '../contract.ts';
import type { PortFunctions } from './codes.ts';
import type { CoreMemory } from './module.ts';

/** getRandomValues gives at most 65,536 bytes at a time. */
function randomBytes(bytes: Uint8Array): void {
  for (let at = 0; at < bytes.length; at += 65_536) getRandomValues(bytes.subarray(at, at + 65_536));
}

/** What the board says of itself, and its random numbers. */
export function identityPort(
  host: Pick<AppHost, 'mac' | 'reset'>,
  imageHash: string,
  memory: CoreMemory,
  random: (bytes: Uint8Array) => void = randomBytes,
): PortFunctions {
  return {
    tc_port_image_hash(out) {
      memory.bytes(out!, 65).set(new TextEncoder().encode(`${imageHash.slice(0, 64)}\0`));
    },
    tc_port_mac(out) {
      memory.bytes(out!, 6).set(host.mac.subarray(0, 6));
    },
    tc_port_reset_reason: () => RESET[host.reset],
    tc_port_random: (out, length) => random(memory.bytes(out!, length!)),
  };
}
