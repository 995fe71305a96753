import assert from 'node:assert/strict';
import test from 'node:test';
import { limitsWith } from '../../src/core/limits.ts';
import { specHash } from '../../src/core/spec-hash.ts';
import { dataProblems, head, jobOf, problemsOf } from './job-files.ts';

test('a service that tells nothing of its updates has no fields for them, and the hash it always had', () => {
  const spec = jobOf('name: a\ntasks: {t: {image: busybox}}\n');
  assert.deepEqual(Object.keys(spec), ['name', 'type', 'datacenters', 'priority', 'labels', 'tasks']);
  assert.equal(specHash(spec, 't'), 'd3c65d22cd004485');
  const empty = jobOf('name: a\ntasks: {t: {image: busybox, volumes: [], secrets: {}, configs: {}, dependsOn: []}}\n');
  assert.deepEqual(empty, spec);
});

test('an update policy has the defaults of the limits, and leaves open what depends on the task', () => {
  assert.deepEqual(jobOf(`${head}update: {}\n`).update, { parallel: 1, deadlineMs: 300_000, onFailure: 'rollback', canary: 0 });
  const limits = limitsWith({ updateParallel: 4, updateDeadlineMs: 7 });
  assert.deepEqual(jobOf(`${head}update: {}\n`, limits).update, { parallel: 4, deadlineMs: 7, onFailure: 'rollback', canary: 0 });
  const told = 'update: {parallel: 2, order: stop-first, healthyFor: 0s, deadline: 90s, onFailure: pause, canary: 1}';
  assert.deepEqual(jobOf(`${told}\n${head}`).update, {
    parallel: 2,
    order: 'stop-first',
    healthyForMs: 0,
    deadlineMs: 90_000,
    onFailure: 'pause',
    canary: 1,
  });
});

test('values of an update policy that make no sense are refused where they stand', () => {
  assert.deepEqual(problemsOf(`${head}update: {parallel: 0, order: start, healthyFor: 5, deadline: 0s, onFailure: roll, canary: -1}\n`), [
    '5:20 parallel: expected a whole number of 1 or more, got 0',
    '5:30 order: expected start-first or stop-first, got "start"',
    '5:49 healthyFor: expected a duration like 10s or 1m30s, of at most 24 days, got 5; a number needs a unit',
    '5:62 deadline: expected a duration longer than 0',
    '5:77 onFailure: expected rollback, pause or continue, got "roll"',
    '5:91 canary: expected a whole number of 0 or more, got -1',
  ]);
  assert.deepEqual(problemsOf(`${head}update: fast\n`), ['5:9 update: expected a map like {parallel: 1, healthyFor: 5s}, got "fast"']);
});

test('tasks of services and system jobs are always restarted unless told, all others on failure', () => {
  const on = (lines: string): string | undefined => jobOf(`${lines}\n${head}`).tasks['t']?.restart.on;
  assert.equal(on('type: service'), 'always');
  assert.equal(on('type: system'), 'always');
  assert.equal(on('type: batch'), 'failure');
  assert.equal(on('type: periodic\nschedule: {cron: "* * * * *"}'), 'failure');
  assert.equal(on('type: parameterized'), 'failure');
});

test('completions are the count of every task that tells none', () => {
  const spec = jobOf(
    'name: a\ntype: batch\ncompletions: 10\nparallelism: 3\ndeadline: 1h\ntasks: {t: {image: x}, u: {image: x, count: 2}}\n',
  );
  assert.deepEqual([spec.tasks['t']?.count, spec.tasks['u']?.count], [10, 2]);
  assert.deepEqual([spec.parallelism, spec.deadlineMs], [3, 3_600_000]);
  assert.ok(!Object.hasOwn(spec, 'completions'));
  assert.equal(jobOf('name: a\ntype: batch\nparallelism: 9\ntasks: {t: {image: x}}\n').parallelism, 9, 'more than there are instances');
});

