/** `cube submit --refresh-images` with images of a registry, and with images that only the engine has. */
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import type { SubmittedJson, TaskJson } from '../../src/core/views.ts';
import { imageWith, testEngine } from '../support/engine.ts';
import { startNode, type NodeProcess } from '../support/node-process.ts';
import { registrySkip, startRegistry, user } from '../support/registry.ts';
import { secondEngineSkip, startSecondEngine } from '../support/second-engine.ts';
import { document, done, inspect, tasksOf } from './help.ts';

const engine = await testEngine();

function sleeps(image: string, pull: string): string {
  return `name: moving
update: {healthyFor: 200ms}
tasks: {t: {image: "${image}", pull: ${pull}, command: [/bin/sleep, "10000"], count: 2, stopSignal: SIGKILL, stopGrace: 0s}}\n`;
}

/** Submits and waits. */
async function submit(node: NodeProcess, job: string, ...args: readonly string[]) {
  const { stdout } = done(await node.cube(['submit', '-', '-o', 'json', ...args], { input: job, env: { CUBE_LIMITS: 'waitPollMs=50' } }));
  return document(stdout) as SubmittedJson;
}

const ids = (tasks: readonly TaskJson[]): string[] => tasks.map(({ id }) => id).toSorted();
const live = async (node: NodeProcess): Promise<readonly TaskJson[]> =>
  (await tasksOf(node, 'moving')).filter(({ state }) => state === 'running');

test(
  'another image under the same local name: a submit changes nothing, one that refreshes rolls it out, once',
  { skip: engine.skip },
  async (t) => {
    const { docker } = engine;
    const [first, second] = [await imageWith(docker, 'ENV MARK=first'), await imageWith(docker, 'ENV MARK=second')];
    const repo = `cube-test-moving-${randomUUID().slice(0, 8)}`;
    const image = `${repo}:1`;
    const node = await startNode(t, { args: ['--name', 'bar'] });
    t.after(async () => {
      for (const name of [image, first, second]) await docker.getImage(name).remove({ force: true });
    });
    const markOf = async (task: TaskJson): Promise<string | undefined> =>
      (await inspect(task.containerId!)).Config.Env.find((line) => line.startsWith('MARK='));
    for (const pull of ['never', 'missing']) {
      await docker.getImage(first).tag({ repo, tag: '1' });
      // `missing` asks the registry of the name first, which knows no such image or is out of reach.
      done(await node.cube(['submit', '-'], { input: sleeps(image, pull) }));
      const before = ids(await live(node));
      assert.equal(before.length, 2);
      await docker.getImage(second).tag({ repo, tag: '1' });
      assert.equal((await submit(node, sleeps(image, pull))).change, 'unchanged');
      assert.deepEqual(ids(await live(node)), before);
      assert.equal((await submit(node, sleeps(image, pull), '--refresh-images')).change, 'updated');
      const after = await live(node);
      assert.deepEqual([after.length, await Promise.all(after.map(markOf))], [2, ['MARK=second', 'MARK=second']]);
      assert.ok(!ids(after).some((id) => before.includes(id)));
      assert.equal((await submit(node, sleeps(image, pull), '--refresh-images')).change, 'unchanged');
      assert.deepEqual(ids(await live(node)), ids(after));
      done(await node.cube(['stop', 'moving', '--purge']));
    }
  },
);

test(
  'another image of a registry under the same tag is pulled, with the login; without the registry nothing changes, and that is said',
  {
    skip: secondEngineSkip() || registrySkip(),
  },
  async (t) => {
    const second = await startSecondEngine(t);
    const registry = await startRegistry(t);
    const folder = mkdtempSync(join(tmpdir(), 'cube-login-'));
    t.after(() => rmSync(folder, { recursive: true, force: true }));
    const auth = Buffer.from(`${user.username}:${user.password}`).toString('base64');
    writeFileSync(join(folder, 'config.json'), JSON.stringify({ auths: { [registry.address]: { auth } } }));
    const node = await startNode(t, { args: ['--docker-host', second.host], env: { DOCKER_CONFIG: folder } });
    const old = await registry.push(second.docker, 'app:1', 'old');
    done(await node.cube(['submit', '-'], { input: sleeps(old.image, 'missing') }));
    const before = ids(await live(node));
    assert.equal((await submit(node, sleeps(old.image, 'missing'), '--refresh-images')).change, 'unchanged');
    // The engine keeps the old one under its name while the registry has another.
    const { Id } = await second.docker.getImage(old.image).inspect();
    const fresh = await registry.push(second.docker, 'app:1', 'new');
    assert.notEqual(fresh.digest, old.digest);
    await second.docker.getImage(Id).tag({ repo: old.image.slice(0, old.image.lastIndexOf(':')), tag: '1' });
    assert.equal((await submit(node, sleeps(old.image, 'missing'))).change, 'unchanged');
    await registry.stop();
    const away = await submit(node, sleeps(old.image, 'missing'), '--refresh-images');
    assert.equal(away.change, 'unchanged');
    assert.match(away.warnings!.join(), /taken as node \S+ has it: .*refused/);
    await registry.start();
    assert.deepEqual(ids(await live(node)), before);
    assert.equal((await submit(node, sleeps(old.image, 'missing'), '--refresh-images')).change, 'updated');
    const after = await live(node);
    assert.deepEqual(
      after.map(({ digest }) => digest),
      [fresh.digest, fresh.digest],
    );
    for (const { containerId } of after) {
      const { Config } = await second.docker.getContainer(containerId!).inspect();
      assert.ok(Config.Env.includes('MARK=new'));
    }
    assert.equal((await submit(node, sleeps(old.image, 'missing'), '--refresh-images')).change, 'unchanged');
    assert.deepEqual(ids(await live(node)), ids(after));
  },
);
