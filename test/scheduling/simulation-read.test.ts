import assert from 'node:assert/strict';
import { test } from 'node:test';
import { csvSheet, jsonSheet } from '../../src/boot/sheet.ts';
import { CubeError } from '../../src/core/errors.ts';
import { readNodes, readTasks } from '../../src/scheduling/simulation/read.ts';
import { gib } from './simulation-scenes.ts';

const bounds = { max: 1_000, problemsMax: 5 };
const nodesOf = (text: string) => readNodes(csvSheet(text, 'nodes.csv'), bounds);
const tasksOf = (text: string) => readTasks(csvSheet(text, 'tasks.csv'), bounds);

/** What reading says, a line a problem. */
function problemsOf(read: () => unknown): readonly string[] {
  try {
    read();
  } catch (thrown) {
    assert.ok(thrown instanceof CubeError);
    assert.equal(thrown.code, 'invalid-file');
    const told = thrown.problems.length > 0 ? thrown.problems : [{ message: thrown.message, ...(thrown.at ? { at: thrown.at } : {}) }];
    return told.map(({ message, at }) => (at ? `${at.file}:${at.line}:${at.column}: ${message}` : message));
  }
  return [];
}

test('columns are those of the job file, in any order, and resources of your own', () => {
  const nodes = nodesOf('memory,name,cpu,gpu,disk,model,licence\n8GiB,a,4.5,2,1TB,A10,3\n"512 MiB",b,,,,,\n');
  assert.deepEqual(nodes, [
    { name: 'a', capacity: { cpu: 4.5, memoryBytes: 8 * gib, diskBytes: 1e12, custom: { licence: 3, gpu: 2 } }, model: 'A10' },
    { name: 'b', capacity: { cpu: 0, memoryBytes: gib / 2, diskBytes: 0, custom: {} } },
  ]);
  assert.deepEqual(tasksOf('name,cpu,gpu,model\nt,1,0.25,A10|T4\n'), [
    { name: 't', ask: { cpu: 1, memoryBytes: 0, diskBytes: 0, custom: { gpu: 0.25 } }, models: ['A10', 'T4'] },
  ]);
});

test('count makes several, told apart by their names', () => {
  const tasks = tasksOf('name,count,cpu\nweb,2,1\nnone,0,1\none,,1\n');
  assert.deepEqual(
    tasks.map(({ name }) => name),
    ['web.1', 'web.2', 'one'],
  );
});

test('the tables of the openb traces are read as they are', () => {
  const nodes = nodesOf('sn,cpu_milli,memory_mib,gpu,model\nopenb-node-0000,64000,262144,2,P100\n');
  assert.deepEqual(nodes, [
    { name: 'openb-node-0000', capacity: { cpu: 64, memoryBytes: 256 * gib, diskBytes: 0, custom: { gpu: 2 } }, model: 'P100' },
  ]);
  const head = 'name,cpu_milli,memory_mib,num_gpu,gpu_milli,gpu_spec,qos,pod_phase,creation_time,deletion_time,scheduled_time';
  const tasks = tasksOf(
    `${head}\na,12000,16384,1,1000,,LS,Running,0,1,0\nb,6000,12288,1,460,V100M16|V100M32,LS,Running,0,1,\nc,500,1024,0,0,,BE,Failed,0,1,0\nd,1,1,8,1000,,LS,Running,0,1,0\n`,
  );
  assert.deepEqual(
    tasks.map(({ ask, models }) => [ask.cpu, ask.custom, models]),
    [
      [12, { gpu: 1 }, undefined],
      [6, { gpu: 0.46 }, ['V100M16', 'V100M32']],
      [0.5, {}, undefined],
      [0.001, { gpu: 8 }, undefined],
    ],
  );
});

