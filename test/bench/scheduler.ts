/**
 * How fast the scheduler is, through the pool's thread: from a list of tasks to a plan. Tasks are placed on nodes of four sizes, a third
 * of which have each of three kinds of disk; the plan's tasks stay there, so that the nodes fill up.
 *
 *   npm run bench:scheduler -- [rounds]
 */
import { PerformanceObserver, monitorEventLoopDelay, performance } from 'node:perf_hooks';
import type { Constraint } from '../../src/core/constraint.ts';
import { limitsDefault } from '../../src/core/limits.ts';
import type { Ask, NodeView, PolicyName, ScoreRequest, TaskGroup } from '../../src/core/placement.ts';
import { seededRandom } from '../../src/core/random.ts';
import type { Resources } from '../../src/core/resources.ts';
import { openPool } from '../../src/pool/pool.ts';
import { NodeTable } from '../../src/scheduling/node-table.ts';
import { median } from './figures.ts';

const rounds = Number(process.argv[2] ?? 5);
const GiB = 2 ** 30;
const disks = ['hdd', 'ssd', 'nvme'];

function amounts(cpu: number, memoryBytes: number): Resources {
  return { cpu, memoryBytes, diskBytes: 0, custom: {} };
}

function nodeAt(index: number): NodeView {
  const cores = [8, 16, 32, 64][index % 4]!;
  return {
    id: `id-${index}`,
    name: `node-${index}`,
    dc: `dc${index % 3}`,
    labels: { disk: disks[index % 3]!, rack: `r${index % 40}` },
    os: 'linux',
    arch: 'x64',
    state: 'ready',
    eligible: true,
    capacity: amounts(cores, cores * 4 * GiB),
    reserved: amounts(0, 0),
    used: amounts(cores * ((index * 7) % 10) * 0.02, cores * GiB * ((index * 3) % 10) * 0.05),
    tasks: 0,
    slotsMax: 100_000,
    portsIp: '127.0.0.1',
    portRange: { from: 20_000, to: 29_999 },
    portsTaken: [],
  };
}

const fast: Constraint = { text: 'label.disk != hdd', attribute: 'label.disk', operator: '!=', values: ['hdd'] };
const amd: Constraint = { text: 'arch == x64', attribute: 'arch', operator: '==', values: ['x64'] };

/** A shape of work: groups of identical tasks. */
interface Shape {
  readonly name: string;
  readonly nodes: number;
  readonly groups: (random: () => number) => readonly TaskGroup[];
  readonly policy?: PolicyName;
  /** Placements a second, where there is a goal. */
  readonly goal?: number;
}

function tasksOf(job: string, count: number): TaskGroup['tasks'] {
  return Array.from({ length: count }, (_, at) => ({ id: `${job}-${at}`, slot: `${job}/t.${at + 1}` }));
}

function identical(jobs: number, each: number, constrained: boolean): Shape['groups'] {
  return (random) =>
    Array.from({ length: jobs }, (_, job) => ({
      ask: askOf(amounts(0.01 + 0.01 * Math.floor(random() * 4), GiB / 64), constrained),
      tasks: tasksOf(`job${job}`, each),
    }));
}

function different(tasks: number, constrained: boolean): Shape['groups'] {
  return (random) =>
    Array.from({ length: tasks }, (_, at) => ({
      ask: askOf(amounts(0.01 + random() * 0.1, Math.round((0.1 + random()) * (GiB / 32))), constrained),
      tasks: tasksOf(`one${at}`, 1),
    }));
}

function askOf(resources: Resources, constrained: boolean): Ask {
  return { resources, datacenters: [], ports: [], ...(constrained ? { constraints: [fast, amd] } : {}) };
}

