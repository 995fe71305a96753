/**
 * A node that is killed within each step, before and after: while it submits a job, stops another and updates a third. It is started
 * again, and must end up as if nothing had happened: what was accepted is done, nothing was made or started twice, nothing is left.
 * `CUBE_STEPS=all` kills at the first four times of each step.
 */
import assert from 'node:assert/strict';
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { asCubeError } from '../../src/core/errors.ts';
import { label } from '../../src/core/ids.ts';
import { parseJobFile } from '../../src/core/job-file/index.ts';
import { limitsDefault } from '../../src/core/limits.ts';
import { tempDirectory } from '../cli/run-cli.ts';
import { testEngine } from '../support/engine.ts';
import { startNode, type NodeProcess } from '../support/node-process.ts';
import { chronicleOf, type Happening } from '../support/starts.ts';
import { assertOneEach, containers, eventually, sleeper } from './help.ts';

const { docker, skip } = await testEngine();

const isThorough = process.env['CUBE_STEPS'] === 'all';

function each(times: readonly number[], ...steps: readonly string[]): string[] {
  return steps.flatMap((step) => (isThorough ? [1, 2, 3, 4] : times).map((time) => `${step} ${time}`));
}

/** `step when times`. A frame that was sent may still be here; one that was received has come over. */
const points = [
  ...['manager.commit', 'worker.commit'].flatMap((step) => each([1, 3], `${step} before`, `${step} after`)),
  ...['prepare', 'start', 'stop', 'remove'].flatMap((step) => each([2], `runtime.${step} before`, `runtime.${step} after`)),
  ...['delta', 'reports', 'acks'].flatMap((frame) =>
    each([1], `send.${frame} before`, `receive.${frame} before`, `receive.${frame} after`),
  ),
];
/** While it starts. */
const startPoints = ['manager.commit', 'worker.commit', 'send.assignments', 'receive.assignments'].flatMap((step) => [
  `${step} before 1`,
  `${step} after 1`,
]);
/** Of a manager whose worker lives on, and of a worker whose manager does. */
const managerPoints = ['manager.commit after', 'send.delta before', 'receive.reports before', 'send.acks before'];
const workerFrames = ['worker.commit after', 'receive.delta before', 'send.reports before', 'receive.acks before'];
const workerPoints = workerFrames.concat('runtime.prepare after', 'runtime.start after', 'runtime.stop after');

const count = 3;
const updated = 2;

/** What a round changes, and whether it was told that this is done. */
class Round {
  readonly #node: NodeProcess;
  readonly #workerId: string;
  readonly number: number;
  #accepted: readonly boolean[] = [];
  #refused: readonly unknown[] = [];

  /** @param node that is asked @param workerId the node whose containers they are */
  constructor(node: NodeProcess, number: number, workerId = node.nodeId) {
    this.#node = node;
    this.#workerId = workerId;
    this.number = number;
  }

  /** Submits one, stops the one before, forgets the one before that, changes the one that is always there; all at once. */
  async ask(): Promise<void> {
    const asked = this.#asks().map((ask, at) => (this.#accepted[at] ? Promise.resolve() : ask()));
    const answers = await Promise.allSettled(asked);
    // What is forgotten already cannot be forgotten again: it was done, and the answer was lost.
    this.#refused = answers.flatMap((one) =>
      one.status === 'rejected' && asCubeError(one.reason).code !== 'not-found' ? [one.reason] : [],
    );
    this.#accepted = answers.map(({ status }) => status === 'fulfilled');
  }

  /** Asks again for what was not accepted. */
  async askAgain(): Promise<void> {
    await this.ask();
    assert.deepEqual(this.#refused, [], 'a healthy node did not take it');
  }

  #asks(): (() => Promise<unknown>)[] {
    const client = this.#node.client();
    const job = (text: string) => ({ job: parseJobFile(text, 'test', limitsDefault).document });
    return [
      () => client.submit(job(sleeper(`job-${this.number}`, `count: ${count}`))),
      () => client.submit(job(sleeper('always', `count: ${updated}, env: {ROUND: "${this.number}"}`))),
      ...(this.number > 1 ? [() => client.stopJob(`job-${this.number - 1}`)] : []),
      ...(this.number > 2 ? [() => client.stopJob(`job-${this.number - 2}`, { purge: true })] : []),
    ];
  }

  /** What was accepted before the crash is known after it. */
  async assertKept(): Promise<void> {
    const { jobs, tasks } = await this.#node.client().status();
    const named = (name: string) => jobs.find((one) => one.name === name);
    const [submitted, changed, stopped, purged] = this.#accepted;
    if (submitted) assert.ok(named(`job-${this.number}`), 'a job that was accepted is lost');
    if (changed) assert.equal(named('always')?.version, this.number, 'a change that was accepted is lost');
    const wanted = tasks.filter(({ desired }) => desired === 'running').map(({ job }) => job);
    if (stopped) assert.ok(!wanted.includes(`job-${this.number - 1}`), 'a stop that was accepted is lost');
    if (purged) assert.ok(!wanted.includes(`job-${this.number - 2}`), 'a purge that was accepted is lost');
  }

  /** Waits until all is as it was asked for, by the node's word and by the engine's. */
  async settled(): Promise<void> {
    const ofNode = { [label.node]: this.#workerId };
    const slots = [
      ...Array.from({ length: updated }, (_, at) => `always/t.${at + 1}`),
      ...Array.from({ length: count }, (_, at) => `job-${this.number}/t.${at + 1}`),
    ];
    let seen = '';
    const looked = eventually(`round ${this.number} is settled`, async () => {
      const { jobs, tasks } = await this.#node.client().status();
      const all = await containers(ofNode);
      const up = all.filter(({ State }) => State === 'running');
      const known = new Set(tasks.map(({ containerId }) => containerId));
      const words = jobs.map(({ name, status, version }) => `${name} ${status} ${name === 'always' ? version : ''}`.trim()).toSorted();
      const wanted = [
        `always running ${this.number}`,
        `job-${this.number} running`,
        ...(this.number > 1 ? [`job-${this.number - 1} stopped`] : []),
      ].toSorted();
      const strangers = all.filter(({ Id }) => !known.has(Id));
      const said = tasks.filter(({ state }) => state === 'running').map(({ containerId }) => containerId!);
      seen = JSON.stringify([words, up.map(({ Labels }) => Labels[label.slot]), strangers.map(({ Names }) => Names[0])]);
      return (
        words.join() === wanted.join() &&
        up
          .map(({ Labels }) => Labels[label.slot]!)
          .toSorted()
          .join() === slots.toSorted().join() &&
        // The engine knows of an end a moment before the manager does.
        said.toSorted().join() ===
          up
            .map(({ Id }) => Id)
            .toSorted()
            .join() &&
        strangers.length === 0 && { all, up, tasks }
      );
    });
    const { all, up, tasks } = await looked.catch((thrown: Error) => assert.fail(`${thrown.message}: ${seen}\n${this.#node.stderr}`));
    assertOneEach(up);
    assertOneEach(all, label.id);
    const running = tasks.filter(({ state }) => state === 'running');
    for (const { slot, attempt, restarts } of running) assert.deepEqual([slot, attempt, restarts], [slot, 1, 0]);
  }
}

