import { randomUUID } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after } from 'node:test';
import { realClock } from '../../src/ambient/clock.ts';
import { seededRandom } from '../../src/core/random.ts';
import { openDockerRuntime } from '../../src/runtime/docker/docker.ts';
import { fakeEngine } from '../../src/runtime/fake-engine.ts';
import { openFakeRuntime } from '../../src/runtime/fake.ts';
import { openProcessRuntime } from '../../src/runtime/process/process.ts';
import { imageWith, removeContainersOf, testEngine } from '../support/engine.ts';
import { testRuntime } from './runtime.ts';
import { keptLog, plainSpec, shellExecOf, shellOf, testLimits } from './runtime-harness.ts';
import type { ExecPart, Harness, Part } from './runtime-harness.ts';

const engine = await testEngine();
const checkedImage =
  engine.skip === false ? await imageWith(engine.docker, 'HEALTHCHECK --interval=1s --retries=1 CMD test -f /tmp/ok') : '';
after(() => (checkedImage === '' ? undefined : engine.docker.getImage(checkedImage).remove()));
const clock = realClock();

/** What `busybox httpd` does in a container, on the port a process is told. */
const server =
  "require('http').createServer((q, a) => a.writeHead(q.url === '/ok' ? 200 : 404).end()).listen(process.env.PORT, '127.0.0.1')";

/** What one harness's runtimes share: an owner of its own. */
const newOwner = (): { clusterId: string; nodeId: string } => ({ clusterId: randomUUID(), nodeId: randomUUID() });

testRuntime('docker', engine.skip, true, async (): Promise<Harness> => {
  const owner = newOwner();
  const { docker, socketPath } = engine;
  return {
    open: () => openDockerRuntime({ dockerHost: socketPath, owner, limits: testLimits, log: keptLog(), clock }),
    spec: (part) => plainSpec({ command: shellOf(part), ...(part.check ? { image: checkedImage } : {}) }),
    exec: shellExecOf,
    kill: (ref) => docker.getContainer(ref.id).kill({ signal: 'SIGKILL' }),
    remove: (ref) => docker.getContainer(ref.id).remove({ force: true }),
    close: () => removeContainersOf(docker, owner.clusterId),
  };
});

testRuntime('process', false, false, async (): Promise<Harness> => {
  const owner = newOwner();
  const directory = mkdtempSync(join(tmpdir(), 'cube-processes-'));
  const open: Harness['open'] = () => openProcessRuntime({ directory, owner, limits: testLimits, log: keptLog(), clock });
  return {
    open,
    spec: (part) => plainSpec({ command: part.serves ? [process.execPath, '-e', server] : shellOf(part) }),
    exec: shellExecOf,
    kill: async (ref) => {
      process.kill(-Number(readFileSync(join(directory, ref.id, 'pid'), 'utf8').split('\n')[0]), 'SIGKILL');
    },
    remove: async (ref) => rmSync(join(directory, ref.id), { recursive: true }),
    close: async () => {
      const runtime = await open();
      for (const { ref } of await runtime.list()) await runtime.remove(ref);
      await runtime.close();
      rmSync(directory, { recursive: true, force: true });
    },
  };
});

testRuntime('fake', false, true, async (): Promise<Harness> => {
  const owner = newOwner();
  const engineOfTest = fakeEngine({ clock, random: seededRandom(1) });
  return {
    open: async () => openFakeRuntime({ engine: engineOfTest, owner }),
    spec: (part) => plainSpec({ env: fakeEnvOf(part) }),
    exec: fakeExecOf,
    kill: async (ref) => engineOfTest.kill(ref.id),
    remove: async (ref) => engineOfTest.remove(ref.id),
    close: async () => engineOfTest.reboot(),
  };
});

/** A command's part as the fake engine knows it. */
function fakeExecOf({ out, err, echoes, waits, exitCode = 0 }: ExecPart): string[] {
  const words = [out === undefined ? '' : `out:${out}`, err === undefined ? '' : `err:${err}`, echoes ? 'cat' : '', waits ? 'wait' : ''];
  return ['play', ...words.filter((word) => word !== ''), `exit:${exitCode}`];
}

/** A part as the fake engine's environment tells it. */
function fakeEnvOf(part: Part): Record<string, string> {
  const lines = part.twice ? [part.twice.before, part.twice.after] : part.lines;
  const runForMs = part.runForMs === undefined ? undefined : part.runForMs + (part.twice?.pauseMs ?? 0);
  return {
    FAKE_START_MS: '5',
    ...(lines ? { FAKE_LINES: lines.join('\n') } : {}),
    ...(part.twice ? { FAKE_LINE_EVERY_MS: String(part.twice.pauseMs) } : {}),
    ...(runForMs === undefined ? {} : { FAKE_RUN_FOR_MS: String(runForMs) }),
    ...(part.exitCode === undefined ? {} : { FAKE_EXIT_CODE: String(part.exitCode) }),
    ...(part.onStop === undefined ? {} : { FAKE_STOP_EXIT_CODE: String(part.onStop) }),
    ...(part.ignoresStop ? { FAKE_IGNORE_SIGNALS: '1' } : {}),
    ...(part.looks ? { FAKE_PROBES: part.looks.map((ok) => (ok ? 'ok' : 'fail')).join(',') } : {}),
    ...(part.lookMs === undefined ? {} : { FAKE_PROBE_MS: String(part.lookMs) }),
    ...(part.check ? { FAKE_CHECK: '50:healthy,100:unhealthy' } : {}),
    ...(part.isMissing ? { FAKE_START_ERROR: 'bad-command' } : {}),
  };
}