test('completions count as instances', () => {
  const limits = limitsWith({ jobInstancesMax: 5 });
  const text = (completions: number): string =>
    `name: a\ntype: batch\ncompletions: ${completions}\ntasks: {t: {image: x}, u: {image: x}}\n`;
  assert.deepEqual(problemsOf(text(3), limits), ['4:8 tasks: expected at most 5 instances in all, got 6']);
  assert.deepEqual(problemsOf(text(6), limits)[0], '3:14 completions: expected a whole number of 1 to 5, got 6');
  assert.deepEqual(problemsOf(text(0)), ['3:14 completions: expected a whole number of 1 or more, got 0']);
});

test('completions where all tasks tell their count have no use, and all lines are told', () => {
  const text = 'name: a\ntype: batch\ncompletions: 3\ntasks:\n  t:\n    image: x\n    count: 1\n  u: {image: x, count: 2}\n';
  assert.deepEqual(problemsOf(text), ['3:1 "completions" has no use where all tasks tell their "count"; see lines 7 and 8']);
  assert.deepEqual(problemsOf(`completions: 3\ntype: batch\n${head}    count: 1\n`), [
    '1:1 "completions" has no use where the task tells its "count"; see line 7',
  ]);
  assert.deepEqual(dataProblems({ name: 'a', type: 'batch', completions: 1, tasks: { t: { image: 'x', count: 1 } } }), [
    '"completions" has no use where the task tells its "count"; see tasks.t.count',
  ]);
});

test('a schedule has its defaults', () => {
  assert.deepEqual(jobOf(`type: periodic\nschedule: {cron: "*/5 * * * *"}\n${head}`).schedule, {
    cron: '*/5 * * * *',
    timezone: 'UTC',
    overlap: 'skip',
    missed: 'skip',
  });
  const told = 'schedule: {cron: " 0 30 4 * * MON ", timezone: Europe/Berlin, overlap: queue, missed: once}';
  assert.deepEqual(jobOf(`type: periodic\n${told}\n${head}`).schedule, {
    cron: '0 30 4 * * MON',
    timezone: 'Europe/Berlin',
    overlap: 'queue',
    missed: 'once',
  });
});

/** The problems of a file that may have none. */
function foundIn(text: string): string[] {
  try {
    jobOf(text);
    return [];
  } catch {
    return problemsOf(text);
  }
}

function scheduleProblems(schedule: string): string[] {
  return foundIn(`type: periodic\n${head}schedule: ${schedule}\n`);
}

test('a pattern that is none is refused with what is wrong with it', () => {
  assert.deepEqual(scheduleProblems('{cron: "61 * * * *"}'), [
    '6:18 cron: expected times like "*/5 * * * *", got "61 * * * *": invalid value for minute: 61',
  ]);
  for (const cron of ['hourly', '* * * *', '* * * * * * *', '', '2030-01-01T00:00:00', '@daily']) {
    const [problem, ...more] = scheduleProblems(`{cron: "${cron}"}`);
    assert.match(problem!, /^6:18 cron: expected times like .*: five fields are needed/, cron);
    assert.deepEqual(more, []);
  }
  assert.match(scheduleProblems('{cron: 5}')[0]!, /^6:18 cron: expected five fields .*, got 5$/);
  assert.match(scheduleProblems('{}')[0]!, /^6:1 "cron" is missing: expected five fields/);
});

test('a schedule that never comes is refused at its line', () => {
  for (const cron of ['0 0 31 2 *', '0 0 30 feb *', '0 0 0 31 4,6,9,11 *']) {
    assert.deepEqual(scheduleProblems(`{cron: "${cron}"}`), [`6:18 cron: "${cron}" never comes: no month has such a day`], cron);
  }
  assert.deepEqual(scheduleProblems('{cron: "0 0 29 2 *"}'), [], 'a leap day comes');
});

test('a time zone that nobody knows is refused, and what was meant is told', () => {
  const problem = (zone: string): string[] => scheduleProblems(`{cron: "* * * * *", timezone: ${zone}}`);
  const start = '6:41 timezone: expected a time zone of the IANA database like Europe/Berlin, got';
  assert.deepEqual(problem('Europe/Berln'), [`${start} "Europe/Berln"; did you mean "Europe/Berlin"?`]);
  assert.deepEqual(problem('new york'), [`${start} "new york"; did you mean "America/New_York"?`]);
  assert.deepEqual(problem('"+02:00"'), [`${start} "+02:00"`]);
  assert.deepEqual(problem('qqqqqqqqqqqqqqqqqqqqqqqqqqq'), [`${start} "qqqqqqqqqqqqqqqqqqqqqqqqqqq"`]);
  assert.deepEqual(scheduleProblems('{cron: "61 * * * *", timezone: Mars}').length, 2, 'both are told at once');
});

