/**
 * What users were told, job by job. A request that got its answer counts from then on; one whose answer was lost may have been taken
 * or not. So there is a set of ways a job may be, and it must always be in one of them.
 */
import type { JobRecord } from '../../src/core/job.ts';
import type { Problems } from './checkers.ts';

/** What a user asks of a job. A spec is known by its priority: each submit of the simulation has one of its own. */
export type Wish =
  | { readonly kind: 'submit'; readonly job: string; readonly spec: number }
  | { readonly kind: 'stop'; readonly job: string; readonly purge: boolean }
  | { readonly kind: 'start'; readonly job: string };

/** How a request ended for who made it. */
export type Heard = 'done' | 'refused' | 'unknown';

/** A job as far as its user cares. */
interface Way {
  readonly spec: number;
  readonly stopped: boolean;
  readonly purged: boolean;
}

type Ways = ReadonlyMap<string, Way | undefined>;

const absent: Ways = new Map([['none', undefined]]);

function ways(all: Iterable<Way | undefined>): Ways {
  return new Map([...all].map((way) => [way ? `${way.spec} ${way.stopped} ${way.purged}` : 'none', way]));
}

/** A job that is to be forgotten may be so at any time. */
function after(wish: Wish, before: Ways): Ways {
  const results: (Way | undefined)[] = [];
  for (const way of before.values()) {
    if (wish.kind === 'submit') results.push({ spec: wish.spec, stopped: false, purged: false });
    else if (way === undefined) results.push(undefined);
    else if (wish.kind === 'start') results.push({ ...way, stopped: false, purged: false });
    else results.push({ ...way, stopped: true, purged: wish.purge || way.purged });
  }
  return ways(results.flatMap((way) => (way?.purged ? [way, undefined] : [way])));
}

function either(a: Ways, b: Ways): Ways {
  return new Map([...a, ...b]);
}

/** Keeps what was promised. */
export function createPromises() {
  const jobs = new Map<string, Ways>();
  /** Jobs that went back to an earlier spec by themselves since the last submit: which one is not looked at. */
  const rolledBack = new Set<string>();
  return {
    /** A request is on its way. @returns to be called with how it ended */
    made(wish: Wish): (heard: Heard) => void {
      const before = jobs.get(wish.job) ?? absent;
      const done = after(wish, before);
      jobs.set(wish.job, either(before, done));
      return (heard) => {
        if (heard === 'done') jobs.set(wish.job, done);
        if (heard !== 'refused' && wish.kind === 'submit') rolledBack.delete(wish.job);
        else if (heard === 'refused') jobs.set(wish.job, before);
      };
    },
    /** Whether all jobs are as they may be. */
    check(actual: ReadonlyMap<string, JobRecord>): Problems {
      const problems: string[] = [];
      for (const [name, allowed] of jobs) {
        const job = actual.get(name);
        if (job?.deployment?.rollbackOf !== undefined) rolledBack.add(name);
        if (job && rolledBack.has(name) && isAllowedBut(allowed, job)) continue;
        const key = job ? `${job.spec.priority} ${job.stopWanted} ${job.purgeWanted}` : 'none';
        if (!allowed.has(key))
          problems.push(`job ${name} is "${key}" (spec, stopped, purged), and was promised as "${[...allowed.keys()].join('" or "')}"`);
      }
      for (const name of actual.keys()) if (!jobs.has(name)) problems.push(`nobody asked for job ${name}`);
      return problems;
    },
  };
}

/** Whether a job is as it may be for all but its spec. */
function isAllowedBut(allowed: Ways, { stopWanted, purgeWanted }: JobRecord): boolean {
  return [...allowed.values()].some((way) => way?.stopped === stopWanted && way.purged === purgeWanted);
}
