/**
 * How long the containers of one job take through Cube, against as many by plain dockerode at the same parallelism. Both sides are
 * measured in one go, in turns, in two ways. By records: from the job's `createdAt` (by hand: from the first call) to the last
 * `startedAt`, which is the engine's own. By events: from the submit request to the engine's last `start` event.
 *
 *   npm run bench:deploy -- [containers] [rounds]
 */
import { randomUUID } from 'node:crypto';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import type Dockerode from 'dockerode';
import { parseJobFile } from '../../src/core/job-file/index.ts';
import { label, slotName } from '../../src/core/ids.ts';
import { limitsDefault } from '../../src/core/limits.ts';
import type { TaskSpec } from '../../src/core/job.ts';
import type { Order } from '../../src/core/task.ts';
import { containerBody } from '../../src/runtime/docker/body.ts';
import { Gate } from '../../src/runtime/gate.ts';
import { testEngine, testImage } from '../support/engine.ts';
import { NodeProcess } from '../support/node-process.ts';
import { median, secondsText } from './figures.ts';

const containers = Number(process.argv[2] ?? 40);
const rounds = Number(process.argv[3] ?? 5);
const job = (name: string): string =>
  `name: ${name}\ntasks: {sleep: {image: "${testImage}", command: [/bin/sleep, "1000"], count: ${containers}, stopGrace: 0s}}`;

/** Settles when so many containers with the label have started, as the engine tells. */
async function started(docker: Dockerode, of: string): Promise<{ all: Promise<number>; stop(): void }> {
  const stream = (await docker.getEvents({ filters: { type: ['container'], event: ['start'], label: [of] } })) as Readable;
  let seen = 0;
  const all = new Promise<number>((resolve, reject) => {
    createInterface(stream).on('line', () => {
      if (++seen === containers) resolve(performance.now());
    });
    stream.on('error', reject);
  });
  return { all, stop: () => void stream.destroy() };
}

/** One deployment's milliseconds. */
interface Took {
  readonly byRecordsMs: number;
  readonly byEventsMs: number;
}

/** When the last of them started, by the engine's own record. @throws when not all run */
async function lastStartedAt(docker: Dockerode, of: string): Promise<number> {
  const running = await docker.listContainers({ filters: { label: [of], status: ['running'] } });
  if (running.length !== containers) throw new Error(`${running.length} of ${containers} run`);
  const found = await Promise.all(running.map(({ Id }) => docker.getContainer(Id).inspect()));
  return Math.max(...found.map(({ State }) => Date.parse(State.StartedAt)));
}

/** The same as Cube tells it, once it has seen all of them start. */
async function lastToldAt(node: NodeProcess, name: string): Promise<{ createdAt: number; startedAt: number }> {
  for (;;) {
    const { jobs, tasks } = await node.client().status();
    const own = tasks.filter((task) => task.job === name && task.state === 'running');
    if (own.length < containers) {
      await sleep(100);
      continue;
    }
    const createdAt = Date.parse(jobs.find((one) => one.name === name)!.createdAt);
    return { createdAt, startedAt: Math.max(...own.map(({ startedAt }) => Date.parse(startedAt!))) };
  }
}

/** After removals the kernel takes network namespaces and mounts down in its own time: that must fall on nobody. */
const restMs = 2_000;

async function removeAll(docker: Dockerode, of: string): Promise<void> {
  const left = await docker.listContainers({ all: true, filters: { label: [of] } });
  const gate = new Gate(limitsDefault.startParallelMax);
  await Promise.all(left.map(({ Id }) => gate.run(() => docker.getContainer(Id).remove({ force: true, v: true }))));
}

async function throughCube(docker: Dockerode, node: NodeProcess, round: number): Promise<Took> {
  const name = `bench-${round}`;
  const client = node.client();
  const of = `${label.job}=${name}`;
  await sleep(restMs);
  const observer = await started(docker, of);
  const document: unknown = parseJobFile(job(name), 'bench', limitsDefault).document;
  const beganAt = performance.now();
  await client.submit({ job: document });
  const byEventsMs = (await observer.all) - beganAt;
  observer.stop();
  const { createdAt, startedAt } = await lastToldAt(node, name);
  // What Cube tells is the engine's word, cut to milliseconds.
  const byEngine = await lastStartedAt(docker, of);
  if (Math.abs(byEngine - startedAt) > 1) throw new Error(`the last start is at ${byEngine}, and told as ${startedAt}`);
  await client.stopJob(name, { purge: true });
  // Cube removes them by itself; the next measurement waits until the engine is at rest.
  while ((await docker.listContainers({ all: true, filters: { label: [of] } })).length > 0) await sleep(200);
  return { byRecordsMs: startedAt - createdAt, byEventsMs };
}

