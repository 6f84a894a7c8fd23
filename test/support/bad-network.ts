/** A network that loses, doubles and reorders packets, the same for the same seed and the same packets. */
import { chance } from './chance.ts';

export interface BadNetworkOptions {
  seed: number;
  /** Percent. */
  lose?: number;
  twice?: number;
  late?: number;
  /** Up to so many ms behind the others. */
  lateMs?: number;
}

export interface BadNetwork {
  /** Takes a packet; what becomes of it, `arrive` sees. */
  carry(packet: Buffer, arrive: (packet: Buffer) => void): void;
  /** False: everything passes, at once and in order. */
  bad: boolean;
  readonly counts: { carried: number; lost: number; twice: number; late: number };
  /** Nothing arrives any more. */
  cut(): void;
}

export function badNetwork(options: BadNetworkOptions): BadNetwork {
  const below = chance(options.seed);
  const counts = { carried: 0, lost: 0, twice: 0, late: 0 };
  const hits = (percent = 0) => below(100) < percent;
  let open = true;
  const network: BadNetwork = {
    bad: true,
    counts,
    cut: () => {
      open = false;
    },
    carry(packet, arrive) {
      const copy = Buffer.from(packet);
      const land = (ms: number) =>
        ms === 0 ? open && arrive(copy) : setTimeout(() => open && arrive(copy), ms);
      counts.carried++;
      if (!network.bad) {
        land(0);
        return;
      }
      if (hits(options.lose)) {
        counts.lost++;
        return;
      }
      const late = hits(options.late);
      if (late) counts.late++;
      land(late ? 1 + below(options.lateMs ?? 30) : 0);
      if (hits(options.twice)) {
        counts.twice++;
        land(1 + below(10));
      }
    },
  };
  return network;
}
