/** Images from a private registry: logins, pull policies, one pull for many tasks, digests, and a registry that is away. */
import assert from 'node:assert/strict';
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import type { StatusJson, TaskJson } from '../../src/core/views.ts';
import type { Outcome } from '../cli/run-cli.ts';
import { startNode, type NodeProcess } from '../support/node-process.ts';
import { registrySkip, startRegistry, user, type Registry } from '../support/registry.ts';
import { secondEngineSkip, startSecondEngine, type SecondEngine } from '../support/second-engine.ts';
import { done } from './help.ts';

const skip = secondEngineSkip() || registrySkip();

/** What all tests of this file share. */
interface World {
  readonly engine: SecondEngine;
  readonly registry: Registry;
  readonly node: NodeProcess;
  /** Writes the node's config.json of `docker login`. */
  login(config: object): void;
  /** Puts a credential helper on the node's PATH that writes this. */
  helper(name: string, script: string): void;
}

const inTheEnd: (() => Promise<void> | void)[] = [];
after(async () => {
  for (const run of inTheEnd.toReversed()) await run();
});
let made: Promise<World> | undefined;
const world = (): Promise<World> => (made ??= make());

async function make(): Promise<World> {
  const scope = { after: (run: () => Promise<void>) => void inTheEnd.push(run) };
  const folder = mkdtempSync(join(tmpdir(), 'cube-login-'));
  inTheEnd.push(() => rmSync(folder, { recursive: true, force: true }));
  mkdirSync(join(folder, 'bin'));
  const engine = await startSecondEngine(scope);
  const registry = await startRegistry(scope);
  const env = { DOCKER_CONFIG: folder, PATH: `${join(folder, 'bin')}:${process.env['PATH']}` };
  const node = await startNode(scope, {
    args: ['--docker-host', engine.host, '--limit', 'engineRetryMs=200', '--limit', 'pullRetryMs=200'],
    env,
  });
  return {
    engine,
    registry,
    node,
    login: (config) => writeFileSync(join(folder, 'config.json'), JSON.stringify(config)),
    helper(name, script) {
      const path = join(folder, 'bin', `docker-credential-${name}`);
      writeFileSync(path, `#!/bin/sh\n${script}\n`);
      chmodSync(path, 0o755);
    },
  };
}

function auths(registry: Registry, password: string = user.password): object {
  return { auths: { [registry.address]: { auth: Buffer.from(`${user.username}:${password}`).toString('base64') } } };
}

/** A service that sleeps. */
function sleeps(name: string, image: string, more = ''): string {
  return `name: ${name}\ntasks: {t: {image: "${image}", command: [/bin/sleep, "10000"], stopSignal: SIGKILL, stopGrace: 1s${more}}}\n`;
}

/** Looks often while it waits: the pulls of these tests are short. */
function submit(node: NodeProcess, job: string): Promise<Outcome> {
  return node.cube(['submit', '-'], { input: job, env: { CUBE_LIMITS: 'waitPollMs=50' } });
}

async function stop(node: NodeProcess, name: string): Promise<void> {
  done(await node.cube(['stop', name, '--purge']));
}

/** A task, as `cube status TASK -o json` tells. */
async function statusOf(node: NodeProcess, slot: string): Promise<TaskJson> {
  const { stdout } = done(await node.cube(['status', slot, '-o', 'json']));
  return (JSON.parse(stdout) as StatusJson).tasks[0]!;
}

/** What runs there, by its mark: which of several pushed images it is. */
async function markOf({ engine }: World, task: TaskJson): Promise<string | undefined> {
  const { Config } = await engine.docker.getContainer(task.containerId!).inspect();
  return Config.Env.find((line) => line.startsWith('MARK='))?.slice('MARK='.length);
}

test('a login lets a pull through, which submit shows; the digest is the registry’s; many tasks are one pull', { skip }, async () => {
  const { engine, registry, node, login } = await world();
  // Large enough that its pull lasts a moment: what is over at once nobody sees.
  const { image, digest } = await registry.push(engine.docker, 'app:1', 'one', 64);
  login(auths(registry));
  registry.forget();
  const { stderr } = done(await submit(node, sleeps('many', image, ', count: 5')));
  assert.match(stderr, new RegExp(`pulling ${image}`));
  const asked = registry.asked.filter((line) => line.endsWith(' 200') && line.startsWith('GET '));
  assert.equal(asked.filter((line) => line.includes('/manifests/')).length, 1, asked.join('\n'));
  const blobs = asked.filter((line) => line.includes('/blobs/'));
  assert.deepEqual(blobs, [...new Set(blobs)]);
  assert.ok(blobs.length > 0);
  for (let index = 1; index <= 5; index++) {
    const task = await statusOf(node, `many/t.${index}`);
    assert.ok(task.digest?.endsWith(digest), `${task.digest} is not ${digest}`);
  }
  assert.match(done(await node.cube(['status', 'many/t.1'])).stdout, new RegExp(digest.slice(0, 20)));
  await stop(node, 'many');
});