function orderOf(name: string, spec: TaskSpec, index: number): Order {
  return {
    id: randomUUID(),
    job: name,
    jobType: 'service',
    task: 'sleep',
    index,
    slot: slotName(name, 'sleep', index),
    version: 1,
    desired: 'running',
    spec,
    labels: {},
    ports: [],
    sequence: 0,
  };
}

/** The same by hand: create and start, so many at once, in the body that Cube sends. */
async function byHand(docker: Dockerode, clusterId: string, round: number): Promise<Took> {
  const name = `raw-${round}`;
  const of = `${label.job}=${name}`;
  await sleep(restMs);
  const observer = await started(docker, of);
  const { spec } = parseJobFile(job(name), 'bench', limitsDefault);
  const gate = new Gate(limitsDefault.startParallelMax);
  const support = { cpus: 1, cpu: true, memory: true, swap: true, pids: true };
  const [began, beganAt] = [Date.now(), performance.now()];
  await Promise.all(
    Array.from({ length: containers }, (_, at) =>
      gate.run(async () => {
        const order = orderOf(name, spec.tasks['sleep']!, at + 1);
        const body = containerBody({ order, attempt: 1 }, { clusterId, nodeId: clusterId }, support, limitsDefault);
        const container = await docker.createContainer({ name: `cube-${name}-${at}-${order.id.slice(0, 8)}`, ...body });
        await container.start();
      }),
    ),
  );
  const byEventsMs = (await observer.all) - beganAt;
  observer.stop();
  const byRecordsMs = (await lastStartedAt(docker, of)) - began;
  await removeAll(docker, of);
  return { byRecordsMs, byEventsMs };
}

/** Both sides of all rounds. */
interface Round {
  readonly cube: Took;
  readonly raw: Took;
}

function ratioOf({ cube, raw }: Round, by: keyof Took): number {
  return cube[by] / raw[by];
}

function summarize(what: string, taken: readonly Round[], by: keyof Took): void {
  const sides = [taken.map(({ cube }) => cube[by]), taken.map(({ raw }) => raw[by])];
  const texts = sides.map((side) => `${secondsText(median(side))} (least ${secondsText(Math.min(...side))})`);
  const ratio = median(taken.map((round) => ratioOf(round, by)));
  console.log(`${what}, medians: cube ${texts[0]}, dockerode ${texts[1]}; median ratio ${ratio.toFixed(3)} (goal: at most 1.05)`);
}

const { docker, skip } = await testEngine();
if (skip) throw new Error(skip);
const clusterId = randomUUID();
const node = new NodeProcess();
try {
  await node.start();
  const taken: Round[] = [];
  for (let round = 0; round <= rounds; round++) {
    // In turns, so that what the machine does beside this falls on both.
    const isCubeFirst = round % 2 === 1;
    const first = isCubeFirst ? await throughCube(docker, node, round) : await byHand(docker, clusterId, round);
    const second = isCubeFirst ? await byHand(docker, clusterId, round) : await throughCube(docker, node, round);
    const [cube, raw] = isCubeFirst ? [first, second] : [second, first];
    // The first round warms both sides up.
    if (round === 0) continue;
    taken.push({ cube, raw });
    const ratios = (['byRecordsMs', 'byEventsMs'] as const).map((by) => ratioOf({ cube, raw }, by).toFixed(3));
    const times = `cube ${secondsText(cube.byRecordsMs)}, dockerode ${secondsText(raw.byRecordsMs)}`;
    console.log(`round ${round}: ${times}, ratio ${ratios[0]} by records, ${ratios[1]} by events`);
  }
  console.log(`${containers} containers in one job, ${rounds} rounds`);
  summarize("from the job's createdAt to the last startedAt", taken, 'byRecordsMs');
  summarize('from the submit request to the last start event', taken, 'byEventsMs');
} finally {
  await node.remove();
  await removeAll(docker, `${label.cluster}=${clusterId}`);
}
