/** Pulls on a scripted engine. */
import { realClock } from '../../src/ambient/clock.ts';
import { limitsWith } from '../../src/core/limits.ts';
import type { Limits } from '../../src/core/limits.ts';
import type { Runtime } from '../../src/ports/runtime.ts';
import { openDockerRuntime } from '../../src/runtime/docker/docker.ts';
import { keptLog, plainSpec } from '../contracts/runtime-harness.ts';
import { json, jsonLinesAnswer, scriptedEngine } from './scripted-engine.ts';
import type { ScriptedEngine } from './scripted-engine.ts';

/** Short pauses, and time enough. */
export const quick = limitsWith({ engineRetryMs: 10, pullRetryMs: 10, pullMs: 5_000 });

/** Runs a test on a scripted engine that lacks the image until a pull has succeeded. */
export async function onScript(
  check: (engine: ScriptedEngine, runtime: Runtime, log: ReturnType<typeof keptLog>) => Promise<void>,
  limits: Limits = quick,
): Promise<void> {
  const engine = await scriptedEngine();
  const log = keptLog();
  const owner = { clusterId: 'c', nodeId: 'n' };
  const configFolder = '/nonexistent';
  const runtime = await openDockerRuntime({ dockerHost: engine.socketPath, configFolder, owner, limits, log, clock: realClock() });
  engine.on('POST /containers/create', json(404, { message: 'No such image: web:1' }));
  try {
    await check(engine, runtime, log);
  } finally {
    await runtime.close();
    await engine.close();
  }
}

/** A task whose image is missing at first. */
export const web = plainSpec({ image: 'web:1', pull: 'missing', command: ['x'] });
/** How often the engine was asked to pull. */
export const pullsOf = (engine: ScriptedEngine): number => engine.requests.filter((line) => line.startsWith('POST /images/create')).length;

/** Answers a pull well, and lets the image be there from then on. */
export function succeed(engine: ScriptedEngine): void {
  engine.on('POST /images/create', (request, response, body) => {
    engine.on('POST /containers/create', json(201, { Id: 'made' }));
    jsonLinesAnswer({ status: 'Pulling from library/web', id: '1' }, { status: 'Status: Downloaded newer image for web:1' })(
      request,
      response,
      body,
    );
  });
}
