/**
 * The steps a node goes through on its way to the disk, the engine and the other end of a link, told on the diagnostics channel
 * `cube:step` (node:diagnostics_channel). Whoever subscribes before the node starts hears of each; without a subscriber nothing is
 * wrapped, so that it costs nothing. The tests kill a node there.
 */
import { channel } from 'node:diagnostics_channel';
import type { Runtime } from '../ports/runtime.ts';
import type { Store } from '../ports/store.ts';
import type { Dialer, Frame, Link } from '../ports/transport.ts';

/** One message of the channel. */
export interface Step {
  /** `manager.commit`, `worker.commit`; `runtime.prepare`, `start`, `stop`, `remove`; `send.` and `receive.` with a frame's type. */
  readonly step: string;
  /** After a commit: it is on disk, and nobody was answered yet. After a call of the engine: it is done, and nobody knows. */
  readonly when: 'before' | 'after';
}

const steps = channel('cube:step');
const runtimeSteps: ReadonlySet<PropertyKey> = new Set<keyof Runtime>(['prepare', 'start', 'stop', 'remove']);

function tell(step: string, when: Step['when']): void {
  steps.publish({ step, when } satisfies Step);
}

/** The store, telling of its commits. @param role whose store it is */
export function withStoreSteps(store: Store, role: 'manager' | 'worker'): Store {
  return withSteps(store, (method) => (method === 'commit' ? `${role}.commit` : undefined));
}

/** The runtime, telling of what changes containers. */
export function withRuntimeSteps(runtime: Runtime): Runtime {
  return withSteps(runtime, (method) => (runtimeSteps.has(method) ? `runtime.${String(method)}` : undefined));
}

/** An open link, telling of each frame; that one was sent means only that it is queued. */
export function withLinkSteps<In extends Frame, Out extends Frame>(link: Link<In, Out>): Link<In, Out> {
  if (!steps.hasSubscribers) return link;
  return {
    peer: link.peer,
    close: (why) => link.close(why),
    send: (frame) => told(`send.${frame.type}`, () => link.send(frame)),
    listen: ({ onFrame, onClose }) => link.listen({ onClose, onFrame: (frame) => told(`receive.${frame.type}`, () => onFrame(frame)) }),
  };
}

/** A dialer whose links tell of their frames. */
export function withDialerSteps<In extends Frame, Out extends Frame>(dialer: Dialer<In, Out>): Dialer<In, Out> {
  if (!steps.hasSubscribers) return dialer;
  return { dial: async (url, signal) => withLinkSteps(await dialer.dial(url, signal)) };
}

function told(step: string, run: () => void): void {
  tell(step, 'before');
  run();
  tell(step, 'after');
}

/** The same object, telling of the asynchronous methods that have a name as a step. */
function withSteps<T extends object>(target: T, stepOf: (method: PropertyKey) => string | undefined): T {
  if (!steps.hasSubscribers) return target;
  return new Proxy(target, {
    get(of, name) {
      const member: unknown = Reflect.get(of, name, of);
      if (typeof member !== 'function') return member;
      const step = stepOf(name);
      if (step === undefined) return (...args: unknown[]): unknown => Reflect.apply(member, of, args);
      return async (...args: unknown[]): Promise<unknown> => {
        tell(step, 'before');
        const result: unknown = await Reflect.apply(member, of, args);
        tell(step, 'after');
        return result;
      };
    },
  });
}
