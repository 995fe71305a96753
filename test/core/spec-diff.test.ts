import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';
import type { JobSpec, TaskSpec } from '../../src/core/job.ts';
import { pathsThatDiffer, specDiff } from '../../src/core/spec-diff.ts';
import { sameJob } from '../../src/core/spec-hash.ts';
import { jobOf } from './job-files.ts';

const shop = jobOf(`name: shop
labels: {team: web, "a.b": x}
tasks:
  web: {image: "nginx:1.27", count: 3, env: {MODE: production, OLD: "1"}, ports: ["8080:80"]}
  db: {image: postgres}
`);

function withWeb(changes: Partial<TaskSpec>): JobSpec {
  return { ...shop, tasks: { ...shop.tasks, web: { ...shop.tasks['web']!, ...changes } } };
}

test('what is the same has no differences, in whatever order its keys stand', () => {
  const { tasks, ...rest } = shop;
  assert.deepEqual(specDiff(shop, { tasks: { db: tasks['db']!, web: tasks['web']! }, ...rest }), []);
});

test('values that change, come and go are told by their paths', () => {
  const changed = withWeb({ count: 5, env: { MODE: 'staging', NEW: 'x' }, user: '101' });
  assert.deepEqual(specDiff(shop, changed), [
    { path: 'tasks.web.count', from: 3, to: 5 },
    { path: 'tasks.web.env.MODE', from: 'production', to: 'staging' },
    { path: 'tasks.web.env.NEW', from: null, to: 'x' },
    { path: 'tasks.web.env.OLD', from: '1', to: null },
    { path: 'tasks.web.user', from: null, to: '101' },
  ]);
});

test('a key that undefined stands for is not there', () => {
  assert.deepEqual(specDiff(shop, withWeb({ user: undefined })), []);
});

test('a key that would be read as two is quoted', () => {
  const [change] = specDiff(shop, { ...shop, labels: { team: 'web', 'a.b': 'y' } });
  assert.deepEqual(change, { path: 'labels["a.b"]', from: 'x', to: 'y' });
});

test('a list is one value', () => {
  const ports = [...shop.tasks['web']!.ports, { container: 9_000, protocol: 'tcp' as const }];
  assert.deepEqual(specDiff(shop, withWeb({ ports })), [{ path: 'tasks.web.ports', from: shop.tasks['web']!.ports, to: ports }]);
  const sameAgain = ports.slice(0, 1).map(({ protocol, container, ...rest }) => ({ container, protocol, ...rest }));
  assert.deepEqual(specDiff(shop, withWeb({ ports: sameAgain })), []);
});

test('a task that is all new or all gone is one difference', () => {
  const { db, web } = shop.tasks;
  assert.deepEqual(specDiff(shop, { ...shop, tasks: { web: web!, cache: db! } }), [
    { path: 'tasks.cache', from: null, to: db },
    { path: 'tasks.db', from: db, to: null },
  ]);
});

test('of a new job each key is a difference, and each task', () => {
  const paths = specDiff(undefined, shop).map(({ path }) => path);
  assert.deepEqual(paths.toSorted(), ['datacenters', 'labels', 'name', 'priority', 'tasks.db', 'tasks.web', 'type']);
});

test('a name that objects have by birth is a name like any other', () => {
  const odd = { ...shop, tasks: { constructor: shop.tasks['db']! } };
  assert.deepEqual(
    specDiff(odd, shop).map(({ path, from }) => [path, from === null]),
    [
      ['tasks.web', true],
      ['tasks.db', true],
      ['tasks.constructor', false],
    ],
  );
});

test('paths are told of any two objects', () => {
  assert.deepEqual(pathsThatDiffer({ a: 1, b: { c: [1] } }, { a: 1, b: { c: [2] }, d: 0 }), ['b.c', 'd']);
  assert.deepEqual(pathsThatDiffer({ a: { b: 1 } }, { a: [1] }), ['a']);
});

test('two specs have no differences exactly when they are the same', () => {
  const env = fc.dictionary(fc.constantFrom('A', 'B', 'a.b', 'constructor'), fc.constantFrom('', '1'), { noNullPrototype: true });
  const spec = fc
    .record({ env, count: fc.nat(2), command: fc.option(fc.array(fc.constantFrom('a', 'b'), { maxLength: 2 }), { nil: undefined }) })
    .map(withWeb);
  fc.assert(fc.property(spec, spec, (a, b) => (specDiff(a, b).length === 0) === sameJob(a, b)));
});
