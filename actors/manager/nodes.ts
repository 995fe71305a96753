/** Nodes: who may join, who is heard, and what follows when one is not. */
import { problem, type CubeError } from '../../src/core/errors.ts';
import { compareEpochs } from '../../src/core/events.ts';
import type { NodeRecord } from '../../src/core/node.ts';
import { label } from '../../src/core/ids.ts';
import { isFinal } from '../../src/core/task.ts';
import { protocol, type WorkerFrame } from '../../src/ports/transport.ts';
import type { Leader } from './leader.ts';
import { moveNode, moveTask } from './moves.ts';
import { dropNode, withLabels } from './node-admin.ts';
import { takeReports } from './reports.ts';
import type { Verdict } from './sessions.ts';
import { isForgetful, takeStock } from './strays.ts';
import { nodeChanged } from './system.ts';

type Greeting = Extract<WorkerFrame, { type: 'greet' }>;

/** After a recovery: nodes that were there must greet anew before anything is placed on them. */
export function expectNodes(leader: Leader): void {
  const now = leader.deps.ambient.clock.monotonic();
  for (const node of leader.state.nodes.values()) {
    if (node.state === 'ready' || node.state === 'suspect') {
      leader.ledger.putNode({ ...node, state: 'joining', reason: 'expected to greet' });
      leader.ledger.note({
        machine: 'node',
        id: node.id,
        from: node.state,
        to: 'joining',
        event: 'manager.recovered',
        cause: 'a new leadership',
        node: node.name,
      });
    }
    leader.heardAt.set(node.id, now);
    leader.deadlines.set(`node:${node.id}`, now + graceMs(leader, node));
  }
}

/** How long a node is waited for that has not greeted: what is left of its leave if it said goodbye. */
function graceMs(leader: Leader, node: NodeRecord): number {
  const { limits, ambient } = leader.deps;
  const leaveMs = node.state === 'away' ? node.updatedAt + limits.nodeAwayMs - ambient.clock.now() : 0;
  return Math.max(limits.takeoverDownMs, leaveMs);
}

/** Takes a worker's greeting: welcomes it with all its orders, or refuses it and says why. */
export function greet(leader: Leader, link: string, greeting: Greeting): void {
  const refusal = refusalOf(leader, greeting);
  if (!refusal && greeting.epoch && compareEpochs(greeting.epoch, leader.identity.epoch) > 0) return leader.office.outrun(greeting.epoch);
  if (refusal) {
    const { id, name } = greeting.facts;
    // It will ask again and again: its reason is said once.
    if (leader.refused.get(id) !== refusal.message) leader.deps.ambient.log.warn(`node ${name} is refused: ${refusal.message}`);
    leader.refused.set(id, refusal.message);
    leader.sessions.send(link, { type: 'refused', code: refusal.code, message: refusal.message });
    leader.office.refused(link, refusal.message);
    return;
  }
  const { facts } = greeting;
  replaceNamesake(leader, facts.id, facts.name);
  const { clock } = leader.deps.ambient;
  const known = leader.state.nodes.get(facts.id);
  const now = clock.now();
  const base: NodeRecord = known
    ? { ...known, ...withLabels(facts, known.labelsSet) }
    : { ...facts, state: 'joining', eligible: true, joinedAt: now, updatedAt: now };
  if (!known) {
    leader.ledger.note({
      machine: 'node',
      id: facts.id,
      from: 'none',
      to: 'joining',
      event: 'node.joined',
      cause: 'greeted for the first time',
      node: facts.name,
    });
  }
  moveNode(leader, base, 'link.welcomed', { reason: undefined }, 'greeted');
  takeEngine(leader, facts.id, greeting.engineAway);
  hear(leader, facts.id);
  watch(leader, facts.id);
  const unknown = greeting.unknown.map(({ id }) => id).filter((id) => !greeting.adopted?.includes(id));
  const version = Math.min(protocol.max, greeting.protocolMax);
  leader.sessions.open(link, facts.id, unknown, version);
  takeStock(leader, greeting);
  takeReports(leader, link, facts.id, greeting.reports);
  const verdicts = verdictsOn(leader, greeting);
  const { clusterId, epoch } = leader.identity;
  leader.ledger.then(() => leader.sessions.send(link, { type: 'welcome', protocol: version, clusterId, epoch }));
  leader.sessions.sendAll(facts.id, verdicts);
  leader.ledger.then(() => leader.office.greeted(link));
  leader.roomChanged();
  nodeChanged(leader, facts.id);
}

