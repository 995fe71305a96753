/** The roads between the hosts of an in-memory network, each direction for itself, and how long they take. */
import type { Random } from '../ports/ambient.ts';

/** `held`: what is sent waits. `silent`: it vanishes. */
export type Road = 'open' | 'held' | 'silent';

/** All roads of a network, and their faults. */
export interface Roads {
  state(from: string, to: string): Road;
  /** The time the next parcel takes, drawn from the seed. */
  delayMs(parcel: 'frames' | 'close'): number;
  setDelay(minMs: number, maxMs: number): void;
  setCloseDelay(minMs: number, maxMs: number): void;
  hold(host: string, other: string): void;
  /** Frees the road between two hosts, those of one, or all. */
  free(host?: string, other?: string): void;
  hush(from: string, to: string, lasts?: boolean): void;
}

/** All roads open, without delay. */
export function createRoads(random: Random): Roads {
  // By the hosts' names; a name holds no space.
  const held = new Set<string>();
  const silent = new Set<string>();
  let delay = { minMs: 0, maxMs: 0 };
  let closeDelay = { minMs: 0, maxMs: 0 };
  const draw = ({ minMs, maxMs }: typeof delay) => (maxMs > minMs ? minMs + Math.floor(random() * (maxMs - minMs + 1)) : minMs);

  return {
    state(from, to) {
      const road = `${from} ${to}`;
      if (held.has(road)) return 'held';
      return silent.has(road) ? 'silent' : 'open';
    },
    delayMs: (parcel) => draw(delay) + (parcel === 'close' ? draw(closeDelay) : 0),
    setDelay: (minMs, maxMs) => void (delay = { minMs, maxMs }),
    setCloseDelay: (minMs, maxMs) => void (closeDelay = { minMs, maxMs }),
    hold(host, other) {
      held.add(`${host} ${other}`);
      held.add(`${other} ${host}`);
    },
    free(host, other) {
      for (const road of held) {
        const hosts = road.split(' ');
        if ((host === undefined || hosts.includes(host)) && (other === undefined || hosts.includes(other))) held.delete(road);
      }
    },
    hush(from, to, lasts = true) {
      if (lasts) silent.add(`${from} ${to}`);
      else silent.delete(`${from} ${to}`);
    },
  };
}