test('a wrong password, and none, are a clear refusal at once', { skip }, async () => {
  const { engine, registry, node, login } = await world();
  const { image } = await registry.push(engine.docker, 'secret:1', 'secret');
  for (const config of [auths(registry, 'wrong'), {}, { auths: { [registry.address]: {} } }]) {
    login(config);
    registry.forget();
    const { code, stderr } = await submit(node, sleeps('denied', image));
    assert.equal(code, 1, stderr);
    assert.match(stderr, /unauthorized|no basic auth credentials|denied/);
    assert.match(stderr, /docker login/);
    const task = await statusOf(node, 'denied/t.1');
    assert.deepEqual([task.state, task.reasonCode, task.attempt], ['rejected', 'image-denied', 1]);
    assert.ok(task.reason?.includes(image));
    assert.ok(!`${stderr}${JSON.stringify(task)}${node.stderr}`.includes(user.password));
    assert.ok(registry.asked.length <= 4, `it was not tried again: ${registry.asked.join('\n')}`);
    await stop(node, 'denied');
  }
});

test('credential helpers are asked: one of the registry, one for all, and one that fails', { skip }, async () => {
  const { engine, registry, node, login, helper } = await world();
  const { image } = await registry.push(engine.docker, 'helped:1', 'helped');
  const found = `read host; [ "$1" = get ] && [ "$host" = ${registry.address} ] || { echo "credentials not found"; exit 1; }
echo '${JSON.stringify({ ServerURL: registry.address, Username: user.username, Secret: user.password })}'`;
  helper('good', found);
  helper('broken', 'echo "the keychain is locked" >&2; exit 3');
  for (const config of [
    { credHelpers: { [registry.address]: 'good' }, credsStore: 'broken' },
    { credsStore: 'good' },
    // A helper comes before what stands in the file.
    { ...auths(registry, 'wrong'), credHelpers: { [registry.address]: 'good' } },
  ]) {
    login(config);
    done(await submit(node, sleeps('helped', image, ', pull: always')));
    await stop(node, 'helped');
  }
  for (const credsStore of ['broken', 'missing']) {
    login({ credsStore });
    const { code } = await submit(node, sleeps('helped', image, ', pull: always'));
    assert.equal(code, 1);
    assert.equal((await statusOf(node, 'helped/t.1')).reasonCode, 'image-denied');
    await stop(node, 'helped');
  }
  assert.match(node.stderr, /the registry credentials cannot be read/);
});

test('missing keeps the image that is there, always takes the registry’s, never asks nobody', { skip }, async () => {
  const all = await world();
  const { engine, registry, node, login } = all;
  login(auths(registry));
  const old = await registry.push(engine.docker, 'moving:latest', 'old');
  const never = await submit(node, sleeps('never', old.image, ', pull: never'));
  assert.equal(never.code, 1);
  assert.equal((await statusOf(node, 'never/t.1')).reasonCode, 'image-not-found');
  await stop(node, 'never');
  done(await submit(node, sleeps('first', old.image)));
  const { docker } = engine;
  // A second push under the same tag; the first stays on the engine under its tag.
  const { Id } = await docker.getImage(old.image).inspect();
  const moved = await registry.push(docker, 'moving:latest', 'new');
  assert.notEqual(moved.digest, old.digest);
  const [repo, tag] = [old.image.slice(0, old.image.lastIndexOf(':')), 'latest'];
  await docker.getImage(Id).tag({ repo, tag });
  registry.forget();
  for (const pull of ['missing', 'never']) {
    done(await submit(node, sleeps(`local-${pull}`, old.image, `, pull: ${pull}`)));
    assert.equal(await markOf(all, await statusOf(node, `local-${pull}/t.1`)), 'old');
  }
  assert.deepEqual(registry.asked, []);
  done(await submit(node, sleeps('fresh', old.image, ', pull: always')));
  const fresh = await statusOf(node, 'fresh/t.1');
  assert.equal(await markOf(all, fresh), 'new');
  assert.ok(fresh.digest?.endsWith(moved.digest));
  assert.ok((await statusOf(node, 'first/t.1')).digest?.endsWith(old.digest));
  // By digest the old one is still to be had.
  done(await submit(node, sleeps('pinned', `${repo}@${old.digest}`)));
  assert.equal(await markOf(all, await statusOf(node, 'pinned/t.1')), 'old');
  for (const name of ['first', 'local-missing', 'local-never', 'fresh', 'pinned']) await stop(node, name);
});

test('without the registry what is there runs, and what is not is refused with the reason', { skip }, async (t) => {
  const { engine, registry, node, login } = await world();
  login(auths(registry));
  const { image, digest } = await registry.push(engine.docker, 'offline:1', 'offline');
  done(await submit(node, sleeps('before', image)));
  await registry.stop();
  t.after(() => registry.start());
  done(await submit(node, sleeps('after', image)));
  assert.ok((await statusOf(node, 'after/t.1')).digest?.endsWith(digest));
  const { code, stderr } = await submit(node, sleeps('gone', `${registry.address}/other:1`));
  assert.equal(code, 1);
  assert.match(stderr, /connection refused/);
  assert.deepEqual((await statusOf(node, 'gone/t.1')).reasonCode, 'image-unavailable');
  for (const name of ['before', 'after', 'gone']) await stop(node, name);
});
