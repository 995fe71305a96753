/**
 * Ticks: when a periodic job runs, and whether a job rests. A tick is a time, ms since the epoch, that a job's schedule names. Each is
 * considered once: it runs, waits, or is skipped, and that it was is written down with what became of it.
 */
import { parseCron, type CronTimes } from './cron.ts';
import { isoOrNull, isoTime } from './iso-time.ts';
import type { JobRecord, JobSpec, ScheduleSpec, Ticks } from './job.ts';
import type { Limits } from './limits.ts';

/** Whether a job rests: a parameterized one always does, a periodic one between its runs. */
export function isDormant({ spec, ticks, run }: JobRecord): boolean {
  return spec.type === 'parameterized' || (spec.type === 'periodic' && ticks?.run !== run);
}

/** A tick that does not run, or all of them from one up to another. */
export interface SkippedTick {
  readonly at: number;
  readonly until?: number;
  /** For people. */
  readonly why: string;
}

/** What is to be done about the ticks of a job. */
export interface TickPlan {
  /** The tick whose run begins. */
  readonly run?: number;
  /** Whether the run that goes on is stopped for it. */
  readonly replaces: boolean;
  /** Ticks that wait from now on. */
  readonly added: readonly number[];
  readonly skipped: readonly SkippedTick[];
  /** What the job has done with its ticks then. */
  readonly through: number;
  readonly queued: readonly number[];
  /** The first tick after those; undefined: there is none. */
  readonly next: number | undefined;
}

/** By what ticks are judged. */
export interface TickTerms {
  /** Ms since the epoch. */
  readonly now: number;
  /** Whether a run of the job goes on. */
  readonly isBusy: boolean;
  readonly limits: Pick<Limits, 'tickLateMs' | 'ticksQueuedMax' | 'ticksNotedMax'>;
}

const read = new WeakMap<ScheduleSpec, CronTimes['next']>();

/** The first tick of a schedule after a time. One that is not understood, as of a version with other rules, has none. */
export function nextTick(schedule: ScheduleSpec, afterMs: number): number | undefined {
  let next = read.get(schedule);
  if (next === undefined) {
    const parsed = parseCron(schedule.cron, schedule.timezone);
    read.set(schedule, (next = parsed.ok ? parsed.next : () => undefined));
  }
  return next(afterMs);
}

/** When a job's next run is due; undefined for one that has none before it. */
export function nextRunAt({ spec, ticks, stopWanted }: JobRecord): number | undefined {
  if (spec.schedule === undefined || ticks === undefined || stopWanted) return undefined;
  return ticks.queued[0] ?? nextTick(spec.schedule, ticks.through);
}

/** What `status -o json` shows of a periodic job's ticks; null of other jobs. */
export interface TicksJson {
  /** The tick of its next run. */
  readonly nextTick: string | null;
  /** The tick that its newest run is for. */
  readonly lastTick: string | null;
}

/** A job's ticks as JSON. */
export function ticksJson(job: JobRecord): TicksJson {
  return { nextTick: isoOrNull(nextRunAt(job)), lastTick: isoOrNull(job.ticks?.at) };
}

/**
 * The ticks of a job whose version changes. What a new schedule would have named in the past is nobody's, nor is what passed while the
 * job was stopped.
 * @param known the job before
 * @param now ms since the epoch
 */
export function ticksUnder(
  known: Pick<JobRecord, 'spec' | 'ticks' | 'stopWanted'> | undefined,
  spec: JobSpec,
  now: number,
): Ticks | undefined {
  const { schedule } = spec;
  if (schedule === undefined) return undefined;
  const before = known?.spec.schedule;
  if (known?.ticks === undefined || before === undefined) return { through: now, queued: [] };
  const goesOn = before.cron === schedule.cron && before.timezone === schedule.timezone && !known.stopWanted;
  return goesOn ? known.ticks : { ...known.ticks, through: now, queued: [] };
}

/** What is to be done about a job's ticks up to now. */
export function planTicks(schedule: ScheduleSpec, ticks: Ticks, terms: TickTerms): TickPlan {
  const planning = new Planning(schedule, ticks, terms);
  planning.takeMissed();
  planning.takeDue();
  return planning.plan();
}

class Planning {
  readonly #schedule: ScheduleSpec;
  readonly #terms: TickTerms;
  readonly #skipped: SkippedTick[] = [];
  readonly #waited: ReadonlySet<number>;
  #queued: readonly number[];
  #through: number;
  #run: number | undefined;
  #isBusy: boolean;
  /** The run that stands in the way of another. */
  #holder: string;

