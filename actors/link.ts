/**
 * The link actor's effects: dialling, greeting, beating, and noticing silence. Frames go to the parent (a worker or a manager) as
 * `frame.received`; what is sent goes through the shared `connections`, by the link's id.
 */
import { fromCallback, fromPromise } from 'xstate';
import { linkMachine, type LinkContext, type LinkEvent } from '../machines/link.ts';
import { asCubeError, problem } from '../src/core/errors.ts';
import type { Limits } from '../src/core/limits.ts';
import type { Ambient, Log } from '../src/ports/ambient.ts';
import type { Dialer, Frame, Link } from '../src/ports/transport.ts';

/** What a link works with. */
export interface LinkDeps {
  readonly ambient: Ambient;
  readonly limits: Limits;
  readonly dialer: Dialer;
  /** Connections by link id: accepted ones are put here before their link is wanted. */
  readonly connections: Map<string, Link>;
  /** The first frame this end sends on its own: a worker's greeting. */
  readonly greeting?: () => Frame;
  /** What this end says to show that it lives. */
  readonly beat: () => Frame;
  /** Whether another link does what this one would: two of one worker would push each other aside for ever. */
  readonly isServed?: () => boolean;
}

/** The link machine with its effects; used by workers and by managers. */
export function createLinkLogic(deps: LinkDeps): typeof linkMachine {
  const { connections, limits } = deps;
  const complaints = new Complaints(deps.ambient.log);
  return linkMachine.provide({
    delays: {
      redialDelay: ({ context }) =>
        context.refused
          ? limits.refusedDelayMs
          : Math.min(limits.redialDelayMsMax, limits.redialDelayMs * limits.redialBackoff ** Math.max(0, context.failures - 1)),
      greetTimeout: limits.greetMs,
    },
    actions: {
      hangUp: ({ context }) => {
        connections.get(context.id)?.close(context.reason ?? 'the link is let go');
        connections.delete(context.id);
      },
    },
    actors: {
      dial: fromPromise<void, LinkContext>(async ({ input, signal }) => {
        if (connections.has(input.id)) return;
        if (deps.isServed?.()) throw problem('conflict', 'there is an open link already');
        try {
          connections.set(input.id, await deps.dialer.dial(input.peer, signal));
        } catch (thrown) {
          if (!signal.aborted) complaints.add(input, asCubeError(thrown).message);
          throw thrown;
        }
      }),
      converse: fromCallback<LinkEvent, LinkContext>(({ sendBack, input }) => converse(deps, complaints, input, sendBack)),
    },
  });
}

/** What the user is told about links that are dialled again and again: each thing once, until it changes or the link opens. */
class Complaints {
  readonly #told = new Map<string, string>();
  readonly #log: Log;

  constructor(log: Log) {
    this.#log = log;
  }

  add({ id, peer }: LinkContext, why: string): void {
    if (this.#told.get(id) !== why) this.#log.warn(`no link to ${peer}: ${why}; trying on`);
    this.#told.set(id, why);
  }

  /** The link has nothing to complain of any more. */
  clear({ id }: LinkContext): void {
    this.#told.delete(id);
  }
}

/** Listens, beats, and watches for silence until the connection is let go. */
function converse(deps: LinkDeps, complaints: Complaints, link: LinkContext, sendBack: (event: LinkEvent) => void): () => void {
  const { clock } = deps.ambient;
  const connection = deps.connections.get(link.id);
  if (connection === undefined) {
    sendBack({ type: 'connection.closed', reason: 'the connection is gone' });
    return () => undefined;
  }
  let heardAt = clock.monotonic();
  let live = true;
  let timer: unknown;
  connection.listen({
    onFrame: (frame) => {
      heardAt = clock.monotonic();
      if (!live) return;
      if (frame.type === 'greet' || frame.type === 'welcome') complaints.clear(link);
      if (frame.type === 'welcome') sendBack({ type: 'greeting.done' });
      sendBack({ type: 'frame.heard', frame });
      if (frame.type === 'refused') {
        complaints.add(link, frame.message);
        // Behind the frame: from here on the link passes none on.
        sendBack({ type: 'greeting.refused', reason: frame.message });
      }
    },
    onClose: (why) => {
      if (live) sendBack({ type: 'connection.closed', reason: why });
    },
  });
  if (deps.greeting) connection.send(deps.greeting());
  const beat = (): void => {
    const silentMs = clock.monotonic() - heardAt;
    if (silentMs > deps.limits.linkSilenceMs) {
      sendBack({ type: 'connection.silent', reason: `no word for ${Math.round(silentMs)} ms` });
      return;
    }
    connection.send(deps.beat());
    timer = clock.setTimeout(beat, deps.limits.heartbeatMs);
  };
  timer = clock.setTimeout(beat, deps.limits.heartbeatMs);
  return () => {
    live = false;
    clock.clearTimeout(timer);
  };
}
