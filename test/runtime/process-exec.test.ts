import assert from 'node:assert/strict';
import { chmodSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { begin, ranOf } from '../contracts/runtime-exec.ts';
import { plainSpec, started, workOf } from '../contracts/runtime-harness.ts';
import { isRunning, until, withProcesses } from './process-help.ts';

const idle = plainSpec({ command: ['sleep', '1000'], env: { COLOUR: 'green' } });

test("a command has its task's environment and folder", async () => {
  await withProcesses(async ({ runtime, file }) => {
    const ref = await started(runtime, workOf(idle));
    const { stdout } = await ranOf(await begin(runtime, ref, ['sh', '-c', 'echo $COLOUR; pwd']));
    assert.equal(stdout, `green\n${file(ref, 'work')}\n`);
  });
});

test('there are no terminals', async () => {
  await withProcesses(async ({ runtime }) => {
    const ref = await started(runtime, workOf(idle));
    await assert.rejects(begin(runtime, ref, ['sh'], { tty: true }), { code: 'bad-settings', message: /no terminals/ });
  });
});

test('a file that may not be executed ends with 126', async () => {
  await withProcesses(async ({ runtime, directory }) => {
    const ref = await started(runtime, workOf(idle));
    const path = join(directory, 'plain');
    writeFileSync(path, 'no program');
    chmodSync(path, 0o600);
    const { exitCode, stderr } = await ranOf(await begin(runtime, ref, [path]));
    assert.equal(exitCode, 126);
    assert.match(stderr, /EACCES/);
  });
});

test('what a command leaves behind ends with it', async () => {
  await withProcesses(async ({ runtime, file }) => {
    const ref = await started(runtime, workOf(idle));
    const { stdout, exitCode } = await ranOf(await begin(runtime, ref, ['sh', '-c', 'sleep 1000 & echo $! >left; echo done']));
    assert.deepEqual([stdout, exitCode], ['done\n', 0]);
    const left = Number(readFileSync(join(file(ref, 'work'), 'left'), 'utf8'));
    await until(() => !isRunning(left));
  });
});

test('output is kept for a reader that comes late', async () => {
  await withProcesses(async ({ runtime }) => {
    const ref = await started(runtime, workOf(idle));
    const session = await begin(runtime, ref, ['sh', '-c', 'echo early']);
    assert.equal(await session.exitCode, 0);
    await new Promise((resolve) => setTimeout(resolve, 50));
    assert.equal((await ranOf(session)).stdout, 'early\n');
  });
});

test('a fired signal kills the command, and the runtime that is closed, too', async () => {
  await withProcesses(async ({ runtime, file, reopen }) => {
    const ref = await started(runtime, workOf(idle));
    const other = await reopen();
    const abort = new AbortController();
    const pids: number[] = [];
    for (const [one, name, signal] of [[runtime, 'a', abort.signal] as const, [other, 'b', new AbortController().signal] as const]) {
      const session = await begin(one, ref, ['sh', '-c', `echo $$ >${name}; echo up; exec sleep 1000`], { signal });
      for await (const { bytes } of { [Symbol.asyncIterator]: () => ({ next: () => session.output[Symbol.asyncIterator]().next() }) }) {
        assert.equal(Buffer.from(bytes).toString(), 'up\n');
        break;
      }
      pids.push(Number(readFileSync(join(file(ref, 'work'), name), 'utf8')));
    }
    abort.abort();
    await other.close();
    await until(() => pids.every((pid) => !isRunning(pid)));
  });
});