  constructor(schedule: ScheduleSpec, ticks: Ticks, terms: TickTerms) {
    this.#schedule = schedule;
    this.#terms = terms;
    this.#waited = new Set(ticks.queued);
    this.#queued = ticks.queued;
    this.#through = ticks.through;
    this.#isBusy = terms.isBusy;
    this.#holder = ticks.at === undefined ? 'an earlier run' : `the run of tick ${isoTime(ticks.at)}`;
    const [first, ...rest] = ticks.queued;
    if (terms.isBusy || first === undefined) return;
    this.#begin(first);
    this.#queued = rest;
  }

  /** Those that nobody saw when they were due. */
  takeMissed(): void {
    const { now, limits } = this.#terms;
    const first = this.#next();
    const end = now - limits.tickLateMs;
    if (first === undefined || first >= end) return;
    const last = this.#lastBefore(end, first);
    const why = 'nobody led when it was due';
    if (this.#schedule.missed === 'all') this.#queueAll(first, last);
    else if (this.#schedule.missed === 'skip') this.#skipAll(first, last, why);
    else {
      if (last > first) this.#skipAll(first, this.#lastBefore(last, first), `${why}, and a later one runs`);
      this.#offer(last);
    }
    this.#through = last;
  }

  /** Those that are due: as many of them as can be told in one go. */
  takeDue(): void {
    const { now, limits } = this.#terms;
    for (let looked = 0; looked < Math.max(1, limits.ticksNotedMax); looked++) {
      const tick = this.#next();
      if (tick === undefined || tick > now) return;
      this.#offer(tick);
      this.#through = tick;
    }
  }

  plan(): TickPlan {
    const run = this.#run;
    return {
      ...(run === undefined ? {} : { run }),
      replaces: run !== undefined && this.#terms.isBusy,
      added: this.#queued.filter((tick) => !this.#waited.has(tick)),
      skipped: this.#skipped,
      through: this.#through,
      queued: this.#queued,
      next: this.#next(),
    };
  }

  #next(): number | undefined {
    return nextTick(this.#schedule, this.#through);
  }

  #begin(tick: number): void {
    this.#run = tick;
    this.#isBusy = true;
    this.#holder = `the run of tick ${isoTime(tick)}`;
  }

  #skip(at: number, why: string): void {
    this.#skipped.push({ at, why });
  }

  /** One tick whose turn it is, by what the schedule says of ticks that meet a run. */
  #offer(tick: number): void {
    if (!this.#isBusy) return this.#begin(tick);
    if (this.#schedule.overlap === 'queue') return this.#queue(tick);
    if (this.#schedule.overlap === 'skip') return this.#skip(tick, `${this.#holder} goes on`);
    const overtaken = [...(this.#run === undefined ? [] : [this.#run]), ...this.#queued];
    for (const earlier of overtaken) this.#skip(earlier, `tick ${isoTime(tick)} came before its run began`);
    this.#queued = [];
    this.#begin(tick);
  }

  #queue(tick: number): void {
    if (this.#queued.length < this.#terms.limits.ticksQueuedMax) this.#queued = [...this.#queued, tick];
    else this.#skip(tick, this.#fullText());
  }

  #fullText(): string {
    return `${this.#holder} goes on, and ${this.#queued.length} ticks wait already`;
  }

  /** All of them, one after the other, as far as there is room. */
  #queueAll(first: number, last: number): void {
    let tick: number | undefined = first;
    for (; tick !== undefined && tick <= last; tick = nextTick(this.#schedule, tick)) {
      if (!this.#isBusy) this.#begin(tick);
      else if (this.#queued.length < this.#terms.limits.ticksQueuedMax) this.#queued = [...this.#queued, tick];
      else return this.#skipAll(tick, last, this.#fullText());
    }
  }

  /** Ticks from one to another: each by itself, past some all in one. */
  #skipAll(first: number, last: number, why: string): void {
    let tick: number | undefined = first;
    for (let noted = 0; tick !== undefined && tick <= last; noted++) {
      if (noted === this.#terms.limits.ticksNotedMax && tick < last) {
        this.#skipped.push({ at: tick, until: last, why });
        return;
      }
      this.#skip(tick, why);
      tick = nextTick(this.#schedule, tick);
    }
  }

  /** The last tick before a time. @param first one that is before it */
  #lastBefore(endMs: number, first: number): number {
    let [tick, none] = [first, endMs];
    // There is none from `none` on; and no two in one second.
    while (none - tick > 1_000) {
      const between = Math.floor((tick + none) / 2);
      const later = nextTick(this.#schedule, between);
      if (later !== undefined && later < endMs) tick = later;
      else none = between + 1;
    }
    return tick;
  }
}
