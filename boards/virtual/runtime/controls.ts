import type { World } from '../contract.ts';
import type { PortFunctions } from './codes.ts';

/** The light and the volume knob. */
export class Controls {
  readonly #world: Pick<World, 'light' | 'volume'>;
  #percent = 100;

  constructor(world: Pick<World, 'light' | 'volume'>) {
    this.#world = world;
  }

  port(): PortFunctions {
    return {
      tc_port_light: (on, rgb) => this.#world.light?.({ on: on !== 0, rgb: rgb! & 0xffffff }),
      tc_port_volume: (percent) => {
        this.#percent = Math.min(100, percent! & 0xff);
        this.#world.volume?.(this.#percent);
      },
    };
  }

  /** Applies the volume, in place: the amplitude is proportional to it. */
  apply(pcm: Int16Array): void {
    if (this.#percent === 100) return;
    for (let i = 0; i < pcm.length; i++) pcm[i] = Math.round((pcm[i]! * this.#percent) / 100);
  }
}