test('parameters have defaults as text, or none; a payload has one place', () => {
  const spec = jobOf(
    `type: parameterized\n${head}parameters: {input:, level: 1.10, fast: true, empty: ""}\npayload: {file: /run/payload}\n`,
  );
  assert.deepEqual(spec.parameters, { input: null, level: '1.10', fast: 'true', empty: '' });
  assert.deepEqual(spec.payload, { file: '/run/payload' });
  assert.deepEqual(jobOf(`type: parameterized\n${head}parameters: {}\npayload: {env: BODY}\n`).parameters, {}, 'none may be set');
  assert.ok(!Object.hasOwn(jobOf(`type: parameterized\n${head}`), 'parameters'), 'any may be set');
});

test('parameters and payloads that make no sense are refused', () => {
  const problems = (lines: string): string[] => problemsOf(`type: parameterized\n${head}${lines}\n`);
  assert.match(problems('parameters: {1a: x}')[0]!, /^6:14 expected a name of letters, digits and "_"/);
  assert.match(problems('parameters: {CUBE_JOB: x}')[0]!, /^6:14 expected a name of your own/);
  assert.deepEqual(problems('parameters: {a: [x]}'), ['6:17 a: expected a default, or nothing where a dispatch must tell it, got a list']);
  assert.deepEqual(problems('payload: {}'), ['6:10 payload: expected one of env and file']);
  assert.deepEqual(problems('payload: {env: A, file: /x}'), ['6:19 expected only one of env and file; see line 6']);
  assert.deepEqual(problems('payload: {file: x}'), ['6:17 file: expected an absolute path like /data, got "x"']);
  assert.match(problems('payload: {env: CUBE_JOB}')[0]!, /^6:16 env: expected a name of your own/);
});

test('a key that has no use in a job of its type is one problem, with both lines', () => {
  const bodies: Readonly<Record<string, string>> = {
    update: '{parallel: 1}',
    completions: '2',
    parallelism: '2',
    deadline: '1h',
    schedule: '{cron: "* * * * *"}',
    parameters: '{}',
    payload: '{env: A}',
  };
  const runs = 'batch, periodic and parameterized jobs';
  const owners: Readonly<Record<string, string>> = {
    update: 'services and system jobs',
    completions: runs,
    parallelism: runs,
    deadline: runs,
    schedule: 'periodic jobs',
    parameters: 'parameterized jobs',
    payload: 'parameterized jobs',
  };
  const wrong: Readonly<Record<string, readonly string[]>> = {
    service: ['completions', 'parallelism', 'deadline', 'schedule', 'parameters', 'payload'],
    system: ['completions', 'parallelism', 'deadline', 'schedule', 'parameters', 'payload'],
    batch: ['update', 'schedule', 'parameters', 'payload'],
    periodic: ['update', 'parameters', 'payload'],
    parameterized: ['update', 'schedule'],
  };
  for (const [type, keys] of Object.entries(wrong)) {
    const more = type === 'periodic' ? `schedule: ${bodies['schedule']}\n` : '';
    for (const [key, body] of Object.entries(bodies)) {
      if (type === 'periodic' && key === 'schedule') continue;
      const problems = foundIn(`type: ${type}\n${more}${key}: ${body}\n${head}`);
      const line = more === '' ? 2 : 3;
      const told = `${line}:1 "${key}" belongs to ${owners[key]}, and this one has "type: ${type}"; see line 1`;
      assert.deepEqual(problems, keys.includes(key) ? [told] : [], `${key} in ${type}`);
    }
  }
});

