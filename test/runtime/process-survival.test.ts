import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { extname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { never, plainSpec, quietly, started, workOf } from '../contracts/runtime-harness.ts';
import { isRunning, markingWork, until, withProcesses } from './process-help.ts';

/** These look into /proc. */
const skip = process.platform === 'linux' ? false : 'needs /proc';
const sh = (script: string, more: Partial<Parameters<typeof plainSpec>[0]> = {}): ReturnType<typeof workOf> =>
  workOf(plainSpec({ command: ['sh', '-c', script], ...more }));

/** Runs process-child.ts and kills it when it has come to a step, or after some time. */
async function killedNode(directory: string, id: string, file: string, step: string, afterMs = 0): Promise<void> {
  const extension = extname(import.meta.url);
  const script = fileURLToPath(new URL(`process-child${extension}`, import.meta.url));
  const loader = extension === '.ts' ? ['--import', 'tsx'] : [];
  const child = spawn(process.execPath, [...loader, script, directory, id, file], { stdio: ['ignore', 'pipe', 'inherit'] });
  const exited = once(child, 'exit');
  for await (const line of createInterface({ input: child.stdout })) {
    if (line !== step) continue;
    if (afterMs > 0) await new Promise((resolve) => setTimeout(resolve, afterMs));
    child.kill('SIGKILL');
  }
  assert.equal((await exited)[1], 'SIGKILL');
}

test('a task outlives the node that started it, and is found with its end', { skip }, async () => {
  await withProcesses(async ({ runtime, directory }) => {
    const id = randomUUID();
    const file = join(directory, 'marks.txt');
    await killedNode(directory, id, file, 'started');
    await until(() => existsSync(file) && readFileSync(file, 'utf8').endsWith('\n'));
    const pid = Number(readFileSync(file, 'utf8'));
    assert.ok(isRunning(pid));
    const [found] = await runtime.list();
    assert.deepEqual([found?.taskId, found?.attempt, found?.state], [id, 1, 'running']);
    const ended = runtime.wait(found!.ref, never());
    process.kill(pid, 'SIGTERM');
    assert.equal((await ended).exitCode, 143);
  });
});

test('wherever the node is killed, a task is started once and no more', { skip }, async () => {
  await withProcesses(async ({ runtime, directory }) => {
    const seen: string[] = [];
    for (let round = 0; round < 6; round++) {
      const id = randomUUID();
      const file = join(directory, `marks-${round}.txt`);
      await killedNode(directory, id, file, round % 2 === 0 ? 'prepared' : 'opened', round);
      const ref = await runtime.prepare(markingWork(id, file), quietly());
      await Promise.all([runtime.start(ref, never()), runtime.start(ref, never())]);
      await until(() => existsSync(file) && readFileSync(file, 'utf8').endsWith('\n'));
      seen.push(readFileSync(file, 'utf8'));
    }
    for (const marks of seen) assert.equal(marks.trim().split('\n').length, 1, JSON.stringify(seen));
    assert.equal((await runtime.list()).length, 6);
  });
});

test('two nodes that start the same attempt at once start it once', { skip }, async () => {
  await withProcesses(async ({ runtime, directory, reopen }) => {
    const other = await reopen();
    for (let round = 0; round < 10; round++) {
      const file = join(directory, `marks-${round}.txt`);
      const work = markingWork(randomUUID(), file);
      const ref = await runtime.prepare(work, quietly());
      const [one, two] = await Promise.all([runtime.start(ref, never()), other.start(ref, never())]);
      assert.deepEqual(one, two);
      await until(() => existsSync(file) && readFileSync(file, 'utf8').endsWith('\n'));
      await runtime.stop(ref, { stopSignal: 'SIGKILL', graceMs: 0 });
      assert.equal(readFileSync(file, 'utf8').trim().split('\n').length, 1);
    }
  });
});

test('a process id that was given to another process since is left alone', { skip }, async () => {
  await withProcesses(async ({ runtime, reopen, file }) => {
    const ref = await started(runtime, sh('sleep 1000'));
    await runtime.stop(ref, { stopSignal: 'SIGKILL', graceMs: 0 });
    const bystander = spawn('sleep', ['1000'], { detached: true, stdio: 'ignore' });
    await once(bystander, 'spawn');
    // The same boot, another start: as it would be once the ids have gone round.
    const began = readFileSync(file(ref, 'pid'), 'utf8')
      .split('\n')[1]!
      .replace(/\d+$/, (ticks) => String(Number(ticks) - 1_000));
    writeFileSync(file(ref, 'pid'), `${bystander.pid}\n${began}\n`);
    rmSync(file(ref, 'end.json'));
    try {
      const again = await reopen();
      assert.equal((await again.list())[0]?.state, 'exited');
      assert.equal((await again.stop(ref, { stopSignal: 'SIGKILL', graceMs: 0 })).exitCode, 137);
      await again.remove(ref);
      assert.ok(isRunning(bystander.pid!));
    } finally {
      bystander.kill('SIGKILL');
    }
  });
});

test('after a restart of the host nothing counts as running', { skip }, async () => {
  await withProcesses(async ({ runtime, reopen, file, pidOf }) => {
    const ref = await started(runtime, sh('sleep 1000'));
    const pid = pidOf(ref);
    const text = readFileSync(file(ref, 'pid'), 'utf8');
    await runtime.close();
    writeFileSync(file(ref, 'pid'), text.replace(/^[0-9a-f]{8}-/m, '00000000-'));
    const again = await reopen();
    const [found] = await again.list();
    assert.equal(found?.state, 'exited');
    assert.equal(found.exit?.exitCode, 137);
    assert.deepEqual((await again.list())[0]?.exit, found.exit, 'its end is the same whenever it is asked for');
    assert.ok(isRunning(pid), 'and a process that may be anybody is not touched');
    process.kill(-pid, 'SIGKILL');
  });
});

test('when its shim alone is killed, the task is ended too', { skip }, async () => {
  await withProcesses(async ({ runtime, pidOf }) => {
    const ref = await started(runtime, sh('echo $$; exec sleep 1000'));
    const ended = runtime.wait(ref, never());
    let pid = 0;
    for await (const chunk of runtime.logs(ref, { follow: true, signal: never() })) {
      pid = Number(chunk.text);
      break;
    }
    process.kill(pidOf(ref), 'SIGKILL');
    const exit = await ended;
    assert.deepEqual([exit.exitCode, exit.reason], [137, 'killed']);
    await until(() => !isRunning(pid));
  });
});
