import assert from 'node:assert/strict';
import { test } from 'node:test';
import { seededRandom } from '../../src/core/random.ts';
import type { ProbeSpec } from '../../src/core/job.ts';
import type { ContainerRef, HealthSeen, ProbeResult, Runtime } from '../../src/ports/runtime.ts';
import { fakeEngine } from '../../src/runtime/fake-engine.ts';
import type { FakeEngine } from '../../src/runtime/fake-engine.ts';
import type { FakeScript } from '../../src/runtime/fake-script.ts';
import { openFakeRuntime } from '../../src/runtime/fake.ts';
import { never, plainSpec, quietly, started, workOf } from '../contracts/runtime-harness.ts';
import { manualClock } from './manual-clock.ts';
import type { ManualClock } from './manual-clock.ts';

interface Made {
  readonly clock: ManualClock;
  readonly engine: FakeEngine;
  readonly runtime: Runtime;
}

function make(script: FakeScript = {}): Made {
  const clock = manualClock();
  const engine = fakeEngine({ clock, random: seededRandom(1), script: () => script });
  return { clock, engine, runtime: openFakeRuntime({ engine, owner: { clusterId: 'c', nodeId: 'n' } }) };
}

const http: ProbeSpec = { kind: 'http', path: '/', port: 80, statuses: [] };
const look = (runtime: Runtime, ref: ContainerRef, timeoutMs = 1_000): Promise<ProbeResult> =>
  runtime.probe(ref, http, { timeoutMs, signal: never() });

test('looks follow the script by number, the last one ever after', async () => {
  const { runtime } = make({ probes: [true, false, true, false] });
  const ref = await started(runtime, workOf(plainSpec({})));
  const found: boolean[] = [];
  for (let count = 0; count < 6; count++) found.push((await look(runtime, ref)).ok);
  assert.deepEqual(found, [true, false, true, false, false, false]);
  const other = await started(runtime, workOf(plainSpec({})));
  assert.equal((await look(runtime, other)).ok, true, 'each container has its own count');
});

test('looks follow the script by time', async () => {
  const { clock, runtime } = make({ wellFromMs: 100, wellUntilMs: 300 });
  const ref = await started(runtime, workOf(plainSpec({})));
  const found: boolean[] = [];
  for (let at = 0; at <= 400; at += 100) {
    found.push((await look(runtime, ref)).ok);
    await clock.pass(100);
  }
  assert.deepEqual(found, [false, true, true, false, false]);
});

test('a look takes the time it is told, and no longer than it may', async () => {
  const { clock, runtime } = make({ probeMs: 500 });
  const ref = await started(runtime, workOf(plainSpec({})));
  const results: ProbeResult[] = [];
  void look(runtime, ref, 500).then((result) => results.push(result));
  void look(runtime, ref, 200).then((result) => results.push(result));
  await clock.pass(199);
  assert.equal(results.length, 0);
  await clock.pass(1);
  assert.deepEqual(results[0], { ok: false, detail: 'no answer within 200ms' });
  await clock.pass(300);
  assert.equal(results[1]?.ok, true);
});

test('an engine that is down is no hindrance to a network look, but to a command', async () => {
  const { engine, runtime } = make();
  const ref = await started(runtime, workOf(plainSpec({})));
  engine.down();
  assert.equal((await look(runtime, ref)).ok, true);
  const command: ProbeSpec = { kind: 'exec', command: ['true'] };
  await assert.rejects(runtime.probe(ref, command, { timeoutMs: 1, signal: never() }), { code: 'no-engine' });
});

test("the image's check speaks at its times, and whoever comes later hears what is so", async () => {
  const { clock, engine, runtime } = make({
    check: [
      { afterMs: 200, health: 'unhealthy' },
      { afterMs: 100, health: 'healthy' },
    ],
  });
  const ref = await started(runtime, workOf(plainSpec({})));
  const follow = (): string[] => {
    const seen: string[] = [];
    void (async () => {
      for await (const one of runtime.health(ref, never())) seen.push(`${one.health} at ${clock.now() - 1_000_000}`);
      seen.push('over');
    })();
    return seen;
  };
  const first = follow();
  await clock.pass(150);
  const later = follow();
  await clock.pass(150);
  assert.deepEqual(first, ['unknown at 0', 'healthy at 100', 'unhealthy at 200']);
  assert.deepEqual(later, ['healthy at 150', 'unhealthy at 200']);
  engine.kill(ref.id);
  await clock.pass(0);
  assert.deepEqual([first.at(-1), later.at(-1)], ['over', 'over']);
});