test('a bad cell is named by file, line and column, and all of them at once', () => {
  const text = 'name,cpu,memory,gpu\na,four,1GiB,1\n\n"b, the second",2,1 parsec,0.5\n,1,,1\n';
  assert.deepEqual(
    problemsOf(() => nodesOf(text)),
    [
      'nodes.csv:2:3: cpu needs a number of cores, not "four"',
      'nodes.csv:4:19: memory needs a size like 128MiB, not "1 parsec"',
      'nodes.csv:4:28: gpu needs a whole number, not 0.5',
      'nodes.csv:5:1: the name is empty',
    ],
  );
  assert.deepEqual(
    problemsOf(() => tasksOf('name,gpu\na,1.5\nb,-1\n')),
    ['tasks.csv:2:3: gpu is a share of one (below 1), or whole ones, not 1.5', 'tasks.csv:3:3: gpu needs a number, not "-1"'],
  );
  assert.deepEqual(
    problemsOf(() => nodesOf('name,cpu\na,1\na,1\n')),
    ['nodes.csv:3:1: there is a node "a" already'],
  );
  assert.deepEqual(
    problemsOf(() => tasksOf('name,cpu_milli,num_gpu,gpu_milli\na,1,2,500\nb,1,1,1500\n')).map((one) => one.slice(0, 26)),
    ['tasks.csv:2:7: gpu_milli i', 'tasks.csv:3:7: gpu_milli i'],
  );
});

test('a table that is none is refused with what is wrong', () => {
  const first = (text: string) => problemsOf(() => nodesOf(text))[0];
  assert.equal(first(''), 'nodes.csv:1:1: the file is empty');
  assert.equal(first('name,cpu\n'), 'nodes.csv:1:1: there are no rows in it');
  assert.equal(first('cpu,memory\n1,1\n'), 'nodes.csv:1:1: there is no column "name"');
  assert.equal(first('name,cpu,cpu\na,1,1\n'), 'nodes.csv:1:1: there are two columns "cpu"');
  assert.equal(first('name,cpu\na,1\nb,1,2\n'), 'nodes.csv:3:1: expected 2 fields as in the first line, got 3');
  assert.match(first('name,cpu\n"a,1\n')!, /^nodes.csv:\d:1: /);
  assert.equal(first('name,memroy\na,1\n'), 'nodes.csv:1:6: unknown resource "memroy"; did you mean "memory"?');
  assert.equal(first('name,tier\na,gold\n'), 'nodes.csv:2:3: tier needs a number, not "gold"');
  assert.equal(first('name,count,cpu\na,5000,1\n'), 'nodes.csv:2:3: there are more than 1000 of them');
});

test('no more problems are told than there is a bound for', () => {
  const problems = problemsOf(() => nodesOf(`name,cpu\n${'a,b\n'.repeat(9)}`));
  assert.equal(problems.length, 6);
  assert.match(problems.at(-1)!, /and \d+ more problems/);
});

test('JSON is a list of objects with the same keys, and a bad one is named by its place', () => {
  const text = '[{"name": "a", "cpu": 4, "memory": "1GiB", "gpu": null}, {"name": "b", "count": 2, "memory": 1024}]';
  assert.deepEqual(
    readNodes(jsonSheet(text, 'nodes.json'), bounds).map(({ name, capacity }) => [name, capacity.cpu, capacity.memoryBytes]),
    [
      ['a', 4, gib],
      ['b.1', 0, 1024],
      ['b.2', 0, 1024],
    ],
  );
  const first = (bad: string) => problemsOf(() => readNodes(jsonSheet(bad, 'n.json'), bounds))[0];
  assert.equal(first('[{"name": "a", "cpu": "x"}]'), 'n.json: entry 1: cpu needs a number of cores, not "x"');
  assert.equal(first('[3]'), 'n.json: entry 1 is not an object like {"name": "a", "cpu": 4}');
  assert.equal(first('[{"name": "a", "cpu": [1]}]'), 'n.json: entry 1: cpu is a list or a map');
  assert.equal(first('{}'), 'n.json: expected a list of objects');
  assert.equal(first('[]'), 'n.json: the list is empty');
  assert.match(first('[{]')!, /^n.json: /);
});
