import assert from 'node:assert/strict';
import { test } from 'node:test';
import { meaningOf } from '../../src/runtime/docker/image-problems.ts';
import { pullQuery } from '../../src/runtime/docker/images.ts';
import { PullProgress } from '../../src/runtime/docker/progress.ts';

test("the engine's words are sorted into refusals and the network", () => {
  const words: [string, string, boolean][] = [
    [
      'Get "https://registry-1.docker.io/v2/": dial tcp: lookup registry-1.docker.io on 10.0.0.1:53: no such host',
      'image-unavailable',
      true,
    ],
    ['Get "http://localhost:1/v2/": dial tcp 127.0.0.1:1: connect: connection refused', 'image-unavailable', true],
    ['net/http: TLS handshake timeout', 'image-unavailable', true],
    ['x509: certificate signed by unknown authority', 'image-unavailable', true],
    ['toomanyrequests: You have reached your unauthenticated pull rate limit', 'image-unavailable', true],
    ['received unexpected HTTP status: 503 Service Unavailable', 'image-unavailable', true],
    ['context deadline exceeded', 'image-unavailable', true],
    ['no matching manifest for linux/arm64/v8 in the manifest list entries', 'image-not-found', false],
    ['failed to resolve reference "docker.io/library/x:1": docker.io/library/x:1: not found', 'image-not-found', false],
    ['no basic auth credentials', 'image-denied', false],
    ['failed to register layer: write /x: no space left on device', 'engine-error', false],
  ];
  for (const [text, code, retry] of words) assert.deepEqual(meaningOf(text), { code, retry }, text);
  assert.equal(meaningOf('words of a kind never seen', 404).code, 'image-not-found');
  assert.equal(meaningOf('words of a kind never seen', 403).code, 'image-denied');
  assert.equal(meaningOf('words of a kind never seen', 400).code, 'image-bad-name');
});

test('an image name is split as the engine wants it, never pulling all tags', () => {
  assert.deepEqual(pullQuery('nginx'), { fromImage: 'nginx', tag: 'latest' });
  assert.deepEqual(pullQuery('nginx:1.27'), { fromImage: 'nginx', tag: '1.27' });
  assert.deepEqual(pullQuery('localhost:5000/web'), { fromImage: 'localhost:5000/web', tag: 'latest' });
  assert.deepEqual(pullQuery('localhost:5000/web:2'), { fromImage: 'localhost:5000/web', tag: '2' });
  assert.deepEqual(pullQuery('web@sha256:00'), { fromImage: 'web', tag: 'sha256:00' });
  assert.deepEqual(pullQuery('r/web:1@sha256:00'), { fromImage: 'r/web:1', tag: 'sha256:00' });
});

test('progress is weighted by size, never falls, and copes with layers that come late', () => {
  const progress = new PullProgress();
  const layer = (status: string, id: string, current = 0, total = 0): number =>
    progress.take({ status, id, progressDetail: { current, total } });
  assert.equal(progress.take({ status: 'Pulling from library/x', id: 'latest' }), 0);
  layer('Pulling fs layer', 'big');
  layer('Pulling fs layer', 'small');
  assert.equal(layer('Downloading', 'big', 900, 900), 35, 'nothing known of the other');
  assert.equal(layer('Downloading', 'small', 0, 100), 63);
  assert.equal(layer('Downloading', 'big', 10, 900), 63, 'a second look back changes nothing');
  layer('Pulling fs layer', 'late');
  layer('Pull complete', 'big');
  assert.equal(layer('Pull complete', 'small'), 66);
  assert.equal(layer('Already exists', 'late'), 100);
  assert.equal(progress.take({}), 100);
});
