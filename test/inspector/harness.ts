/** What the inspector's tests share: small machines, a clock, feeds and those who look at them. */
import { assign, createActor, fromPromise, sendTo, setup, spawnChild, stopChild, type AnyActorRef } from 'xstate';
import { watchActors } from '../../actors/system.ts';
import type { ActorMessage, EventMessage, InspectMessage, SnapshotMessage } from '../../src/core/inspect-protocol.ts';
import { limitsDefault, type Limits } from '../../src/core/limits.ts';
import type { Clock } from '../../src/ports/ambient.ts';
import type { Control } from '../../src/ports/control.ts';
import { createFeed, type InspectFeed } from '../../src/inspector/feed.ts';
import { keptLog } from '../transport/fixtures.ts';

/** A small parent and its children: bulbs that burn out. */
const bulb = setup({
  types: { input: {} as { readonly volt: number }, context: {} as { readonly volt: number; readonly token: string } },
  actors: { glow: fromPromise<void>(() => new Promise(() => undefined)) },
}).createMachine({
  id: 'bulb',
  description: 'A bulb.',
  context: ({ input }) => ({ volt: input.volt, token: 'hush' }),
  initial: 'dark',
  states: {
    dark: { on: { 'current.on': { target: 'lit' } }, tags: ['cold'] },
    lit: { invoke: { id: 'glow', src: 'glow' }, on: { 'current.off': { target: 'dark' }, 'current.surge': { target: 'burnt' } } },
    burnt: { type: 'final' },
  },
});

/** A lamp: holds bulbs and passes the current on. */
export const lamp = setup({
  types: { context: {} as { readonly presses: number } },
  actors: { bulb },
  actions: {
    press: assign({ presses: ({ context }) => context.presses + 1 }),
    screwIn: spawnChild('bulb', { id: 'first', input: { volt: 230 } }),
    screwOut: stopChild('first'),
    power: sendTo('first', { type: 'current.on' }),
  },
}).createMachine({
  id: 'lamp',
  description: 'A lamp.',
  context: { presses: 0 },
  initial: 'idle',
  on: { 'bulb.in': { actions: 'screwIn' }, 'bulb.out': { actions: 'screwOut' }, 'switch.pressed': { actions: ['press', 'power'] } },
  states: {
    idle: { on: { 'lamp.sold': { target: 'gone' } } },
    gone: { type: 'final' },
  },
});

/** Counts what XState's inspection has attached to an actor's system. */
export function countObservers(ref: AnyActorRef): { readonly count: () => number; readonly total: () => number } {
  const { system } = ref;
  const inspect = system.inspect.bind(system);
  let attached = 0;
  let total = 0;
  system.inspect = (observer) => {
    attached++;
    total++;
    const subscription = inspect(observer);
    return {
      unsubscribe: () => {
        attached--;
        subscription.unsubscribe();
      },
    };
  };
  return { count: () => attached, total: () => total };
}

/** A clock whose timers a test fires. */
export class HandClock implements Clock {
  readonly timers = new Map<number, () => void>();
  time = 0;
  #last = 0;

  now(): number {
    return this.time;
  }

  monotonic(): number {
    return this.time;
  }

  setTimeout(run: () => void): unknown {
    this.timers.set(++this.#last, run);
    return this.#last;
  }

  clearTimeout(handle: unknown): void {
    this.timers.delete(handle as number);
  }

  /** Runs what waits now. */
  fire(): void {
    const waiting = [...this.timers];
    this.timers.clear();
    for (const [, run] of waiting) run();
  }
}

/** Somebody who looks: keeps the messages, and lets a test wait for one. */
export class Watcher {
  readonly messages: InspectMessage[] = [];
  readonly texts: string[] = [];
  readonly #looks = new Set<() => void>();

  readonly take = (json: string): void => {
    this.texts.push(json);
    this.messages.push(JSON.parse(json) as InspectMessage);
    for (const look of this.#looks) look();
  };

  get actors(): ActorMessage[] {
    return this.messages.filter((message) => message.type === '@xstate.actor');
  }

  get events(): EventMessage[] {
    return this.messages.filter((message) => message.type === '@xstate.event');
  }

  get snapshots(): SnapshotMessage[] {
    return this.messages.filter((message) => message.type === '@xstate.snapshot');
  }

  actor(name: string): ActorMessage | undefined {
    return this.actors.findLast((actor) => actor.name === name);
  }

  /** Resolves with what is found, as soon as it is. */
  until<T>(find: () => T | undefined | false): Promise<T> {
    return new Promise((resolve) => {
      const look = (): void => {
        const found = find();
        if (found === undefined || found === false) return;
        this.#looks.delete(look);
        resolve(found);
      };
      this.#looks.add(look);
      look();
    });
  }
}

/** A feed over one lamp, and over a control if there is one. */
export function lampFeed(options: { readonly control?: Control; readonly limits?: Partial<Limits> } = {}) {
  const clock = new HandClock();
  const log = keptLog();
  const root = createActor(lamp).start();
  const observers = countObservers(root);
  const actors = watchActors(() => [{ name: 'lamp', ref: root }], clock);
  const limits = { ...limitsDefault, ...options.limits };
  const feed: InspectFeed = createFeed({ actors, control: options.control, nodeId: 'n1', clock, limits, log });
  return { clock, log, root, observers, actors, feed };
}