function refusalOf(leader: Leader, greeting: Greeting): CubeError | undefined {
  const { facts, clusterId } = greeting;
  if (greeting.protocolMin > protocol.max || greeting.protocolMax < protocol.min) {
    const theirs = `${greeting.protocolMin} to ${greeting.protocolMax}`;
    return problem('conflict', `protocol versions ${theirs} are not those of this manager, ${protocol.min} to ${protocol.max}`);
  }
  if (clusterId !== null && clusterId !== leader.identity.clusterId) {
    return problem('conflict', `this worker belongs to cluster ${clusterId}, not to ${leader.identity.clusterId}`);
  }
  const namesake = leader.state.nodeNamed(facts.name);
  // One that was heard a moment ago may still run its tasks: only when it is down, or has said goodbye, is this one it.
  const lives = namesake && (leader.sessions.isOpen(namesake.id) || (namesake.state !== 'down' && namesake.state !== 'away'));
  if (lives && namesake.id !== facts.id) {
    return problem('conflict', `there is a node "${facts.name}" already; give this one another --name`);
  }
  return undefined;
}

/** A node of the same name that is gone was this one before its data was lost. */
function replaceNamesake(leader: Leader, id: string, name: string): void {
  const old = leader.state.nodeNamed(name);
  if (old === undefined || old.id === id) return;
  leader.deps.ambient.log.warn(
    `node ${name} joined with a new identity; containers of its old one may still run there: docker ps --filter label=${label.node}=${old.id}`,
  );
  dropNode(leader, old, { event: 'node.replaced', reason: `node ${name} joined anew`, cause: `a new node ${name} joined` });
}

/** What the worker holds and should not: stopped if this leader never ordered it, kept if the store forgot it. */
function verdictsOn(leader: Leader, greeting: Greeting): Verdict[] {
  const forgetful = isForgetful(leader, greeting);
  if (greeting.revision > leader.ledger.revision) {
    leader.deps.ambient.log.error(
      `node ${greeting.facts.name} has seen revision ${greeting.revision}, and the store is at ${leader.ledger.revision}: acknowledged writes are lost; what runs there is kept`,
    );
  }
  if (forgetful) leader.keeps.add(greeting.facts.id);
  const adopted = new Set(greeting.adopted);
  // What it was let go on with is not stopped at the next greeting.
  const unheard = (id: string): Verdict['verdict'] => (forgetful || adopted.has(id) ? 'adopt' : 'stop');
  return [
    ...greeting.reports.flatMap((report) => judge(leader, greeting.facts.id, report.id, isFinal(report), unheard(report.id))),
    ...greeting.unknown.flatMap(({ id }) => judge(leader, greeting.facts.id, id, false, unheard(id))),
  ];
}

/** What to do with one task of a worker's: nothing where it should have it. */
function judge(leader: Leader, node: string, id: string, isOver: boolean, unheard: Verdict['verdict']): Verdict[] {
  const task = leader.state.tasks.get(id);
  if (task === undefined) return [{ id, verdict: unheard }];
  return task.node !== node || (isFinal(task) && !isOver) ? [{ id, verdict: 'stop' }] : [];
}

/** Answers a worker that found containers of tasks it does not know. */
export function judgeAll(leader: Leader, node: string, ids: readonly string[]): readonly Verdict[] {
  const unheard = leader.keeps.has(node) ? 'adopt' : 'stop';
  return ids.flatMap((id) => judge(leader, node, id, false, unheard));
}

/** Sends a worker everything anew: it could not take what it was sent. Its leftovers are judged once more, unless they are to be kept. */
export function resync(leader: Leader, node: string, revision: number): void {
  const isBehind = revision > leader.ledger.revision || leader.keeps.has(node);
  const leftovers = leader.sessions.unknownOf(node);
  leader.sessions.sendAll(node, isBehind ? [] : leftovers.flatMap((id) => judge(leader, node, id, false, 'stop')));
}

