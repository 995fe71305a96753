/** The manager actor: its machine with its effects, and the control port that its clients use. */
import { fromPromise } from 'xstate';
import { managerMachine, type Leadership, type ManagerEvent } from '../../machines/manager.ts';
import { asCubeError, problem } from '../../src/core/errors.ts';
import { compareEpochs, epochText } from '../../src/core/events.ts';
import type { Control } from '../../src/ports/control.ts';
import type { Loaded, Store } from '../../src/ports/store.ts';
import type { WorkerCall, WorkerFrame } from '../../src/ports/transport.ts';
import { createLinkLogic } from '../link.ts';
import { createSchedulerLogic } from '../scheduler.ts';
import { Asks } from './asks.ts';
import { createControl } from './control.ts';
import { lastEventSeq, Leader, type ClusterIdentity, type ManagerDeps, type Office } from './leader.ts';
import { checkNode, expectNodes, forgiveNodes, greet, hear, takeBye } from './nodes.ts';
import { drawBatch, takePlan } from './placing.ts';
import { takeReports } from './reports.ts';

/** The actor as far as its effects need it. */
interface Self {
  send(event: ManagerEvent): void;
  getSnapshot(): { readonly children: Record<string, { send(event: { type: 'greeting.done' }): void } | undefined> };
}

export interface ManagerLogic {
  readonly logic: typeof managerMachine;
  readonly control: Control;
  /** To be called with the actor before it starts. */
  attach(self: Self): void;
  /** What a worker asks of its manager; set by who composes the node, since it needs the seeds' API. */
  answerCalls(answer: (what: WorkerCall, node: string) => Promise<unknown>): void;
  /** The cluster's id, once there was a leadership. */
  clusterId(): string | undefined;
  /** Events as they are committed, while this manager leads. */
  leader(): Leader | undefined;
  /** Lets the store go; to be called when the actor has stopped. */
  close(): Promise<void>;
}

