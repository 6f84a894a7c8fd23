import type { PortFunctions } from './codes.ts';
import type { CoreMemory } from './module.ts';

/** Four numbers of 32 bits: internal free and low, external free and low. */
const MEMORY_STATS = 16;

/**
 * What `device.stats` asks about memory and tasks. The board's one memory is that of the module; it has no other, and
 * no tasks: the core runs in turns of this process.
 */
export function measuresPort(memory: CoreMemory): PortFunctions {
  let low = Number.POSITIVE_INFINITY;
  return {
    tc_port_memory(out) {
      low = Math.min(low, memory.free);
      const view = memory.view(out!, MEMORY_STATS);
      [memory.free, low, 0, 0].forEach((bytes, index) => {
        view.setUint32(index * 4, bytes, true);
      });
    },
    tc_port_tasks: () => 0,
  };
}
