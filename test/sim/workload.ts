/** What users do in a random run, and the dice that say when. */
import type { JobSpec, TaskSpec, UpdateSpec } from '../../src/core/job.ts';
import type { Random } from '../../src/ports/ambient.ts';
import type { Cluster } from './cluster.ts';
import { batch, quickCheck, service, taskSpec } from './scripts.ts';

/** Chance, put to use. */
export interface Dice {
  readonly random: Random;
  between(least: number, most: number): number;
  pick<T>(choices: readonly T[]): T;
  chance(share: number): boolean;
}

/** Dice of a random source. */
export function diceOf(random: Random): Dice {
  const between = (least: number, most: number): number => least + Math.floor(random() * (most - least + 1));
  return { random, between, pick: (choices) => choices[between(0, choices.length - 1)]!, chance: (share) => random() < share };
}

const jobNames = ['shop', 'front', 'clinic', 'ported', 'crunch', 'nightly', 'wrong', 'rolled', 'chain', 'agents', 'many'] as const;

/** How a job of several instances is updated. */
function anyUpdate(dice: Dice): UpdateSpec {
  const order = dice.pick([undefined, 'start-first', 'stop-first'] as const);
  const update = { parallel: dice.between(1, 3), healthyForMs: dice.pick([0, 500]), deadlineMs: dice.pick([8_000, 60_000]), canary: 0 };
  return { ...update, onFailure: dice.pick(['rollback', 'rollback', 'continue'] as const), ...(order === undefined ? {} : { order }) };
}

/** A job of three tasks, each of which waits for the one before it. */
function chain(dice: Dice, changes: Partial<TaskSpec>): Readonly<Record<string, TaskSpec>> {
  const quick = { ...changes, restart: { ...changes.restart!, on: 'failure' as const } };
  return {
    init: taskSpec('service', dice.pick(['completes:300', 'tries:1']), 1, quick),
    db: taskSpec('service', 'well:400', 1, { ...changes, health: quickCheck, dependsOn: { init: 'completed' } }),
    web: taskSpec('service', 'runs', dice.between(1, 2), { ...changes, dependsOn: { db: dice.pick(['healthy', 'started'] as const) } }),
  };
}

/** A job of that name, at random. @param priority tells it from all others */
function specFor(dice: Dice, name: (typeof jobNames)[number], priority: number): JobSpec {
  const changes: Partial<TaskSpec> & { priority: number } = {
    priority,
    env: { VERSION: String(dice.between(1, 3)) },
    stopGraceMs: dice.pick([500, 2_000]),
    restart: { on: 'always', attempts: dice.between(1, 4), withinMs: 20_000, delayMs: 200, backoff: 2, delayMsMax: 1_000 },
  };
  const failure = { ...changes, restart: { ...changes.restart!, on: 'failure' as const } };
  switch (name) {
    case 'shop':
      return service(name, dice.pick(['runs', 'slow:400', 'flaky:1', 'checked:600']), dice.between(0, 4), changes);
    case 'front':
      return service(name, dice.pick(['runs', 'stubborn', 'lingers:700', 'missing']), dice.between(1, 2), changes);
    case 'clinic': {
      const terms = { ...quickCheck, startPeriodMs: dice.pick([0, 1_000]) };
      return service(name, dice.pick(['well:700', 'sickly:1', 'runs']), dice.between(1, 2), { ...changes, health: terms });
    }
    case 'ported':
      return service(name, 'runs', 1, { ...changes, ports: [{ host: 8_080, container: 80, protocol: 'tcp' }] });
    case 'crunch':
      return batch(name, dice.pick(['completes:500', 'completes:4000', 'tries:2']), dice.between(1, 5), failure);
    case 'nightly':
      return batch(name, dice.pick(['completes:1500', 'slow:300']).replace('slow:300', 'completes:10'), dice.between(1, 2), failure);
    case 'rolled':
      return { ...service(name, dice.pick(['runs', 'runs', 'well:300', 'missing']), dice.between(1, 5), changes), update: anyUpdate(dice) };
    case 'chain': {
      const { priority: _, ...task } = changes;
      return { ...service(name, 'runs', 1, { priority }), tasks: chain(dice, task) };
    }
    case 'agents':
      return { ...service(name, 'runs', 1, changes), type: 'system', update: anyUpdate(dice) };
    case 'many':
      return { ...batch(name, 'completes:700', dice.between(2, 8), failure), parallelism: dice.between(1, 3) };
    default:
      return batch(name, dice.pick(['missing', 'fails:300']), 1, failure);
  }
}

/** The users of a cluster. */
export interface Users {
  /** One of them asks for something, and waits for the answer before the next asks about the same job. */
  ask(): void;
}

/** Users that ask at random. */
export function createUsers(cluster: Cluster, dice: Dice): Users {
  /** Jobs with a request under way. */
  const busy = new Set<string>();
  let specs = 0;
  const request = (name: (typeof jobNames)[number]): Promise<{ readonly ok: boolean; readonly code?: string }> => {
    const what = dice.between(1, 10);
    if (what <= 6) return cluster.submit(specFor(dice, name, ++specs));
    if (what === 7) return cluster.stop(name, dice.chance(0.3));
    if (what === 8) return cluster.startJob(name);
    if (what === 9 && name !== 'wrong') return cluster.ask((control) => control.restartJob(name));
    const tasks = cluster.tasksOf(name);
    return tasks.length === 0 ? cluster.status() : cluster.stopTask(dice.pick(tasks).id);
  };
  return {
    ask() {
      const name = dice.pick(jobNames);
      if (busy.has(name)) return;
      busy.add(name);
      void request(name).then((answer) => {
        busy.delete(name);
        if (!answer.ok && !expected.has(answer.code!)) cluster.world.blame([`a request was answered "${answer.code}"`]);
      });
    },
  };
}

/** What a request may be answered with in times of trouble. */
const expected: ReadonlySet<string> = new Set(['unreachable', 'store-failed', 'not-leading', 'not-found', 'conflict', 'busy']);
