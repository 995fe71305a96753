import assert from 'node:assert/strict';
import { test } from 'node:test';
import { containerName } from '../../src/core/ids.ts';
import { noResources } from '../../src/core/resources.ts';
import { never, plainSpec, quietly, shellOf, started, testLimits, workOf } from '../contracts/runtime-harness.ts';
import { testEngine } from '../support/engine.ts';
import { skip, withDocker } from './docker-help.ts';
import { engineProxy } from './proxy.ts';

const forever = shellOf({});

test('what a task reserves is a limit of its container, and what is not asked for is none', { skip }, async () => {
  await withDocker(async ({ runtime, docker }) => {
    const resources = { ...noResources, cpu: 0.5, memoryBytes: 64 * 2 ** 20 };
    const limited = await runtime.prepare(workOf(plainSpec({ command: forever, resources })), quietly());
    const host = (await docker.getContainer(limited.id).inspect()).HostConfig;
    assert.equal(host.NanoCpus, 500_000_000);
    assert.equal(host.Memory, 64 * 2 ** 20);
    assert.equal(host.MemorySwap, host.Memory, 'no swap on top');
    const free = await runtime.prepare(workOf(plainSpec({ command: forever })), quietly());
    const { NanoCpus, Memory } = (await docker.getContainer(free.id).inspect()).HostConfig;
    assert.deepEqual([NanoCpus, Memory], [0, 0]);
  });
});

test('more cores than the engine has, or hardly any, are what it can do', { skip }, async () => {
  await withDocker(async ({ runtime, docker }) => {
    const { cpu } = (await runtime.facts()).capacity;
    for (const [asked, given] of [
      [cpu + 100, cpu],
      [0.0001, 0.01],
    ]) {
      const work = workOf(plainSpec({ command: forever, resources: { ...noResources, cpu: asked! } }));
      const ref = await started(runtime, work);
      assert.equal((await docker.getContainer(ref.id).inspect()).HostConfig.NanoCpus, given! * 1e9);
    }
  });
});

test('a container is closed by default, keeps little log and is never restarted by the engine', { skip }, async () => {
  await withDocker(async ({ runtime, docker }) => {
    const ref = await runtime.prepare(workOf(plainSpec({ command: forever })), quietly());
    const { HostConfig } = await docker.getContainer(ref.id).inspect();
    assert.deepEqual(HostConfig.SecurityOpt, ['no-new-privileges']);
    assert.equal(HostConfig.PidsLimit, testLimits.pidsMax);
    assert.equal(HostConfig.AutoRemove, false);
    assert.equal(HostConfig.RestartPolicy?.Name, 'no');
    assert.deepEqual(HostConfig.LogConfig, {
      Type: 'json-file',
      Config: { 'max-size': String(testLimits.logFileBytesMax), 'max-file': String(testLimits.logFiles) },
    });
  });
});

test('the labels say whose it is, whatever the job calls its own', { skip }, async () => {
  await withDocker(async ({ runtime, docker, owner }) => {
    const work = workOf(plainSpec({ command: forever }), { attempt: 3 });
    const order = { ...work.order, labels: { team: 'web', 'cube.id': 'forged', 'cube.cluster': 'forged' } };
    const ref = await runtime.prepare({ order, attempt: 3 }, quietly());
    const { Config, Name } = await docker.getContainer(ref.id).inspect();
    assert.equal(Name, `/cube-shop-web-1-${order.id.replaceAll('-', '').slice(0, 12)}-3`);
    assert.deepEqual(Config.Labels, {
      team: 'web',
      'cube.cluster': owner.clusterId,
      'cube.node': owner.nodeId,
      'cube.job': 'shop',
      'cube.task': 'web',
      'cube.slot': 'shop/web.1',
      'cube.id': order.id,
      'cube.attempt': '3',
    });
  });
});

test('environment, user, working directory and stop signal reach the container', { skip }, async () => {
  await withDocker(async ({ runtime, docker }) => {
    const spec = plainSpec({ command: forever, env: { MODE: 'a=b c', EMPTY: '' }, user: '65534', workdir: '/tmp', stopSignal: 'SIGINT' });
    const ref = await runtime.prepare(workOf(spec), quietly());
    const { Config } = await docker.getContainer(ref.id).inspect();
    assert.ok(Config.Env.includes('MODE=a=b c') && Config.Env.includes('EMPTY='), String(Config.Env));
    assert.deepEqual(
      [Config.User, Config.WorkingDir, (Config as { StopSignal?: string }).StopSignal, Config.Cmd],
      ['65534', '/tmp', 'SIGINT', forever],
    );
  });
});

