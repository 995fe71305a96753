import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';
import { stringify } from 'yaml';
import { CubeError } from '../../src/core/errors.ts';
import { checkJob, parseJobFile } from '../../src/core/job-file/index.ts';
import { splitWords } from '../../src/core/job-file/shell-words.ts';
import { limitsDefault } from '../../src/core/limits.ts';
import { parseTaskEvent, readTaskEvent } from '../../src/core/seeds.ts';

/** Runs; anything thrown must be a refusal that says something, with places inside of the text. */
function refusesOnlyInWords(run: () => unknown, text?: string): void {
  try {
    run();
  } catch (error) {
    assert.ok(error instanceof CubeError, String(error));
    assert.equal(error.code, 'invalid-file');
    assert.ok(error.problems.length > 0 && error.problems.every(({ message }) => message.length > 0));
    if (text === undefined) return;
    const lines = text.split('\n').length;
    for (const { at } of error.problems) assert.ok(at && at.line >= 1 && at.line <= lines && at.column >= 1, JSON.stringify(at));
  }
}

const words = [
  'name',
  'type',
  'tasks',
  'labels',
  'image',
  'count',
  'env',
  'ports',
  'restart',
  'on',
  'command',
  'resources',
  'memory',
  'health',
  'http',
  'tcp',
  'exec',
  'status',
  'constraints',
  'affinity',
  'spread',
  'maxPerNode',
  'preemptible',
  'update',
  'parallel',
  'order',
  'canary',
  'completions',
  'parallelism',
  'deadline',
  'schedule',
  'cron',
  'timezone',
  'parameters',
  'payload',
  'file',
  'volumes',
  'secrets',
  'configs',
  'dependsOn',
];
const key = fc.oneof(fc.constantFrom(...words), fc.constantFrom('__proto__', 'constructor', '', 'a.b'), fc.string({ maxLength: 5 }));
const scalar = fc.oneof(
  fc.constantFrom(
    'service',
    'always',
    '8080:80',
    '128MiB',
    '5s',
    'x',
    '',
    'A=1',
    '\0',
    '"',
    'label.a == b',
    'label.a != b',
    'arch in [',
    'node',
    'system',
    'periodic',
    'parameterized',
    'start-first',
    '*/5 * * * *',
    '0 0 31 2 *',
    'Europe/Berlin',
    'data:/x',
    '/srv:/x:ro',
    '/run/x',
    'completed',
    '${X}',
    '${X:-3}',
    '$${X}',
    '${CUBE_INDEX}',
    null,
  ),
  fc.integer(),
  fc.double(),
  fc.boolean(),
  fc.string({ maxLength: 8 }),
);
/** Documents that look like jobs, wrong in most places. */
const document = fc.letrec((tie) => ({
  value: fc.oneof({ maxDepth: 5 }, scalar, fc.array(tie('value'), { maxLength: 3 }), fc.dictionary(key, tie('value'), { maxKeys: 5 })),
})).value;
const nearlyJob = fc.record(
  {
    name: fc.oneof(fc.constant('a'), scalar),
    tasks: fc.dictionary(key, fc.dictionary(key, document, { maxKeys: 5 }), { maxKeys: 3 }),
    type: fc.constantFrom('service', 'batch', 'system', 'periodic', 'parameterized'),
    labels: document,
    priority: scalar,
    update: document,
    schedule: fc.oneof(fc.record({ cron: scalar, timezone: scalar }, { requiredKeys: ['cron'] }), document),
    payload: document,
    parameters: document,
  },
  { requiredKeys: [] },
);

