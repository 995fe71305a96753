/** The conformance suite of the runtime port, second half: leaving, finding again, and output. */
import assert from 'node:assert/strict';
import type { Runtime } from '../../src/ports/runtime.ts';
import { linesOf, never, quietly, read, started, workOf } from './runtime-harness.ts';
import type { Harness } from './runtime-harness.ts';

/** Registers one promise of the port as a test. */
export type Promised = (what: string, check: (harness: Harness, runtime: Runtime) => Promise<void>) => void;

const forever = {};
const stop = { stopSignal: 'SIGTERM', graceMs: 10_000 };

/** Waits for the first line: a shell has set its traps then. */
export async function sawOutput(runtime: Runtime, id: string, name: string): Promise<void> {
  const left = new AbortController();
  for await (const chunk of runtime.logs({ id, name }, { follow: true, signal: left.signal })) {
    assert.notEqual(chunk.text, '');
    break;
  }
  left.abort();
}

/** What a fired signal does. */
export function aborting(promise: Promised): void {
  promise('a wait that is aborted rejects, and another one goes on', async (harness, runtime) => {
    const ref = await started(runtime, workOf(harness.spec({ onStop: 9 })));
    const abort = new AbortController();
    const left = runtime.wait(ref, abort.signal);
    const stays = runtime.wait(ref, never());
    abort.abort(new Error('enough'));
    await assert.rejects(left, { name: 'AbortError' });
    await harness.kill(ref);
    assert.equal((await stays).exitCode, 137);
  });

  promise('a signal that has fired already lets nothing begin', async (harness, runtime) => {
    const work = workOf(harness.spec(forever));
    const signal = AbortSignal.abort();
    await assert.rejects(runtime.prepare(work, { signal, onProgress: () => undefined }), { name: 'AbortError' });
    assert.deepEqual(await runtime.list(), []);
    const ref = await runtime.prepare(work, quietly());
    await assert.rejects(runtime.start(ref, signal), { name: 'AbortError' });
    await assert.rejects(runtime.wait(ref, signal), { name: 'AbortError' });
    await assert.rejects(read(runtime, ref, { signal }), { name: 'AbortError' });
    assert.deepEqual(
      (await runtime.list()).map(({ state }) => state),
      ['created'],
    );
  });

  promise('a prepare that is aborted leaves nothing that the list does not show', async (harness, runtime) => {
    const work = workOf(harness.spec(forever));
    const abort = new AbortController();
    const prepare = runtime.prepare(work, { signal: abort.signal, onProgress: () => undefined });
    abort.abort();
    await assert.rejects(prepare, { name: 'AbortError' });
    const ref = await runtime.prepare(work, quietly());
    assert.deepEqual(
      (await runtime.list()).map((found) => found.ref),
      [ref],
    );
  });

  promise('closing ends the waits', async (harness, runtime) => {
    const ref = await started(runtime, workOf(harness.spec(forever)));
    const wait = runtime.wait(ref, never());
    const rejected = assert.rejects(wait, { name: 'AbortError' });
    await runtime.close();
    await rejected;
  });
}

/** What the list tells. */
export function finding(promise: Promised): void {
  promise('the list shows created, running and exited ones, whose they are and how they ended', async (harness, runtime) => {
    const [a, b, c] = [
      workOf(harness.spec(forever)),
      workOf(harness.spec(forever), { attempt: 2 }),
      workOf(harness.spec({ runForMs: 0, exitCode: 6 })),
    ];
    const created = await runtime.prepare(a, quietly());
    const running = await started(runtime, b);
    const exited = await started(runtime, c);
    const exit = await runtime.wait(exited, never());
    const found = new Map((await runtime.list()).map((one) => [one.taskId, one]));
    const { createdAt, digest, slot, ...one } = found.get(a.order.id)!;
    assert.deepEqual(one, { ref: created, taskId: a.order.id, attempt: 1, state: 'created', hasCheck: false });
    assert.ok(Math.abs(createdAt - Date.now()) < 60_000, 'a time in ms since the epoch');
    assert.ok(slot === undefined || slot === a.order.slot, 'told where the container tells it');
    const { startedAt, createdAt: _, slot: __, ...rest } = found.get(b.order.id)!;
    assert.deepEqual(rest, {
      ref: running,
      taskId: b.order.id,
      attempt: 2,
      state: 'running',
      hasCheck: false,
      ...(digest ? { digest } : {}),
    });
    assert.deepEqual(await runtime.start(running, never()), { startedAt, hasCheck: false, ...(digest ? { digest } : {}) });
    assert.deepEqual(found.get(c.order.id)?.exit, exit);
    assert.equal(found.get(c.order.id)?.state, 'exited');
    assert.equal(found.size, 3);
  });
}

