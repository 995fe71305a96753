/** What the end-to-end tests share: waiting, the engine asked by label, and reading a command's answer. */
import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import type Dockerode from 'dockerode';
import { label } from '../../src/core/ids.ts';
import type { StatusJson, TaskJson } from '../../src/core/views.ts';
import type { Outcome } from '../cli/run-cli.ts';
import { testEngine } from '../support/engine.ts';
import type { NodeProcess } from '../support/node-process.ts';

/** A test that waits for longer than this has failed. */
const patienceMs = 30_000;

/** Looks again and again until there is something. @throws when it does not come */
export async function eventually<T>(what: string, look: () => Promise<T | undefined | false>): Promise<T> {
  const giveUpAt = Date.now() + patienceMs;
  for (;;) {
    const seen = await look();
    if (seen !== undefined && seen !== false) return seen;
    if (Date.now() > giveUpAt) throw new Error(`this did not come: ${what}`);
    await sleep(50);
  }
}

/** The answer of a command that must have ended well. */
export function done(outcome: Outcome): Outcome {
  assert.equal(outcome.code, 0, `exit ${outcome.code}\n${outcome.stdout}\n${outcome.stderr}`);
  return outcome;
}

/** Submits a job and waits for it. */
export async function submit(node: NodeProcess, job: string, ...args: readonly string[]): Promise<Outcome> {
  return done(await node.cube(['submit', '-', ...args], { input: job }));
}

/** The tasks of a job, as `cube status -o json` tells. */
export async function tasksOf(node: NodeProcess, job: string): Promise<readonly TaskJson[]> {
  const { stdout } = done(await node.cube(['status', job, '-o', 'json']));
  return (JSON.parse(stdout) as StatusJson).tasks;
}

/** Containers as the engine lists them, by labels, whatever Cube says. */
export async function containers(labels: Readonly<Record<string, string>>, all = true): Promise<readonly Dockerode.ContainerInfo[]> {
  const { docker } = await testEngine();
  return docker.listContainers({ all, filters: { label: Object.entries(labels).map(([name, value]) => `${name}=${value}`) } });
}

/** Containers of a node's job that run. */
export function running(node: NodeProcess, job: string): Promise<readonly Dockerode.ContainerInfo[]> {
  return containers({ [label.node]: node.nodeId, [label.job]: job }, false);
}

/** What the engine knows of a container. */
export async function inspect(id: string): Promise<Dockerode.ContainerInspectInfo> {
  const { docker } = await testEngine();
  return docker.getContainer(id).inspect();
}

/** Process ids by container id, which tell whether a container ran on or was started again. */
export async function pidsOf(list: readonly Dockerode.ContainerInfo[]): Promise<Readonly<Record<string, number>>> {
  const pids = await Promise.all(list.map(async ({ Id }) => [Id, (await inspect(Id)).State.Pid] as const));
  return Object.fromEntries(pids.toSorted(([a], [b]) => (a < b ? -1 : 1)));
}

/** Fails when a slot has more than one of these containers. */
export function assertOneEach(list: readonly Dockerode.ContainerInfo[], name: string = label.slot): void {
  const seen = list.map(({ Labels }) => Labels[name]!).toSorted();
  assert.deepEqual(seen, [...new Set(seen)], `more than one container of a ${name}`);
}

/** One JSON document, and nothing beside it. */
export function document(stdout: string): unknown {
  assert.match(stdout, /^[{[]/);
  return JSON.parse(stdout) as unknown;
}

/** A service that sleeps. */
export function sleeper(name: string, more = ''): string {
  return `name: ${name}\ntasks: {t: {image: "busybox:latest", command: [/bin/sleep, "10000"], stopGrace: 0s${more === '' ? '' : `, ${more}`}}}\n`;
}

/** Whether a process lives. */
export function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch (thrown) {
    if ((thrown as NodeJS.ErrnoException).code === 'ESRCH') return false;
    throw thrown;
  }
}