/** Nothing was made or started twice over all crashes, neither for a task nor, but for its versions, for a slot. */
function assertOnce(all: readonly Happening[], rounds: number): void {
  for (const action of ['create', 'start'] as const) {
    const done = all.filter((one) => one.action === action);
    const ids = done.map(({ taskId }) => taskId);
    assert.deepEqual(ids.toSorted(), [...new Set(ids)].toSorted(), `a task saw more than one ${action}`);
    for (const slot of new Set(done.map((one) => one.slot))) {
      const versions = slot.startsWith('always/') ? rounds : 1;
      assert.equal(done.filter((one) => one.slot === slot).length, versions, `${slot}: ${action}`);
    }
  }
}

type Scope = Parameters<typeof tempDirectory>[0];

/** A node that dies where it is told to, and does not wait long before it removes what a crash made ownerless. */
async function mortal(t: Scope, settings: Parameters<typeof startNode>[1] = {}) {
  const args = [...(settings.args ?? []), '--limit', 'orphanGraceMs=100'];
  const file = join(tempDirectory(t), 'kill');
  const preload = new URL(`../support/fault-point.${import.meta.url.endsWith('.ts') ? 'ts' : 'js'}`, import.meta.url).href;
  const node = await startNode(t, { ...settings, args, preload, env: { CUBE_TEST_KILL_FILE: file } });
  return {
    node,
    dieAt: (point: string) => writeFileSync(file, point),
    live: () => rmSync(file),
  };
}

async function chronicle(t: Scope, nodeId: string): Promise<readonly Happening[]> {
  const { all, close } = await chronicleOf(docker, `${label.node}=${nodeId}`);
  t.after(close);
  return all;
}

/** Lets a node die at one point of a round, and sees that all comes right. */
async function survive(round: Round, { node, dieAt, live }: Awaited<ReturnType<typeof mortal>>, point: string): Promise<void> {
  dieAt(point);
  await round.ask();
  await node.died(point);
  live();
  await node.start();
  await round.assertKept();
  await round.askAgain();
  await round.settled();
}

test(`a node killed within each step of its work (${points.length} points) does what it accepted, once`, { skip }, async (t) => {
  const one = await mortal(t);
  const all = await chronicle(t, one.node.nodeId);
  let number = 0;
  // Two rounds without harm, so that there is something to stop and to remove.
  while (number < 2) {
    const round = new Round(one.node, ++number);
    await round.askAgain();
    await round.settled();
  }
  for (const point of points) await survive(new Round(one.node, ++number), one, point);
  assertOnce(all, number);
});

test(`a node killed within each step of its start (${startPoints.length} points) starts all the same`, { skip }, async (t) => {
  const { node, dieAt, live } = await mortal(t);
  const all = await chronicle(t, node.nodeId);
  let number = 0;
  for (const point of startPoints) {
    const round = new Round(node, ++number);
    await round.askAgain();
    await node.kill();
    dieAt(point);
    await assert.rejects(node.start(), /ended with null/);
    live();
    await node.start();
    await round.assertKept();
    await round.settled();
  }
  assertOnce(all, number);
});

test(
  'a manager and a worker of its own process, each killed within its steps while the other lives on, do the same',
  { skip },
  async (t) => {
    const worker = await mortal(t, { command: 'worker', args: ['--name', 'one'] });
    const { host } = new URL(worker.node.url);
    // However slow the machine, a worker that is started again is no lost one.
    const args = ['--name', 'head', '--workers', host, '--limit', 'nodeDownMs=60000', '--limit', 'takeoverDownMs=60000'];
    const manager = await mortal(t, { command: 'manager', args, data: worker.node.data });
    const all = await chronicle(t, worker.node.nodeId);
    let number = 0;
    const next = () => new Round(manager.node, ++number, worker.node.nodeId);
    while (number < 2) {
      const round = next();
      await round.askAgain();
      await round.settled();
    }
    for (const point of each([1], ...managerPoints)) await survive(next(), manager, point);
    for (const point of each([2], ...workerPoints)) await survive(next(), worker, point);
    assertOnce(all, number);
  },
);