test('without a type the job is a service, and that is said', () => {
  assert.deepEqual(problemsOf(`schedule: {cron: "* * * * *"}\n${head}`), [
    '1:1 "schedule" belongs to periodic jobs; without "type: periodic" this is a service',
  ]);
  assert.deepEqual(problemsOf(`completions: 2\n${head}`), [
    '1:1 "completions" belongs to batch, periodic and parameterized jobs; without "type: batch" this is a service',
  ]);
  assert.deepEqual(problemsOf(`type: sytem\ncompletions: 2\n${head}`).length, 1, 'of a type that is none nothing more is said');
});

test('a periodic job without a schedule is told what is missing', () => {
  assert.deepEqual(problemsOf(`type: periodic\n${head}`), [
    '1:1 a job of type "periodic" needs a "schedule", like schedule: {cron: "*/5 * * * *"}',
  ]);
});

test('tasks of a system job tell no count and no maxPerNode', () => {
  assert.deepEqual(problemsOf(`type: system\n${head}    count: 1\n    maxPerNode: 1\n`), [
    '6:5 "count" has no use in a system job, of which each node runs one instance; see line 1',
    '7:5 "maxPerNode" has no use in a system job, of which each node runs one instance; see line 1',
  ]);
  assert.equal(jobOf(`type: system\n${head}`).tasks['t']?.count, 1);
  assert.deepEqual(problemsOf(`type: system\npreemptible: true\n${head}`), [
    '2:1 "preemptible" belongs to batch jobs, and this one has "type: system"; see line 1',
  ]);
});

test('more canaries than any task has instances are refused with both lines', () => {
  const text = (canary: number): string => `name: a\nupdate: {canary: ${canary}}\ntasks:\n  t: {image: x}\n  u: {image: x, count: 3}\n`;
  assert.deepEqual(problemsOf(text(4)), ['2:18 canary: expected at most the instances of a task, of which there are 3, got 4; see line 5']);
  assert.deepEqual(jobOf(text(3)).update?.canary, 3);
  assert.deepEqual(problemsOf(`update: {canary: 2}\n${head}`), [
    '1:18 canary: expected at most the instances of a task, of which there are 1, got 2; see line 4',
  ]);
  assert.equal(jobOf(`type: system\nupdate: {canary: 5}\n${head}`).update?.canary, 5, 'how many nodes there will be is not known');
});

test('an update that would fail before an instance has been well for long enough is refused with both lines', () => {
  const text = (healthyFor: string, deadline?: string): string =>
    `${head}update:\n  healthyFor: ${healthyFor}\n${deadline === undefined ? '' : `  deadline: ${deadline}\n`}`;
  const told = (deadline: string): string =>
    `healthyFor: expected less than the deadline of ${deadline}, before which no instance would count as well`;
  assert.deepEqual(foundIn(text('60s', '1m')), [`6:15 ${told('1m')}; see line 7`]);
  assert.deepEqual(foundIn(text('2m', '90s')), [`6:15 ${told('1m 30s')}; see line 7`]);
  assert.deepEqual(foundIn(text('5m')), [`6:15 ${told('5m')}, which is the default`]);
  assert.deepEqual(foundIn(text('59s', '1m')), []);
  assert.deepEqual(foundIn(text('0s', '1ms')), []);
  assert.deepEqual(foundIn(text('4m59s')), []);
  assert.equal(foundIn(text('x', '1s')).length, 1, 'what is no duration is a problem of its own');
});

test('start-first is refused where every task has a volume, and not where one has none', () => {
  const text = (u: string): string =>
    `name: a\nupdate: {order: start-first}\ntasks:\n  t: {image: x, volumes: ["d:/d"]}\n  u: {image: x, volumes: [${u}]}\n`;
  assert.deepEqual(problemsOf(text('"e:/e"')), [
    '2:17 order: expected stop-first, or nothing: two instances cannot share a volume, so one with a volume is stopped first; see lines 4 and 5',
  ]);
  assert.equal(jobOf(text('')).update?.order, 'start-first');
});

test('a fixed host port may be asked for by many instances: there are many nodes', () => {
  assert.equal(jobOf(`${head}    count: 3\n    ports: ["80:80"]\n`).tasks['t']?.count, 3);
});