/** A word from a node: it lives. */
export function hear(leader: Leader, id: string): void {
  leader.heardAt.set(id, leader.deps.ambient.clock.monotonic());
  const node = leader.state.nodes.get(id);
  if (node?.state !== 'suspect') return;
  moveNode(leader, node, 'beat.heard', { reason: undefined }, 'heard again');
  watch(leader, id);
  leader.roomChanged(id);
}

/** What a node says of its engine: while that is away nothing new is placed there, and what runs there keeps its last state. */
export function takeEngine(leader: Leader, id: string, engineAway: string | undefined): void {
  const node = leader.state.nodes.get(id);
  if (node === undefined || node.engineAway === engineAway) return;
  const { engineAway: before, ...rest } = node;
  leader.ledger.putNode({ ...rest, ...(engineAway === undefined ? {} : { engineAway }), updatedAt: leader.deps.ambient.clock.now() });
  if ((before === undefined) === (engineAway === undefined)) return;
  leader.ledger.note({
    machine: 'node',
    id,
    from: node.state,
    to: node.state,
    event: engineAway === undefined ? 'engine.found' : 'engine.lost',
    cause: engineAway ?? 'its engine answers again',
    node: node.name,
  });
  if (engineAway === undefined) leader.roomChanged(id);
}

/** From now on the node is expected to be heard. */
function watch(leader: Leader, id: string): void {
  leader.deadlines.set(`node:${id}`, leader.deps.ambient.clock.monotonic() + leader.deps.limits.nodeSuspectMs);
}

/** A node says goodbye: its tasks are held until it means to be back. */
export function takeBye(leader: Leader, id: string, backMs: number): void {
  const node = leader.state.nodes.get(id);
  if (node === undefined) return;
  const heldMs = Math.min(backMs, leader.deps.limits.nodeAwayMsMax);
  moveNode(leader, node, 'node.bye', { reason: `stopped; expected back within ${Math.round(heldMs / 1_000)} s` }, 'said goodbye');
  leader.deadlines.set(`node:${id}`, leader.deps.ambient.clock.monotonic() + heldMs);
}

/** A node's deadline passed: suspect first, then down. */
export function checkNode(leader: Leader, id: string): void {
  const node = leader.state.nodes.get(id);
  if (node === undefined || node.state === 'down') return;
  const { limits, ambient } = leader.deps;
  const now = ambient.clock.monotonic();
  const heardAt = leader.heardAt.get(id) ?? now;
  const silentMs = now - heardAt;
  if (node.state === 'ready') {
    if (silentMs < limits.nodeSuspectMs) return leader.deadlines.set(`node:${id}`, heardAt + limits.nodeSuspectMs);
    moveNode(leader, node, 'deadline.suspect', { reason: `silent for ${Math.round(silentMs)} ms` }, 'no beat');
    return leader.deadlines.set(`node:${id}`, heardAt + limits.nodeDownMs);
  }
  if (node.state === 'suspect' && silentMs < limits.nodeDownMs) return leader.deadlines.set(`node:${id}`, heardAt + limits.nodeDownMs);
  moveNode(leader, node, 'deadline.down', { reason: `silent for ${Math.round(silentMs)} ms` }, 'no beat');
  for (const task of leader.state.tasksOn(id)) {
    if (isFinal(task)) continue;
    const why = `node ${node.name} is down`;
    const left = moveTask(leader, task, 'node.down', { reason: why }, why);
    // What was wanted no more is let go: the worker is told again when it returns.
    if (left.desired === 'stopped') moveTask(leader, left, 'order.stop', { reason: why }, why);
  }
}

/** The manager itself was held up: no node is to blame for the silence. */
export function forgiveNodes(leader: Leader): void {
  const now = leader.deps.ambient.clock.monotonic();
  for (const node of leader.state.nodes.values()) {
    if (node.state === 'down') continue;
    const isHeard = node.state === 'ready' || node.state === 'suspect';
    leader.heardAt.set(node.id, now);
    leader.deadlines.set(`node:${node.id}`, now + (isHeard ? leader.deps.limits.nodeSuspectMs : graceMs(leader, node)));
  }
}
