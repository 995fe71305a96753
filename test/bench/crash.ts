/**
 * How soon a container that was killed by hand runs again, where the policy has no delay: by Cube, by Docker Swarm on the same engine,
 * and by a program that does nothing else (the floor). All are told by the engine's own events; the last line has the ratios.
 *
 *   npm run bench:crash -- [containers] [kills]
 */
import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type Dockerode from 'dockerode';
import { label } from '../../src/core/ids.ts';
import { testEngine, testImage } from '../support/engine.ts';
import { NodeProcess } from '../support/node-process.ts';
import { chronicleOf, type Happening } from '../support/starts.ts';
import { median, secondsText } from './figures.ts';

const containers = Number(process.argv[2] ?? 5);
const kills = Number(process.argv[3] ?? 10);
const goalsMs = { afterDie: 250, afterKill: 400 };
/** Nothing takes longer. */
const patienceMs = 30_000;
/** Between two kills, so that the clearing up of one does not fall on the next. */
const restMs = 1_500;

/** Told to end: what was begun on the engine, a swarm above all, must not be left behind. */
let isEnding = false;
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => (isEnding = true));

/** One container that was replaced. */
interface Replaced {
  /** From the engine's `die` event to its `start` event of the replacement. */
  readonly afterDieMs: number;
  /** From the kill command to that. */
  readonly afterKillMs: number;
}

async function until<T>(what: string, look: () => Promise<T | undefined> | T | undefined): Promise<T> {
  const giveUpAt = performance.now() + patienceMs;
  for (;;) {
    const seen = await look();
    if (seen !== undefined) return seen;
    if (isEnding) throw new Error('told to end');
    if (performance.now() > giveUpAt) throw new Error(`this did not come: ${what}`);
    await sleep(10);
  }
}

function running(docker: Dockerode, of: string): Promise<Dockerode.ContainerInfo[]> {
  return docker.listContainers({ filters: { label: [of], status: ['running'] } });
}

/** Kills containers with a label, one after the other, each when all run. @param replace what to do at a death, if nobody else does it */
async function killEach(docker: Dockerode, of: string, replace: (dead: Happening) => Promise<void> = async () => {}): Promise<Replaced[]> {
  const replaced: Replaced[] = [];
  const replacing: Promise<void>[] = [];
  const chronicle = await chronicleOf(docker, of, (one) => {
    if (one.action === 'die') replacing.push(replace(one));
  });
  try {
    for (let kill = 0; kill <= kills; kill++) {
      await sleep(restMs);
      const [victim] = await until(`${containers} containers run`, async () => {
        const all = await running(docker, of);
        return all.length === containers ? all : undefined;
      });
      const killedAt = Date.now();
      await docker.getContainer(victim!.Id).kill();
      const die = await until('its end', () => chronicle.all.find((one) => one.action === 'die' && one.container === victim!.Id));
      const start = await until('its replacement', () => chronicle.all.find((one) => one.action === 'start' && one.at > die.at));
      // The first one warms up.
      if (kill > 0) replaced.push({ afterDieMs: start.at - die.at, afterKillMs: start.at - killedAt });
    }
    await Promise.all(replacing);
  } finally {
    chronicle.close();
  }
  return replaced;
}

async function byCube(docker: Dockerode): Promise<Replaced[]> {
  const node = new NodeProcess();
  try {
    await node.start();
    const restart = 'restart: {on: always, attempts: 1000, delay: 0s}';
    const task = `image: "${testImage}", command: [/bin/sleep, "1000"], count: ${containers}, stopGrace: 0s, ${restart}`;
    const { code, stderr } = await node.cube(['submit', '-'], { input: `name: crash\ntasks: {t: {${task}}}` });
    if (code !== 0) throw new Error(stderr);
    return await killEach(docker, `${label.node}=${node.nodeId}`);
  } finally {
    await node.remove();
  }
}

