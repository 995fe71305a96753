/**
 * rebalance(): moves worth making, after nodes joined or tasks ended. Again and again the one move that lowers the cost of all nodes
 * together the most: by what the task costs where it is, less what it would cost where it goes (E-PVM: Amir, Awerbuch, Barak,
 * Borgstrom, Keren; IEEE TPDS 11(7), 2000, which moves processes by the same marginal costs). The sum falls with each move, so no
 * move is ever taken back, and it comes to an end. A task moves once in a run.
 */
import { attributeOf, meets } from '../core/constraint.ts';
import type { Ask, NodeView, PolicyName } from '../core/placement.ts';
import type { PortBinding } from '../core/task.ts';
import { marginal, mostGained, shifted, utilisation } from './rebalance/load.ts';
import { recheck } from './recheck.ts';

/** A task that runs. */
export interface Runner {
  readonly id: string;
  readonly slot: string;
  /** `job/task`. */
  readonly kind: string;
  /** Id of its node. */
  readonly node: string;
  readonly ask: Ask;
  readonly ports: readonly PortBinding[];
  /** It keeps something on its node, or may be nowhere else: it is never moved. */
  readonly stays: boolean;
}

/** One move. */
export interface Move {
  readonly task: string;
  readonly slot: string;
  /** Ids of nodes. */
  readonly from: string;
  readonly to: string;
  /** By how much it lowers the cost of all nodes, in the policy's unit, and as a share of what the task costs where it is. */
  readonly gain: number;
  readonly share: number;
  /** The resource that gains most, and what share of it is taken on either node before the move. */
  readonly resource: string;
  readonly fromUse: number;
  readonly toUse: number;
}

/** What there is, and how much is to be proposed. */
export interface RebalanceRequest {
  readonly nodes: readonly NodeView[];
  /** All tasks that hold a place, in any order. */
  readonly tasks: readonly Runner[];
  readonly policy: PolicyName;
  readonly epvmBase: number;
  readonly movesMax: number;
  /** A move gains at least this share of what the task costs where it is. */
  readonly shareMin: number;
  /** How many nodes are looked at on either side: those loaded most give, those loaded least take. */
  readonly nodesMax: number;
}

/** The moves, in the order in which they are to be made: each counts on those before it. */
export function rebalance(request: RebalanceRequest): Move[] {
  const plan = new Rebalancing(request);
  const moves: Move[] = [];
  while (moves.length < request.movesMax) {
    const best = plan.best();
    if (!best) break;
    moves.push(best);
    plan.make(best);
  }
  return moves;
}

/** Tasks of one kind on one node: one is as good as the other. */
interface Batch {
  readonly from: string;
  readonly tasks: Runner[];
  /** The best move of one of them; undefined: none is worth it. */
  best: Move | undefined;
}

/** Gains below this share of a cost are noise of sums. */
const noise = 1e-9;

class Rebalancing {
  readonly #request: RebalanceRequest;
  readonly #nodes: Map<string, NodeView>;
  /** By kind; where each of them is counts for those who are to be spread. */
  readonly #kinds = new Map<string, Runner[]>();
  readonly #batches: readonly Batch[];
  readonly #takers: readonly string[];

