import assert from 'node:assert/strict';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { test } from 'node:test';
import { credentialsIn, registryOf } from '../../src/runtime/docker/credentials.ts';
import { keptLog } from '../contracts/runtime-harness.ts';

function withFolder(config: string | undefined, check: (folder: string, log: ReturnType<typeof keptLog>) => Promise<void>): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'cube-login-'));
  if (config !== undefined) writeFileSync(join(folder, 'config.json'), config);
  return check(folder, keptLog()).finally(() => rmSync(folder, { recursive: true }));
}

test("an image's registry is what the file calls it", () => {
  const hub = 'https://index.docker.io/v1/';
  for (const image of ['nginx', 'nginx:1', 'team/web', 'docker.io/library/nginx', 'index.docker.io/team/web:2'])
    assert.equal(registryOf(image), hub, image);
  assert.equal(registryOf('ghcr.io/team/web:2'), 'ghcr.io');
  assert.equal(registryOf('localhost/web'), 'localhost');
  assert.equal(registryOf('registry:5000/web@sha256:00'), 'registry:5000');
});

test('a login in the file is used for its registry and for no other', async () => {
  const auth = Buffer.from('ann:pass:word').toString('base64');
  await withFolder(JSON.stringify({ auths: { 'ghcr.io': { auth }, 'r.example': { identitytoken: 'T' } } }), async (folder, log) => {
    const of = credentialsIn(folder, 1_000, log);
    assert.deepEqual(await of('ghcr.io/team/web'), { username: 'ann', password: 'pass:word', serveraddress: 'ghcr.io' });
    assert.deepEqual(await of('r.example/web'), { identitytoken: 'T', serveraddress: 'r.example' });
    assert.equal(await of('nginx'), undefined);
    assert.deepEqual(log.lines, []);
  });
});

test('no file is no login, and a broken one is said without its content', async () => {
  await withFolder(undefined, async (folder, log) => {
    assert.equal(await credentialsIn(folder, 1_000, log)('nginx'), undefined);
    assert.deepEqual(log.lines, []);
  });
  await withFolder('hunter2 {"auths": {', async (folder, log) => {
    assert.equal(await credentialsIn(folder, 1_000, log)('nginx'), undefined);
    assert.match(log.lines[0]!, /^warn .*cannot be read/);
    assert.ok(!log.lines[0]!.includes('hunter2'));
  });
});

test('logins that older and other clients wrote are understood, and one that is broken is said', async () => {
  const base64 = (text: string): string => Buffer.from(text).toString('base64');
  const auths = {
    'https://old.example/v1/': { auth: base64('ann:padded\0\0') },
    'plain.example': { username: 'bob', password: 'secret' },
    'token.example': { registrytoken: 'R' },
    'broken.example': { auth: base64('no colon') },
    'empty.example': {},
  };
  await withFolder(JSON.stringify({ auths }), async (folder, log) => {
    const of = credentialsIn(folder, 1_000, log);
    assert.deepEqual(await of('old.example/web'), { username: 'ann', password: 'padded', serveraddress: 'old.example' });
    assert.deepEqual(await of('plain.example/web'), { username: 'bob', password: 'secret', serveraddress: 'plain.example' });
    assert.deepEqual(await of('token.example/web'), { registrytoken: 'R', serveraddress: 'token.example' });
    assert.equal(await of('empty.example/web'), undefined);
    assert.equal(log.lines.length, 0);
    assert.equal(await of('broken.example/web'), undefined);
    assert.equal(log.lines.length, 1);
    assert.ok(!log.lines[0]!.includes('colon"') && !log.lines[0]!.includes(base64('no colon')));
  });
});

test('a credential helper is asked, and may know nothing', async () => {
  await withFolder(
    JSON.stringify({ credsStore: 'cubetest', credHelpers: { 'broken.example': 'cubetest-missing' } }),
    async (folder, log) => {
      const helper = join(folder, 'docker-credential-cubetest');
      writeFileSync(
        helper,
        `#!/bin/sh
read -r registry
case $registry in
  ghcr.io) echo '{"ServerURL":"ghcr.io","Username":"ann","Secret":"S"}' ;;
  token.example) echo '{"Username":"<token>","Secret":"T"}' ;;
  *) echo 'credentials not found in native keychain'; exit 1 ;;
esac
`,
      );
      chmodSync(helper, 0o755);
      const path = process.env['PATH'];
      process.env['PATH'] = `${folder}${delimiter}${path}`;
      try {
        const of = credentialsIn(folder, 5_000, log);
        assert.deepEqual(await of('ghcr.io/web'), { username: 'ann', password: 'S', serveraddress: 'ghcr.io' });
        assert.deepEqual(await of('token.example/web'), { identitytoken: 'T', serveraddress: 'token.example' });
        assert.equal(await of('nginx'), undefined);
        assert.deepEqual(log.lines, []);
        assert.equal(await of('broken.example/web'), undefined);
        assert.equal(log.lines.length, 1, 'a helper that is not there is said');
      } finally {
        process.env['PATH'] = path;
      }
    },
  );
});