test('whatever text a file holds, the parser takes it or says what is wrong', () => {
  const text = fc.oneof(
    fc.string({ maxLength: 200 }),
    fc.string({ unit: fc.constantFrom(...'{}[]:,-?&*!|>\'"%@#~ \n\t\r\0a1'.split('')), maxLength: 80 }),
    fc
      .array(
        fc.constantFrom('name: a\n', 'tasks:\n', '  t:\n', '    image: x\n', '    env: &e {A: 1}\n', '    x: *e\n', '- ', '---\n', '? '),
        { maxLength: 12 },
      )
      .map((parts) => parts.join('')),
  );
  fc.assert(
    fc.property(text, (content) => refusesOnlyInWords(() => parseJobFile(content, 'f', limitsDefault), content)),
    { numRuns: 2_000 },
  );
  fc.assert(
    fc.property(text, (content) => refusesOnlyInWords(() => parseTaskEvent(content, 'f', limitsDefault), content)),
    { numRuns: 300 },
  );
});

test('whatever a request holds, the check takes it or says what is wrong', () => {
  fc.assert(
    fc.property(fc.oneof(document, nearlyJob), (body) => refusesOnlyInWords(() => checkJob(body, limitsDefault))),
    { numRuns: 1_000 },
  );
  fc.assert(
    fc.property(fc.oneof(fc.anything({ withBigInt: true, withDate: true, withMap: true, withSet: true }), document), (body) => {
      refusesOnlyInWords(() => checkJob(body, limitsDefault));
      refusesOnlyInWords(() => readTaskEvent(body, limitsDefault));
      refusesOnlyInWords(() => readTaskEvent({ Task: body }, limitsDefault));
    }),
    { numRuns: 500 },
  );
});

const variables = { set: {}, environment: { X: 'x', PATH: '/bin' } };

test('whatever text a file with variables holds, the parser takes it or says what is wrong', () => {
  const lines = ['name: ${X}\n', 'tasks:\n', '  t: {image: ${Y}}\n', '  t:\n', '    image: ${X:-x}\n', '    env: {A: ${Z:-{}}}\n'];
  const pieces = ['${', '}', '{', '[', ', ', ': ', '\n', ' #', '"', '|\n', '&a ', '*a ', '${X:-', '$${X}', '${CUBE_X}', '\uF8E0'];
  const part = fc.oneof(fc.constantFrom(...lines), fc.constantFrom(...pieces));
  const text = fc.array(part, { maxLength: 12 }).map((parts) => parts.join(''));
  fc.assert(
    fc.property(text, (content) => refusesOnlyInWords(() => parseJobFile(content, 'f', limitsDefault, variables), content)),
    { numRuns: 2_000 },
  );
});

test('a circular document is refused, not followed', () => {
  const circle: Record<string, unknown> = { name: 'a' };
  circle['tasks'] = circle;
  refusesOnlyInWords(() => checkJob(circle, limitsDefault));
  assert.throws(() => checkJob(circle, limitsDefault), CubeError);
});

const text = fc.string({ maxLength: 12 }).filter((value) => !value.includes('\0'));
const anyJob = fc.record({
  name: fc.stringMatching(/^[A-Za-z0-9][A-Za-z0-9._-]{0,20}$/),
  labels: fc.dictionary(fc.stringMatching(/^[a-z]{1,6}$/), text),
  tasks: fc.dictionary(
    fc.stringMatching(/^[A-Za-z0-9][A-Za-z0-9_-]{0,10}$/),
    fc.record(
      {
        image: fc.stringMatching(/^[a-z]{1,8}(:[0-9.]{1,4})?$/),
        count: fc.nat({ max: 1_000 }),
        command: fc.array(text, { minLength: 1, maxLength: 3 }),
        env: fc.dictionary(fc.stringMatching(/^[A-Z_][A-Z0-9_]{0,6}$/), fc.oneof(text, fc.boolean(), fc.integer())),
        ports: fc.uniqueArray(fc.integer({ min: 1, max: 65_535 }), { maxLength: 3 }),
        resources: fc.record({ cpu: fc.nat({ max: 8 }), memory: fc.nat() }, { requiredKeys: [] }),
        volumes: fc.uniqueArray(fc.constantFrom('a:/a', 'b-${CUBE_INDEX}:/b:ro', '/srv/c:/c'), { maxLength: 3 }),
        secrets: fc.dictionary(
          fc.stringMatching(/^[a-z]{1,4}$/),
          fc.uuid().map((id) => `/run/${id}`),
          { maxKeys: 2 },
        ),
        configs: fc.dictionary(
          fc.stringMatching(/^[a-z]{1,4}$/),
          fc.uuid().map((id) => `/etc/${id}`),
          { maxKeys: 2 },
        ),
      },
      { requiredKeys: ['image'] },
    ),
    { minKeys: 1, maxKeys: 3 },
  ),
});