test('closing ends what watches the health', async () => {
  const { clock, runtime } = make({ check: [{ afterMs: 100, health: 'healthy' }] });
  const ref = await started(runtime, workOf(plainSpec({})));
  const seen: HealthSeen[] = [];
  let isOver = false;
  void (async () => {
    for await (const one of runtime.health(ref, never())) seen.push(one);
    isOver = true;
  })();
  await clock.pass(0);
  await runtime.close();
  await clock.pass(1_000);
  assert.deepEqual(seen, [{ health: 'unknown' }]);
  assert.equal(isOver, true);
});

test("a task's environment scripts its looks, its check and its image, and nonsense is refused", async () => {
  const { engine, runtime } = make();
  const env = {
    FAKE_PROBES: 'ok,fail',
    FAKE_PROBE_MS: '5',
    FAKE_WELL_FROM_MS: '1',
    FAKE_WELL_UNTIL_MS: '9',
    FAKE_CHECK: '0:healthy,500:unhealthy,900:unknown',
    FAKE_STOP_SIGNAL: 'SIGUSR1',
    FAKE_IMAGE_BYTES: '77',
    FAKE_IMAGE_PRESENT: '1',
  };
  assert.deepEqual(engine.scriptOf(workOf(plainSpec({ env }))), {
    probes: [true, false],
    probeMs: 5,
    wellFromMs: 1,
    wellUntilMs: 9,
    check: [
      { afterMs: 0, health: 'healthy' },
      { afterMs: 500, health: 'unhealthy' },
      { afterMs: 900, health: 'unknown' },
    ],
    stopSignal: 'SIGUSR1',
    imageBytes: 77,
    imagePresent: true,
  });
  const nonsense: Record<string, string>[] = [{ FAKE_PROBES: 'ok,maybe' }, { FAKE_CHECK: 'soon:healthy' }, { FAKE_CHECK: '1:well' }];
  for (const wrong of nonsense) {
    await assert.rejects(runtime.prepare(workOf(plainSpec({ env: wrong })), quietly()), { code: 'bad-settings' }, JSON.stringify(wrong));
  }
});

test("a stop without a signal sends the image's own", async () => {
  const { runtime } = make({ stopSignal: 'SIGUSR1' });
  const ref = await started(runtime, workOf(plainSpec({})));
  assert.equal((await runtime.stop(ref, { graceMs: 1_000 })).exitCode, 138);
});

test('images are pulled once, kept while a container has them, and removed after', async () => {
  const { engine, runtime } = make({ imageBytes: 500 });
  const pulled: string[] = [];
  const options = { ...quietly(), onPulled: (image: string) => pulled.push(image) };
  const spec = plainSpec({ image: 'web:1', pull: 'missing' });
  const [one, two] = [await runtime.prepare(workOf(spec), options), await runtime.prepare(workOf(spec), options)];
  await runtime.prepare(workOf(plainSpec({ image: 'local:1', pull: 'never' })), options);
  assert.deepEqual(pulled, ['web:1']);
  assert.deepEqual(engine.images.names, ['web:1', 'local:1']);
  await runtime.remove(one);
  assert.deepEqual(await runtime.unusedImages(), []);
  await runtime.remove(two);
  const unused = await runtime.unusedImages();
  assert.deepEqual(
    unused.map(({ names, sizeBytes }) => [names, sizeBytes]),
    [[['web:1'], 500]],
  );
  assert.equal(await runtime.removeImage(unused[0]!.id), true);
  assert.equal(await runtime.removeImage(unused[0]!.id), true);
  assert.deepEqual(engine.images.names, ['local:1']);
});
