/**
 * The manager's desk: how a leadership begins, what is done with each message while it lasts, and how it ends. The machine
 * (machines/manager.ts) says when.
 */
import type { LinkEvent } from '../../machines/link.ts';
import type { Leadership, ManagerEvent } from '../../machines/manager.ts';
import { asCubeError, problem } from '../../src/core/errors.ts';
import { compareEpochs, epochText, type Epoch } from '../../src/core/events.ts';
import type { Plan, ScoreRequest } from '../../src/core/placement.ts';
import type { Loaded, Put, Store } from '../../src/ports/store.ts';
import type { ManagerFrame, WorkerCall, WorkerFrame } from '../../src/ports/transport.ts';
import { trimAnswers } from './answers.ts';
import { EventLog } from './event-log.ts';
import { checkSealing, contentsFor } from './files.ts';
import { Leader, type ClusterIdentity, type ManagerDeps, type Office } from './leader.ts';
import { checkNode, expectNodes, forgiveNodes, greet, hear, judgeAll, resync, takeBye, takeEngine } from './nodes.ts';
import { succession, type Losses } from './losses.ts';
import { takeUsage } from './node-views.ts';
import { drawBatch } from './placing.ts';
import { holdRoom, preempt } from './preempting.ts';
import { forgetStrangers, takeReports } from './reports.ts';
import { beginStock, endStock, hearStrays, stockKey } from './strays.ts';
import { takePlan } from './taking.ts';

/** How a greeting ends, for the link it came on. */
type LinkAnswer = Extract<LinkEvent, { type: 'greeting.done' | 'greeting.refused' }>;

/** The actor, as far as its desk needs it. */
export interface ManagerSelf {
  send(event: ManagerEvent): void;
  getSnapshot(): { readonly children: Record<string, { send(event: LinkAnswer): void } | undefined> };
}

/** The deadline at which events are looked at for their age. */
const sweepKey = 'events';

/** Answers what a worker asks; made by who composes the node, since it needs the seeds' API. */
export type AnswerCall = (what: Extract<WorkerCall, { readonly kind: 'submit' | 'stop' }>, node: string) => Promise<unknown>;

/** One manager, over all its leaderships. */
export class ManagerDesk {
  readonly #deps: ManagerDeps;
  readonly #self: () => ManagerSelf | undefined;
  #store: Store | undefined;
  #loaded: Loaded | undefined;
  #identity: ClusterIdentity | undefined;
  #leader: Leader | undefined;
  #losses: Losses | undefined;
  /** The highest epoch that a worker has seen, where that is above the store's. */
  #outrun: Epoch | undefined;
  #leads = false;
  answerCall: AnswerCall = () => Promise.reject(problem('not-yet', 'this manager takes no calls'));

  /** @param self the actor, once there is one */
  constructor(deps: ManagerDeps, self: () => ManagerSelf | undefined) {
    this.#deps = deps;
    this.#self = self;
  }

  /** The cluster's id, once there was a leadership. */
  get clusterId(): string | undefined {
    return this.#identity?.clusterId;
  }

  get leads(): boolean {
    return this.#leads;
  }

