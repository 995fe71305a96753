import assert from 'node:assert/strict';
import test from 'node:test';
import type { NodeAttributes } from '../../src/core/constraint.ts';
import { unmeetable } from '../../src/core/unmeetable.ts';
import { jobOf } from './job-files.ts';

function node(name: string, labels: Record<string, string> = {}, more: Partial<NodeAttributes> = {}): NodeAttributes {
  return { name, dc: 'dc1', labels, os: 'linux', arch: 'x64', runtimeVersion: '20.10.24', ...more };
}

const nodes = [node('a', { disk: 'hdd' }), node('b', { disk: 'nvme', zone: 'x' }), node('c', { disk: 'hdd', rack: 'r 1' }, { dc: 'dc2' })];

/** What is warned about of one task with these constraints. */
function warned(
  constraints: readonly string[],
  datacenters: readonly string[] = [],
  of: readonly NodeAttributes[] = nodes,
): readonly string[] {
  const text = JSON.stringify({ name: 'shop', datacenters, tasks: { web: { image: 'x', constraints } } });
  return unmeetable(jobOf(text), of);
}

test('what some node meets is not spoken of, whatever else is on it', () => {
  assert.deepEqual(warned([]), []);
  assert.deepEqual(warned(['label.disk == hdd', 'os == linux', 'label.gpu not exists', 'docker.version >= 20.10', 'label.zone != y']), []);
  assert.deepEqual(warned(['label.disk == hdd'], ['dc2']), []);
  assert.deepEqual(warned(['label.disk != hdd', 'label.disk != nvme', 'label.disk == ssd'].slice(0, 1)), []);
});

test('nothing is said while no node is known', () => {
  assert.deepEqual(warned(['label.disk == ssd'], ['dc9'], []), []);
});

test('a constraint that no node meets is told with the values there are, most frequent first', () => {
  assert.deepEqual(warned(['label.disk == ssd']), ['task web: no node has label.disk == ssd; there are hdd and nvme']);
  assert.deepEqual(warned([' arch in [arm64]']), ['task web: no node has arch in [arm64]; there is only x64']);
  assert.deepEqual(warned(['label.rack == r1']), ['task web: no node has label.rack == r1; there is only "r 1"']);
  assert.deepEqual(warned(['docker.version > 27']), ['task web: no node has docker.version > 27; there is only 20.10.24']);
  assert.deepEqual(warned(['os != linux']), ['task web: no node has os != linux; there is only linux']);
  assert.deepEqual(warned(['os not exists']), ['task web: no node is without os']);
  const many = Array.from({ length: 9 }, (_, at) => node(`n${at}`));
  assert.deepEqual(warned(['name == n10'], [], many), ['task web: no node has name == n10; there are n0, n1, n2, n3, n4 and 4 more']);
});

test('a label or fact that no node has is told as that, with the label that was meant', () => {
  assert.deepEqual(warned(['label.dsik == hdd']), ['task web: no node has the label dsik; did you mean label.disk?']);
  assert.deepEqual(warned(['label.gpu exists']), ['task web: no node has the label gpu']);
  assert.deepEqual(warned(['cpu.model == Xeon']), ['task web: no node has cpu.model == Xeon; none tells its cpu.model']);
});

test('constraints that only no one node meets are told together, with the data centers of the job', () => {
  assert.deepEqual(warned(['label.disk == hdd', 'label.zone == x']), [
    'task web: no node has label.disk == hdd and label.zone == x together',
  ]);
  assert.deepEqual(warned(['label.zone == x'], ['dc2']), ['task web: no node in dc2 has label.zone == x']);
  assert.deepEqual(warned(['datacenter == dc2'], ['dc1']), ['task web: no node in dc1 has datacenter == dc2']);
  assert.deepEqual(warned(['datacenter == dc2', 'os == linux'], ['dc1', 'dc3']), [
    'task web: no node in dc1 or dc3 has datacenter == dc2 and os == linux together',
  ]);
});

test('data centers without a node are told of the job, and each constraint on its own still', () => {
  assert.deepEqual(warned(['os == linux'], ['dc9']), ['no node is in dc9; there are dc1 and dc2']);
  assert.deepEqual(warned(['label.disk == ssd'], ['dc9', 'dc8']), [
    'no node is in dc9 or dc8; there are dc1 and dc2',
    'task web: no node has label.disk == ssd; there are hdd and nvme',
  ]);
  assert.deepEqual(warned([], ['dc9', 'dc1']), [], 'one that has nodes will do');
});

test('each task is told, each constraint once', () => {
  const tasks = { web: { image: 'x', constraints: ['os == a', 'arch == b', 'os == a'] }, db: { image: 'x', constraints: ['os == a'] } };
  assert.deepEqual(unmeetable(jobOf(JSON.stringify({ name: 'shop', tasks })), nodes), [
    'task web: no node has os == a; there is only linux',
    'task web: no node has arch == b; there is only x64',
    'task db: no node has os == a; there is only linux',
  ]);
});

test('preferences are never warned about', () => {
  const text = 'name: a\ntasks: {t: {image: x, affinity: [label.nope == a], spread: label.nope, maxPerNode: 1}}\n';
  assert.deepEqual(unmeetable(jobOf(text), nodes), []);
});
