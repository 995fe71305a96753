import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { VolumeSpec } from '../../src/core/job.ts';
import { engineVolume, engineVolumes, featuresFor, hasNamedVolumes, hostPaths, isWithin, plainPath } from '../../src/core/volumes.ts';
import { unmeetable } from '../../src/core/unmeetable.ts';
import { order } from '../machines/order.ts';
import { service } from '../sim/scripts.ts';

const named = (name: string): VolumeSpec => ({ name, path: `/in/${name.length}`, readOnly: false });
const bound = (hostPath: string): VolumeSpec => ({ hostPath, path: '/in/host', readOnly: true });
const db = { job: 'shop', task: 'db', slot: 'shop/db.2', index: 2 };

test('a volume is called after its job, and each instance has its own where the name says so', () => {
  assert.deepEqual(engineVolumes({ volumes: [named('data')] }, db, 'n1'), ['shop_data']);
  assert.deepEqual(engineVolumes({ volumes: [named('data-${CUBE_INDEX}'), named('a-${CUBE_NODE}')] }, db, 'n1'), [
    'shop_a-n1',
    'shop_data-2',
  ]);
  assert.deepEqual(engineVolumes({ volumes: [named('x'), named('x'), bound('/srv')] }, db, 'n1'), ['shop_x'], 'each once, named ones only');
  assert.deepEqual(engineVolumes({}, db, 'n1'), []);
  assert.deepEqual(engineVolumes(undefined, db, 'n1'), []);
});

test('what an engine takes in no name becomes an underscore', () => {
  assert.deepEqual(engineVolumes({ volumes: [named('d-${CUBE_SLOT}')] }, db, 'n1'), ['shop_d-shop_db.2']);
  assert.equal(engineVolume('shop', 'a b/ü'), 'shop_a_b__');
});

test('named volumes keep data on a node, directories of the host do not', () => {
  assert.equal(hasNamedVolumes({ volumes: [bound('/srv'), named('data')] }), true);
  assert.equal(hasNamedVolumes({ volumes: [bound('/srv')] }), false);
  assert.equal(hasNamedVolumes({ volumes: [] }), false);
  assert.equal(hasNamedVolumes(undefined), false);
});

test('a path says where it leads: needless parts go, `..` never leads above the root', () => {
  const paths: readonly (readonly [string, string])[] = [
    ['/srv/x', '/srv/x'],
    ['/srv//x/', '/srv/x'],
    ['/srv/./x', '/srv/x'],
    ['/srv/x/../../etc', '/etc'],
    ['/../..', '/'],
    ['/', '/'],
  ];
  for (const [path, plain] of paths) assert.equal(plainPath(path), plain, path);
  assert.deepEqual(hostPaths({ volumes: [bound('/srv/../etc'), bound('/etc/'), bound('/a'), named('data')] }), ['/etc', '/a']);
});

test('within a directory is the directory and what is in it, not what only begins alike', () => {
  assert.equal(isWithin('/srv', ['/srv']), true);
  assert.equal(isWithin('/srv/x', ['/data', '/srv']), true);
  assert.equal(isWithin('/srvx', ['/srv']), false);
  assert.equal(isWithin('/sr', ['/srv']), false);
  assert.equal(isWithin('/anything', ['/']), true);
  assert.equal(isWithin('/srv', []), false);
});

test('a directory that no node allows is warned of, one that some node allows is not', () => {
  const node = (mounts?: readonly string[]) => ({
    name: 'a',
    dc: 'dc1',
    labels: {},
    os: 'linux',
    arch: 'x64',
    ...(mounts ? { mounts } : {}),
  });
  const spec = service('shop', 'runs', 1, { volumes: [bound('/srv/x'), named('data')] });
  const warning = 'task main: no node allows /srv/x (cube up --allow-mount /srv/x)';
  assert.deepEqual(unmeetable(spec, [node(), node(['/data'])]), [warning]);
  assert.deepEqual(unmeetable(spec, [node(), node(['/data', '/srv'])]), []);
  assert.deepEqual(unmeetable(spec, []), [], 'nothing is said while no node is known');
});

test('what a node must know follows from what the task has', () => {
  const spec = order.spec;
  assert.deepEqual(featuresFor(spec, undefined), []);
  assert.deepEqual(featuresFor(undefined, undefined), []);
  assert.deepEqual(featuresFor({ ...spec, volumes: [], secrets: {}, configs: {} }, {}), []);
  assert.deepEqual(featuresFor({ ...spec, volumes: [bound('/srv')] }, {}), ['volumes']);
  assert.deepEqual(featuresFor({ ...spec, volumes: [named('d')], secrets: { key: '/k' } }, {}), ['volumes', 'files']);
  assert.deepEqual(featuresFor({ ...spec, configs: { site: '/s' } }, {}), ['files']);
  assert.deepEqual(featuresFor(spec, { payload: { file: '/in' } }), ['files']);
  assert.deepEqual(featuresFor(spec, { payload: { env: 'IN' } }), []);
});