const count = fc.integer({ min: 1, max: 50 });
const time = fc.constantFrom('1s', '5m', '1h30m');
const runs = { parallelism: count, deadline: time };
/** What stands beside tasks in a job of each type; all may be left out but the type, and a periodic job's schedule. */
const ofType = fc.oneof(
  fc.record(
    {
      type: fc.constant('service'),
      update: fc.record(
        {
          parallel: count,
          order: fc.constant('stop-first'),
          healthyFor: fc.constantFrom('0s', '1s', '59s'),
          deadline: fc.constantFrom('1m', '5m', '1h30m'),
          onFailure: fc.constantFrom('rollback', 'pause', 'continue'),
          canary: fc.constant(0),
        },
        { requiredKeys: [] },
      ),
    },
    { requiredKeys: [] },
  ),
  fc.record({ type: fc.constant('batch'), preemptible: fc.boolean(), ...runs }, { requiredKeys: ['type'] }),
  fc.record(
    {
      type: fc.constant('periodic'),
      schedule: fc.record(
        {
          cron: fc.constantFrom('*/5 * * * *', '0 30 4 * * MON', '0 0 29 2 *'),
          timezone: fc.constantFrom('UTC', 'Europe/Berlin'),
          overlap: fc.constantFrom('skip', 'queue', 'replace'),
          missed: fc.constantFrom('skip', 'once', 'all'),
        },
        { requiredKeys: ['cron'] },
      ),
      ...runs,
    },
    { requiredKeys: ['type', 'schedule'] },
  ),
  fc.record(
    {
      type: fc.constant('parameterized'),
      parameters: fc.dictionary(fc.stringMatching(/^[a-z]{1,5}$/), fc.option(text)),
      payload: fc.constantFrom({ env: 'payload' }, { file: '/run/payload' }),
      ...runs,
    },
    { requiredKeys: ['type'] },
  ),
);

/** Each task waits for the one before it where that has instances, or for none, so that there is no circle. */
const goodJob = fc.tuple(anyJob, ofType, fc.constantFrom(undefined, 'started', 'healthy')).map(([job, more, condition]) => {
  const names = Object.keys(job.tasks);
  const tasks = Object.entries(job.tasks).map(([name, task], index) => {
    const before = names[index - 1];
    const isWaiting = condition !== undefined && before !== undefined && job.tasks[before]?.count !== 0;
    const waits = isWaiting ? { dependsOn: { [before]: condition } } : {};
    return [name, { ...task, ...waits }] as const;
  });
  return { ...job, ...more, tasks: Object.fromEntries(tasks) };
});

test('a good job is the same job from YAML, from JSON and as plain data', () => {
  fc.assert(
    fc.property(goodJob, (job) => {
      const direct = checkJob(job, limitsDefault);
      assert.deepEqual(parseJobFile(JSON.stringify(job, null, 2), 'f', limitsDefault).spec, direct);
      assert.deepEqual(parseJobFile(JSON.stringify(job), 'f', limitsDefault, { set: {}, environment: {} }).spec, direct);
      const { spec, document: plain } = parseJobFile(stringify(job), 'f', limitsDefault);
      assert.deepEqual(spec, direct);
      assert.deepEqual(checkJob(JSON.parse(JSON.stringify(plain)), limitsDefault), direct);
    }),
    { numRuns: 200 },
  );
});

test('words quoted for a shell come back as they were', () => {
  const quote = (word: string): string => `'${word.replaceAll("'", String.raw`'\''`)}'`;
  fc.assert(
    fc.property(fc.array(fc.string(), { minLength: 1 }), (list) => {
      assert.deepEqual(splitWords(list.map(quote).join(' ')), { words: list });
    }),
  );
});
