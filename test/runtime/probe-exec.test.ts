/** Looks by a command, on an engine that hangs. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { limitsDefault } from '../../src/core/limits.ts';
import type { ExecSession } from '../../src/ports/runtime.ts';
import { ExecProbes } from '../../src/runtime/probe-exec.ts';
import { manualClock } from './manual-clock.ts';

const ref = { id: 'c', name: 'c' };
const hangs = <T>(): Promise<T> => new Promise(() => undefined);
const log = { debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined };

test('an engine that hangs says nothing of the task, at the first look and at all that follow', async () => {
  const clock = manualClock();
  let isHung = true;
  const ping = (): Promise<void> => (isHung ? hangs() : Promise.resolve());
  const probes = new ExecProbes({ exec: () => hangs<ExecSession>(), ping, endsCommands: false, clock, log, limits: limitsDefault });
  const look = async (): Promise<unknown> => {
    const result = probes
      .look(ref, ['true'], { clock, timeoutMs: 50, signal: new AbortController().signal })
      .catch((thrown: unknown) => thrown);
    await clock.pass(50 + limitsDefault.probeEngineMs);
    return result;
  };
  for (let times = 0; times < 3; times++) assert.equal(((await look()) as { code?: string }).code, 'no-engine');
  isHung = false;
  assert.deepEqual(await look(), { ok: false, detail: 'no answer within 50ms: the command of an earlier look still runs' });
});
