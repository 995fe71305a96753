/**
 * The oracle: the plan as a patient person would make it. Every task looks at every node anew, with nothing remembered but a list of
 * nodes that is rewritten after each placement. What a node can take is decided here a second time, in the plainest way there is.
 */
import type { Ask, NodeView, Placement, Plan, ScoreRequest } from '../../src/core/placement.ts';
import type { Resources } from '../../src/core/resources.ts';
import type { PortBinding } from '../../src/core/task.ts';
import { policies } from '../../src/scheduling/policy.ts';
import { PortTable } from '../../src/scheduling/ports.ts';
import { Seat, want } from '../../src/scheduling/seat.ts';

function own(record: Readonly<Record<string, number>>, name: string): number {
  return Object.hasOwn(record, name) ? record[name]! : 0;
}

function together(a: Resources, b: Resources): Resources {
  const names = [...new Set([...Object.keys(a.custom), ...Object.keys(b.custom)])];
  return {
    cpu: a.cpu + b.cpu,
    memoryBytes: a.memoryBytes + b.memoryBytes,
    diskBytes: a.diskBytes + b.diskBytes,
    custom: Object.fromEntries(names.map((name) => [name, own(a.custom, name) + own(b.custom, name)])),
  };
}

function overlap(a: string, b: string): boolean {
  return a === b || [a, b].some((ip) => ip === '0.0.0.0' || ip === '::');
}

type Taken = Pick<PortBinding, 'ip' | 'host' | 'protocol'>;

function portFree(port: Taken, taken: readonly Taken[]): boolean {
  return !taken.some((other) => other.host === port.host && other.protocol === port.protocol && overlap(other.ip, port.ip));
}

/** Whether the ports can be had at all: every choice is tried, in every order. */
function portsFit(node: NodeView, ask: Ask): boolean {
  const tryFrom = (at: number, taken: readonly Taken[]): boolean => {
    const spec = ask.ports[at];
    if (!spec) return true;
    const { from, to } = node.portRange;
    const hosts = spec.host === undefined ? Array.from({ length: Math.max(0, to - from + 1) }, (_, step) => from + step) : [spec.host];
    return hosts.some((host) => {
      const port = { ip: spec.ip ?? node.portsIp, host, protocol: spec.protocol };
      return portFree(port, taken) && tryFrom(at + 1, [...taken, port]);
    });
  };
  return tryFrom(0, node.portsTaken);
}

/** Whether a node can take a task. */
export function canTake(node: NodeView, ask: Ask): boolean {
  const room = (asked: number, reserved: number, capacity: number): boolean => asked === 0 || reserved + asked <= capacity * (1 + 1e-9);
  const { resources: asked } = ask;
  return (
    node.state === 'ready' &&
    !node.engineAway &&
    node.eligible &&
    (ask.onNode === undefined || node.name === ask.onNode) &&
    (ask.datacenters.length === 0 || ask.datacenters.includes(node.dc)) &&
    room(asked.cpu, node.reserved.cpu, node.capacity.cpu) &&
    room(asked.memoryBytes, node.reserved.memoryBytes, node.capacity.memoryBytes) &&
    room(asked.diskBytes, node.reserved.diskBytes, node.capacity.diskBytes) &&
    Object.entries(asked.custom).every(([name, amount]) =>
      room(amount, own(node.reserved.custom, name), own(node.capacity.custom, name)),
    ) &&
    node.tasks < node.slotsMax &&
    portsFit(node, ask)
  );
}

/** The node with a task on it. */
export function withTask(node: NodeView, ask: Ask, ports: readonly PortBinding[], slot: string): NodeView {
  const chosen = ports.findLast((_, at) => ask.ports[at]?.host === undefined);
  return {
    ...node,
    reserved: together(node.reserved, ask.resources),
    tasks: node.tasks + 1,
    portsTaken: [...node.portsTaken, ...ports.map(({ ip, host, protocol }) => ({ ip, host, protocol, by: slot }))],
    ...(chosen ? { portsNext: chosen.host + 1 } : {}),
  };
}

function isAvoided(node: NodeView, ask: Ask): boolean {
  return (ask.avoid ?? []).some((id) => id === node.id);
}

function cheapest(request: ScoreRequest, nodes: readonly NodeView[], ask: Ask): { index: number; score: number } | undefined {
  let best: { index: number; score: number } | undefined;
  const others = nodes.some((node) => canTake(node, ask) && !isAvoided(node, ask));
  for (const [index, node] of nodes.entries()) {
    if (!canTake(node, ask) || (others && isAvoided(node, ask))) continue;
    const turn = { epvmBase: request.epvmBase, cursor: request.cursor, nodeCount: nodes.length };
    const score = policies[request.policy].score(new Seat(node, index), want(ask), turn);
    if (!best || score < best.score || (score === best.score && node.name < nodes[best.index]!.name)) best = { index, score };
  }
  return best;
}

/** A walk in circles over the nodes that are avoided, or over the others. */
interface Walk {
  readonly avoided: boolean;
  cursor: number;
  walked: number;
}

function nextInCircle(nodes: readonly NodeView[], ask: Ask, walk: Walk): { index: number; score: number } | undefined {
  for (let steps = 1; steps <= nodes.length; steps++) {
    const index = (walk.cursor + steps) % nodes.length;
    const node = nodes[index]!;
    if (!canTake(node, ask) || isAvoided(node, ask) !== walk.avoided) continue;
    walk.walked += steps;
    walk.cursor = index;
    return { index, score: walk.walked };
  }
  return undefined;
}

/** The plan, without the reasons of what is not placed. */
export function oracle(request: ScoreRequest): Omit<Plan, 'unplaced'> & { readonly unplaced: readonly string[] } {
  const nodes = [...request.nodes];
  const placements: Placement[] = [];
  const unplaced: string[] = [];
  let cursor = request.cursor;
  for (const { ask, tasks } of request.groups) {
    const walks: readonly Walk[] = [false, true].map((avoided) => ({ avoided, cursor, walked: 0 }));
    for (const { id, slot } of tasks) {
      const picked =
        request.policy === 'roundrobin'
          ? (nextInCircle(nodes, ask, walks[0]!) ?? nextInCircle(nodes, ask, walks[1]!))
          : cheapest(request, nodes, ask);
      if (!picked) {
        unplaced.push(id);
        continue;
      }
      const node = nodes[picked.index]!;
      const bound = new PortTable(node).bind(ask.ports, id);
      const ports = 'bindings' in bound ? bound.bindings : [];
      placements.push({ task: id, node: node.id, score: picked.score, ports });
      nodes[picked.index] = withTask(node, ask, ports, slot);
      cursor = picked.index;
    }
  }
  return { placements, unplaced, cursor };
}
