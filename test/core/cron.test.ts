import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';
import { isTimeZone, parseCron } from '../../src/core/cron.ts';

function next(cron: string, timezone: string): (afterMs: number) => number | undefined {
  const parsed = parseCron(cron, timezone);
  assert.ok(parsed.ok, `${cron} in ${timezone}`);
  return parsed.next;
}

/** The first ticks after a time, as ISO 8601 without seconds' fractions. */
function ticks(cron: string, timezone: string, after: string, count: number): string[] {
  const nextAfter = next(cron, timezone);
  const found: string[] = [];
  for (let at: number | undefined = nextAfter(Date.parse(after)); at !== undefined && found.length < count; at = nextAfter(at)) {
    found.push(new Date(at).toISOString().replace(/(:00)?\.000Z$/, 'Z'));
  }
  return found;
}

test('five fields name minutes, six begin with seconds', () => {
  assert.deepEqual(ticks('30 3 * * *', 'UTC', '2026-01-01T00:00:00Z', 2), ['2026-01-01T03:30Z', '2026-01-02T03:30Z']);
  assert.deepEqual(ticks('*/20 * * * * *', 'UTC', '2026-01-01T00:00:00Z', 3), [
    '2026-01-01T00:00:20Z',
    '2026-01-01T00:00:40Z',
    '2026-01-01T00:01Z',
  ]);
  assert.deepEqual(ticks('  0   12  *  *  MON ', 'UTC', '2026-01-01T00:00:00Z', 1), ['2026-01-05T12:00Z']);
});

test('a tick is strictly after the time asked for, also in the middle of a second', () => {
  const nextAfter = next('*/2 * * * * *', 'UTC');
  const second = Date.parse('2026-01-01T00:00:02Z');
  assert.equal(nextAfter(second), second + 2_000);
  assert.equal(nextAfter(second - 1), second);
  assert.equal(nextAfter(second + 1), second + 2_000);
  assert.equal(nextAfter(second - 0.5), second);
});

test('the clocks of the zone count', () => {
  assert.deepEqual(ticks('0 9 * * *', 'Asia/Tokyo', '2026-06-01T12:00:00Z', 1), ['2026-06-02T00:00Z']);
  assert.deepEqual(ticks('0 9 * * *', 'America/New_York', '2026-06-01T12:00:00Z', 2), ['2026-06-01T13:00Z', '2026-06-02T13:00Z']);
});

const berlinSpring = '2026-03-28T12:00:00Z';
const berlinAutumn = '2026-10-24T12:00:00Z';

test('a daily job whose time is skipped runs once that day, as much later as the clocks leap', () => {
  assert.deepEqual(ticks('30 2 * * *', 'Europe/Berlin', berlinSpring, 3), ['2026-03-29T01:30Z', '2026-03-30T00:30Z', '2026-03-31T00:30Z']);
  // The same for who asks in the middle of it.
  assert.deepEqual(ticks('30 2 * * *', 'Europe/Berlin', '2026-03-29T01:10:00Z', 1), ['2026-03-29T01:30Z']);
  assert.deepEqual(ticks('30 2 * * *', 'Europe/Berlin', '2026-03-29T01:30:00Z', 1), ['2026-03-30T00:30Z']);
  // Half an hour, and of a day a year.
  assert.deepEqual(ticks('15 2 * * *', 'Australia/Lord_Howe', '2026-10-03T00:00:00Z', 2), ['2026-10-03T15:45Z', '2026-10-04T15:15Z']);
  assert.deepEqual(ticks('30 2 29 3 *', 'Europe/Berlin', '2026-01-01T00:00:00Z', 2), ['2026-03-29T01:30Z', '2027-03-29T00:30Z']);
});

test('two times of which one is skipped into the other are one tick', () => {
  assert.deepEqual(ticks('30 2,3 * * *', 'Europe/Berlin', berlinSpring, 2), ['2026-03-29T01:30Z', '2026-03-30T00:30Z']);
});

test('ticks stay in order where a skipped one falls behind a later one', () => {
  assert.deepEqual(ticks('30,45 2 * * *', 'Europe/Berlin', berlinSpring, 3), [
    '2026-03-29T01:30Z',
    '2026-03-29T01:45Z',
    '2026-03-30T00:30Z',
  ]);
  const found = ticks('40 2,3 * * *', 'Europe/Berlin', berlinSpring, 4);
  assert.deepEqual(found, found.toSorted());
});

test('a daily job whose time comes twice runs once that day, the first time', () => {
  assert.deepEqual(ticks('30 2 * * *', 'Europe/Berlin', berlinAutumn, 3), ['2026-10-25T00:30Z', '2026-10-26T01:30Z', '2026-10-27T01:30Z']);
  assert.deepEqual(ticks('30 2 * * *', 'Europe/Berlin', '2026-10-25T00:45:00Z', 1), ['2026-10-26T01:30Z']);
  assert.deepEqual(ticks('30 2 * * *', 'Europe/Berlin', '2026-10-25T01:10:00Z', 1), ['2026-10-26T01:30Z']);
  assert.deepEqual(ticks('30 1 * * *', 'America/New_York', '2026-10-31T12:00:00Z', 2), ['2026-11-01T05:30Z', '2026-11-02T06:30Z']);
});

