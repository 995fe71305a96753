import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';
import { z } from 'zod';
import { jobSchema } from '../../src/core/job-file/index.ts';
import { sourceOffset } from '../../src/core/job-file/source-offset.ts';
import { limitsWith } from '../../src/core/limits.ts';
import { dataProblems, head, jobOf, problemOf, problemsOf, taskOf, withTask } from './job-files.ts';

const meant = 'unknown operator "="; did you mean "=="?';

test('a task that asks nothing of its nodes has no fields for it', () => {
  for (const task of [taskOf(), taskOf('constraints: []', 'affinity: []')]) {
    for (const key of ['constraints', 'affinity', 'spread', 'maxPerNode']) assert.ok(!Object.hasOwn(task, key), key);
  }
  assert.ok(!Object.hasOwn(jobOf(head), 'preemptible'));
});

test('the column of a wrong constraint is that of its wrong word, however the text is written', () => {
  const columns: [string[], string][] = [
    [['constraints: [label.disk = ssd]'], `5:30 constraints[0]: ${meant}`],
    [['constraints: ["label.disk = ssd"]'], `5:31 constraints[0]: ${meant}`],
    [["constraints: [os == linux, 'label.disk = ssd']"], `5:44 constraints[1]: ${meant}`],
    [['constraints:', '  - os == linux', '  - label.disk = ssd'], `7:20 constraints[1]: ${meant}`],
    [['constraints:', '  -   "label.disk = ssd"'], `6:23 constraints[0]: ${meant}`],
    [['affinity: [label.disk = ssd]'], `5:27 affinity[0]: ${meant}`],
    [
      ['spread: colour'],
      '5:13 spread: unknown attribute "colour"; expected label.NAME, name, datacenter, os, arch, cpu.model or docker.version',
    ],
    [['spread: "label.a b"'], '5:22 spread: expected the end, got "b"'],
  ];
  for (const [lines, problem] of columns) assert.deepEqual(problemsOf(withTask(...lines)), [problem], lines.join('\n'));
});

test('escapes and folded lines before the wrong word count as they stand in the file', () => {
  const columns: [string[], string][] = [
    [[String.raw`constraints: ["label.a in [\"x\", \u0041] b"]`], '5:47'],
    [[String.raw`constraints: ["label.\U0001F600 = x"]`], '5:37'],
    [["constraints: ['label.a in [''x''] b']"], '5:39'],
    [['constraints:', '  - label.a', '    = x'], '7:9'],
    [['constraints:', '  - "label.a', '', '    = x"'], '8:9'],
    [['constraints:', '  - "label.a \\', '    = x"'], '7:9'],
    [['constraints:', '  - |-', '    label.a = x'], '7:17'],
    [['constraints:', '  - >', '    label.a = x'], '7:17'],
    [['constraints: [label.a ==, os = x]'], '5:29'],
  ];
  for (const [lines, place] of columns) assert.equal(problemsOf(withTask(...lines))[0]?.split(' ')[0], place, lines.join('\n'));
});

test('whatever a quoted text holds, what its source has from there on is the rest of it', () => {
  const text = fc.oneof(
    fc.string({ maxLength: 12 }),
    fc.string({ unit: fc.constantFrom(...`"'\\\n\t\u0001 aä`.split('')), maxLength: 12 }),
  );
  fc.assert(
    fc.property(text, fc.nat({ max: 12 }), (value, at) => {
      const skipped = Math.min(at, value.length);
      const double = JSON.stringify(value);
      assert.equal(JSON.parse(`"${double.slice(sourceOffset(double, value, skipped), -1)}"`), value.slice(skipped));
      const line = value.replaceAll(/\s/g, '_');
      const single = `'${line.replaceAll("'", "''")}'`;
      assert.equal(single.slice(sourceOffset(single, line, skipped), -1).replaceAll("''", "'"), line.slice(skipped));
    }),
    { numRuns: 1_000 },
  );
});

test('where a character stands cannot always be told: then the text is the place', () => {
  assert.equal(sourceOffset('>\n  a\n  b = x', 'a b = x', 4), 0);
  assert.equal(sourceOffset('plain', 'another', 2), 0);
  assert.equal(sourceOffset('"abc"', 'abc', 3), 4);
  assert.equal(sourceOffset('abc', 'abc', 3), 3);
});

test('in JSON the place is the same, and plain data has the character instead', () => {
  const job = { name: 'a', tasks: { t: { image: 'x', constraints: ['os == linux', 'label."disk" = ssd', "label.disk = 'ssd'"] } } };
  const text = JSON.stringify(job);
  const column = (part: string): number => text.indexOf(part) + 1;
  assert.deepEqual(problemsOf(text), [
    `1:${column(String.raw`label.\"disk`)} constraints[1]: expected the name of a label after "label.", as in label.disk`,
    `1:${column("= 'ssd'")} constraints[2]: ${meant}`,
  ]);
  assert.deepEqual(dataProblems(job), [
    'tasks.t.constraints[1]: expected the name of a label after "label.", as in label.disk, at character 1',
    `tasks.t.constraints[2]: ${meant}, at character 12`,
  ]);
});

