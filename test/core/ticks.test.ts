import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';
import { isoTime } from '../../src/core/iso-time.ts';
import type { JobRecord, JobSpec, ScheduleSpec, Ticks } from '../../src/core/job.ts';
import { isDormant, nextRunAt, nextTick, planTicks, ticksUnder, type TickPlan } from '../../src/core/ticks.ts';

const limits = { tickLateMs: 5_000, ticksQueuedMax: 3, ticksNotedMax: 4 };
/** The tick of that minute; all schedules here have one a minute. */
const minute = (count: number): number => Date.UTC(2026, 0, 1) + count * 60_000;

function schedule(changes: Partial<ScheduleSpec> = {}): ScheduleSpec {
  return { cron: '* * * * *', timezone: 'UTC', overlap: 'skip', missed: 'skip', ...changes };
}

function plan(changes: Partial<ScheduleSpec>, ticks: Partial<Ticks>, now: number, isBusy = false): TickPlan {
  return planTicks(schedule(changes), { through: minute(0), queued: [], ...ticks }, { now, isBusy, limits });
}

/** What becomes of each tick, in minutes. */
function fates({ run, replaces, added, skipped, queued, through }: TickPlan) {
  const inMinutes = (at: number): number => (at - minute(0)) / 60_000;
  return {
    ...(run === undefined ? {} : { [replaces ? 'replaces' : 'runs']: inMinutes(run) }),
    ...(skipped.length > 0
      ? { skips: skipped.map(({ at, until }) => (until ? `${inMinutes(at)}-${inMinutes(until)}` : inMinutes(at))) }
      : {}),
    ...(added.length > 0 ? { queues: added.map(inMinutes) } : {}),
    ...(queued.length > added.length ? { wait: queued.slice(0, queued.length - added.length).map(inMinutes) } : {}),
    through: inMinutes(through),
  };
}

test('before its time a tick is let be', () => {
  const early = plan({}, {}, minute(1) - 1);
  assert.deepEqual(fates(early), { through: 0 });
  assert.equal(early.next, minute(1));
});

test('a tick is due at its very time, and runs', () => {
  const due = plan({}, {}, minute(1));
  assert.deepEqual(fates(due), { runs: 1, through: 1 });
  assert.equal(due.next, minute(2));
});

test('a tick that is a little late runs, one that is later was missed', () => {
  assert.deepEqual(fates(plan({}, {}, minute(1) + 5_000)), { runs: 1, through: 1 });
  assert.deepEqual(fates(plan({}, {}, minute(1) + 5_001)), { skips: [1], through: 1 });
});

const onBusy: readonly [ScheduleSpec['overlap'], object][] = [
  ['skip', { skips: [1], through: 1 }],
  ['queue', { queues: [1], through: 1 }],
  ['replace', { replaces: 1, through: 1 }],
];
for (const [overlap, expected] of onBusy) {
  test(`a tick that meets a run does what it is told to: ${overlap}`, () => {
    assert.deepEqual(fates(plan({ overlap }, { at: minute(0) }, minute(1), true)), expected);
  });
}

test('a tick that is skipped for a run names it', () => {
  const [skipped] = plan({}, { at: minute(0) }, minute(1), true).skipped;
  assert.equal(skipped!.why, `the run of tick ${isoTime(minute(0))} goes on`);
  assert.equal(plan({}, {}, minute(1), true).skipped[0]!.why, 'an earlier run goes on');
});

test('what waits runs first, in order, when the run before has ended', () => {
  assert.deepEqual(fates(plan({ overlap: 'queue' }, { queued: [minute(-2), minute(-1)] }, minute(0) + 1)), {
    runs: -2,
    wait: [-1],
    through: 0,
  });
  assert.deepEqual(fates(plan({ overlap: 'queue' }, { queued: [minute(0)] }, minute(1))), { runs: 0, queues: [1], through: 1 });
});

test('a full queue says no', () => {
  const queued = [minute(-2), minute(-1), minute(0)];
  const full = plan({ overlap: 'queue' }, { queued }, minute(1), true);
  assert.deepEqual(fates(full), { skips: [1], wait: [-2, -1, 0], through: 1 });
  assert.match(full.skipped[0]!.why, /3 ticks wait already/);
});

test('one that replaces goes before all that wait', () => {
  assert.deepEqual(fates(plan({ overlap: 'replace' }, { queued: [minute(-1), minute(0)] }, minute(1), true)), {
    replaces: 1,
    skips: [-1, 0],
    through: 1,
  });
});

