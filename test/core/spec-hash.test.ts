import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';
import type { JobSpec, TaskSpec } from '../../src/core/job.ts';
import { fnv1a64, sameJob, specHash } from '../../src/core/spec-hash.ts';
import { jobOf } from './job-files.ts';

const job = jobOf(`name: shop
labels: {team: web}
tasks:
  web:
    image: nginx:1.27
    command: [nginx, -g]
    env: {A: "1", B: "2"}
    user: "101"
    workdir: /srv
    resources: {cpu: 0.5, memory: 64MiB, gpu: 1}
    ports: ["8080:80", "9000"]
  db: {image: postgres}
`);
const web = job.tasks['web']!;

function withWeb(change: Partial<TaskSpec>): JobSpec {
  return { ...job, tasks: { ...job.tasks, web: { ...web, ...change } } };
}

test('the hash is FNV-1a by its published vectors', () => {
  assert.equal(fnv1a64(''), 'cbf29ce484222325');
  assert.equal(fnv1a64('a'), 'af63dc4c8601ec8c');
  assert.equal(fnv1a64('foobar'), '85944171f73967e8');
  assert.notEqual(fnv1a64('ä'), fnv1a64('Ã¤'.slice(0, 1)));
});

test('the hash of a spec stays what it was: records of older versions carry it', () => {
  const made =
    '{"env":{},"image":"busybox","labels":{},"ports":[],"resources":{"cpu":0,"custom":{},"diskBytes":0,"memoryBytes":0},"type":"service"}';
  assert.equal(fnv1a64(made), 'd3c65d22cd004485');
  assert.equal(specHash(jobOf('name: a\ntasks: {t: {image: busybox}}\n'), 't'), 'd3c65d22cd004485');
});

test('what a container is made from changes the hash', () => {
  const changes: Partial<TaskSpec>[] = [
    { image: 'nginx:1.28' },
    { command: ['nginx'] },
    { command: ['-g', 'nginx'] },
    { command: undefined },
    { env: { A: '1' } },
    { env: { A: '1', B: '3' } },
    { user: '102' },
    { user: undefined },
    { workdir: '/' },
    { resources: { ...web.resources, cpu: 1 } },
    { resources: { ...web.resources, memoryBytes: 1 } },
    { resources: { ...web.resources, diskBytes: 1 } },
    { resources: { ...web.resources, custom: { gpu: 2 } } },
    { ports: [] },
    { ports: [{ ...web.ports[0]!, host: 8081 }, web.ports[1]!] },
    { ports: [{ ...web.ports[0]!, ip: '127.0.0.1' }, web.ports[1]!] },
    { ports: [{ ...web.ports[0]!, protocol: 'udp' }, web.ports[1]!] },
  ];
  const hashes = new Set([specHash(job, 'web'), ...changes.map((change) => specHash(withWeb(change), 'web'))]);
  assert.equal(hashes.size, changes.length + 1);
  assert.notEqual(specHash({ ...job, labels: {} }, 'web'), specHash(job, 'web'));
  assert.notEqual(specHash({ ...job, type: 'batch' }, 'web'), specHash(job, 'web'));
});

test('what takes effect without a new container leaves the hash alone', () => {
  const changes: Partial<TaskSpec>[] = [
    { count: 9 },
    { pull: 'always' },
    { restart: { ...web.restart, on: 'never' } },
    { stopSignal: 'SIGINT' },
    { stopSignal: undefined },
    { stopDelayMs: 5 },
    { stopGraceMs: 5 },
    { ports: web.ports.toReversed() },
  ];
  for (const change of changes) assert.equal(specHash(withWeb(change), 'web'), specHash(job, 'web'), JSON.stringify(change));
  const others: JobSpec[] = [
    { ...job, priority: 1 },
    { ...job, datacenters: ['x'] },
    { ...job, onNode: 'n' },
    { ...job, name: 'other' },
    { ...job, tasks: { web } },
  ];
  for (const other of others) assert.equal(specHash(other, 'web'), specHash(job, 'web'));
});

