import type { PortFunctions } from './codes.ts';

/**
 * Mutual exclusion. Nothing runs at the same time here, but on the chip a lock that is taken twice, or kept, stops
 * the device for good: so it is found out here.
 */
export class PortLock {
  #held = false;

  port(): PortFunctions {
    return {
      tc_port_lock: () => {
        if (this.#held) throw new Error('tc_port_lock while the lock is held: the chip would hang');
        this.#held = true;
      },
      tc_port_unlock: () => {
        if (!this.#held) throw new Error('tc_port_unlock without tc_port_lock');
        this.#held = false;
      },
    };
  }

  /** To be called whenever the core returns. */
  check(): void {
    if (this.#held) throw new Error('the core returned with the lock held: the chip would hang');
  }
}
