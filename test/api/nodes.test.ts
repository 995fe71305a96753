import assert from 'node:assert/strict';
import { test } from 'node:test';
import { schemas } from '../../src/api/schemas.ts';
import { problem } from '../../src/core/errors.ts';
import { makeRig } from './harness.ts';

test('a node is removed, labelled, and kept from new tasks; each answers with the node', async () => {
  const { ask, control } = makeRig();
  for (const [method, path, body, asked] of [
    ['DELETE', '/v1/nodes/bar', undefined, 'removeNode bar'],
    ['POST', '/v1/nodes/node-1/eligible', { eligible: false }, 'setEligible node-1 false'],
    ['POST', '/v1/nodes/bar/labels', { set: { disk: 'ssd' }, remove: ['old'] }, 'setLabels bar {"disk":"ssd"} old'],
    ['POST', '/v1/nodes/bar/labels', { remove: ['old'] }, 'setLabels bar {} old'],
  ] as const) {
    const response = await ask(method, path, body === undefined ? {} : { body });
    assert.equal(response.status, 200, path);
    assert.equal(schemas.Node.parse(await response.json()).name, 'bar');
    assert.equal(control.asked.at(-1), asked);
  }
});

test('a connected node is 409, an unknown one 404', async () => {
  const { ask, control } = makeRig();
  assert.equal((await ask('DELETE', '/v1/nodes/nope')).status, 404);
  control.failure = problem('conflict', 'node bar is connected; stop it first');
  assert.equal((await ask('DELETE', '/v1/nodes/bar')).status, 409);
});

test('odd bodies are 400, and the manager is not asked', async () => {
  const { ask, control } = makeRig();
  for (const [path, body] of [
    ['eligible', {}],
    ['eligible', { eligible: 'no' }],
    ['labels', { set: { a: 1 } }],
    ['labels', { set: ['a'] }],
    ['labels', { remove: 'a' }],
    ['labels', { remove: [1] }],
    ['labels', { labels: {} }],
  ] as const) {
    assert.equal((await ask('POST', `/v1/nodes/bar/${path}`, { body })).status, 400, JSON.stringify(body));
  }
  assert.deepEqual(control.asked, []);
});
