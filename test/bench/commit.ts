/**
 * From a submit to the moment when all its tasks are placed, on disk and sent to their workers: one manager with its real store (LevelDB,
 * fsync) and scoring thread, and workers that only listen. Beside it the scheduler's share, and the longest time the manager served nobody.
 *
 *   npm run bench:commit -- [nodes] [jobs] [tasks of each]
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { monitorEventLoopDelay, performance } from 'node:perf_hooks';
import { realClock } from '../../src/ambient/clock.ts';
import { realIds } from '../../src/ambient/ids.ts';
import { createMetrics } from '../../src/ambient/metrics.ts';
import { startManager } from '../../src/boot/roles.ts';
import { limitsWith } from '../../src/core/limits.ts';
import { openPool } from '../../src/pool/pool.ts';
import type { Scorer } from '../../src/ports/scorer.ts';
import type { Link, ManagerFrame, WorkerFrame } from '../../src/ports/transport.ts';
import { sealerOf } from '../../src/security/sealing.ts';
import { openLevelStore } from '../../src/store/level.ts';
import { service } from '../sim/scripts.ts';
import { nodeOptions } from '../support/node-options.ts';

const [nodes = 1_000, jobs = 10, each = 1_000] = process.argv.slice(2).map(Number);
const limits = limitsWith({ slotsMax: 100_000, poolIdleMs: 600_000, controlQueueMax: 10_000, nodeSuspectMs: 600_000, nodeDownMs: 600_000 });
const log = { debug: () => {}, info: () => {}, warn: (text: string) => console.error(text), error: (text: string) => console.error(text) };

let received = 0;
let wake = (): void => {};

/** The manager's end of a link whose worker greets, and then counts its orders. */
function listener(name: string): Link<WorkerFrame, ManagerFrame> {
  let hear: (frame: WorkerFrame) => void = () => {};
  let beats: NodeJS.Timeout | undefined;
  const facts = {
    id: `node-${name}`,
    name,
    dc: 'dc1',
    role: 'worker',
    labels: {},
    capacity: { cpu: 64, memoryBytes: 2 ** 38, diskBytes: 2 ** 40, custom: {} },
    slotsMax: limits.slotsMax,
    ports: { from: 20_000, to: 20_999 },
    portsIp: '127.0.0.1',
    os: 'linux',
    arch: 'x64',
    version: '0.0.0',
    runtime: { name: 'fake', version: '1' },
  } as const;
  return {
    peer: name,
    send(frame) {
      if (frame.type !== 'assignments' && frame.type !== 'delta') return;
      received += frame.orders.length;
      wake();
    },
    listen(handlers) {
      hear = handlers.onFrame;
      setImmediate(() => {
        hear({ type: 'greet', protocolMin: 1, protocolMax: 2, clusterId: null, facts, epoch: null, revision: 0, reports: [], unknown: [] });
        beats = setInterval(() => hear({ type: 'beat', usage: null }), limits.heartbeatMs);
      });
    },
    close: () => clearInterval(beats),
  };
}

/** The pool, and how long its batches took. */
function timed(scorer: Scorer): Scorer & { ms: number; batches: number } {
  const watched = {
    ms: 0,
    batches: 0,
    async score(request: Parameters<Scorer['score']>[0]) {
      const beganAt = performance.now();
      try {
        return await scorer.score(request);
      } finally {
        watched.ms += performance.now() - beganAt;
        watched.batches += 1;
      }
    },
    close: () => scorer.close(),
  };
  return watched;
}

async function until(done: () => boolean): Promise<void> {
  while (!done()) await new Promise<void>((resolve) => (wake = resolve));
}

const directory = await mkdtemp(join(tmpdir(), 'cube-bench-commit-'));
const scorer = timed(openPool({ limits, log }));
try {
  const role = await startManager({
    options: nodeOptions({ dataDirectory: directory, limits }),
    ambient: { clock: realClock(), ids: realIds(), log, random: Math.random },
    metrics: createMetrics(),
    dialer: { dial: () => Promise.reject(new Error('nobody is dialled')) },
    openStore: () => openLevelStore({ directory, limits, log }),
    scorer,
    sealer: sealerOf(new Uint8Array(32)),
  });
  for (let at = 0; at < nodes; at++) role.accept(listener(`w${at}`));
  const { control } = role.manager;
  while ((await control.nodes()).filter(({ state }) => state === 'ready').length < nodes)
    await new Promise((resolve) => setTimeout(resolve, 50));
  for (const round of ['cold', 'warm', 'warm']) {
    received = 0;
    scorer.ms = 0;
    scorer.batches = 0;
    const delay = monitorEventLoopDelay({ resolution: 1 });
    delay.enable();
    const beganAt = performance.now();
    const names = Array.from({ length: jobs }, (_, at) => `${round}-${Math.trunc(beganAt)}-${at}`);
    await Promise.all(
      names.map((name) => {
        const spec = service(name, 'runs', each, { resources: { cpu: 0.001, memoryBytes: 2 ** 20, diskBytes: 0, custom: {} } });
        return control.submit({ spec, origin: { kind: 'file' } });
      }),
    );
    const acceptedMs = performance.now() - beganAt;
    await until(() => received >= jobs * each);
    const ms = performance.now() - beganAt;
    delay.disable();
    const rate = Math.round((jobs * each * 1_000) / ms).toLocaleString('en');
    const scoring = Math.round((jobs * each * 1_000) / scorer.ms).toLocaleString('en');
    console.log(
      `${round}: ${jobs * each} tasks on ${nodes} nodes: ${rate}/s from submit to sent (accepted after ${acceptedMs.toFixed(0)} ms, sent after ` +
        `${ms.toFixed(0)} ms), scoring ${scoring}/s in ${scorer.batches} batches, longest block ${(delay.max / 1e6).toFixed(0)} ms`,
    );
  }
  await role.stop();
} finally {
  await rm(directory, { recursive: true, force: true });
}