test('where every hour is wanted, each that passes counts: neither a gap nor a doubled hour is left out', () => {
  const hours = ['2026-10-25T00:00Z', '2026-10-25T01:00Z', '2026-10-25T02:00Z'];
  assert.deepEqual(ticks('0 * * * *', 'Europe/Berlin', '2026-10-24T23:00:00Z', 3), hours);
  assert.deepEqual(ticks('0 * * * *', 'Europe/Berlin', '2026-03-28T23:00:00Z', 3), [
    '2026-03-29T00:00Z',
    '2026-03-29T01:00Z',
    '2026-03-29T02:00Z',
  ]);
  for (const around of ['2026-10-25T01:00:00Z', '2026-03-29T01:00:00Z']) {
    const nextAfter = next('*/2 * * * * *', 'Europe/Berlin');
    for (let at = Date.parse(around) - 10_000; at < Date.parse(around) + 10_000; at += 2_000) assert.equal(nextAfter(at), at + 2_000);
  }
});

test('a day that a zone left out as a whole has its tick on the next', () => {
  assert.deepEqual(ticks('0 12 * * *', 'Pacific/Apia', '2011-12-29T00:00:00Z', 3), [
    '2011-12-29T22:00Z',
    '2011-12-30T22:00Z',
    '2011-12-31T22:00Z',
  ]);
});

const zones = [
  'UTC',
  'Europe/Berlin',
  'America/New_York',
  'America/St_Johns',
  'Australia/Lord_Howe',
  'Asia/Kathmandu',
  'Africa/Casablanca',
];

/** The date of a zone's calendar. */
function dayIn(timezone: string, ms: number): string {
  return new Intl.DateTimeFormat('en-CA', { timeZone: timezone }).format(ms);
}

test('a daily job has exactly one tick on each day of every zone', () => {
  const cases = fc.record({ zone: fc.constantFrom(...zones), hour: fc.nat(22), minute: fc.nat(59), day: fc.nat(700) });
  fc.assert(
    fc.property(cases, ({ zone, hour, minute, day }) => {
      const nextAfter = next(`${minute} ${hour} * * *`, zone);
      let at = Date.UTC(2026, 0, 1) + day * 86_400_000;
      const days: string[] = [];
      for (let count = 0; count < 200; count++) days.push(dayIn(zone, (at = nextAfter(at)!)));
      for (const [index, date] of days.entries()) {
        if (index > 0) assert.equal(Date.parse(date) - Date.parse(days[index - 1]!), 86_400_000, `${days[index - 1]} then ${date}`);
      }
    }),
    { numRuns: 15 },
  );
});

test('which ticks there are does not depend on when one asks', () => {
  const crons = ['30 2 * * *', '*/10 * * * *', '*/7 1-3 * * *', '0 2 * * SUN', '15 1,2,3 * * *'];
  const changes = ['2026-03-29T01:00:00Z', '2026-10-25T01:00:00Z', '2026-04-04T15:00:00Z', '2026-10-03T15:30:00Z'].map((at) =>
    Date.parse(at),
  );
  const hour = 3_600_000;
  const cases = fc.record({
    cron: fc.constantFrom(...crons),
    zone: fc.constantFrom('Europe/Berlin', 'Australia/Lord_Howe'),
    change: fc.constantFrom(...changes),
    askedAt: fc.integer({ min: -4 * hour, max: 4 * hour }),
  });
  fc.assert(
    fc.property(cases, ({ cron, zone, change, askedAt }) => {
      const nextAfter = next(cron, zone);
      let tick = nextAfter(change - 30 * hour)!;
      while (tick <= change + askedAt) tick = nextAfter(tick)!;
      assert.equal(nextAfter(change + askedAt), tick);
    }),
  );
});

test('an expression that never fires says so', () => {
  assert.equal(next('0 0 30 2 *', 'Europe/Berlin')(Date.UTC(2026, 0, 1)), undefined);
  assert.equal(next('0 0 31 2,4,6,9,11 *', 'UTC')(Date.UTC(2026, 0, 1)), undefined);
  assert.equal(next('0 0 29 2 *', 'UTC')(Date.UTC(2026, 2, 1)), Date.UTC(2028, 1, 29));
  assert.equal(next('* * * * *', 'UTC')(8_640_000_000_000_000), undefined);
});

test('what is no cron expression is refused with the reason', () => {
  for (const [cron, told] of [
    ['', /five fields/],
    ['* * * *', /five fields/],
    ['* * * * * * *', /five fields/],
    ['@daily', /five fields/],
    ['2026-01-01T00:00:00', /five fields/],
    ['61 * * * *', /minute: 61/],
    ['* 24 * * *', /hour: 24/],
    ['*/0 * * * *', /0/],
    ['? * * * *', /"\?"/],
    ['a b c d e', /./],
  ] as const) {
    const parsed = parseCron(cron, 'UTC');
    assert.ok(!parsed.ok, cron);
    assert.match(parsed.message, told);
    assert.doesNotMatch(parsed.message, /CronPattern/);
  }
});

test('any text is read or refused, and never throws', () => {
  const field = fc.oneof(fc.string({ maxLength: 8 }), fc.stringMatching(/^[0-9*/,L#W-]{1,6}$/));
  fc.assert(
    fc.property(fc.array(field, { minLength: 4, maxLength: 7 }), (fields) => {
      const parsed = parseCron(fields.join(' '), 'UTC');
      if (parsed.ok) parsed.next(Date.UTC(2026, 0, 1));
      else assert.notEqual(parsed.message, '');
    }),
    { numRuns: 300 },
  );
});

test('a time zone is one of the IANA database', () => {
  assert.ok(isTimeZone('Europe/Berlin') && isTimeZone('UTC'));
  for (const name of ['Mars/Olympus', '', 'Europe', '\0']) assert.ok(!isTimeZone(name), name);
  const parsed = parseCron('* * * * *', 'Mars/Olympus');
  assert.ok(!parsed.ok && parsed.message.includes('Mars/Olympus'));
});
