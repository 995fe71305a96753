/** Random runs: a workload and faults drawn from a seed, then a healthy time in which all must come right. */
import { holdsNode } from '../../src/core/task.ts';
import { Cluster } from './cluster.ts';
import { fault, type Run } from './faults.ts';
import { randomFor } from './process.ts';
import { cpuOfTask, fateOf } from './scripts.ts';
import { createUsers, diceOf, type Dice } from './workload.ts';
import type { PlantedBug } from './world.ts';

/** How long things last in a run, ms of simulated time. */
const times = { faultsLeast: 12_000, faultsMost: 35_000, pauseMost: 1_500, quiet: 5_000 };

/** All faults end, and every host comes up again. */
async function heal(run: Run): Promise<void> {
  const { cluster, cures } = run;
  const { world } = cluster;
  for (const cure of cures) cure();
  world.network.heal();
  world.diesAt = () => false;
  world.writeFault = () => undefined;
  await cluster.until('whoever leaves has left', () => run.leaving.size === 0);
  for (const host of cluster.hosts) cluster.keepStarting(host);
}

function clusterFor(seed: number, dice: Dice, planted: PlantedBug | undefined): Cluster {
  const few = dice.chance(0.5);
  return new Cluster({
    seed,
    ...(planted === undefined ? {} : { planted }),
    workers: ['w1', 'w2', 'w3', 'w4'].slice(0, dice.between(1, 4)),
    dials: dice.chance(0.2) ? 'manager' : 'workers',
    networkMs: dice.pick([
      [0, 0],
      [0, 3],
      [1, 60],
    ]),
    scoreMs: dice.pick([
      [0, 0],
      [0, 5],
      [20, 300],
    ]),
    limits: {
      measureMs: 60_000,
      measureTasksMs: 60_000,
      sweepMs: 4_000,
      orphanGraceMs: 2_000,
      replaceDelayMs: 300,
      replaceDelayMsMax: 3_000,
      ...(few ? { finalRecordsPerSlotMax: 2, jobVersionsMax: 2, workerFinalTasksMax: 3 } : {}),
    },
    // What was killed or removed by hand may have used up its attempts.
    fate: (slot) => (fateOf(slot) === 'completes' ? 'ends' : fateOf(slot)),
  });
}

/** One run. @param planted a bug it is to find @throws with the seed when something is wrong */
export async function runSeed(seed: number, planted?: PlantedBug): Promise<Cluster> {
  const dice = diceOf(randomFor(seed, 'chaos'));
  const cluster = clusterFor(seed, dice, planted);
  const run: Run = { cluster, dice, users: createUsers(cluster, dice), cures: new Set(), leaving: new Set() };
  for (const host of cluster.hosts) cluster.keepStarting(host);
  const until = dice.between(times.faultsLeast, times.faultsMost);
  const calm = dice.chance(0.2);
  while (cluster.world.clock.monotonic() < until) {
    if (dice.chance(0.5)) run.users.ask();
    else if (!calm) fault(run);
    await cluster.pass(dice.between(0, times.pauseMost));
  }
  await heal(run);
  await cluster.settled();
  await cluster.pass(times.quiet);
  cluster.forgetful.clear();
  const restless = cluster.unsettled();
  if (restless.length > 0) cluster.fail(`it had settled, and did not stay so:\n${restless.join('\n')}`);
  await checkLoads(cluster);
  await forgetAll(cluster);
  await checkLoads(cluster);
  return cluster;
}

/** What the manager counts as taken on each node is what its records take. */
async function checkLoads(cluster: Cluster): Promise<void> {
  const answer = await cluster.finish(cluster.ask((control) => control.nodes()));
  if (!answer.ok) return cluster.fail(`the nodes could not be listed: ${answer.code}`);
  for (const { id, name, tasks, reserved } of answer.value) {
    const there = [...cluster.manager.mirror.tasks.values()].filter((task) => task.node === id && holdsNode(task));
    const cpu = there.length * cpuOfTask;
    if (tasks !== there.length || Math.abs(reserved.cpu - cpu) > 1e-9) {
      cluster.fail(`${name} has ${there.length} tasks that take ${cpu} cores, and is said to have ${tasks} that take ${reserved.cpu}`);
    }
  }
}

/** Everything is stopped and forgotten: nothing of it must be left anywhere. */
async function forgetAll(cluster: Cluster): Promise<void> {
  const { jobs, tasks } = cluster.manager.mirror;
  for (const name of jobs.keys()) {
    const answer = await cluster.finish(cluster.stop(name, true));
    if (!answer.ok) cluster.fail(`job ${name} could not be forgotten: ${answer.code}`);
  }
  const left = (): number => jobs.size + tasks.size + cluster.workers.reduce((sum, { engine }) => sum + engine.containers.size, 0);
  await cluster.until('nothing is left of any job', () => left() === 0, 60_000);
}
