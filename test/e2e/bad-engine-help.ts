/** What the tests with an engine of their own share: a node on it, its load, and what is compared before and after the damage. */
import assert from 'node:assert/strict';
import { label } from '../../src/core/ids.ts';
import type { NodeJson, StatusJson, TaskJson } from '../../src/core/views.ts';
import { startNode, type NodeProcess } from '../support/node-process.ts';
import type { SecondEngine } from '../support/second-engine.ts';
import { done, eventually } from './help.ts';

/** A test's context, as far as it is needed here. */
interface Scope {
  after(run: () => Promise<void>): void;
}

/** Quick to notice, so that a test need not wait. */
const quick = ['engineLookMs=200', 'engineAnswerMs=1000', 'engineRetryMs=200', 'pullRetryMs=200', 'probeEngineMs=200', 'sweepMsMin=200'];

/** A node on an engine. @param limits `name=value` beside the quick ones */
export function nodeOn(t: Scope, host: string, limits: readonly string[] = [], data?: string): Promise<NodeProcess> {
  const args = ['--docker-host', host, ...[...quick, ...limits].flatMap((limit) => ['--limit', limit])];
  return startNode(t, { args, ...(data === undefined ? {} : { data }) });
}

/** A job of one task. `dies`: a signal ends it at once, with 137; `polite`: it ends well when it is told to. */
export function job(name: string, how: 'dies' | 'polite', type: 'service' | 'batch', count: number, restart: string): string {
  const command = how === 'dies' ? '[/bin/sleep, "10000"]' : `[/bin/sh, -c, "trap 'exit 0' TERM; while :; do sleep 0.1; done"]`;
  const signal = how === 'dies' ? 'SIGKILL' : 'SIGTERM';
  const task = `{image: "busybox:latest", command: ${command}, count: ${count}, stopSignal: ${signal}, stopGrace: 1s, restart: ${restart}}`;
  return `name: ${name}\ntype: ${type}\ntasks: {t: ${task}}\n`;
}

/** Ten tasks under every policy. */
export const load = [
  job('always', 'dies', 'service', 3, '{on: always, delay: 0s}'),
  job('failure', 'dies', 'service', 2, '{on: failure, delay: 100ms}'),
  job('never', 'dies', 'service', 2, '{on: never}'),
  job('batch', 'dies', 'batch', 2, '{on: failure, delay: 0s}'),
  job('polite', 'polite', 'batch', 1, '{on: failure, delay: 0s}'),
];

/** Submits jobs and waits until all that they ask for runs. */
export async function runAll(node: NodeProcess, jobs: readonly string[]): Promise<void> {
  for (const one of jobs) done(await node.cube(['submit', '--detach', '-'], { input: one }));
  await eventually('all runs', async () => (await statusOf(node)).tasks.every(({ state }) => state === 'running'));
}

/** All tasks, as the API tells. */
export async function statusOf(node: NodeProcess): Promise<StatusJson> {
  return node.client().status();
}

/** The one record of a slot that is not over, else the newest. */
export async function taskOf(node: NodeProcess, name: string): Promise<TaskJson> {
  const [task] = (await node.client().status({ job: name })).tasks;
  assert.ok(task, `job ${name} has no task`);
  return task;
}

/** The only node. */
export async function nodeOf(node: NodeProcess): Promise<NodeJson> {
  const [one] = await node.client().nodes();
  assert.ok(one);
  return one;
}

/** Waits until the node says that its engine is away, or is back. */
export async function engineIs(node: NodeProcess, what: 'away' | 'back'): Promise<void> {
  await eventually(`the engine is ${what}`, async () => (await nodeOf(node)).engineAway === (what === 'away'));
}

/** How often the node has told its user something. */
export function timesSaid(node: NodeProcess, text: RegExp): number {
  return node.stderr.split('\n').filter((line) => text.test(line)).length;
}

/** One container that runs. */
interface Live {
  readonly slot: string;
  readonly id: string;
  readonly pid: number;
}

/** What the engine says that runs of a node, by slot, whatever Cube says. */
export async function live(engine: SecondEngine, node: NodeProcess): Promise<Live[]> {
  const list = await engine.docker.listContainers({ filters: { label: [`${label.node}=${node.nodeId}`] } });
  const all = await Promise.all(
    list.map(async ({ Id, Labels }) => {
      const { State } = await engine.docker.getContainer(Id).inspect();
      return { slot: Labels[label.slot]!, id: Id, pid: State.Pid };
    }),
  );
  return all.toSorted((a, b) => (a.slot < b.slot ? -1 : 1));
}

/** Fails when a slot runs twice, or when other slots run than these. */
export function assertSlots(running: readonly Live[], slots: readonly string[]): void {
  assert.deepEqual(
    running.map(({ slot }) => slot),
    slots.toSorted(),
  );
}
