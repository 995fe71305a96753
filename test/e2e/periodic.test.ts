/**
 * Cron jobs on a node that is killed again and again: after each recovery every tick runs once, or is skipped by policy, and none runs
 * twice. CUBE_CRON_SECONDS and CUBE_CRON_KILLS make it longer than the usual 20 seconds with 3 kills.
 */
import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { EventJson } from '../../src/core/views.ts';
import { tempDirectory } from '../cli/run-cli.ts';
import { startNode, type NodeProcess } from '../support/node-process.ts';
import { done, eventually } from './help.ts';

const seconds = Number(process.env['CUBE_CRON_SECONDS'] ?? 20);
const kills = Number(process.env['CUBE_CRON_KILLS'] ?? 3);
const everyMs = 2_000;
/** How long the node is away after a kill. */
const awaysMs = [0, 3_500, 500, 7_000, 1_500];

/** A job each run of which writes its tick down. */
function job(name: string, file: string, policy: string): string {
  const task = `{image: none, command: [/bin/sh, -c, "echo $CUBE_TICK >>${file}"]}`;
  return `name: ${name}\ntype: periodic\nschedule: {cron: "*/2 * * * * *", ${policy}}\ntasks: {t: ${task}}\n`;
}

function linesIn(file: string): string[] {
  return existsSync(file) ? readFileSync(file, 'utf8').split('\n').slice(0, -1) : [];
}

async function ticksTold(node: NodeProcess, name: string): Promise<readonly EventJson[]> {
  const { stdout } = done(await node.cube(['events', '--job', name, '--since', '1h', '-o', 'json']));
  const events = stdout.split('\n').filter((line) => line !== '');
  return events.map((line) => JSON.parse(line) as EventJson).filter(({ event }) => event.startsWith('tick.'));
}

/** The ticks of events of a kind, in order. */
function ticksOf(events: readonly EventJson[], kind: string): string[] {
  return events.filter(({ event }) => event === kind).map(({ cause }) => /\d{4}-\S+Z/.exec(cause)![0]);
}

/** Kills the node so many times in so many seconds. */
async function live(node: NodeProcess, t: TestContext): Promise<void> {
  const begin = Date.now();
  for (let kill = 0; kill < kills; kill++) {
    const at = begin + ((kill + 0.6) * seconds * 1_000) / kills + 137 * kill;
    await sleep(Math.max(0, at - Date.now()));
    await node.kill();
    const awayMs = awaysMs[kill % awaysMs.length]!;
    t.diagnostic(`killed after ${Date.now() - begin} ms, away for ${awayMs} ms`);
    await sleep(awayMs);
    await node.start();
  }
  await sleep(Math.max(0, begin + seconds * 1_000 - Date.now()));
}

test(`a cron job every 2 seconds for ${seconds} s, its manager killed ${kills} times: no tick runs twice, none is lost in silence`, async (t) => {
  const node = await startNode(t, { args: ['--runtime', 'process'], env: { DOCKER_HOST: 'unix:///nonexistent/docker.sock' } });
  const folder = tempDirectory(t);
  const jobs = [
    { name: 'each', policy: 'overlap: queue, missed: all' },
    { name: 'lean', policy: 'overlap: skip, missed: skip' },
    { name: 'last', policy: 'overlap: skip, missed: once' },
  ];
  const fileOf = (name: string): string => join(folder, name);
  for (const { name, policy } of jobs) {
    done(await node.cube(['submit', '--detach', '-'], { input: job(name, fileOf(name), policy) }));
  }
  await live(node, t);
  for (const { name } of jobs) done(await node.cube(['stop', name]));
  const figures: string[] = [];
  for (const { name } of jobs) {
    const events = await ticksTold(node, name);
    const due = ticksOf(events, 'tick.due');
    const skipped = ticksOf(events, 'tick.skipped');
    const waits = ticksOf(events, 'tick.queued').filter((tick) => !due.includes(tick));
    const ran = linesIn(fileOf(name));
    const missed = events.filter(({ event, cause }) => event === 'tick.skipped' && cause.includes('nobody led')).length;
    figures.push(`${name}: ${ran.length} ran, ${skipped.length} skipped (${missed} of them missed), ${waits.length} waited at the end`);
    assert.equal(new Set(ran).size, ran.length, `${name}: a tick ran twice: ${ran.join(' ')}`);
    assert.deepEqual(due.toSorted(), [...new Set(due)].toSorted(), `${name}: a run of a tick began twice`);
    for (const tick of ran) assert.ok(due.includes(tick), `${name}: ${tick} ran, and nobody said so`);
    // The newest may have been stopped with the job.
    for (const tick of due.slice(0, -1)) assert.ok(ran.includes(tick), `${name}: ${tick} was due, and did not run`);
    const fates = [...due, ...skipped, ...waits].map((tick) => Date.parse(tick)).toSorted((a, b) => a - b);
    for (const [index, tick] of fates.entries()) {
      if (index > 0)
        assert.equal(tick - fates[index - 1]!, everyMs, `${name}: nothing was told of a tick near ${new Date(tick).toISOString()}`);
    }
    assert.ok(fates.length * everyMs > (seconds - 4) * 1_000, `${name}: only ${fates.length} ticks in ${seconds} s`);
    if (name === 'each') assert.deepEqual(skipped, [], 'all are to run');
  }
  for (const line of figures) t.diagnostic(line);
  await eventually('all are stopped', async () => {
    const { jobs: now } = await node.client().jobs();
    return now.every(({ status, nextTick }) => status === 'stopped' && nextTick === null);
  });
});