const afterOutage: readonly [string, Partial<ScheduleSpec>, boolean, object][] = [
  ['none of them', { missed: 'skip' }, false, { skips: [1, 2, 3], through: 3 }],
  ['the last one', { missed: 'once' }, false, { runs: 3, skips: [1, 2], through: 3 }],
  ['all, one after the other', { missed: 'all' }, false, { runs: 1, queues: [2, 3], through: 3 }],
  ['the last one, not beside a run that outlived it', { missed: 'once' }, true, { skips: [1, 2, 3], through: 3 }],
  ['the last one after that run', { missed: 'once', overlap: 'queue' }, true, { queues: [3], skips: [1, 2], through: 3 }],
  ['the last one in place of that run', { missed: 'once', overlap: 'replace' }, true, { replaces: 3, skips: [1, 2], through: 3 }],
  ['all after that run', { missed: 'all' }, true, { queues: [1, 2, 3], through: 3 }],
];
for (const [which, changes, isBusy, expected] of afterOutage) {
  test(`of ticks that nobody saw it runs ${which}`, () => {
    assert.deepEqual(fates(plan(changes, {}, minute(3) + 30_000, isBusy)), expected);
  });
}

test('a tick that is due right after an outage counts as one that was seen', () => {
  assert.deepEqual(fates(plan({ missed: 'skip' }, {}, minute(3) + 1_000)), { runs: 3, skips: [1, 2], through: 3 });
  assert.deepEqual(fates(plan({ missed: 'once' }, {}, minute(3) + 1_000)), { runs: 2, skips: [1, 3], through: 3 });
  assert.deepEqual(fates(plan({ missed: 'once', overlap: 'replace' }, {}, minute(3) + 1_000)), { runs: 3, skips: [1, 2], through: 3 });
  assert.deepEqual(fates(plan({ missed: 'all', overlap: 'queue' }, {}, minute(3) + 1_000)), { runs: 1, queues: [2, 3], through: 3 });
});

test('all of them is as many as may wait; the others are skipped, with the reason', () => {
  const late = plan({ missed: 'all' }, {}, minute(6) + 30_000);
  assert.deepEqual(fates(late), { runs: 1, queues: [2, 3, 4], skips: [5, 6], through: 6 });
  assert.match(late.skipped[0]!.why, /3 ticks wait already/);
});

test('a year of missed ticks is told in a few events, and found without a look at each', () => {
  const year = 365 * 24 * 60;
  const everySecond = { cron: '* * * * * *' };
  assert.deepEqual(fates(plan({}, {}, minute(year) + 30_000)), { skips: [1, 2, 3, 4, `5-${year}`], through: year });
  assert.deepEqual(fates(plan({ missed: 'once' }, {}, minute(year) + 30_000)), {
    runs: year,
    skips: [1, 2, 3, 4, `5-${year - 1}`],
    through: year,
  });
  const dense = plan({ ...everySecond, missed: 'once' }, {}, minute(year) + 5_500);
  assert.equal(dense.skipped.filter(({ until }) => until !== undefined).length, 1);
});

test('times that are far apart are found as well', () => {
  const yearly = { cron: '0 0 1 1 *', missed: 'once' } as const;
  const late = planTicks(
    schedule(yearly),
    { through: Date.UTC(2020, 5, 1), queued: [] },
    { now: Date.UTC(2026, 5, 1), isBusy: false, limits },
  );
  assert.equal(late.run, Date.UTC(2026, 0, 1));
  assert.deepEqual(
    late.skipped.map(({ at }) => new Date(at).getUTCFullYear()),
    [2021, 2022, 2023, 2024, 2025],
  );
});

test('a clock that was put back makes no tick come again', () => {
  assert.deepEqual(fates(plan({ missed: 'all' }, { through: minute(10) }, minute(3))), { through: 10 });
});

test('a schedule that never fires again asks for no look', () => {
  const over = planTicks(schedule({ cron: '0 0 30 2 *' }), { through: minute(0), queued: [] }, { now: minute(9), isBusy: false, limits });
  assert.equal(over.next, undefined);
  assert.equal(over.run, undefined);
});

test('a schedule of other rules than this version has fires never, and breaks nothing', () => {
  assert.equal(nextTick(schedule({ cron: 'when it rains' }), 0), undefined);
});

function job(changes: Partial<JobRecord>, spec: Partial<JobSpec> = {}): JobRecord {
  return { run: 2, stopWanted: false, spec: { type: 'periodic', schedule: schedule(), ...spec }, ...changes } as JobRecord;
}

test('a periodic job rests but for the run of its newest tick, a parameterized one always, others never', () => {
  assert.ok(isDormant(job({})));
  assert.ok(isDormant(job({ ticks: { at: 1, run: 1, through: 1, queued: [] } })));
  assert.ok(!isDormant(job({ ticks: { at: 1, run: 2, through: 1, queued: [] } })));
  assert.ok(isDormant(job({}, { type: 'parameterized' })));
  assert.ok(!isDormant(job({}, { type: 'batch' })) && !isDormant(job({}, { type: 'service' })));
});

