/** The conformance suite of the runtime port, third part: looks, the runtime's own checks, images. */
import assert from 'node:assert/strict';
import type { ProbeSpec } from '../../src/core/job.ts';
import type { ContainerRef, HealthSeen, ProbeOptions, ProbeResult, Runtime } from '../../src/ports/runtime.ts';
import { freePort } from '../support/free-port.ts';
import { never, quietly, started, workOf } from './runtime-harness.ts';
import type { Harness } from './runtime-harness.ts';
import type { Promised } from './runtime-watching.ts';

const well = [{ from: 200, to: 399 }];
const plenty: ProbeOptions = { timeoutMs: 10_000, signal: never() };

/** Starts one that serves `/ok` on its container port 8080, and says no to all else. */
async function serving(harness: Harness, runtime: Runtime): Promise<ContainerRef> {
  const ports = [{ ip: '127.0.0.1', host: await freePort(), container: 8080, protocol: 'tcp' as const }];
  return started(runtime, workOf(harness.spec({ serves: true, looks: [true, false] }), { ports }));
}

/** Looks until it is well: a server takes a moment to listen. */
async function wellAtLast(runtime: Runtime, ref: ContainerRef, probe: ProbeSpec, options = plenty): Promise<ProbeResult> {
  for (;;) {
    const result = await runtime.probe(ref, probe, options);
    if (result.ok) return result;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

/** Reads what a runtime's own check says. */
export async function seenBy(seen: AsyncIterable<HealthSeen>, until: (one: HealthSeen) => boolean = () => false): Promise<string[]> {
  const healths: string[] = [];
  for await (const one of seen) {
    if (one.health !== healths.at(-1)) healths.push(one.health);
    if (until(one)) break;
  }
  return healths;
}

/** What one look finds. */
export function looking(promise: Promised): void {
  promise('an http look takes the statuses it was told, and names what it got', async (harness, runtime) => {
    const ref = await serving(harness, runtime);
    await wellAtLast(runtime, ref, { kind: 'http', path: '/ok', port: 8080, statuses: well });
    const missing = await runtime.probe(ref, { kind: 'http', path: '/missing', port: 8080, statuses: well }, plenty);
    assert.equal(missing.ok, false);
    assert.match(missing.detail, /GET \/missing/);
  });

  promise('an http look without a port goes to the one it is given', async (harness, runtime) => {
    const ref = await serving(harness, runtime);
    const result = await wellAtLast(runtime, ref, { kind: 'http', path: '/ok', statuses: well }, { ...plenty, port: 8080 });
    assert.match(result.detail, /GET \/ok/);
  });

  promise('a tcp look finds a port open, or not', async (harness, runtime) => {
    const ref = await serving(harness, runtime);
    assert.match((await wellAtLast(runtime, ref, { kind: 'tcp', port: 8080 })).detail, /port \d+/);
    // Port 1 is nobody's.
    assert.equal((await runtime.probe(ref, { kind: 'tcp', port: 1 }, plenty)).ok, false);
  });

  promise('a look by command goes by its exit code', async (harness, runtime) => {
    const ref = await started(runtime, workOf(harness.spec({ looks: [true, false] })));
    const command = (script: string): ProbeSpec => ({ kind: 'exec', command: ['sh', '-c', script] });
    assert.equal((await runtime.probe(ref, command('echo fine'), plenty)).ok, true);
    const failed = await runtime.probe(ref, command('echo first; echo no luck >&2; exit 3'), plenty);
    assert.equal(failed.ok, false);
    assert.notEqual(failed.detail, '');
  });

  promise('a look that takes longer than it may has failed, and says so', async (harness, runtime) => {
    const ref = await started(runtime, workOf(harness.spec({ lookMs: 3_000 })));
    const result = await runtime.probe(ref, { kind: 'exec', command: ['sleep', '3'] }, { timeoutMs: 150, signal: never() });
    assert.deepEqual(result, { ok: false, detail: 'no answer within 150ms' });
  });

  promise('a look at one that has ended, never started or is gone is an answer', async (harness, runtime) => {
    const probes: ProbeSpec[] = [
      { kind: 'tcp', port: 8080 },
      { kind: 'http', path: '/', port: 8080, statuses: well },
      { kind: 'exec', command: ['true'] },
    ];
    const created = await runtime.prepare(workOf(harness.spec({})), quietly());
    const ended = await started(runtime, workOf(harness.spec({ runForMs: 0 })));
    await runtime.wait(ended, never());
    const gone = await started(runtime, workOf(harness.spec({})));
    await runtime.remove(gone);
    for (const ref of [created, ended, gone]) {
      for (const probe of probes) {
        const result = await runtime.probe(ref, probe, plenty);
        assert.equal(result.ok, false, probe.kind);
        assert.notEqual(result.detail, '');
      }
    }
  });

  promise('a look is left by aborting it', async (harness, runtime) => {
    const ref = await started(runtime, workOf(harness.spec({ lookMs: 3_000 })));
    const abort = new AbortController();
    const probe: ProbeSpec = { kind: 'exec', command: ['sleep', '3'] };
    const look = runtime.probe(ref, probe, { timeoutMs: 60_000, signal: abort.signal });
    abort.abort();
    await assert.rejects(look, { name: 'AbortError' });
    await assert.rejects(runtime.probe(ref, probe, { timeoutMs: 60_000, signal: abort.signal }), { name: 'AbortError' });
  });
}

/** Health where no check is built in, and stops without a signal of the task's own. */
export function uncheckedHealth(promise: Promised): void {
  promise('without a check of its own nothing is known, until the end', async (harness, runtime) => {
    const ref = await started(runtime, workOf(harness.spec({})));
    assert.equal((await runtime.start(ref, never())).hasCheck, false);
    const seen = seenBy(runtime.health(ref, never()));
    await harness.kill(ref);
    assert.deepEqual(await seen, ['unknown']);
  });

  promise('watching the health ends without an error when its signal fires', async (harness, runtime) => {
    const ref = await started(runtime, workOf(harness.spec({})));
    const abort = new AbortController();
    const seen = seenBy(runtime.health(ref, abort.signal), () => {
      abort.abort();
      return false;
    });
    assert.deepEqual(await seen, ['unknown']);
    assert.deepEqual(await seenBy(runtime.health(ref, abort.signal)), []);
  });

  promise('a stop without a signal sends SIGTERM where nothing else is asked for', async (harness, runtime) => {
    const ref = await started(runtime, workOf(harness.spec({ lines: ['up'], onStop: 7 })));
    for await (const chunk of runtime.logs(ref, { follow: true, signal: never() })) {
      assert.equal(chunk.text, 'up\n');
      break;
    }
    assert.equal((await runtime.stop(ref, { graceMs: 10_000 })).exitCode, 7);
  });
}

/** What only runtimes with images can: the image's own check, and the images themselves. */
export function images(promise: Promised): void {
  promise("the image's own check is told from its beginning to the end", async (harness, runtime) => {
    const work = workOf(harness.spec({ check: true }));
    const ref = await runtime.prepare(work, quietly());
    assert.equal((await runtime.start(ref, never())).hasCheck, true);
    assert.equal((await runtime.list())[0]?.hasCheck, true);
    assert.deepEqual(await seenBy(runtime.health(ref, never()), ({ health }) => health === 'unhealthy'), [
      'unknown',
      'healthy',
      'unhealthy',
    ]);
    // Whoever looks later sees what is so now, and that it is over.
    const later = seenBy(runtime.health(ref, never()), ({ health }) => {
      if (health === 'unhealthy') void harness.kill(ref);
      return false;
    });
    assert.equal((await later).at(0), 'unhealthy');
  });

  promise("a task's own check, or none, is instead of the image's", async (harness, runtime) => {
    const probe: ProbeSpec = { kind: 'tcp', port: 80 };
    const own = { probe, intervalMs: 1_000, timeoutMs: 1_000, retries: 3, startPeriodMs: 0 };
    for (const health of ['none', own] as const) {
      const ref = await runtime.prepare(workOf({ ...harness.spec({ check: true }), health }), quietly());
      assert.equal((await runtime.start(ref, never())).hasCheck, false);
      const abort = new AbortController();
      const seen = seenBy(runtime.health(ref, abort.signal), () => {
        abort.abort();
        return false;
      });
      assert.deepEqual(await seen, ['unknown']);
    }
  });

  promise('a start and the list tell what the image stood for', async (harness, runtime) => {
    const work = workOf(harness.spec({}));
    const ref = await runtime.prepare(work, quietly());
    const { digest } = await runtime.start(ref, never());
    assert.match(digest ?? '', /^sha256:[0-9a-f]{64}$/);
    assert.equal((await runtime.list())[0]?.digest, digest);
  });

  promise('an image that a container has is not unused, and what is gone is gone', async (harness, runtime) => {
    const pulled: string[] = [];
    const work = workOf(harness.spec({}));
    const ref = await runtime.prepare(work, { ...quietly(), onPulled: (image) => pulled.push(image) });
    assert.deepEqual(pulled, [], 'what was there was not pulled for this');
    await runtime.start(ref, never());
    const unused = await runtime.unusedImages();
    assert.ok(!unused.some(({ names }) => names.includes(work.order.spec.image)));
    assert.equal(await runtime.removeImage(`sha256:${'0'.repeat(64)}`), true);
  });
}
