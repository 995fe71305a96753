import assert from 'node:assert/strict';
import { mkdtempSync, writeFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import type { TestContext } from 'node:test';
import type { PaperReport, SimulationReport } from '../../src/core/simulation.ts';
import { cube } from './run-cli.ts';

const nodesCsv = 'sn,cpu_milli,memory_mib,gpu,model\nn1,96000,393216,8,G2\nn2,104000,524288,2,T4\nn3,16000,122880,2,P100\n';
const tasksCsv = [
  'name,cpu_milli,memory_mib,num_gpu,gpu_milli,gpu_spec,qos,pod_phase',
  'p0,12000,16384,1,1000,,LS,Running',
  'p1,6000,12288,1,460,,LS,Running',
  'p2,24000,24576,0,0,,BE,Running',
  'p3,8000,8192,2,1000,T4|P100,LS,Running',
  'p4,999000,8192,0,0,,BE,Running\n',
].join('\n');

function files(t: TestContext, contents: Readonly<Record<string, string>>): string {
  const cwd = mkdtempSync(join(tmpdir(), 'cube-simulate-'));
  t.after(() => rm(cwd, { recursive: true, force: true }));
  for (const [name, text] of Object.entries(contents)) writeFileSync(join(cwd, name), text);
  return cwd;
}

const given = ['simulate', '--nodes', 'nodes.csv', '--tasks', 'tasks.csv'];

test('simulate places the tasks of the file once by every policy, without a manager', async (t) => {
  const cwd = files(t, { 'nodes.csv': nodesCsv, 'tasks.csv': tasksCsv });
  const { code, stdout, stderr } = await cube(given, { cwd });
  assert.equal(code, 0, stderr);
  const lines = stdout.trimEnd().split('\n');
  assert.match(lines[0]!, /^POLICY +PLACED +UNPLACED +CPU +MEMORY +GPU +FRAGMENTED +TIME +PUTS A TASK ON$/);
  assert.deepEqual(
    lines.slice(1).map((line) => line.split(/ +/)[0]),
    ['random', 'roundrobin', 'spread', 'binpack', 'bestfit', 'epvm', 'fgd', 'refill'],
  );
  assert.match(lines.at(-1)!, /^refill +4 +1 +23\.15 % +5\.91 % +28\.83 % /);
  assert.match(stderr, /^3 nodes \(216 cores, 1016 GiB memory, 12 gpu\); the 5 tasks of the file in order\n/);
});

test('simulate -o json tells where each task went, and the same each time', async (t) => {
  const cwd = files(t, { 'nodes.csv': nodesCsv, 'tasks.csv': tasksCsv });
  const run = async () => JSON.parse((await cube([...given, '--policy', 'refill,epvm', '-o', 'json'], { cwd })).stdout) as SimulationReport;
  const report = await run();
  assert.deepEqual([report.nodes, report.tasks, report.scarce, report.fill], [3, 5, 'gpu', null]);
  assert.deepEqual(
    report.policies.map(({ policy, placed, unplaced }) => [policy, placed, unplaced]),
    [
      ['refill', 4, 1],
      ['epvm', 4, 1],
    ],
  );
  for (const { placements, utilisation } of report.policies) {
    assert.equal(placements!.length, 5);
    assert.deepEqual(placements!.at(-1), { task: 'p4', node: null });
    assert.ok(['n2', 'n3'].includes(placements![3]!.node!), 'a T4 or a P100');
    assert.equal(utilisation['gpu'], 3.46 / 12);
  }
  assert.deepEqual(
    (await run()).policies.map(({ placements }) => placements),
    report.policies.map(({ placements }) => placements),
  );
});

test('simulate --fill draws a load for each seed and shows the averages', async (t) => {
  const cwd = files(t, { 'nodes.csv': nodesCsv, 'tasks.csv': tasksCsv });
  const { stdout } = await cube([...given, '--policy', 'epvm', '--fill', '150', '--seeds', '3', '-o', 'json'], { cwd });
  const [epvm] = (JSON.parse(stdout) as SimulationReport).policies;
  assert.deepEqual(
    epvm!.runs.map(({ seed }) => seed),
    [42, 43, 44],
  );
  assert.equal(epvm!.placements, undefined, 'there is no one answer');
  const mean = epvm!.runs.reduce((sum, run) => sum + run.utilisation['gpu']!, 0) / 3;
  assert.ok(Math.abs(epvm!.utilisation['gpu']! - mean) < 1e-12);
  const quiet = await cube([...given, '--fill', '150', '-q'], { cwd });
  assert.match(quiet.stdout, /^(random|roundrobin|spread|binpack|bestfit|epvm|fgd|refill)\n$/, 'the best one');
  assert.equal(quiet.stderr, '');
});

test('simulate names file, line and column of a bad row', async (t) => {
  const cwd = files(t, { 'nodes.csv': 'name,cpu,memory\na,4,8GiB\nb,four,8 gigs\n', 'tasks.csv': tasksCsv });
  const { code, stderr } = await cube(given, { cwd });
  assert.equal(code, 2);
  assert.match(
    stderr,
    /^nodes\.csv:3:3: cpu needs a number of cores, not "four"\nnodes\.csv:3:8: memory needs a size like 128MiB, not "8 gigs"\nhint: columns are/,
  );
  const json = JSON.parse((await cube([...given, '-o', 'json'], { cwd })).stdout) as { error: { code: string; at: unknown } };
  assert.deepEqual([json.error.code, json.error.at], ['invalid-file', { file: 'nodes.csv', line: 3, column: 3 }]);
});

test('simulate -q names the default policy when none does better, and one of a thing is no plural', async (t) => {
  const cwd = files(t, { 'nodes.csv': 'name,cpu\na,1\n', 'tasks.csv': 'name,cpu\nt,0.5\n' });
  const { stdout } = await cube([...given, '--policy', 'random,epvm', '-q'], { cwd });
  assert.equal(stdout, 'epvm\n');
  const { stderr } = await cube([...given, '--policy', 'epvm'], { cwd });
  assert.match(stderr, /^1 node \(1 core\); the 1 task of the file in order\n/);
});

test('simulate says what is missing or does not fit', async (t) => {
  const cwd = files(t, { 'nodes.csv': nodesCsv, 'tasks.csv': tasksCsv, 'none.json': '[]' });
  const refused: readonly (readonly [args: readonly string[], says: RegExp])[] = [
    [['simulate'], /--nodes is missing: a CSV or JSON file/],
    [['simulate', '--nodes', 'nodes.csv'], /--tasks is missing/],
    [[...given, '--policy', 'epmv'], /there is no policy "epmv"; did you mean "epvm"\?/],
    [[...given, '--fill', '0'], /--fill needs a number from 1/],
    [[...given, '--epvm-base', '1'], /^cube: --epvm-base must be greater than 1, not 1\nhint: see `cube simulate --help`\n$/],
    [['simulate', '--nodes', 'gone.csv', '--tasks', 'tasks.csv'], /there is no file gone\.csv/],
    [['simulate', '--nodes', 'none.json', '--tasks', 'tasks.csv'], /none\.json: the list is empty/],
    [['simulate', '--epvm-paper', '--fill', '130'], /--fill does not go with --epvm-paper/],
  ];
  for (const [args, says] of refused) {
    const { code, stderr } = await cube(args, { cwd });
    assert.equal(code, 2, args.join(' '));
    assert.match(stderr, says);
  }
});

test("simulate --epvm-paper prints the paper's figures beside its own", async () => {
  const { code, stdout, stderr } = await cube(['simulate', '--epvm-paper', '--seeds', '2']);
  assert.equal(code, 0, stderr);
  assert.match(stdout, /round robin +\d+\.\d+ +15\.404\nE-PVM +\d+\.\d+ +10\.701\nratio +\d+\.\d+ +1\.44\n$/);
  assert.match(stderr, /E-PVM was better in 2 of 2 seeds/);
  const report = JSON.parse((await cube(['simulate', '--epvm-paper', '--seeds', '1', '-o', 'json'])).stdout) as PaperReport;
  assert.deepEqual([report.seeds, report.won, report.paper.roundrobin], [1, 1, 15.404]);
});