/** What a later runtime does with what an earlier one left. */
export function reopening(promise: Promised): void {
  promise('a runtime opened anew finds what runs and waits for it', async (harness, runtime) => {
    const work = workOf(harness.spec({ lines: ['up'], onStop: 8 }));
    const ref = await started(runtime, work);
    await sawOutput(runtime, ref.id, ref.name);
    await runtime.close();
    const again = await harness.open();
    try {
      const found = await again.list();
      assert.deepEqual(
        found.map((one) => [one.ref, one.state]),
        [[ref, 'running']],
      );
      assert.deepEqual(await again.prepare(work, quietly()), ref);
      assert.equal((await again.start(ref, never())).startedAt, found[0]!.startedAt);
      const ended = again.wait(ref, never());
      assert.equal((await again.stop(ref, stop)).exitCode, 8);
      assert.equal((await ended).exitCode, 8);
      assert.deepEqual(linesOf(await read(again, ref)), ['up']);
    } finally {
      await again.close();
    }
  });

  promise('what ended while no runtime was open is told afterwards', async (harness, runtime) => {
    const ref = await started(runtime, workOf(harness.spec({ runForMs: 200, exitCode: 11 })));
    await runtime.close();
    const again = await harness.open();
    try {
      assert.equal((await again.wait(ref, never())).exitCode, 11);
    } finally {
      await again.close();
    }
  });

  promise('one prepared by an earlier runtime is started by a later one', async (harness, runtime) => {
    const ref = await runtime.prepare(workOf(harness.spec({ runForMs: 0, exitCode: 12 })), quietly());
    await runtime.close();
    const again = await harness.open();
    try {
      await again.start(ref, never());
      assert.equal((await again.wait(ref, never())).exitCode, 12);
    } finally {
      await again.close();
    }
  });
}

/** What a task printed. */
export function output(promise: Promised): void {
  promise('output is kept in whole lines with times, and a tail is its end', async (harness, runtime) => {
    const lines = ['one', 'zwei äöü €', 'three'];
    const ref = await started(runtime, workOf(harness.spec({ lines, runForMs: 0 })));
    await runtime.wait(ref, never());
    const chunks = await read(runtime, ref);
    assert.deepEqual(linesOf(chunks), lines);
    for (const chunk of chunks) {
      assert.ok(chunk.text.endsWith('\n'));
      assert.equal(chunk.stream, 'stdout');
      assert.ok(Math.abs(chunk.at - Date.now()) < 60_000, 'a time in ms since the epoch');
    }
    assert.deepEqual(linesOf(await read(runtime, ref, { tail: 2 })), lines.slice(1));
    assert.deepEqual(linesOf(await read(runtime, ref, { tail: 0 })), []);
    assert.deepEqual(linesOf(await read(runtime, ref, { tail: 99 })), lines);
  });

  promise('output since a time is what is newer', async (harness, runtime) => {
    const twice = { before: 'early', pauseMs: 600, after: 'late' };
    const ref = await started(runtime, workOf(harness.spec({ twice, runForMs: 0 })));
    await runtime.wait(ref, never());
    const chunks = await read(runtime, ref);
    assert.deepEqual(linesOf(chunks), ['early', 'late']);
    const early = chunks[0]!.at;
    assert.deepEqual(linesOf(await read(runtime, ref, { sinceMs: early })), ['late']);
    assert.deepEqual(linesOf(await read(runtime, ref, { sinceMs: Date.now() + 60_000 })), []);
  });

  promise('followed output comes as it is written and ends with the container', async (harness, runtime) => {
    const twice = { before: 'first', pauseMs: 300, after: 'second' };
    const ref = await started(runtime, workOf(harness.spec({ twice, runForMs: 100 })));
    assert.deepEqual(linesOf(await read(runtime, ref, { follow: true })), ['first', 'second']);
    assert.equal((await runtime.wait(ref, never())).exitCode, 0);
  });

  promise('following is left by aborting it', async (harness, runtime) => {
    const ref = await started(runtime, workOf(harness.spec({ lines: ['up'] })));
    const abort = new AbortController();
    const seen: string[] = [];
    const follow = async (): Promise<void> => {
      for await (const chunk of runtime.logs(ref, { follow: true, signal: abort.signal })) {
        seen.push(chunk.text);
        abort.abort();
      }
    };
    await assert.rejects(follow(), { name: 'AbortError' });
    assert.deepEqual(seen, ['up\n']);
  });

  promise('the output of what is gone is said to be gone', async (harness, runtime) => {
    const ref = await started(runtime, workOf(harness.spec({ runForMs: 0 })));
    await runtime.wait(ref, never());
    await runtime.remove(ref);
    await assert.rejects(read(runtime, ref), { code: 'not-found', message: /gone/ });
  });
}
