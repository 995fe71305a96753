/** A Docker runtime for one test, with an owner of its own whose containers are removed afterwards. */
import { randomUUID } from 'node:crypto';
import type Dockerode from 'dockerode';
import { realClock } from '../../src/ambient/clock.ts';
import type { Limits } from '../../src/core/limits.ts';
import type { Owner, Runtime } from '../../src/ports/runtime.ts';
import { openDockerRuntime } from '../../src/runtime/docker/docker.ts';
import { keptLog, testLimits } from '../contracts/runtime-harness.ts';
import { removeContainersOf, testEngine } from '../support/engine.ts';

/** Why tests on the engine skip, or false. */
export const skip = (await testEngine()).skip;

/** What such a test works with. */
export interface DockerCase {
  readonly runtime: Runtime;
  readonly docker: Dockerode;
  readonly owner: Owner;
  readonly log: ReturnType<typeof keptLog>;
}

/** Runs a test on a runtime of its own. @param settings another socket (a proxy's), other limits */
export async function withDocker(
  check: (made: DockerCase) => Promise<void>,
  settings: { readonly dockerHost?: string; readonly limits?: Limits; readonly mounts?: readonly string[] } = {},
): Promise<void> {
  const { docker, socketPath } = await testEngine();
  const owner = { clusterId: randomUUID(), nodeId: randomUUID() };
  const log = keptLog();
  const limits = settings.limits ?? testLimits;
  const { mounts = [], dockerHost = socketPath } = settings;
  const runtime = await openDockerRuntime({ dockerHost, mounts, owner, limits, log, clock: realClock() });
  try {
    await check({ runtime, docker, owner, log });
  } finally {
    await runtime.close();
    await removeContainersOf(docker, owner.clusterId);
  }
}
