/**
 * The network of a simulation: links in one process, over the same codec and checks as real ones, with faults that can be set while
 * it runs. All time comes from the clock and all chance from the seed, so that a run repeats itself.
 */
import { problem, type CubeError } from '../core/errors.ts';
import type { Clock, Log, Random } from '../ports/ambient.ts';
import type { Dialer, Frame, Link } from '../ports/transport.ts';
import { createPair, type End, type MemoryLimits } from './memory-link.ts';
import { createRoads, type Roads } from './memory-roads.ts';

/**
 * Hosts are names; an address is `http://host:port` (scheme and path do not matter). A link between two hosts behaves as one over
 * TCP: what is sent arrives in order or the link ends.
 */
export interface MemoryNetwork {
  /** Takes links at an address until the returned function is called. @throws CubeError `conflict` when somebody does already */
  listen<In extends Frame, Out extends Frame>(address: string, onLink: (link: Link<In, Out>) => void): () => void;
  /** A dialer on a host. */
  dialer<In extends Frame = Frame, Out extends Frame = Frame>(from: string): Dialer<In, Out>;
  /** Each parcel takes a time of this range, ms. */
  delay(minMs: number, maxMs: number): void;
  /** Goodbyes take this much longer, ms: the other end goes on in good faith. */
  delayClose(minMs: number, maxMs: number): void;
  /** Cuts the links of a host, or those between two, at both ends and without a goodbye; what was under way is lost. @returns how many */
  drop(host: string, other?: string): number;
  /** Nothing gets through between two hosts, goodbyes included; it waits, as TCP would send it again. New dials get no answer. */
  partition(host: string, other: string): void;
  /** Ends the partition between two hosts, or all of them. */
  heal(host?: string, other?: string): void;
  /** Frames and goodbyes from one host to another vanish, as long as it lasts; the other way is open. */
  silence(from: string, to: string, lasts?: boolean): void;
  /** Dials to an address fail with this error until it is undefined; `unreachable`, `unauthorized` and `forbidden` are a dialer's. */
  refuse(address: string, code: 'unreachable' | 'unauthorized' | 'forbidden' | undefined): void;
  /** Links open now. */
  readonly size: number;
}

const quiet: Log = { debug: ignore, info: ignore, warn: ignore, error: ignore };

function ignore(): void {
  // a simulation that gave no log wants none
}

/** `http://m1:5555/x` as `m1:5555`. */
function addressOf(text: string): string {
  return text.replace(/^[a-z]+:\/\//i, '').replace(/\/.*$/, '');
}

function hostOf(address: string): string {
  return address.replace(/:\d+$/, '');
}

type Pair = readonly [End, End];

/** The links there are. Those that are over on both ends are forgotten when somebody asks. */
function createPairs() {
  const pairs = new Set<Pair>();
  const alive = (): readonly Pair[] => {
    for (const pair of pairs) if (pair.every((end) => end.closed)) pairs.delete(pair);
    return [...pairs];
  };
  return {
    add(pair: Pair): void {
      alive();
      pairs.add(pair);
    },
    alive,
    /** Of one host, or between two (or between a host and itself). */
    of(host: string, other: string | undefined): readonly Pair[] {
      return alive().filter(([near, far]) => {
        if (other === undefined) return near.host === host || far.host === host;
        return (near.host === host && far.host === other) || (near.host === other && far.host === host);
      });
    },
  };
}

/** One attempt to get from a host to another: settles when the way takes its time, or after `dialMs` when there is none. */
function travel(
  way: { readonly clock: Clock; readonly roads: Roads; readonly dialMs: number },
  [from, address]: readonly [string, string],
  signal: AbortSignal,
): Promise<void> {
  const { clock, roads, dialMs } = way;
  const to = hostOf(address);
  return new Promise((resolve, reject) => {
    const startedAt = clock.monotonic();
    const leave = (give: () => void) => {
      signal.removeEventListener('abort', onAbort);
      give();
    };
    const onAbort = () => {
      clock.clearTimeout(timer);
      leave(() => reject(signal.reason));
    };
    const giveUp = () => leave(() => reject(problem('unreachable', `cannot reach ${address}: no answer within ${dialMs} ms`)));
    const arrive = () => {
      if (roads.state(from, to) === 'open' && roads.state(to, from) === 'open') return leave(resolve);
      timer = clock.setTimeout(giveUp, Math.max(0, startedAt + dialMs - clock.monotonic()));
    };
    const takesMs = roads.delayMs('frames');
    signal.addEventListener('abort', onAbort, { once: true });
    let timer = takesMs > dialMs ? clock.setTimeout(giveUp, dialMs) : clock.setTimeout(arrive, takesMs);
  });
}

/** @param options.log gets what links say of their peers; none by default */
export function createMemoryNetwork(options: {
  readonly clock: Clock;
  readonly random: Random;
  readonly limits: MemoryLimits;
  readonly log?: Log;
}): MemoryNetwork {
  const { clock, random, limits, log = quiet } = options;
  const listeners = new Map<string, (link: Link) => void>();
  const refusals = new Map<string, CubeError['code']>();
  const roads = createRoads(random);
  const pairs = createPairs();

  const connect = (from: string, address: string): Link => {
    const code = refusals.get(address);
    if (code !== undefined) throw problem(code, `${address} refused the link`);
    const onLink = listeners.get(address);
    if (onLink === undefined) throw problem('unreachable', `cannot reach ${address}: nothing listens there`);
    const pair = createPair({ clock, log, limits, roads }, [from, hostOf(address)]);
    pairs.add(pair);
    onLink(pair[1].link);
    return pair[0].link;
  };

  return {
    listen<In extends Frame, Out extends Frame>(given: string, onLink: (link: Link<In, Out>) => void) {
      const address = addressOf(given);
      if (listeners.has(address)) throw problem('conflict', `somebody listens at ${address} already`);
      // A wrapper of its own, so that only this listener is taken away.
      const taker = (link: Link) => onLink(link);
      listeners.set(address, taker);
      return () => {
        if (listeners.get(address) === taker) listeners.delete(address);
      };
    },
    dialer<In extends Frame, Out extends Frame>(from: string): Dialer<In, Out> {
      return {
        async dial(url, signal) {
          const address = addressOf(url);
          signal.throwIfAborted();
          await travel({ clock, roads, dialMs: limits.dialMs }, [from, address], signal);
          return connect(from, address);
        },
      };
    },
    delay: roads.setDelay,
    delayClose: roads.setCloseDelay,
    drop(host, other) {
      const dropped = pairs.of(host, other);
      for (const end of dropped.flat()) end.lose('the connection was lost');
      return dropped.length;
    },
    partition: roads.hold,
    heal(host, other) {
      roads.free(host, other);
      for (const end of pairs.alive().flat()) end.release();
    },
    silence: roads.hush,
    refuse(address, code) {
      if (code === undefined) refusals.delete(addressOf(address));
      else refusals.set(addressOf(address), code);
    },
    get size() {
      return pairs.alive().length;
    },
  };
}
