import assert from 'node:assert/strict';
import test from 'node:test';
import { z } from 'zod';
import { checkJob, jobSchema, parseJobFile } from '../../src/core/job-file/index.ts';
import { limitsDefault, limitsWith } from '../../src/core/limits.ts';
import { head, jobOf, taskOf } from './job-files.ts';

test('the shortest job gets every default of the contract', () => {
  assert.deepEqual(jobOf(head), {
    name: 'a',
    type: 'service',
    datacenters: [],
    priority: 50,
    labels: {},
    tasks: {
      t: {
        image: 'busybox',
        pull: 'missing',
        count: 1,
        env: {},
        resources: { cpu: 0, memoryBytes: 0, diskBytes: 0, custom: {} },
        ports: [],
        restart: { on: 'always', attempts: 3, withinMs: 600_000, delayMs: 1_000, backoff: 2, delayMsMax: 60_000 },
        stopDelayMs: 0,
        stopGraceMs: 10_000,
      },
    },
  });
});

test('a job with everything this version takes is read as the contract writes it', () => {
  const text = `name: shop
type: service
datacenters: [dc1]
priority: 60
labels: {team: web, tier: 1, on-call: true}
tasks:
  web:
    image: nginx:1.27
    pull: always
    command: [nginx, -g, daemon off;]
    count: 3
    env: {MODE: production, PORT: 8080, DEBUG: false}
    user: "101"
    workdir: /srv
    resources: {cpu: 0.5, memory: 128MiB, disk: 1GiB, gpu: 1}
    ports: ["8080:80", "9000", "127.0.0.1:53:53/udp"]
    restart: {on: failure, attempts: 5, within: 20m, delay: 2s, backoff: 1.5, delayMax: 30s}
    constraints: ["label.disk == ssd", 'arch in [x64, arm64]']
    affinity:
      - label.zone == a
    spread: datacenter
    maxPerNode: 2
    stopSignal: SIGQUIT
    stopDelay: 1s
    stopGrace: 1m30s
`;
  const spec = jobOf(text);
  assert.deepEqual(spec.labels, { team: 'web', tier: '1', 'on-call': 'true' });
  assert.deepEqual([spec.datacenters, spec.priority], [['dc1'], 60]);
  assert.deepEqual(spec.tasks['web'], {
    image: 'nginx:1.27',
    pull: 'always',
    command: ['nginx', '-g', 'daemon off;'],
    count: 3,
    env: { MODE: 'production', PORT: '8080', DEBUG: 'false' },
    user: '101',
    workdir: '/srv',
    resources: { cpu: 0.5, memoryBytes: 128 * 2 ** 20, diskBytes: 2 ** 30, custom: { gpu: 1 } },
    ports: [
      { host: 8080, container: 80, protocol: 'tcp' },
      { container: 9000, protocol: 'tcp' },
      { ip: '127.0.0.1', host: 53, container: 53, protocol: 'udp' },
    ],
    restart: { on: 'failure', attempts: 5, withinMs: 1_200_000, delayMs: 2_000, backoff: 1.5, delayMsMax: 30_000 },
    constraints: [
      { text: 'label.disk == ssd', attribute: 'label.disk', operator: '==', values: ['ssd'] },
      { text: 'arch in [x64, arm64]', attribute: 'arch', operator: 'in', values: ['x64', 'arm64'] },
    ],
    affinity: [{ text: 'label.zone == a', attribute: 'label.zone', operator: '==', values: ['a'] }],
    spread: 'datacenter',
    maxPerNode: 2,
    stopSignal: 'SIGQUIT',
    stopDelayMs: 1_000,
    stopGraceMs: 90_000,
  });
});

test('a batch job is restarted on failure unless it says otherwise', () => {
  const batch = jobOf(`type: batch\n${head}`);
  assert.equal(batch.tasks['t']?.restart.on, 'failure');
  assert.equal(jobOf(`type: batch\n${head}    restart: {on: never}\n`).tasks['t']?.restart.on, 'never');
});

test('a part of a restart policy keeps the defaults of the rest', () => {
  assert.deepEqual(taskOf('restart: {attempts: 0}').restart, {
    on: 'always',
    attempts: 0,
    withinMs: 600_000,
    delayMs: 1_000,
    backoff: 2,
    delayMsMax: 60_000,
  });
});

test('delay and delayMax give way to each other where only one is told', () => {
  const long = taskOf('restart: {delay: 2m}').restart;
  assert.deepEqual([long.delayMs, long.delayMsMax], [120_000, 120_000]);
  const short = taskOf('restart: {delayMax: 500ms}').restart;
  assert.deepEqual([short.delayMs, short.delayMsMax], [500, 500]);
});

