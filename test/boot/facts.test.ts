/** What a node says of its host. */
import assert from 'node:assert/strict';
import { cpus } from 'node:os';
import { test } from 'node:test';
import { nodeFacts } from '../../src/boot/runtime.ts';
import { checkFrame } from '../../src/core/frames.ts';
import { limitsDefault } from '../../src/core/limits.ts';
import type { NodeOptions } from '../../src/core/node-options.ts';
import type { RuntimeFacts } from '../../src/ports/runtime.ts';
import { cpuFacts } from '../../src/runtime/cpu-model.ts';
import { workerFrames } from '../transport/fixtures.ts';

const options: NodeOptions = {
  name: 'bar',
  roles: { manager: false, worker: true },
  listen: { host: '127.0.0.1', port: 0 },
  dataDirectory: '/data',
  workerFolder: 'worker',
  dc: 'dc2',
  labels: { disk: 'ssd' },
  offer: { cpu: 1.5, custom: { gpu: 4, 'nvidia.com/mig': 0.5 } },
  ports: { from: 20_000, to: 20_099 },
  runtime: 'process',
  workers: [],
  scheduler: 'epvm',
  openLoopback: false,
  stopTasks: false,
  limits: limitsDefault,
  logLevel: 'error',
  version: '0.0.0',
};
const found: RuntimeFacts = {
  name: 'docker',
  version: '20.10.24',
  capacity: { cpu: 8, memoryBytes: 1e9, diskBytes: 1e10, custom: { gpu: 1, fpga: 2 } },
  os: 'linux',
  arch: 'x64',
  cpuModel: 'Xeon',
  warnings: [],
};

test('a node offers what was found, less what its user said, and resources of his own', () => {
  const facts = nodeFacts(options, 'n1', found);
  assert.deepEqual(facts.capacity, { cpu: 1.5, memoryBytes: 1e9, diskBytes: 1e10, custom: { gpu: 4, fpga: 2, 'nvidia.com/mig': 0.5 } });
  assert.deepEqual([facts.dc, facts.labels, facts.runtime], ['dc2', { disk: 'ssd' }, { name: 'docker', version: '20.10.24' }]);
});

test("the processor's model is told where the runtime knows it", () => {
  assert.equal(nodeFacts(options, 'n1', found).cpuModel, 'Xeon');
  const { cpuModel: _, ...less } = found;
  assert.ok(!Object.hasOwn(nodeFacts(options, 'n1', less), 'cpuModel'));
  const model = cpus()[0]?.model.trim() ?? '';
  assert.deepEqual(cpuFacts(), model === '' || model === 'unknown' ? {} : { cpuModel: model });
});

test("a greeting may tell its processor or not, as earlier workers' do not, but only as text", () => {
  const greeting = workerFrames.find((frame) => frame.type === 'greet')!;
  const check = (more: object) => checkFrame({ ...greeting, facts: { ...greeting.facts, ...more } }, 'worker');
  assert.deepEqual([check({}), check({ cpuModel: 'Xeon' })], [{ is: 'good' }, { is: 'good' }]);
  const wrong = check({ cpuModel: 7 });
  assert.ok(wrong.is === 'bad');
  assert.match(wrong.why, /facts\.cpuModel/);
});
