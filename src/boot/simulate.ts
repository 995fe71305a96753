/** Simulations for `cube simulate`: files in, a report out. No node and no manager is needed. */
import { setImmediate } from 'node:timers/promises';
import { problem } from '../core/errors.ts';
import type { Limits } from '../core/limits.ts';
import { seededRandom } from '../core/random.ts';
import type { PaperReport, SimulatedPolicy, SimulationReport, SimulationRun } from '../core/simulation.ts';
import { nearest } from '../core/text.ts';
import { drawTasks } from '../scheduling/simulation/draw.ts';
import { paperFigures, runPaper } from '../scheduling/simulation/epvm-paper.ts';
import type { Scene } from '../scheduling/simulation/model.ts';
import { sceneOf, unitOf } from '../scheduling/simulation/model.ts';
import { simulationPolicies } from '../scheduling/simulation/policies.ts';
import type { SimulationPolicyName } from '../scheduling/simulation/policies.ts';
import { readNodes, readTasks } from '../scheduling/simulation/read.ts';
import { runTasks } from '../scheduling/simulation/run.ts';
import { readSheet } from './sheet.ts';

/** What to simulate. */
export interface SimulateOptions {
  readonly nodesFile: string;
  readonly tasksFile: string;
  /** Names, or `all`. */
  readonly policies: readonly string[];
  /** Percent of the scarce resource that drawn tasks ask for; absent: the tasks of the file once, in their order. */
  readonly fill?: number;
  readonly seeds: number;
  readonly limits: Limits;
}

/** Draws of the openb protocol's seeds begin where those of its authors did. */
const firstSeed = 42;

/** The policies by their names. @throws CubeError `usage` for one that does not exist */
function policiesOf(names: readonly string[]): readonly SimulationPolicyName[] {
  const all = Object.keys(simulationPolicies) as SimulationPolicyName[];
  if (names.includes('all')) return all;
  return names.map((name) => {
    const found = all.find((one) => one === name);
    if (found !== undefined) return found;
    const close = nearest(name, all);
    throw problem('usage', `there is no policy "${name}"${close ? `; did you mean "${close}"?` : ''}`, {
      hint: `there are ${all.join(', ')}, and all`,
    });
  });
}

/** How long others wait for their turn: a Ctrl-C, for one. */
const turnMs = 50;

/** Runs work to its end that yields now and then, in turns. */
async function inTurns<Result>(work: Generator<void, Result>): Promise<Result> {
  let beganAt = performance.now();
  for (;;) {
    const { done, value } = work.next();
    if (done) return value;
    if (performance.now() - beganAt < turnMs) continue;
    await setImmediate();
    beganAt = performance.now();
  }
}

async function runsOf(scene: Scene, policy: SimulationPolicyName, { seeds, fill, limits }: SimulateOptions): Promise<SimulatedPolicy> {
  const runs: SimulationRun[] = [];
  let placements: SimulatedPolicy['placements'];
  for (let at = 0; at < seeds; at++) {
    const seed = firstSeed + at;
    const random = seededRandom(seed);
    const tasks =
      fill === undefined ? scene.tasks.map(({ kind }) => kind) : drawTasks(scene, { fill, random, tasksMax: limits.simulationTasksMax });
    const beganAt = performance.now();
    const { nodes, ...result } = await inTurns(runTasks(scene, tasks, policy, { settings: { epvmBase: limits.epvmBase }, random }));
    const run = { seed, tasks: tasks.length, ...result, ms: performance.now() - beganAt };
    runs.push(run);
    if (fill === undefined && seeds === 1) {
      placements = scene.tasks.map(({ name }, task) => ({ task: name, node: scene.nodes[nodes[task]!]?.name ?? null }));
    }
  }
  return { policy, about: simulationPolicies[policy].about, ...averages(runs), runs, ...(placements ? { placements } : {}) };
}

function averages(runs: readonly SimulationRun[]): Omit<SimulationRun, 'seed'> {
  const mean = (of: (run: SimulationRun) => number): number => runs.reduce((sum, run) => sum + of(run), 0) / runs.length;
  const resources = Object.keys(runs[0]!.utilisation);
  return {
    tasks: mean((run) => run.tasks),
    placed: mean((run) => run.placed),
    unplaced: mean((run) => run.unplaced),
    utilisation: Object.fromEntries(resources.map((name) => [name, mean((run) => run.utilisation[name]!)])),
    fragmentation: mean((run) => run.fragmentation),
    ms: mean((run) => run.ms),
  };
}

/**
 * Runs a load on a cluster by each of some policies. The same files, options and seeds give the same report but for the times.
 * @throws CubeError `usage` for an option that does not fit; `invalid-file` with every place in the files where something is wrong
 */
export async function simulate(options: SimulateOptions): Promise<SimulationReport> {
  const { nodesFile, tasksFile, limits, fill } = options;
  const policies = policiesOf(options.policies);
  const { simulationFileBytesMax, simulationNodesMax, simulationTasksMax, problemsMax } = limits;
  const nodes = readNodes(await readSheet(nodesFile, simulationFileBytesMax), { max: simulationNodesMax, problemsMax });
  const tasks = readTasks(await readSheet(tasksFile, simulationFileBytesMax), { max: simulationTasksMax, problemsMax });
  const scene = sceneOf(nodes, tasks, limits.slotsMax);
  const runs: SimulatedPolicy[] = [];
  for (const policy of policies) runs.push(await runsOf(scene, policy, options));
  return {
    nodes: nodes.length,
    tasks: tasks.length,
    capacity: capacityOf(scene),
    scarce: scene.axes.names[scene.scarce]!,
    fill: fill ?? null,
    policies: runs,
  };
}

function capacityOf({ axes, total }: Scene): Readonly<Record<string, number>> {
  return Object.fromEntries(axes.names.map((name, axis) => [name, total[axis]! / unitOf(axes, axis)]).filter(([, amount]) => amount !== 0));
}

/** Runs the E-PVM paper's simulation. */
export async function simulatePaper(seeds: number): Promise<PaperReport> {
  return { ...(await inTurns(runPaper(seeds))), paper: { ...paperFigures, ratio: paperFigures.roundrobin / paperFigures.epvm } };
}
