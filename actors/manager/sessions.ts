/** Sessions: the open links to workers, and the orders that flow on them. */
import { runKind } from '../../src/core/job.ts';
import { asCubeError, problem } from '../../src/core/errors.ts';
import { fileRefs } from '../../src/core/files.ts';
import { registryDigestOf } from '../../src/core/image-digests.ts';
import { createStreamReader, itemBytes, type StreamReader } from '../../src/core/streams.ts';
import { isFinal, type Order, type TaskRecord } from '../../src/core/task.ts';
import type { ManagerFrame, StreamRequest } from '../../src/ports/transport.ts';
import type { Leader } from './leader.ts';

/** What a worker is to do with something it holds. */
export interface Verdict {
  readonly id: string;
  readonly verdict: 'stop' | 'adopt';
}

interface Session {
  readonly link: string;
  readonly node: string;
  /** The protocol version that both ends speak. */
  readonly protocol: number;
  /** Tasks of which it had containers and no orders when it greeted. */
  readonly unknown: readonly string[];
  /** Revision of the last orders sent; undefined until the full set is. */
  revision: number | undefined;
  readonly streams: StreamReader;
}

/** The workers that are connected to this leader. */
export class Sessions {
  readonly #leader: Leader;
  readonly #byNode = new Map<string, Session>();
  readonly #byLink = new Map<string, Session>();

  constructor(leader: Leader) {
    this.#leader = leader;
  }

  /** The node at the other end of a link. */
  nodeOf(link: string): string | undefined {
    return this.#byLink.get(link)?.node;
  }

  /** What a node named unknown when it greeted. */
  unknownOf(node: string): readonly string[] {
    return this.#byNode.get(node)?.unknown ?? [];
  }

  isOpen(node: string): boolean {
    return this.#byNode.has(node);
  }

  /** Begins a session; an older one of the same node is let go. */
  open(link: string, node: string, unknown: readonly string[], protocol: number): void {
    const older = this.#byNode.get(node);
    if (older) {
      this.close(older.link);
      this.#leader.deps.connections.get(older.link)?.close('the worker has a newer link');
    }
    const send = (frame: ManagerFrame): void => this.send(link, frame);
    const session: Session = {
      link,
      node,
      protocol,
      unknown,
      revision: undefined,
      streams: createStreamReader({
        send,
        limits: this.#leader.deps.limits,
        onLateError: (thrown) => this.#leader.deps.ambient.log.debug(`the input of a stream failed: ${asCubeError(thrown).message}`),
      }),
    };
    this.#byNode.set(node, session);
    this.#byLink.set(link, session);
  }

  /** Ends a link's session. @param why as its streams' readers are told; the loss of the link unless told */
  close(link: string, why?: string): void {
    const session = this.#byLink.get(link);
    if (session === undefined) return;
    session.streams.closeAll(why ?? `the link to node ${this.#nameOf(session.node)} is lost`);
    this.#byLink.delete(link);
    if (this.#byNode.get(session.node) === session) this.#byNode.delete(session.node);
  }

  /** Ends a node's session and its link; nothing happens where there is none. */
  cut(node: string, why: string): void {
    const link = this.#byNode.get(node)?.link;
    if (link === undefined) return;
    this.close(link, why);
    this.#leader.deps.connections.get(link)?.close(why);
  }

  closeAll(why: string): void {
    const links = [...this.#byLink.keys()];
    for (const link of links) {
      this.close(link, why);
      this.#leader.deps.connections.get(link)?.close(why);
    }
  }

  send(link: string, frame: ManagerFrame): void {
    this.#leader.deps.connections.get(link)?.send(frame);
  }

  /** Sends a node everything it should have, once this turn is on disk. */
  sendAll(node: string, verdicts: readonly Verdict[]): void {
    const session = this.#byNode.get(node);
    if (session === undefined) return;
    const live = this.#leader.state.tasksOn(node).filter((task) => !isFinal(task));
    const [first = [], ...more] = this.#parts(live, session.protocol);
    const { epoch } = this.#leader.identity;
    this.#leader.ledger.then((revision) => {
      session.revision = revision;
      this.send(session.link, { type: 'assignments', epoch, revision, orders: first, verdicts });
      // What does not fit one frame follows as deltas that change nothing but add to the set.
      for (const orders of more) this.send(session.link, { type: 'delta', epoch, base: revision, revision, orders, forget: [] });
    });
  }