  /** What the leader works with. @throws CubeError `not-leading` */
  get leader(): Leader {
    if (this.#leader === undefined) throw problem('not-leading', 'this manager does not lead');
    return this.#leader;
  }

  /** Opens the store and raises the epoch there. */
  async elect(): Promise<Leadership> {
    const { ambient } = this.#deps;
    try {
      this.#store = this.#deps.openStore();
      const loaded = await this.#store.load();
      const { identity: kept, epoch, losses, puts, removals } = succession(loaded, this.#outrun, ambient.log, this.#deps.limits);
      if (this.#identity && compareEpochs(epoch, this.#identity.epoch) <= 0) {
        throw problem('store-failed', `epoch ${epochText(epoch)} was used before: the store has lost writes`);
      }
      const identity = { clusterId: kept?.clusterId ?? ambient.ids.id(), epoch };
      const own: Put = { kind: 'meta', key: 'identity', value: identity };
      const revision = await this.#store.commit({ puts: [own, ...puts], removals });
      this.#outrun = undefined;
      this.#losses = losses;
      this.#identity = identity;
      this.#loaded = { ...loaded, revision };
      return { epoch };
    } catch (thrown) {
      ambient.log.error(`this manager cannot lead: ${asCubeError(thrown).message}`);
      throw thrown;
    }
  }

  /** Rebuilds memory from what was loaded. */
  async recover(): Promise<void> {
    const store = this.#store!;
    const events = await EventLog.open(store, this.#deps.limits);
    this.#leader = new Leader(this.#deps, this.#office(), store, this.#identity!, this.#loaded!, events);
    this.#leader.losses = this.#losses;
    this.#loaded = undefined;
  }

  /** Lets the store go. */
  async release(): Promise<void> {
    const store = this.#store;
    this.#leader = undefined;
    this.#store = undefined;
    await store?.close();
  }

  takeOffice(): void {
    const { leader } = this;
    this.#leads = true;
    leader.turn(() => {
      checkSealing(leader);
      expectNodes(leader);
      if (leader.losses && compareEpochs(leader.losses.epoch, leader.identity.epoch) === 0) beginStock(leader);
      leader.deadlines.set(sweepKey, this.#deps.ambient.clock.monotonic() + this.#deps.limits.eventsSweepMs);
      for (const job of leader.state.jobs.keys()) leader.ledger.dirtyJobs.add(job);
      for (const id of leader.state.pending) leader.awaitPlace(leader.state.tasks.get(id)!);
    });
  }

  leaveOffice(): void {
    this.#leads = false;
    this.#leader?.leave();
  }

  /** The next batch for the scheduler. */
  draw(): ScoreRequest {
    const batch = drawBatch(this.leader);
    holdRoom(this.leader, batch);
    return batch;
  }

  takePlan(plan: Plan): void {
    const { leader } = this;
    leader.turn(() => {
      const rest = takePlan(leader, plan);
      if (rest === undefined) preempt(leader);
      // When this part is on disk, and behind what others have asked meanwhile.
      else leader.ledger.then(() => this.#self()?.send({ type: 'plan.ready', plan: rest }));
    });
  }

  /** Takes a worker's frame. */
  hear(link: string, frame: WorkerFrame): void {
    const { leader } = this;
    if (frame.type === 'greet') return leader.turn(() => greet(leader, link, frame));
    const node = leader.sessions.nodeOf(link);
    if (node === undefined) return;
    leader.turn(() => {
      if (frame.type === 'bye') return takeBye(leader, node, frame.backMs);
      hear(leader, node);
      this.#take(link, node, frame);
    });
  }

  loseLink(link: string): void {
    this.leader.sessions.close(link);
  }

  /** Looks at what is due: nodes that were not heard, tasks whose delay is over. */
  checkDeadlines(): void {
    const { leader } = this;
    const { clock, log } = this.#deps.ambient;
    const now = clock.monotonic();
    const lateMs = now - (leader.deadlines.next ?? now);
    leader.turn(() => {
      if (lateMs > this.#deps.limits.managerTickLateMs) {
        log.warn(`the manager was held up for ${Math.round(lateMs)} ms; nodes get a fresh deadline`);
        forgiveNodes(leader);
      }
      for (const key of leader.deadlines.due(now)) {
        const colon = key.indexOf(':');
        const id = key.slice(colon + 1);
        if (key === sweepKey) this.#sweepEvents();
        else if (key === stockKey) endStock(leader);
        else if (key.startsWith('node:')) checkNode(leader, id);
        else if (key.startsWith('job:') || key.startsWith('tick:')) leader.lookNow(id);
        else if (leader.state.pending.has(id)) leader.awaitPlace(leader.state.tasks.get(id)!);
      }
    });
  }

  /** Removes events that are too old, a page at a time. */
  #sweepEvents(): void {
    const { leader } = this;
    const { clock, log } = this.#deps.ambient;
    const { eventsSweepMs } = this.#deps.limits;
    leader.events.firstToKeep(clock.now()).then(
      (first) => {
        if (this.#leader !== leader || !this.#leads) return;
        leader.turn(() => {
          trimAnswers(leader, clock.now());
          const more = leader.events.removeBefore(leader.ledger, first);
          leader.deadlines.set(sweepKey, clock.monotonic() + (more ? 0 : eventsSweepMs));
        });
      },
      (thrown: unknown) => log.warn(`old events could not be looked at: ${asCubeError(thrown).message}`),
    );
  }

  #take(link: string, node: string, frame: WorkerFrame): void {
    const { leader } = this;
    switch (frame.type) {
      case 'reports':
        hearStrays(leader, frame.reports);
        forgetStrangers(leader, node, frame.reports);
        return takeReports(leader, link, node, frame.reports);
      case 'beat':
        takeEngine(leader, node, frame.engineAway);
        if (frame.usage) takeUsage(leader, node, frame.usage);
        if (frame.tasks) leader.taskUsage.take(node, frame.tasks);
        return;
      case 'resync':
        return resync(leader, node, frame.revision);
      case 'call':
        if (frame.what.kind === 'judge') return this.#judge(link, node, frame.call, frame.what.ids);
        if (frame.what.kind === 'files') return this.#giveFiles(link, node, frame.call, frame.what);
        return this.#answer(link, leader.state.nodes.get(node)?.name ?? node, frame.call, frame.what);
      case 'data':
      case 'grant':
      case 'end':
        return leader.sessions.streamsOf(link)?.handle(frame);
      default:
        return;
    }
  }

  /** The answer is about what is on disk: sent when this turn is. */
  #judge(link: string, node: string, call: number, ids: readonly string[]): void {
    const { leader } = this;
    const value = judgeAll(leader, node, ids);
    leader.ledger.then(() => leader.sessions.send(link, { type: 'answer', call, ok: true, value }));
  }

  #giveFiles(link: string, node: string, call: number, { task, refs }: Extract<WorkerCall, { readonly kind: 'files' }>): void {
    const { leader } = this;
    const given = answered(() => contentsFor(leader, node, task, refs));
    leader.ledger.then(() => leader.sessions.send(link, { type: 'answer', call, ...given }));
  }

  #answer(link: string, node: string, call: number, what: Parameters<AnswerCall>[0]): void {
    const { sessions } = this.leader;
    this.answerCall(what, node).then(
      (value) => sessions.send(link, { type: 'answer', call, ok: true, value }),
      (thrown: unknown) => {
        const { code, message } = asCubeError(thrown);
        sessions.send(link, { type: 'answer', call, ok: false, value: null, code, message });
      },
    );
  }

  #tellLink(link: string, event: LinkAnswer): void {
    this.#self()?.getSnapshot().children[link]?.send(event);
  }

  #office(): Office {
    const send = (event: ManagerEvent): void => this.#self()?.send(event);
    return {
      wantPlacing: () => send({ type: 'placing.wanted' }),
      planCommitted: () => send({ type: 'plan.committed' }),
      deadlinePassed: () => send({ type: 'deadline.passed' }),
      outrun: (epoch) => {
        this.#outrun = epoch;
        send({ type: 'store.failed', reason: `a worker has seen epoch ${epochText(epoch)}: the store has lost what came after` });
      },
      storeFailed: (reason) => send({ type: 'store.failed', reason }),
      greeted: (link) => this.#tellLink(link, { type: 'greeting.done' }),
      refused: (link, reason) => this.#tellLink(link, { type: 'greeting.refused', reason }),
    };
  }
}

/** What a call is answered. */
function answered(run: () => unknown): Omit<Extract<ManagerFrame, { readonly type: 'answer' }>, 'type' | 'call'> {
  try {
    return { ok: true, value: run() };
  } catch (thrown) {
    const { code, message } = asCubeError(thrown);
    return { ok: false, value: null, code, message };
  }
}