export function createManagerLogic(deps: ManagerDeps): ManagerLogic {
  const { ambient, limits, scorer, dialer, connections } = deps;
  const { log } = ambient;
  const asks = new Asks(limits.controlQueueMax);
  let self: Self | undefined;
  let store: Store | undefined;
  let loaded: Loaded | undefined;
  let identity: ClusterIdentity | undefined;
  let leader: Leader | undefined;
  let leading = false;
  let answerCall: (what: WorkerCall, node: string) => Promise<unknown> = () =>
    Promise.reject(problem('not-yet', 'this manager takes no calls'));

  const send = (event: ManagerEvent): void => self?.send(event);
  const office: Office = {
    wantPlacing: () => send({ type: 'placing.wanted' }),
    planCommitted: () => send({ type: 'plan.committed' }),
    deadlinePassed: () => send({ type: 'deadline.passed' }),
    storeFailed: (reason) => send({ type: 'store.failed', reason }),
    greeted: (link) => self?.getSnapshot().children[link]?.send({ type: 'greeting.done' }),
  };

  async function elect(): Promise<Leadership> {
    store = deps.openStore();
    loaded = await store.load();
    for (const sentence of loaded.damage) log.error(`the store is damaged: ${sentence}`);
    const kept = loaded.records.get('meta')?.get('identity') as ClusterIdentity | undefined;
    const epoch = { generation: kept?.epoch.generation ?? 1, revision: (kept?.epoch.revision ?? 0) + 1 };
    if (identity && compareEpochs(epoch, identity.epoch) <= 0) throw problem('store-failed', `epoch ${epochText(epoch)} was used before`);
    identity = { clusterId: kept?.clusterId ?? ambient.ids.id(), epoch };
    const revision = await store.commit({ puts: [{ kind: 'meta', key: 'identity', value: identity }], removals: [] });
    loaded = { ...loaded, revision };
    return { epoch };
  }

  async function recover(): Promise<void> {
    leader = new Leader(deps, office, store!, identity!, loaded!, await lastEventSeq(store!, 0));
    loaded = undefined;
  }

  async function release(): Promise<void> {
    leader = undefined;
    const old = store;
    store = undefined;
    await old?.close();
  }

  function takeOffice(): void {
    leading = true;
    const now = leader!;
    now.turn(() => {
      expectNodes(now);
      for (const job of now.state.jobs.keys()) now.ledger.dirtyJobs.add(job);
      for (const id of now.state.pending) now.awaitPlace(now.state.tasks.get(id)!);
    });
  }

  function leaveOffice(): void {
    leading = false;
    leader?.leave();
  }

  function hearFrame(link: string, frame: WorkerFrame): void {
    const now = leader!;
    if (frame.type === 'greet') return now.turn(() => greet(now, link, frame));
    const node = now.sessions.nodeOf(link);
    if (node === undefined) return;
    now.turn(() => {
      if (frame.type === 'bye') return takeBye(now, node, frame.backMs);
      hear(now, node);
      takeFrame(now, link, node, frame);
    });
  }

  function takeFrame(now: Leader, link: string, node: string, frame: WorkerFrame): void {
    switch (frame.type) {
      case 'reports':
        return takeReports(now, link, node, frame.reports);
      case 'beat':
        if (frame.usage) now.usage.set(node, frame.usage);
        return;
      case 'resync':
        return now.sessions.sendAll(node, []);
      case 'call':
        answerCall(frame.what, now.state.nodes.get(node)?.name ?? node).then(
          (value) => now.sessions.send(link, { type: 'answer', call: frame.call, ok: true, value }),
          (thrown: unknown) => {
            const { code, message } = asCubeError(thrown);
            now.sessions.send(link, { type: 'answer', call: frame.call, ok: false, value: null, code, message });
          },
        );
        return;
      case 'data':
      case 'grant':
      case 'end':
        return now.sessions.streamsOf(link)?.handle(frame);
      default:
        return;
    }
  }

  function checkDeadlines(): void {
    const now = leader!;
    const at = ambient.clock.monotonic();
    const lateMs = at - (now.deadlines.next ?? at);
    now.turn(() => {
      if (lateMs > limits.managerTickLateMs) {
        log.warn(`the manager was held up for ${Math.round(lateMs)} ms; nodes get a fresh deadline`);
        forgiveNodes(now);
      }
      for (const key of now.deadlines.due(ambient.clock.monotonic())) {
        const [kind, id] = [key.slice(0, key.indexOf(':')), key.slice(key.indexOf(':') + 1)];
        if (kind === 'node') checkNode(now, id);
        else if (now.state.pending.has(id)) now.awaitPlace(now.state.tasks.get(id)!);
      }
    });
  }

  const logic = managerMachine.provide({
    delays: { electionDelay: limits.engineRetryMs },
    actions: {
      serve: ({ event }) => {
        if (event.type === 'client.request') asks.serve(event.ask, leader!);
      },
      refuse: ({ event }) => {
        if (event.type === 'client.request') asks.refuse(event.ask);
      },
      hear: ({ event }) => {
        if (event.type === 'frame.received') hearFrame(event.id, event.frame as WorkerFrame);
      },
      noteLinkLost: ({ event }) => {
        if (event.type === 'link.lost') leader!.sessions.close(event.id);
      },
      takePlan: ({ event }) => {
        if (event.type === 'plan.ready') leader!.turn(() => takePlan(leader!, event.plan));
      },
      checkDeadlines,
      takeOffice,
      leaveOffice,
    },
    actors: {
      link: createLinkLogic({ ambient, limits, dialer, connections, beat: () => ({ type: 'beat' }) }),
      scheduler: createSchedulerLogic({ limits, log, scorer, draw: () => drawBatch(leader!) }),
      elect: fromPromise(elect),
      recover: fromPromise(recover),
      release: fromPromise(release),
    },
  });
  return {
    logic,
    control: createControl(
      asks,
      (ask, kind) => send({ type: 'client.request', ask, kind }),
      () => leading,
    ),
    attach: (actor) => (self = actor),
    answerCalls: (answer) => (answerCall = answer),
    clusterId: () => identity?.clusterId,
    leader: () => leader,
    close: release,
  };
}