  /** Sends what this turn changed, once it is on disk; built now, so that nothing later slips in. */
  sendChanges(): void {
    const { ledger, identity, state } = this.#leader;
    const changes = new Map<string, { tasks: TaskRecord[]; forget: string[] }>();
    const of = (node: string) => {
      let change = changes.get(node);
      if (change === undefined) changes.set(node, (change = { tasks: [], forget: [] }));
      return change;
    };
    for (const id of ledger.ordered) {
      const task = state.tasks.get(id);
      if (task?.node !== undefined && !isFinal(task)) of(task.node).tasks.push(task);
    }
    for (const task of ledger.forgotten) of(task.node!).forget.push(task.id);
    ledger.ordered.clear();
    ledger.forgotten.length = 0;
    for (const [node, { tasks, forget }] of changes) {
      const session = this.#byNode.get(node);
      if (session === undefined) continue;
      const [first = [], ...more] = this.#parts(tasks, session.protocol);
      ledger.then((revision) => {
        // Without a base there was no full set yet; the one on its way holds this change, too.
        if (session.revision === undefined) return;
        const { epoch } = identity;
        this.send(session.link, { type: 'delta', epoch, base: session.revision, revision, orders: first, forget });
        for (const orders of more) this.send(session.link, { type: 'delta', epoch, base: revision, revision, orders, forget: [] });
        session.revision = revision;
      });
    }
  }

  /** The orders of some tasks, in parts that fit a frame, as a worker of that protocol understands them. */
  #parts(tasks: readonly TaskRecord[], protocol: number): Order[][] {
    const parts: Order[][] = [];
    let room = 0;
    for (const task of tasks) {
      const order = asUnderstood(this.#order(task), protocol);
      const bytes = itemBytes(order);
      if (parts.length === 0 || bytes > room) {
        parts.push([]);
        room = this.#leader.deps.limits.ordersBytesMax;
      }
      parts.at(-1)!.push(order);
      room -= bytes;
    }
    return parts;
  }

  /** Opens a stream on the node that has the task. @throws CubeError `cut-off`; `not-yet` when the worker is too old for it */
  stream(node: string, request: StreamRequest, signal: AbortSignal, input?: AsyncIterable<unknown>): AsyncIterable<unknown> {
    const session = this.#byNode.get(node);
    const name = this.#nameOf(node);
    if (session === undefined) throw problem('cut-off', `node ${name} is not connected`);
    if (request.kind === 'exec' && session.protocol < 2) {
      throw problem('not-yet', `node ${name} runs a version of Cube without exec`, { hint: 'give that node this version of Cube' });
    }
    if (request.kind === 'digest' && session.protocol < 3) {
      throw problem('not-yet', `node ${name} runs a version of Cube that cannot tell what images stand for`, {
        hint: 'give that node this version of Cube',
      });
    }
    return session.streams.open(request, signal, input);
  }

  #nameOf(node: string): string {
    return this.#leader.state.nodes.get(node)?.name ?? node;
  }

  streamsOf(link: string): StreamReader | undefined {
    return this.#byLink.get(link)?.streams;
  }

  #order(task: TaskRecord): Order {
    const { state } = this.#leader;
    const job = state.jobs.get(task.job);
    const spec = state.specOf(task)!;
    const isWanted = job?.hashes[task.task] === task.specHash;
    const files = fileRefs(job, task, spec);
    const digest = isWanted ? registryDigestOf(job.stamps?.digests?.[spec.image]) : undefined;
    return {
      id: task.id,
      job: task.job,
      jobType: job ? runKind(job.spec.type) : 'service',
      task: task.task,
      index: task.index,
      slot: task.slot,
      version: task.version,
      desired: task.desired,
      spec,
      labels: job?.spec.labels ?? {},
      ports: task.ports,
      specHash: task.specHash,
      sequence: task.sequence,
      ...(task.failures > 0 ? { failures: task.failures } : {}),
      ...(task.tick === undefined ? {} : { tick: task.tick }),
      ...(digest === undefined ? {} : { digest }),
      ...(files.length === 0 ? {} : { files }),
      ...(job ? { origin: job.origin } : {}),
    };
  }
}

/** A worker of version 1 refuses an order that names no stop signal. */
function asUnderstood(order: Order, protocol: number): Order {
  if (protocol > 1 || order.spec.stopSignal !== undefined) return order;
  return { ...order, spec: { ...order.spec, stopSignal: 'SIGTERM' } };
}