test('constraints that no node can meet together are refused with both lines', () => {
  assert.deepEqual(problemsOf(withTask('constraints:', '  - arch == x64', '  - os == linux', '  - arch == arm64')), [
    '8:9 constraints[2]: no node can meet "arch == arm64" and "arch == x64" both; see line 6',
  ]);
  assert.deepEqual(problemsOf(withTask('constraints: [label.a > 5, label.a < 3, label.a not exists]')), [
    '5:32 constraints[1]: no node can meet "label.a < 3" and "label.a > 5" both; see line 5',
    '5:45 constraints[2]: no node can meet "label.a not exists" and "label.a > 5" both; see line 5',
  ]);
  const job = { name: 'a', tasks: { t: { image: 'x', constraints: ['arch == x64', 'arch != x64'] } } };
  assert.deepEqual(dataProblems(job), [
    'tasks.t.constraints[1]: no node can meet "arch != x64" and "arch == x64" both; see tasks.t.constraints[0]',
  ]);
  assert.equal(taskOf('affinity: [arch == x64, arch == arm64]').affinity?.length, 2, 'one of several preferences will do');
});

test('constraints are a list of texts, of a bounded number and length', () => {
  assert.equal(
    problemOf('constraints: label.a == b'),
    'constraints: expected a list of conditions like ["label.disk == ssd"], got "label.a == b"',
  );
  assert.equal(problemOf('constraints: [3]'), 'constraints[0]: expected a condition like "label.disk == ssd", got 3');
  assert.equal(problemOf('constraints: [{label.a: b}]'), 'constraints[0]: expected a condition like "label.disk == ssd", got a map');
  assert.match(problemOf('constraints:', '  -'), /^constraints\[0\]: expected a condition like .*, got nothing$/);
  const limits = limitsWith({ taskConstraintsMax: 2, constraintCharsMax: 12 });
  assert.deepEqual(problemsOf(withTask('constraints: [os == a, os == b, os == c]'), limits), [
    '5:18 constraints: expected at most 2 conditions',
  ]);
  assert.deepEqual(problemsOf(withTask('affinity: [label.abc == b]'), limits), [
    '5:16 affinity[0]: expected a condition like "label.disk == ssd", of at most 12 characters',
  ]);
});

test('maxPerNode is 1 or more, priority 1 to 100', () => {
  assert.equal(taskOf('maxPerNode: 1').maxPerNode, 1);
  for (const value of ['0', '-1', '1.5', 'two']) {
    assert.match(problemOf(`maxPerNode: ${value}`), /^maxPerNode: expected a whole number of 1 or more, got /);
  }
  assert.deepEqual([jobOf(`${head}priority: 1\n`).priority, jobOf(`${head}priority: 100\n`).priority], [1, 100]);
  assert.deepEqual(problemsOf(`${head}priority: 0\n`), ['5:11 priority: expected a whole number of 1 or more, got 0']);
  assert.deepEqual(problemsOf(`${head}priority: 101\n`), ['5:11 priority: expected a whole number of 1 to 100, got 101']);
});

test('a batch job may be preemptible, a service may not', () => {
  assert.equal(jobOf(`type: batch\n${head}preemptible: true\n`).preemptible, true);
  assert.ok(!Object.hasOwn(jobOf(`type: batch\n${head}preemptible: false\n`), 'preemptible'));
  assert.ok(!Object.hasOwn(jobOf(`${head}preemptible: false\n`), 'preemptible'));
  assert.deepEqual(problemsOf(`type: service\n${head}preemptible: true\n`), [
    '6:1 "preemptible" belongs to batch jobs, and this one has "type: service"; see line 1',
  ]);
  assert.deepEqual(problemsOf(`${head}preemptible: true\n`), [
    '5:1 "preemptible" belongs to batch jobs; without "type: batch" this is a service',
  ]);
  assert.deepEqual(problemsOf(`type: srevice\n${head}preemptible: true\n`).length, 1);
  assert.deepEqual(problemsOf(`type: batch\n${head}preemptible: maybe\n`), ['6:14 preemptible: expected true or false, got "maybe"']);
  assert.deepEqual(dataProblems({ name: 'a', type: 'service', preemptible: true, tasks: { t: { image: 'x' } } }), [
    '"preemptible" belongs to batch jobs, and this one has "type: service"; see type',
  ]);
});

test('the schema for editors describes what a task asks of its nodes', () => {
  const schema = z.toJSONSchema(jobSchema, { io: 'input' }) as {
    properties: Record<string, { type?: string; description?: string; additionalProperties?: { properties: Record<string, object> } }>;
  };
  const task = schema.properties['tasks']!.additionalProperties!.properties as Record<string, Record<string, unknown>>;
  for (const key of ['constraints', 'affinity']) {
    assert.equal(task[key]!['type'], 'array', key);
    assert.equal((task[key]!['items'] as { type: string }).type, 'string', key);
  }
  assert.equal(task['spread']!['type'], 'string');
  assert.equal(task['maxPerNode']!['minimum'], 1);
  for (const key of ['constraints', 'affinity', 'spread', 'maxPerNode']) assert.ok(task[key]!['description'], key);
  assert.equal(schema.properties['preemptible']!.type, 'boolean');
  assert.match(schema.properties['preemptible']!.description ?? '', /^Batch only/);
});
