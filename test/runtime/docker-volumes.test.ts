/** Volumes on a real engine: data that outlives containers, and directories of the host that a node allows. */
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import type { TestContext } from 'node:test';
import type Dockerode from 'dockerode';
import type { CubeError } from '../../src/core/errors.ts';
import { label } from '../../src/core/ids.ts';
import type { VolumeSpec } from '../../src/core/job.ts';
import type { Runtime } from '../../src/ports/runtime.ts';
import { plainSpec, quietly, started, workOf } from '../contracts/runtime-harness.ts';
import { imageWith, testEngine } from '../support/engine.ts';
import { skip, withDocker } from './docker-help.ts';

const sh = (script: string): string[] => ['sh', '-c', script];

/** A job's name of this test's own; volumes of it go with the test, for Cube leaves them. */
function ownJob(t: TestContext): string {
  const job = `vol-${randomUUID().slice(0, 8)}`;
  t.after(async () => {
    const { docker } = await testEngine();
    const { Volumes } = await docker.listVolumes();
    for (const { Name } of Volumes) if (Name.startsWith(`${job}_`)) await docker.getVolume(Name).remove();
  });
  return job;
}

function work(job: string, command: readonly string[], volumes: readonly VolumeSpec[], image = 'busybox:latest') {
  const made = workOf(plainSpec({ image, command, volumes }));
  return { ...made, order: { ...made.order, job, slot: `${job}/web.1` } };
}

/** Runs a command to its end, and takes its container away. @returns its exit code */
async function run(runtime: Runtime, ...asked: Parameters<typeof work>): Promise<number> {
  const ref = await started(runtime, work(...asked));
  const { exitCode } = await runtime.wait(ref, new AbortController().signal);
  await runtime.remove(ref);
  return exitCode;
}

const data: VolumeSpec = { name: 'data', path: '/data', readOnly: false };

function labelsOf(docker: Dockerode, name: string): Promise<Record<string, string>> {
  return docker
    .getVolume(name)
    .inspect()
    .then(({ Labels }) => Labels);
}

test('what a container writes to a volume the next one finds, and no removal takes it', { skip }, async (t) => {
  const job = ownJob(t);
  await withDocker(async ({ runtime, docker, owner }) => {
    assert.equal(await run(runtime, job, sh('echo kept > /data/file'), [data]), 0);
    assert.deepEqual(await labelsOf(docker, `${job}_data`), {
      [label.cluster]: owner.clusterId,
      [label.job]: job,
      'cube.volume': 'data',
    });
    assert.equal(await run(runtime, job, sh('[ "$(cat /data/file)" = kept ]'), [data]), 0);
    assert.equal(await run(runtime, job, sh('[ ! -e /data/file ]'), [{ ...data, name: 'other' }]), 0, 'another volume is empty');
    assert.notEqual(
      await run(runtime, job, sh('echo no > /data/file'), [{ ...data, readOnly: true }]),
      0,
      'not written where it is read only',
    );
  });
});

test('a new volume has what the image has in that place', { skip }, async (t) => {
  const job = ownJob(t);
  await withDocker(async ({ runtime, docker }) => {
    const image = await imageWith(docker, 'RUN mkdir /data && echo image > /data/file');
    try {
      assert.equal(await run(runtime, job, sh('[ "$(cat /data/file)" = image ] && echo own > /data/file'), [data], image), 0);
      assert.equal(await run(runtime, job, sh('[ "$(cat /data/file)" = own ]'), [data], image), 0, 'only when it is new');
    } finally {
      await docker.getImage(image).remove();
    }
  });
});