test('the next run is that of the tick that waits longest, else of the next tick; a stopped job has none', () => {
  const ticks = { through: minute(0), queued: [] };
  assert.equal(nextRunAt(job({ ticks })), minute(1));
  assert.equal(nextRunAt(job({ ticks: { ...ticks, queued: [minute(-1)] } })), minute(-1));
  assert.equal(nextRunAt(job({ ticks, stopWanted: true })), undefined);
  assert.equal(nextRunAt(job({})), undefined);
});

test('a new version goes on with the ticks where its schedule stays, and begins now where it changes', () => {
  const ticks = { at: minute(-1), run: 4, through: minute(-1), queued: [minute(-1)] };
  const known = job({ ticks });
  const under = (spec: Partial<JobSpec>, before: JobRecord | undefined = known): Ticks | undefined =>
    ticksUnder(before, { ...known.spec, ...spec }, minute(5));
  assert.deepEqual(under({}), ticks);
  assert.deepEqual(under({ schedule: schedule({ overlap: 'queue', missed: 'all' }) }), ticks);
  const anew = { ...ticks, through: minute(5), queued: [] };
  assert.deepEqual(under({ schedule: schedule({ cron: '0 * * * *' }) }), anew);
  assert.deepEqual(under({ schedule: schedule({ timezone: 'Europe/Berlin' }) }), anew);
  assert.deepEqual(under({}, job({ ticks, stopWanted: true })), anew);
  assert.deepEqual(ticksUnder(undefined, known.spec, minute(5)), { through: minute(5), queued: [] });
  assert.equal(ticksUnder(known, { ...known.spec, type: 'batch', schedule: undefined } as unknown as JobSpec, minute(5)), undefined);
});

/** A stretch of a leader's life, in which it looks at a job so often, or in which nobody does. */
interface Stretch {
  readonly looks: number;
  readonly everyMs: number;
  /** Whether what the last look decided is lost with it. */
  readonly dies: boolean;
  readonly awayMs: number;
}

const stretches: fc.Arbitrary<Stretch[]> = fc.array(
  fc.record({ looks: fc.nat(40), everyMs: fc.integer({ min: 50, max: 4_000 }), dies: fc.boolean(), awayMs: fc.nat(40_000) }),
  { minLength: 1, maxLength: 8 },
);

test('whatever the schedule, and whenever leaders die, each tick runs at most once, and one that does not is skipped with a reason', () => {
  const cases = fc.record({
    cron: fc.constantFrom('*/2 * * * * *', '* * * * * *', '*/7 * * * * *', '0,3 * * * * *', '* * * * *'),
    overlap: fc.constantFrom('skip' as const, 'queue' as const, 'replace' as const),
    missed: fc.constantFrom('skip' as const, 'once' as const, 'all' as const),
    runMs: fc.nat(6_000),
    stretches,
  });
  fc.assert(
    fc.property(cases, ({ cron, overlap, missed, runMs, stretches: life }) => {
      const wanted = schedule({ cron, overlap, missed });
      const begin = minute(0);
      let [now, endsAt] = [begin, 0];
      let ticks: Ticks = { through: begin, queued: [] };
      const ran: number[] = [];
      const skipped = new Set<number>();
      for (const { looks, everyMs, dies, awayMs } of life) {
        for (let look = 1; look <= looks; look++, now += everyMs) {
          const made = planTicks(wanted, ticks, { now, isBusy: now < endsAt, limits });
          // What was decided and not committed has not happened.
          if (dies && look === looks) break;
          for (const { at, until = at, why } of made.skipped) {
            assert.notEqual(why, '');
            for (let tick: number | undefined = at; tick !== undefined && tick <= until; tick = nextTick(wanted, tick)) {
              assert.ok(!skipped.has(tick), `skipped twice: ${isoTime(tick)}`);
              skipped.add(tick);
            }
          }
          if (made.run !== undefined) {
            assert.ok(now >= endsAt || made.replaces, 'two runs at once');
            ran.push(made.run);
            endsAt = now + runMs;
          }
          assert.ok(made.queued.length <= limits.ticksQueuedMax);
          const { through, queued, run: at = ticks.at } = made;
          ticks = at === undefined ? { through, queued } : { at, through, queued };
        }
        now += awayMs;
      }
      assert.deepEqual(
        ran,
        [...new Set(ran)].toSorted((a, b) => a - b),
        'each once, and in order',
      );
      const dealtWith = new Set([...ran, ...skipped, ...ticks.queued]);
      assert.equal(dealtWith.size, ran.length + skipped.size + ticks.queued.length, 'a tick has one fate');
      for (let tick = nextTick(wanted, begin)!; tick <= ticks.through; tick = nextTick(wanted, tick)!) {
        assert.ok(dealtWith.delete(tick), `nothing became of tick ${isoTime(tick)}`);
      }
      assert.equal(dealtWith.size, 0, 'no tick that the schedule does not have');
    }),
    { numRuns: 300 },
  );
});