test('defaults come from the limits that are given', () => {
  const limits = limitsWith({
    stopGraceMs: 1,
    restartAttempts: 9,
    restartWithinMs: 8,
    restartDelayMs: 7,
    restartBackoff: 6,
    restartDelayMsMax: 50,
  });
  const task = jobOf(head, limits).tasks['t'];
  assert.equal(task?.stopGraceMs, 1);
  assert.deepEqual(task?.restart, { on: 'always', attempts: 9, withinMs: 8, delayMs: 7, backoff: 6, delayMsMax: 50 });
});

test('JSON is read as the YAML it is, tabs and all', () => {
  const json = '{\n\t"name": "a",\n\t"tasks": {"t": {"image": "busybox"}}\n}\n';
  assert.deepEqual(jobOf(json), jobOf(head));
});

test('a byte order mark and Windows line ends do not matter', () => {
  assert.deepEqual(jobOf(`\uFEFF${head.replaceAll('\n', '\r\n')}`), jobOf(head));
});

test('the document given back passes as plain data and gives the same job', () => {
  const text = `${head}    env: {VERSION: 1.10}\n    user: 0101\n    command: sh -c 'echo hi'\n`;
  const { spec, document } = parseJobFile(text, 'f.yaml', limitsDefault);
  assert.deepEqual(checkJob(JSON.parse(JSON.stringify(document)), limitsDefault), spec);
});

test('the order of tasks is kept', () => {
  const spec = jobOf('name: a\ntasks:\n  z: {image: x}\n  b: {image: x}\n  c: {image: x}\n');
  assert.deepEqual(Object.keys(spec.tasks), ['z', 'b', 'c']);
});

test('`on` is a plain key, whatever YAML version the file names', () => {
  assert.equal(taskOf('restart: {on: failure}').restart.on, 'failure');
  assert.equal(jobOf(`%YAML 1.1\n---\n${head}    restart: {on: failure}\n`).tasks['t']?.restart.on, 'failure');
});

test('numbers where text is meant stay as they were written', () => {
  const task = taskOf(
    'env: {A: 1.10, B: 0777, C: 12345678901234567890, D: 1e3, E: True, F: "1.10"}',
    'user: 0101',
    'command: [sleep, 1.0, 0x10]',
  );
  assert.deepEqual(task.env, { A: '1.10', B: '0777', C: '12345678901234567890', D: '1e3', E: 'True', F: '1.10' });
  assert.equal(task.user, '0101');
  assert.deepEqual(task.command, ['sleep', '1.0', '0x10']);
});

test('anchors and aliases work, and a number used as both stays both', () => {
  const spec = jobOf(`${head}    count: &n 2\n    env: &e {A: &v 1.10, B: *v, N: *n}\n  u: {image: x, env: *e}\n`);
  assert.equal(spec.tasks['t']?.count, 2);
  assert.deepEqual(spec.tasks['t']?.env, { A: '1.10', B: '1.10', N: '2' });
  assert.deepEqual(spec.tasks['u']?.env, spec.tasks['t']?.env);
});

test('a count of 0 is a job that waits', () => {
  assert.equal(taskOf('count: 0').count, 0);
});

test('names that JavaScript objects have by themselves are names like others', () => {
  const spec = jobOf('name: a\nlabels: {constructor: x}\ntasks: {toString: {image: x, env: {valueOf: 1}}}\n');
  assert.deepEqual(Object.keys(spec.tasks), ['toString']);
  assert.deepEqual(Object.entries(spec.labels), [['constructor', 'x']]);
});

test('the schema becomes a JSON Schema for editors', () => {
  const schema = z.toJSONSchema(jobSchema, { io: 'input' });
  assert.deepEqual(schema.required, ['name', 'tasks']);
  assert.equal(schema.additionalProperties, false);
  const tasks = schema.properties?.['tasks'];
  assert.ok(typeof tasks === 'object' && typeof tasks.additionalProperties === 'object');
  const task = tasks.additionalProperties;
  assert.deepEqual(task.required, ['image']);
  assert.ok(Object.keys(task.properties ?? {}).includes('stopGrace'));
  assert.ok(Object.keys(task.properties ?? {}).includes('health'));
  for (const key of ['volumes', 'secrets', 'configs', 'dependsOn']) assert.ok(Object.keys(task.properties ?? {}).includes(key), key);
  const jobKeys = Object.keys(schema.properties ?? {});
  for (const key of ['update', 'schedule', 'parameters', 'payload']) assert.ok(jobKeys.includes(key), key);
  assert.ok(!jobKeys.includes('disconnect'), 'what is not taken yet is not offered');
});