test('the volume of another job whose name comes to the same is not touched; one made by hand is used', { skip }, async (t) => {
  const job = ownJob(t);
  await withDocker(async ({ runtime, docker, log }) => {
    assert.equal(await run(runtime, `${job}_a`, sh('true'), [{ ...data, name: 'b' }]), 0);
    await assert.rejects(runtime.prepare(work(job, sh('true'), [{ ...data, name: 'a_b' }]), quietly()), (error: CubeError) => {
      assert.equal(error.code, 'bad-mount');
      assert.equal(error.message, `volume ${job}_a_b of the engine belongs to job ${job}_a`);
      return true;
    });
    await docker.createVolume({ Name: `${job}_mine` });
    assert.equal(await run(runtime, job, sh('echo x > /data/x'), [{ ...data, name: 'mine' }]), 0);
    assert.deepEqual(
      log.lines.filter((line) => line.startsWith('warn')),
      [],
    );
    await docker.createVolume({ Name: `${job}_old`, Labels: { [label.cluster]: 'earlier', [label.job]: job } });
    assert.equal(await run(runtime, job, sh('true'), [{ ...data, name: 'old' }]), 0);
    assert.match(log.lines.join('\n'), /warn a volume that another cluster made is used/);
  });
});

test(
  'a directory of the host is mounted where the node allows it, through links only where they lead to what is allowed',
  { skip },
  async (t) => {
    const folder = realpathSync(mkdtempSync(join(tmpdir(), 'cube-mount-')));
    t.after(() => rmSync(folder, { recursive: true }));
    for (const name of ['srv/x', 'secret']) mkdirSync(join(folder, name), { recursive: true });
    writeFileSync(join(folder, 'srv/x/in'), 'from the host');
    symlinkSync(join(folder, 'srv/x'), join(folder, 'srv/inside'));
    symlinkSync(join(folder, 'secret'), join(folder, 'srv/outside'));
    symlinkSync(join(folder, 'srv'), join(folder, 'alias'));
    const job = ownJob(t);
    const at = (path: string, readOnly = true): VolumeSpec => ({ hostPath: path, path: '/host', readOnly });
    const refusal = async (runtime: Runtime, path: string): Promise<string> => {
      let said = '';
      await assert.rejects(runtime.prepare(work(job, sh('true'), [at(path)]), quietly()), (error: CubeError) => {
        assert.equal(error.code, 'bad-mount', error.message);
        assert.equal(error.row.retryable, false);
        said = error.message.replaceAll(folder, '');
        return true;
      });
      return said;
    };
    await withDocker(
      async ({ runtime }) => {
        assert.equal(await run(runtime, job, sh('[ "$(cat /host/in)" = "from the host" ]'), [at(`${folder}/srv/x`)]), 0);
        assert.equal(await run(runtime, job, sh('[ -e /host/in ]'), [at(`${folder}/srv/inside`)]), 0, 'a link to what is allowed');
        assert.equal(await run(runtime, job, sh('[ -e /host/in ]'), [at(`${folder}/srv/y/../x/`)]), 0, 'a path that is plain at last');
        assert.notEqual(await run(runtime, job, sh('echo > /host/out'), [at(`${folder}/srv/x`)]), 0, 'read only');
        assert.equal(await run(runtime, job, sh('echo out > /host/out'), [at(`${folder}/srv/x`, false)]), 0);
        assert.equal(readFileSync(join(folder, 'srv/x/out'), 'utf8'), 'out\n');
        assert.equal(await refusal(runtime, `${folder}/secret`), 'this node does not allow /secret');
        assert.equal(await refusal(runtime, `${folder}/srv/../secret`), 'this node does not allow /secret');
        assert.equal(await refusal(runtime, `${folder}/srv/outside`), '/srv/outside leads to /secret, which this node does not allow');
        assert.equal(await refusal(runtime, `${folder}/srv/nothing`), 'there is no /srv/nothing on this node');
        assert.equal(await refusal(runtime, `${folder}/srv/x/in/below`), 'there is no /srv/x/in/below on this node');
      },
      { mounts: [join(folder, 'srv')] },
    );
    await withDocker(
      async ({ runtime }) => {
        assert.equal(await run(runtime, job, sh('[ -e /host/in ]'), [at(`${folder}/alias/x`)]), 0, 'what is allowed may be a link');
      },
      { mounts: [join(folder, 'alias')] },
    );
    await withDocker(async ({ runtime }) => {
      assert.equal(await refusal(runtime, `${folder}/srv/x`), 'this node does not allow /srv/x', 'nothing is allowed unless told');
    });
  },
);
