import assert from 'node:assert/strict';
import test from 'node:test';
import { parseConstraint } from '../../src/core/constraint-parse.ts';
import { attributeOf, attributesOf, contradict, meets, type Constraint, type NodeAttributes } from '../../src/core/constraint.ts';
import { workerFrames } from '../transport/fixtures.ts';

function constraint(text: string): Constraint {
  const read = parseConstraint(text);
  assert.ok('value' in read, text);
  return read.value;
}

function holds(text: string, value: string | undefined): boolean {
  return meets(constraint(text), value);
}

test('each attribute is the one of the node; labels are only its own', () => {
  const node: NodeAttributes = {
    name: 'bar',
    dc: 'dc1',
    labels: { disk: 'ssd', 'a.b/c': 'x' },
    os: 'linux',
    arch: 'x64',
    cpuModel: 'Xeon',
    runtimeVersion: '27.3.1',
  };
  const values = ['name', 'datacenter', 'os', 'arch', 'cpu.model', 'docker.version', 'label.disk', 'label.a.b/c'];
  assert.deepEqual(
    values.map((attribute) => attributeOf(node, attribute)),
    ['bar', 'dc1', 'linux', 'x64', 'Xeon', '27.3.1', 'ssd', 'x'],
  );
  for (const none of ['label.toString', 'label.nope', 'nope', 'labels']) assert.equal(attributeOf(node, none), undefined);
});

test('of its facts a node shows what it has; what is not Docker has no version of Docker', () => {
  const facts = workerFrames.find((frame) => frame.type === 'greet')!.facts;
  const known = { name: 'rabbit', dc: 'dc1', labels: { disk: 'ssd' }, os: 'linux', arch: 'x64' };
  assert.deepEqual(attributesOf(facts), { ...known, runtimeVersion: '20.10' });
  assert.deepEqual(attributesOf({ ...facts, cpuModel: 'Xeon', runtime: { name: 'process', version: '6.1' } }), {
    ...known,
    cpuModel: 'Xeon',
  });
});

test('without a value only what refuses values holds', () => {
  for (const text of ['label.a != b', 'label.a not in [b]', 'label.a not exists']) assert.ok(holds(text, undefined), text);
  for (const text of ['label.a == b', 'label.a in [b]', 'label.a < 1', 'label.a >= 1', 'label.a exists', 'label.a == ""'])
    assert.ok(!holds(text, undefined), text);
});

test('equality is that of texts, with the empty one too', () => {
  assert.ok(holds('label.a == ""', '') && holds('label.a exists', '') && !holds('label.a not exists', ''));
  assert.ok(holds('label.a in [x, y]', 'y') && !holds('label.a in [x, y]', 'z') && !holds('label.a not in [x, y]', 'y'));
  assert.ok(!holds('label.a == 1.0', '1') && !holds('os == Linux', 'linux'));
});

test('numbers compare as numbers, versions part by part', () => {
  const truths: [string, string, boolean][] = [
    ['label.a < 10', '9', true],
    ['label.a < 10', '10', false],
    ['label.a <= 10', '10.0', true],
    ['label.a > 0.75', '0.8', true],
    ['label.a > -2', '-1.5', true],
    ['label.a > -1', '-1.5', false],
    ['label.a >= 5.9.0', '5.10', true],
    ['label.a >= 5.9', '5.10.0', true],
    ['label.a > 1.2', '1.2.0', false],
    ['label.a > 1.2', '1.2.0.1', true],
    ['label.a >= 6', 'v6.1.0', true],
    // A label of one dot is a number where the other is one, too; Docker's version never is.
    ['label.a > 5.9', '5.10', false],
    ['docker.version > 5.9', '5.10', true],
    ['docker.version >= 20.10', '20.9', false],
  ];
  for (const [text, value, truth] of truths) assert.equal(holds(text, value), truth, `${text}: ${value}`);
});

test('what distributions add to a version leaves it that version; a candidate comes before its release', () => {
  for (const version of ['20.10.24+dfsg1', '20.10.24-0ubuntu2~22.04.1', '20.10.24-ce', '20.10.24']) {
    assert.ok(holds('docker.version >= 20.10.24', version) && holds('docker.version <= 20.10.24', version), version);
  }
  for (const early of ['27.0.0-rc.1', '27.0.0-beta3', '27.0.0~rc1', '27.0.0-dev'])
    assert.ok(holds('docker.version < 27.0.0', early), early);
  assert.ok(holds('docker.version > 27.0.0-rc.9', '27.0.0-rc.10') && holds('docker.version > 27.0.0-beta.9', '27.0.0-rc.1'));
  assert.ok(holds('docker.version > 26.9', '27.0.0-rc.1') && !holds('docker.version > 27.0.0-rc.1', '27.0.0-rc.1'));
});

test('what is no number and no version is neither more nor less', () => {
  for (const value of ['many', '', 'x64', '1.2.x', '20.10 24']) {
    for (const operator of ['<', '<=', '>', '>=']) assert.ok(!holds(`label.a ${operator} 5`, value), `${value} ${operator}`);
  }
});

test('constraints that rule each other out are known', () => {
  const pairs: [string, string, boolean][] = [
    ['arch == x64', 'arch == arm64', true],
    ['arch == x64', 'arch == amd64', false],
    ['arch == x64', 'arch != x64', true],
    ['arch in [x64, arm64]', 'arch not in [x64]', false],
    ['arch in [x64, arm64]', 'arch not in [x64, arm64]', true],
    ['label.a == x', 'label.a not exists', true],
    ['label.a exists', 'label.a not exists', true],
    ['label.a != x', 'label.a not exists', false],
    ['label.a > 3', 'label.a not exists', true],
    ['label.a != x', 'label.a != y', false],
    ['label.a > 5', 'label.a < 3', true],
    ['label.a > 5', 'label.a < 5', true],
    ['label.a >= 5', 'label.a <= 5', false],
    ['label.a >= 5', 'label.a < 5', true],
    ['label.a > 3', 'label.a < 5', false],
    ['label.a > 3', 'label.a > 5', false],
    ['label.a == 7', 'label.a < 5', true],
    ['label.a == 4', 'label.a < 5', false],
    ['docker.version > 20.10', 'docker.version < 20.9', true],
    ['label.a == x', 'label.b == y', false],
  ];
  for (const [one, other, truth] of pairs) assert.equal(contradict(constraint(one), constraint(other)), truth, `${one}, ${other}`);
});