/**
 * Whoever sees the death makes a container at once, and starts it when the engine has cleared up after the dead one: until then it holds
 * its lock, and a start that competes with that takes longer.
 */
async function byHand(docker: Dockerode): Promise<Replaced[]> {
  const name = 'cube.bench';
  const value = randomUUID();
  const run = async (dead?: Happening): Promise<void> => {
    const container = await docker.createContainer({ Image: testImage, Cmd: ['/bin/sleep', '1000'], Labels: { [name]: value } });
    if (dead !== undefined) await docker.getContainer(dead.container).inspect();
    await container.start();
  };
  try {
    for (let made = 0; made < containers; made++) await run();
    return await killEach(docker, `${name}=${value}`, run);
  } finally {
    const left = await docker.listContainers({ all: true, filters: { label: [`${name}=${value}`] } });
    for (const { Id } of left) await docker.getContainer(Id).remove({ force: true });
  }
}

/** On a swarm of this engine alone, which it leaves again. */
async function bySwarm(docker: Dockerode): Promise<Replaced[]> {
  const gateway = 'docker_gwbridge';
  const hadGateway = (await docker.listNetworks()).some(({ Name }) => Name === gateway);
  const name = `bench-${randomUUID().slice(0, 8)}`;
  const of = `com.docker.swarm.service.name=${name}`;
  await docker.swarmInit({ ListenAddr: '127.0.0.1:2377', AdvertiseAddr: '127.0.0.1' });
  try {
    const service = await docker.createService({
      Name: name,
      TaskTemplate: {
        ContainerSpec: { Image: testImage, Command: ['/bin/sleep', '1000'], StopGracePeriod: 0 },
        RestartPolicy: { Condition: 'any', Delay: 0 },
      },
      Mode: { Replicated: { Replicas: containers } },
    });
    try {
      return await killEach(docker, of);
    } finally {
      await docker.getService(service.id).remove();
      await until('its containers are gone', async () =>
        (await docker.listContainers({ all: true, filters: { label: [of] } })).length === 0 ? true : undefined,
      );
    }
  } finally {
    await docker.swarmLeave({ force: true });
    if (!hadGateway) await docker.getNetwork(gateway).remove();
  }
}

function mediansOf(side: readonly Replaced[]): { afterDie: number; afterKill: number } {
  return { afterDie: median(side.map(({ afterDieMs }) => afterDieMs)), afterKill: median(side.map(({ afterKillMs }) => afterKillMs)) };
}

function say(who: string, side: readonly Replaced[]): ReturnType<typeof mediansOf> {
  const { afterDie, afterKill } = mediansOf(side);
  const least = Math.min(...side.map(({ afterDieMs }) => afterDieMs));
  console.log(
    `${who}: ${secondsText(afterDie)} from die to start (least ${secondsText(least)}), ${secondsText(afterKill)} from the kill command`,
  );
  return { afterDie, afterKill };
}

const { docker, skip } = await testEngine();
if (skip) throw new Error(skip);
console.log(`${containers} containers, ${kills} kills one after the other, medians:`);
const cube = say('cube     ', await byCube(docker));
const hand = say('dockerode', await byHand(docker));
const { Swarm } = (await docker.info()) as { Swarm?: { LocalNodeState?: string } };
if (Swarm?.LocalNodeState === 'inactive') {
  const swarm = say('swarm    ', await bySwarm(docker));
  console.log(`cube / swarm: ${(cube.afterDie / swarm.afterDie).toFixed(2)} and ${(cube.afterKill / swarm.afterKill).toFixed(2)}`);
} else {
  console.log(`swarm: not measured, the engine is in one already (${Swarm?.LocalNodeState ?? 'unknown'})`);
}
console.log(`cube / dockerode: ${(cube.afterDie / hand.afterDie).toFixed(2)} and ${(cube.afterKill / hand.afterKill).toFixed(2)}`);
console.log(`goal: at most ${secondsText(goalsMs.afterDie)} from die to start, ${secondsText(goalsMs.afterKill)} from the kill command`);
