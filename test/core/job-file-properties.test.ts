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
    labels: document,
    priority: scalar,
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

test('a circular document is refused, not followed', () => {
  const circle: Record<string, unknown> = { name: 'a' };
  circle['tasks'] = circle;
  refusesOnlyInWords(() => checkJob(circle, limitsDefault));
  assert.throws(() => checkJob(circle, limitsDefault), CubeError);
});

const text = fc.string({ maxLength: 12 }).filter((value) => !value.includes('\0'));
const goodJob = fc.record({
  name: fc.stringMatching(/^[A-Za-z0-9][A-Za-z0-9._-]{0,20}$/),
  type: fc.constantFrom('service', 'batch'),
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
      },
      { requiredKeys: ['image'] },
    ),
    { minKeys: 1, maxKeys: 3 },
  ),
});

test('a good job is the same job from YAML, from JSON and as plain data', () => {
  fc.assert(
    fc.property(goodJob, (job) => {
      const direct = checkJob(job, limitsDefault);
      assert.deepEqual(parseJobFile(JSON.stringify(job, null, 2), 'f', limitsDefault).spec, direct);
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