const shapes: readonly Shape[] = [
  ...[1_000, 5_000, 10_000].flatMap((nodes): Shape[] => [
    { name: '10 jobs of 1,000 identical', nodes, groups: identical(10, 1_000, false) },
    {
      name: '10 jobs of 1,000 identical, constrained',
      nodes,
      groups: identical(10, 1_000, true),
      ...(nodes === 5_000 ? { goal: 500_000 } : {}),
    },
    { name: '10,000 all different', nodes, groups: different(10_000, false) },
    { name: '10,000 all different, constrained', nodes, groups: different(10_000, true), ...(nodes === 5_000 ? { goal: 25_000 } : {}) },
  ]),
  { name: '1 job of 1,000 identical', nodes: 100_000, groups: identical(1, 1_000, false), goal: 50_000 },
  { name: '10,000 all different', nodes: 100_000, groups: different(10_000, false) },
  // kube scheduler_perf's SchedulingBasic: 5,000 nodes, pods of one kind.
  { name: 'scheduler_perf: 10,000 pods', nodes: 5_000, groups: identical(1, 10_000, false) },
  { name: 'scheduler_perf: 50,000 pods', nodes: 5_000, groups: identical(5, 10_000, false) },
  ...(['roundrobin', 'spread', 'binpack'] as const).flatMap((policy): Shape[] => [
    { name: `${policy}: 10 jobs of 1,000 identical, constrained`, nodes: 5_000, groups: identical(10, 1_000, true), policy },
    { name: `${policy}: 10,000 all different, constrained`, nodes: 5_000, groups: different(10_000, true), policy },
  ]),
];

const quiet = {
  debug: () => {},
  info: () => {},
  warn: (text: string) => console.error(text),
  error: (text: string) => console.error(text),
};
const pool = openPool({ limits: { ...limitsDefault, poolIdleMs: 600_000 }, log: quiet });

/** Garbage collections of the main thread that stopped it: told apart, since they come when they come. */
let collectedMs = 0;
new PerformanceObserver((list) => {
  for (const { duration } of list.getEntries()) collectedMs = Math.max(collectedMs, duration);
}).observe({ entryTypes: ['gc'] });

/** One batch's figures. */
interface Taken {
  readonly ms: number;
  readonly placed: number;
  /** The longest time the main thread served nobody meanwhile. */
  readonly blockedMs: number;
}

async function take(table: NodeTable, { groups, policy = 'epvm' }: Shape, random: () => number): Promise<Taken> {
  const { epvmBase, affinityWeight, spreadWeight, reasonsMax } = limitsDefault;
  const tasks = groups(random);
  const request: ScoreRequest = { table, groups: tasks, policy, epvmBase, affinityWeight, spreadWeight, cursor: -1, reasonsMax };
  const delay = monitorEventLoopDelay({ resolution: 1 });
  await new Promise((resolve) => setTimeout(resolve, 20));
  delay.enable();
  await new Promise((resolve) => setTimeout(resolve, 5));
  delay.reset();
  const beganAt = performance.now();
  const plan = await pool.score(request);
  const ms = performance.now() - beganAt;
  await new Promise((resolve) => setTimeout(resolve, 5));
  delay.disable();
  return { ms, placed: plan.placements.length, blockedMs: delay.max / 1e6 };
}

function rate(perSecond: number): string {
  return Math.round(perSecond).toLocaleString('en').padStart(11);
}

const tables = new Map<number, NodeTable>();
console.log(`placements a second, medians of ${rounds} batches; µs a placement; the longest block of the main thread`);
for (const shape of shapes) {
  let table = tables.get(shape.nodes);
  if (table === undefined)
    tables.set(shape.nodes, (table = NodeTable.of(Array.from({ length: shape.nodes }, (_, index) => nodeAt(index)))));
  const random = seededRandom(1);
  const taken: Taken[] = [];
  // The first ones warm the thread up.
  for (let round = -2; round < rounds; round++) {
    collectedMs = 0;
    const one = await take(table, shape, random);
    if (round >= 0) taken.push(one);
  }
  const ms = median(taken.map((one) => one.ms));
  const { placed } = taken[0]!;
  const blocked = Math.max(...taken.map(({ blockedMs }) => blockedMs));
  const goal =
    shape.goal === undefined ? '' : `  goal ${shape.goal.toLocaleString('en')}: x ${(placed / (ms / 1_000) / shape.goal).toFixed(2)}`;
  const nodes = `${shape.nodes.toLocaleString('en')} nodes`.padStart(13);
  console.log(
    `${nodes}  ${rate(placed / (ms / 1_000))}/s  ${((ms * 1_000) / placed).toFixed(2).padStart(7)} µs  ${blocked.toFixed(1).padStart(5)} ms  ${shape.name}${goal}`,
  );
}
await pool.close();