test("of a health check only counts that there is one: its image's own is off then, for the life of the container", () => {
  const check = { probe: { kind: 'tcp' as const, port: 80 }, intervalMs: 1, timeoutMs: 1, retries: 1, startPeriodMs: 0 };
  const checked = specHash(withWeb({ health: check }), 'web');
  assert.notEqual(checked, specHash(job, 'web'));
  const others: TaskSpec['health'][] = ['none', { ...check, retries: 9 }, { ...check, probe: { kind: 'exec', command: ['x'] } }];
  for (const health of others) assert.equal(specHash(withWeb({ health }), 'web'), checked);
  assert.equal(specHash(withWeb({ health: undefined }), 'web'), specHash(job, 'web'));
});

/** Hash of a task with these constraints. */
function constrained(...lines: string[]): string {
  return specHash(jobOf(`name: a\ntasks: {t: {image: busybox, constraints: ${JSON.stringify(lines)}}}\n`), 't');
}

test('constraints change the hash by what they mean, in whatever order and form', () => {
  const none = constrained();
  assert.equal(none, 'd3c65d22cd004485', 'without any it is what it was before there were constraints');
  assert.equal(specHash(withWeb({ constraints: [] }), 'web'), specHash(job, 'web'));
  const one = constrained('label.disk == ssd');
  assert.equal(constrained("  node.labels.disk=='ssd' "), one);
  assert.equal(constrained('arch in [x64, arm64]', 'os == linux'), constrained('os == linux', 'arch in [arm64, amd64]'));
  const others = ['label.disk == hdd', 'label.disk != ssd', 'label.disk in [ssd]', 'label.disc == ssd', 'label.disk exists'];
  assert.equal(new Set([none, one, ...others.map((other) => constrained(other))]).size, others.length + 2);
  assert.notEqual(constrained('label.disk == ssd', 'arch == x64'), one);
});

test('what only prefers nodes leaves the hash alone, and makes a new version all the same', () => {
  const affinity = [{ text: 'os == linux', attribute: 'os', operator: '==' as const, values: ['linux'] }];
  const others: JobSpec[] = [
    withWeb({ affinity }),
    withWeb({ spread: 'datacenter' }),
    withWeb({ maxPerNode: 1 }),
    { ...job, preemptible: true },
  ];
  for (const other of others) {
    assert.equal(specHash(other, 'web'), specHash(job, 'web'));
    assert.ok(!sameJob(other, job));
  }
});

test('a task that is not in the job has no hash', () => {
  assert.throws(() => specHash(job, 'nope'), /job shop has no task nope/);
  assert.throws(() => specHash(job, 'constructor'), RangeError);
});

/** The same value with the keys of every object in another order. */
function shuffled(value: unknown, seed: number): unknown {
  if (Array.isArray(value)) return value.map((inner) => shuffled(inner, seed));
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value).map(([key, inner]) => [key, shuffled(inner, seed)] as const);
  return Object.fromEntries(entries.toSorted(([a], [b]) => fnv1a64(seed + a).localeCompare(fnv1a64(seed + b))));
}

test('the order of keys matters to no hash and no comparison', () => {
  const env = fc.dictionary(fc.string(), fc.string());
  fc.assert(
    fc.property(env, env, fc.integer(), (variables, labels, seed) => {
      const one: JobSpec = { ...withWeb({ env: variables }), labels };
      const other = shuffled(one, seed) as JobSpec;
      assert.equal(specHash(other, 'web'), specHash(one, 'web'));
      assert.ok(sameJob(one, other));
    }),
  );
});

test('different environments have different hashes', () => {
  const env = fc.dictionary(fc.string({ maxLength: 3 }), fc.string({ maxLength: 3 }));
  fc.assert(
    fc.property(env, env, (a, b) => {
      const [one, other] = [withWeb({ env: a }), withWeb({ env: b })];
      assert.equal(specHash(one, 'web') === specHash(other, 'web'), sameJob(one, other));
    }),
  );
});

test('any change of a spec makes it another, also one that needs no container', () => {
  assert.ok(sameJob(job, structuredClone(job)));
  assert.ok(sameJob(job, { ...job, onNode: undefined }));
  const others: JobSpec[] = [
    { ...job, name: 'x' },
    { ...job, priority: 51 },
    { ...job, datacenters: ['a'] },
    { ...job, onNode: 'n' },
    withWeb({ count: 2 }),
    withWeb({ stopGraceMs: 1 }),
    withWeb({ ports: web.ports.toReversed() }),
    { ...job, tasks: { web } },
  ];
  for (const other of others) assert.ok(!sameJob(job, other), JSON.stringify(other).slice(0, 80));
});
