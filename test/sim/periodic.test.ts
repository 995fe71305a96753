/** Periodic jobs under a manager that dies again and again: no tick runs twice, and none is passed over in silence. */
import assert from 'node:assert/strict';
import test from 'node:test';
import type { ClusterEvent } from '../../src/core/events.ts';
import type { JobRecord, JobSpec, ScheduleSpec } from '../../src/core/job.ts';
import { nextTick } from '../../src/core/ticks.ts';
import { Cluster } from './cluster.ts';
import { randomFor } from './process.ts';
import { jobSpec, scriptOf } from './scripts.ts';
import { diceOf, type Dice } from './workload.ts';

const seeds = 10;
/** How long the manager has trouble, and how long it has none then. */
const troubleMs = 40_000;
const quietMs = 15_000;
const overlaps = ['skip', 'queue', 'replace'] as const;

/** A job of that overlap; its priority tells its spec from others. */
function periodic(dice: Dice, overlap: ScheduleSpec['overlap'], priority: number): JobSpec {
  const cron = dice.pick(['* * * * * *', '*/2 * * * * *', '*/5 * * * * *']);
  const schedule: ScheduleSpec = { cron, timezone: 'UTC', overlap, missed: dice.pick(['skip', 'once', 'all']) };
  const image = dice.pick(['completes:100', 'completes:1500', 'completes:4000', 'fails:300']);
  return { ...jobSpec(overlap, 'periodic', image, dice.between(1, 2), { priority, stopGraceMs: 500 }), schedule };
}

/** What goes wrong with a manager. */
function trouble({ manager, world }: Cluster, dice: Dice): void {
  const { process } = manager;
  if (!process?.alive) return;
  const faults = [
    () => manager.kill(),
    () => {
      let left = dice.between(1, 8);
      world.diesAt = (step) => step.process === manager.name && --left <= 0;
    },
    () => {
      const kind = dice.pick(['refused', 'unanswered'] as const);
      world.writeFault = (name) => {
        if (name !== manager.name) return undefined;
        world.writeFault = () => undefined;
        return kind;
      };
    },
    () => {
      process.freeze();
      world.clock.setTimeout(() => process.thaw(), dice.between(100, 8_000));
    },
  ];
  dice.pick(faults)();
}

/** The ticks that an event is about. */
function ticksOf({ cause }: ClusterEvent, schedule: ScheduleSpec): number[] {
  const [first, last = first] = [...cause.split(': ')[0]!.matchAll(/\d{4}-\S+Z/g)].map(([iso]) => Date.parse(iso));
  const ticks: number[] = [];
  for (let tick: number | undefined = first; tick !== undefined && tick <= last!; tick = nextTick(schedule, tick)) ticks.push(tick);
  return ticks;
}

/** Each tick of a job has had one fate. */
function checkFates(job: JobRecord, submittedAt: number, events: readonly ClusterEvent[]): number {
  const schedule = job.spec.schedule!;
  const named = (event: string): number[] =>
    events.filter((one) => one.event === event && one.job === job.name).flatMap((one) => ticksOf(one, schedule));
  const [ran, skipped] = [named('tick.due'), named('tick.skipped')];
  assert.equal(new Set(ran).size, ran.length, `${job.name}: a tick has run twice`);
  const fates = [...ran, ...skipped, ...job.ticks!.queued].toSorted((a, b) => a - b);
  const expected: number[] = [];
  for (let tick = nextTick(schedule, submittedAt)!; tick <= job.ticks!.through; tick = nextTick(schedule, tick)!) expected.push(tick);
  assert.deepEqual(fates, expected, `${job.name}: each tick runs, waits or is skipped, and only one of these`);
  return ran.length;
}

async function run(seed: number): Promise<{ readonly ran: number; readonly crashes: number }> {
  const dice = diceOf(randomFor(seed, 'periodic'));
  /** Ids of the tasks that had a container, by slot and tick. */
  const made = new Map<string, Set<string>>();
  const cluster = new Cluster({
    seed,
    workers: ['w1', 'w2'],
    limits: { measureMs: 60_000, measureTasksMs: 60_000, ticksQueuedMax: 5, tickLateMs: dice.pick([1_000, 5_000]) },
    scripts: (work) => {
      const { id, slot, tick } = work.order;
      assert.ok(tick !== undefined, `${slot} runs without a tick`);
      const key = `${slot} ${tick}`;
      made.set(key, (made.get(key) ?? new Set()).add(id));
      return scriptOf(work);
    },
  });
  await cluster.start();
  const { world, manager } = cluster;
  const submittedAt = new Map<string, number>();
  for (const [index, overlap] of overlaps.entries()) {
    const answer = await cluster.finish(cluster.submit(periodic(dice, overlap, index + 1)));
    assert.ok(answer.ok);
    submittedAt.set(overlap, answer.value.job.createdAt);
  }
  let crashes = 0;
  const until = world.clock.monotonic() + troubleMs;
  while (world.clock.monotonic() < until) {
    if (!manager.process?.alive) {
      crashes++;
      world.diesAt = () => false;
      cluster.keepStarting(manager);
    } else if (dice.chance(0.7)) trouble(cluster, dice);
    await cluster.pass(dice.between(0, 4_000));
  }
  world.diesAt = () => false;
  world.writeFault = () => undefined;
  cluster.keepStarting(manager);
  await cluster.until('somebody leads', () => cluster.leads);
  await cluster.pass(quietMs);
  const { jobs, events } = manager.mirror;
  let ran = 0;
  for (const job of jobs.values()) {
    ran += checkFates(job, submittedAt.get(job.name)!, events);
    assert.ok(job.ticks!.through > world.clock.now() - 6_000, `${job.name} goes on`);
  }
  for (const [slot, ids] of made) assert.equal(ids.size, 1, `${slot}: ${[...ids].join(' and ')} ran`);
  return { ran, crashes };
}

test(`whenever the manager dies, each tick of a periodic job runs at most once or is skipped with a reason (${seeds} seeds)`, async () => {
  let [ran, crashes] = [0, 0];
  for (let seed = 1; seed <= seeds; seed++) {
    try {
      const one = await run(seed);
      ran += one.ran;
      crashes += one.crashes;
    } catch (thrown) {
      assert.fail(`seed ${seed}: ${thrown instanceof Error ? thrown.stack : String(thrown)}`);
    }
  }
  assert.ok(ran > 10 * seeds && crashes > 2 * seeds, `only ${ran} runs and ${crashes} crashes`);
});