test("without a command the image's own runs", { skip }, async () => {
  await withDocker(async ({ runtime }) => {
    const ref = await started(runtime, workOf(plainSpec({})));
    assert.equal((await runtime.wait(ref, never())).exitCode, 0);
  });
});

test('secrets in the environment are in no URL', { skip }, async () => {
  const proxy = await engineProxy((await testEngine()).socketPath);
  try {
    await withDocker(
      async ({ runtime }) => {
        await runtime.prepare(workOf(plainSpec({ command: forever, env: { PASSWORD: 'hunter2' } })), quietly());
        const create = proxy.requests.filter((line) => line.includes('/containers/create'));
        assert.equal(create.length, 1);
        assert.ok(proxy.sent().includes('hunter2'), 'it was sent');
        assert.ok(!proxy.requests.join('\n').includes('hunter2'), 'but in no request line');
        assert.match(create[0]!, /^POST \/containers\/create\?name=cube-shop-web-1-[0-9a-f]{12}-1 HTTP/);
      },
      { dockerHost: proxy.socketPath },
    );
  } finally {
    await proxy.close();
  }
});

test('a name that is taken by this very attempt means that it was made already', { skip }, async () => {
  await withDocker(async ({ runtime, docker, owner, log }) => {
    const work = workOf(plainSpec({ command: forever }));
    const Labels = { 'cube.cluster': owner.clusterId, 'cube.node': owner.nodeId, 'cube.id': work.order.id, 'cube.attempt': '1' };
    const made = await docker.createContainer({ name: containerName(work.order, 1), Image: 'busybox:latest', Labels });
    assert.equal((await runtime.prepare(work, quietly())).id, made.id);
    assert.ok(log.lines.some((line) => line.includes('made before')));
  });
});

test('a name that is taken by anybody else is said, and theirs is left alone', { skip }, async () => {
  await withDocker(async ({ runtime, docker, owner }) => {
    const foreign: Record<string, string>[] = [
      { 'cube.cluster': owner.clusterId, 'cube.node': owner.nodeId, 'cube.id': 'another', 'cube.attempt': '1' },
      { 'cube.cluster': owner.clusterId },
    ];
    for (const Labels of foreign) {
      const work = workOf(plainSpec({ command: forever }));
      const theirs = await docker.createContainer({ name: containerName(work.order, 1), Image: 'busybox:latest', Labels });
      await assert.rejects(runtime.prepare(work, quietly()), {
        code: 'engine-error',
        message: /not this task's/,
        hint: /docker inspect cube-shop/,
      });
      assert.equal((await theirs.inspect()).State.Status, 'created');
    }
  });
});

test("settings the engine refuses are said in its own words, and are no engine's fault", { skip }, async () => {
  await withDocker(async ({ runtime }) => {
    const refused = [
      [{ workdir: 'relative' }, 'bad-settings', /needs to be an absolute path/],
      [{ stopSignal: 'SIGNOPE' }, 'bad-settings', /Invalid signal: SIGNOPE/],
      [{ resources: { ...noResources, memoryBytes: 1_000 } }, 'bad-settings', /Minimum memory limit/],
      [{ image: '' }, 'image-bad-name', /names no image/],
      [{ image: 'Not//Good' }, 'image-bad-name', /invalid reference format/],
      [{ user: 'nobody-has-this-name' }, 'bad-settings', /unable to find user nobody-has-this-name/],
      [{ command: ['/etc'] }, 'bad-command', /permission denied/],
      [{ command: ['/no/such/file'] }, 'bad-command', /no such file or directory/],
    ] as const;
    for (const [spec, code, message] of refused) {
      await assert.rejects(started(runtime, workOf(plainSpec({ command: forever, ...spec }))), { code, message }, JSON.stringify(spec));
    }
  });
});

test('other owners on the same engine are not seen', { skip }, async () => {
  await withDocker(async (one) => {
    await withDocker(async (two) => {
      const ref = await one.runtime.prepare(workOf(plainSpec({ command: forever })), quietly());
      assert.deepEqual(await two.runtime.list(), []);
      assert.deepEqual(
        (await one.runtime.list()).map((found) => found.ref),
        [ref],
      );
    });
  });
});

test('a container with labels of this node and no task is said and passed over', { skip }, async () => {
  await withDocker(async ({ runtime, docker, owner, log }) => {
    const Labels = { 'cube.cluster': owner.clusterId, 'cube.node': owner.nodeId };
    await docker.createContainer({ Image: 'busybox:latest', Labels });
    assert.deepEqual(await runtime.list(), []);
    assert.ok(log.lines.some((line) => line.includes('but not whose it is')));
  });
});
