import assert from 'node:assert/strict';
import { existsSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { limitsWith } from '../../src/core/limits.ts';
import { linesOf, never, plainSpec, read, started, workOf } from '../contracts/runtime-harness.ts';
import { until, withProcesses } from './process-help.ts';

const sh = (script: string, more: Partial<Parameters<typeof plainSpec>[0]> = {}): ReturnType<typeof workOf> =>
  workOf(plainSpec({ command: ['sh', '-c', script], ...more }));

test('output is kept small, newest last, and read across the place where it was cut', async () => {
  await withProcesses(
    async ({ runtime, directory, file }) => {
      const go = join(directory, 'go');
      const ref = await started(runtime, sh(`seq 1 3000; until [ -e '${go}' ]; do sleep 0.01; done; seq 3001 3100; sleep 1000`));
      await until(() => existsSync(file(ref, 'stdout.1')));
      writeFileSync(go, '');
      await until(() => readFileSync(file(ref, 'stdout'), 'utf8').endsWith('3100\n'));
      assert.ok(statSync(file(ref, 'stdout.1')).size <= 5_000);
      const lines = linesOf(await read(runtime, ref)).slice(1);
      assert.ok(lines.length > 500, `${lines.length} lines`);
      assert.deepEqual(
        lines,
        Array.from({ length: lines.length }, (_, index) => String(3100 - lines.length + 1 + index)),
      );
      assert.deepEqual(linesOf(await read(runtime, ref, { tail: 3 })), ['3098', '3099', '3100']);
    },
    limitsWith({ logFileBytesMax: 5_000, processPollMs: 5 }),
  );
});

test('a follower misses nothing of a task that prints more than is kept, as long as it keeps up', async () => {
  await withProcesses(
    async ({ runtime }) => {
      const ref = await started(
        runtime,
        sh('i=0; while [ $i -lt 40 ]; do i=$((i+1)); echo "line $i with some more text"; sleep 0.02; done'),
      );
      const lines = linesOf(await read(runtime, ref, { follow: true }));
      assert.deepEqual(
        lines,
        Array.from({ length: 40 }, (_, index) => `line ${index + 1} with some more text`),
      );
    },
    limitsWith({ logFileBytesMax: 300, processPollMs: 5, logMarksMax: 8 }),
  );
});

test('both streams come in the order of time', async () => {
  await withProcesses(async ({ runtime }) => {
    const ref = await started(runtime, sh('echo 1; sleep 0.2; echo 2 >&2; sleep 0.2; echo 3; sleep 0.2; echo 4 >&2'));
    await runtime.wait(ref, never());
    const chunks = await read(runtime, ref);
    assert.deepEqual(
      chunks.map(({ stream, text }) => [stream, text]),
      [
        ['stdout', '1\n'],
        ['stderr', '2\n'],
        ['stdout', '3\n'],
        ['stderr', '4\n'],
      ],
    );
    assert.deepEqual(
      chunks.map(({ at }) => at),
      chunks.map(({ at }) => at).toSorted((a, b) => a - b),
    );
    assert.deepEqual(
      (await read(runtime, ref, { tail: 2 })).map(({ text }) => text),
      ['3\n', '4\n'],
    );
  });
});
