import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { JobSpec } from '../../src/core/job.ts';
import { FakeManager } from './fake-manager.ts';
import { cube, dataDirectoryOf, fileWith } from './run-cli.ts';

const file = 'name: shop\ntasks:\n  web:\n    image: nginx:${TAG}\n    count: ${COUNT:-2}\n    env: {STAGE: ${STAGE:-dev}}\n';

test('a file gets its values from --set, the environment and its defaults, in that order', async (t) => {
  const options = { env: { TAG: '1.27', STAGE: 'live' } };
  const { code, stdout, stderr } = await cube(
    ['submit', '--dry-run', '-o', 'json', '--set', 'TAG=1.28', '--set', 'COUNT=5', fileWith(t, 'job.yaml', file)],
    options,
  );
  assert.deepEqual([code, stderr], [0, '']);
  const { web } = (JSON.parse(stdout) as JobSpec).tasks;
  assert.deepEqual([web?.image, web?.count, web?.env], ['nginx:1.28', 5, { STAGE: 'live' }]);
});

test('an empty value is as good as none where there is a default', async (t) => {
  const path = fileWith(t, 'job.yaml', 'name: shop\ntasks: {web: {image: "busybox:${TAG:-latest}"}}\n');
  for (const [set, env] of [
    [[], { TAG: '' }],
    [['--set', 'TAG='], { TAG: '1.36' }],
  ] as const) {
    const { stdout } = await cube(['submit', '--dry-run', '-o', 'json', ...set, path], { env });
    assert.equal((JSON.parse(stdout) as JobSpec).tasks['web']?.image, 'busybox:latest');
  }
});

test('a name without a value is exit 2, with its place and what to do', async (t) => {
  const { code, stderr } = await cube(['submit', '--dry-run', fileWith(t, 'job.yaml', file)]);
  assert.equal(code, 2);
  assert.match(stderr, /job\.yaml:4:18: \$\{TAG\} has no value: give --set TAG=\.\.\./);
});

test("a --set that is no pair, given twice, Cube's own or of no use is exit 2", async (t) => {
  const path = fileWith(t, 'job.yaml', file);
  const refused = async (...set: string[]): Promise<string> => {
    const { code, stderr } = await cube(['plan', ...set.flatMap((one) => ['--set', one]), path]);
    assert.equal(code, 2, stderr);
    return stderr.split('\n')[0]!;
  };
  assert.equal(await refused('TAG'), 'cube: --set needs NAME=value, with a name of letters, digits and "_", not "TAG"');
  assert.equal(await refused('TAG=1', 'TAG=2'), 'cube: --set was given TAG twice');
  assert.match(await refused('CUBE_JOB=x'), /^cube: --set cannot give CUBE_JOB a value/);
  assert.equal(await refused('TGA=1'), 'cube: the file does not use ${TGA}; did you mean TAG?');
});

test('a plan asks about the filled in file, and tells the submit that does the same', async (t) => {
  const manager = await FakeManager.start(t);
  const plan = { index: 7, job: 'shop', change: 'created', changes: [], unplaced: [], preempted: [], diff: [], warnings: [] };
  manager.answers.set('POST /v1/plan', () => plan);
  const path = fileWith(t, 'job.yaml', file);
  const env = { CUBE_DATA: dataDirectoryOf(t, manager.url, 'secret') };
  const { code, stderr } = await cube(['plan', '--set', 'TAG=1', '--set', 'STAGE=a b', path], { env });
  assert.equal(code, 10, stderr);
  const { job } = manager.seen[0]!.body as { readonly job: object };
  assert.deepEqual(job, { name: 'shop', tasks: { web: { image: 'nginx:1', count: 2, env: { STAGE: 'a b' } } } });
  assert.match(stderr, /cube submit \S+ --set TAG=\.\.\. --set STAGE=\.\.\. --check-index 7/);
  assert.doesNotMatch(stderr, /a b/, 'a value may be a secret');
});