  constructor(request: RebalanceRequest) {
    this.#request = request;
    const byName = request.nodes.toSorted((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : a.id < b.id ? -1 : 1));
    this.#nodes = new Map(byName.map((node) => [node.id, node]));
    const ready = byName.filter((node) => node.state === 'ready').map((node) => ({ id: node.id, load: loadOf(node) }));
    const ids = ready.sort((a, b) => b.load - a.load).map(({ id }) => id);
    const [most, least] = [new Set(ids.slice(0, request.nodesMax)), new Set(ids.slice(-request.nodesMax))];
    // Where the aim is to empty nodes, it is the other way round.
    const [givers, takers] = request.policy === 'binpack' ? [least, most] : [most, least];
    this.#takers = byName.flatMap(({ id }) => (takers.has(id) ? [id] : []));
    for (const task of request.tasks) {
      const kind = this.#kinds.get(task.kind);
      if (kind) kind.push(task);
      else this.#kinds.set(task.kind, [task]);
    }
    this.#batches = batchesOf(request.tasks.filter((task) => givers.has(task.node)));
    for (const batch of this.#batches) batch.best = this.#bestOf(batch, this.#takers);
  }

  /** The move that gains most; of equal ones that of the first slot. */
  best(): Move | undefined {
    let best: Move | undefined;
    for (const { best: move } of this.#batches) if (move && (!best || isMore(move, best))) best = move;
    return best;
  }

  make({ task: id, from, to }: Move): void {
    const batch = this.#batches.find(({ tasks }) => tasks[0]?.id === id)!;
    const task = batch.tasks.shift()!;
    const { ask, slot, ports, kind } = task;
    const held = new Set(ports.map(portKey));
    const source = shifted(this.#nodes.get(from)!, ask.resources, -1);
    const target = shifted(this.#nodes.get(to)!, ask.resources, 1);
    // Which free ports it will get there is not known yet; a fixed one is taken.
    const fixed = ask.ports.flatMap(({ ip, host, protocol }) =>
      host === undefined ? [] : [{ ip: ip ?? target.portsIp, host, protocol, by: slot }],
    );
    this.#nodes.set(from, { ...source, portsTaken: source.portsTaken.filter((port) => port.by !== slot || !held.has(portKey(port))) });
    this.#nodes.set(to, { ...target, portsTaken: [...target.portsTaken, ...fixed] });
    const mates = this.#kinds.get(kind)!;
    mates[mates.indexOf(task)] = { ...task, node: to };
    this.#refresh(kind, [from, to]);
  }

  /** Two nodes have changed: what has to do with them is looked at anew, everything else only at these two. */
  #refresh(kind: string, changed: readonly string[]): void {
    for (const batch of this.#batches) {
      const { from, tasks, best } = batch;
      if (changed.includes(from) || tasks[0]?.kind === kind || (best && changed.includes(best.to))) {
        batch.best = this.#bestOf(batch, this.#takers);
        continue;
      }
      const other = this.#bestOf(
        batch,
        this.#takers.filter((id) => changed.includes(id)),
      );
      if (other && (!best || other.gain > best.gain)) batch.best = other;
    }
  }

  #bestOf({ from, tasks }: Batch, takers: readonly string[]): Move | undefined {
    const { policy, epvmBase, shareMin } = this.#request;
    const task = tasks[0];
    if (!task) return undefined;
    const { resources } = task.ask;
    const source = this.#nodes.get(from)!;
    const here = marginal(source, resources, -1, policy, epvmBase);
    const least = Math.max(shareMin, noise) * Math.abs(here);
    let best: { readonly target: NodeView; readonly gain: number } | undefined;
    for (const to of takers) {
      const target = this.#nodes.get(to)!;
      const gain = to === from ? 0 : here - marginal(target, resources, 1, policy, epvmBase);
      if (gain > 0 && gain >= least && (!best || gain > best.gain) && this.#mayGo(task, source, target)) best = { target, gain };
    }
    if (!best) return undefined;
    const { gain, target } = best;
    const resource = mostGained(source, target, resources, policy, epvmBase);
    const uses = { fromUse: utilisation(source, resource), toUse: utilisation(target, resource) };
    return { task: task.id, slot: task.slot, from, to: target.id, gain, share: gain / Math.abs(here), resource, ...uses };
  }

  /** Whether the target takes it, and what it wishes for is kept. */
  #mayGo(task: Runner, source: NodeView, target: NodeView): boolean {
    const { ask, kind } = task;
    if (ask.avoid?.includes(target.id)) return false;
    if (ask.maxPerNode !== undefined && this.#mates(kind, ({ id }) => id === target.id) >= ask.maxPerNode) return false;
    const liked = (node: NodeView): boolean => (ask.affinity ?? []).some((wish) => meets(wish, attributeOf(node, wish.attribute)));
    if (liked(source) && !liked(target)) return false;
    const { spread } = ask;
    if (spread !== undefined) {
      const [here, there] = [attributeOf(source, spread), attributeOf(target, spread)];
      const matesOf = (domain: string | undefined): number => this.#mates(kind, (node) => attributeOf(node, spread) === domain);
      if (here !== there && matesOf(there) >= matesOf(here)) return false;
    }
    return recheck(target, ask, []) === undefined;
  }

  #mates(kind: string, within: (node: NodeView) => boolean): number {
    let count = 0;
    for (const task of this.#kinds.get(kind) ?? []) {
      const node = this.#nodes.get(task.node);
      if (node && within(node)) count++;
    }
    return count;
  }
}

function batchesOf(tasks: readonly Runner[]): Batch[] {
  const batches = new Map<string, Batch>();
  for (const task of tasks.toSorted((a, b) => (a.slot === b.slot ? (a.id < b.id ? -1 : 1) : a.slot < b.slot ? -1 : 1))) {
    const { node, ask, kind } = task;
    if (task.stays || ask.onNode !== undefined) continue;
    const key = `${node} ${kind} ${JSON.stringify(ask)}`;
    const batch = batches.get(key);
    if (batch) batch.tasks.push(task);
    else batches.set(key, { from: node, tasks: [task], best: undefined });
  }
  return [...batches.values()];
}

/** The fullest resource of a node. */
function loadOf(node: NodeView): number {
  return ['cpu', 'memory', 'disk', 'slots', ...Object.keys(node.capacity.custom)].reduce(
    (most, resource) => Math.max(most, utilisation(node, resource)),
    0,
  );
}

function isMore(a: Move, b: Move): boolean {
  return a.gain > b.gain || (a.gain === b.gain && a.slot < b.slot);
}

function portKey({ ip, host, protocol }: Pick<PortBinding, 'ip' | 'host' | 'protocol'>): string {
  return `${ip} ${host} ${protocol}`;
}
