import assert from 'node:assert/strict';
import { test } from 'node:test';
import { engineAddress, unreachableEngine } from '../../src/runtime/docker/address.ts';

test('a socket that may not be opened is said, with the group to join', () => {
  const address = engineAddress('/var/run/docker.sock');
  for (const code of ['EACCES', 'EPERM']) {
    const error = unreachableEngine(Object.assign(new Error('connect'), { code }), address);
    assert.equal(error?.message, 'no Docker engine answers at /var/run/docker.sock: permission denied');
    assert.match(error.hint, /group docker/);
  }
  assert.equal(unreachableEngine(new Error('something else'), address), undefined);
  assert.equal(unreachableEngine('no error at all', address), undefined);
});

test('addresses are read as DOCKER_HOST has them', () => {
  assert.equal(engineAddress('unix:///run/x.sock').socketPath, '/run/x.sock');
  assert.equal(engineAddress('/run/x.sock').socketPath, '/run/x.sock');
  assert.equal(engineAddress('').local, true);
  const plain = engineAddress('tcp://build:2375');
  assert.deepEqual([plain.protocol, plain.host, plain.port, plain.local, plain.shown], ['http', 'build', 2375, false, 'tcp://build:2375']);
  assert.deepEqual([engineAddress('tcp://build').port, engineAddress('https://build').port], [2375, 2376]);
  assert.equal(engineAddress('tcp://build:2376').protocol, 'https');
  assert.equal(engineAddress('tcp://127.0.0.1:2375').local, true);
  for (const bad of ['ssh://user@host', 'ftp://host', 'host:2375', 'tcp://', 'no address']) {
    assert.throws(() => engineAddress(bad), { code: 'usage', message: /no address of a Docker engine/ }, bad);
  }
  assert.throws(() => engineAddress('tcp://build:2376', '/nonexistent'), { code: 'usage', message: /certificates could not be read/ });
});
