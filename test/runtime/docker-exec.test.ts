import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { begin, feed, ranOf } from '../contracts/runtime-exec.ts';
import { plainSpec, started, workOf } from '../contracts/runtime-harness.ts';
import { skip, withDocker } from './docker-help.ts';

const idle = plainSpec({ command: ['sleep', '1000'], env: { COLOUR: 'green' }, workdir: '/tmp' });

test('a terminal has the size it was asked for, and gets another one', { skip }, async () => {
  await withDocker(async ({ runtime }) => {
    const ref = await started(runtime, workOf(idle));
    const session = await begin(runtime, ref, ['sh'], { tty: true, stdin: true, size: { columns: 99, rows: 33 } });
    let text = '';
    const seen = async (expected: RegExp): Promise<void> => {
      for (const giveUpAt = Date.now() + 20_000; !expected.test(text); await sleep(10)) assert.ok(Date.now() < giveUpAt, text);
    };
    const reading = (async () => {
      for await (const { stream, bytes } of session.output) {
        assert.equal(stream, 'stdout');
        text += Buffer.from(bytes).toString();
      }
    })();
    await session.write(Buffer.from('stty size; echo oops >&2\r'));
    await seen(/33 99\r\noops/);
    await session.resize({ columns: 77, rows: 11 });
    await session.write(Buffer.from('stty size\r'));
    await seen(/11 77\r\n/);
    session.endInput();
    await reading;
    assert.equal(await session.exitCode, 0);
    await session.resize({ columns: 1, rows: 1 });
  });
});

test("Ctrl-P is the command's, not the engine's", { skip }, async () => {
  await withDocker(async ({ runtime }) => {
    const ref = await started(runtime, workOf(idle));
    const session = await begin(runtime, ref, ['sh', '-c', 'stty raw -echo; echo ready; head -c 2 | od -An -tx1'], {
      tty: true,
      stdin: true,
    });
    let text = '';
    for await (const { bytes } of session.output) {
      text += Buffer.from(bytes).toString();
      if (/ready\s*$/.test(text)) await session.write(Buffer.from([0x10, 0x11]));
    }
    assert.match(text, /10 11/);
    assert.equal(await session.exitCode, 0);
  });
});

test("a command has its container's environment and folder", { skip }, async () => {
  await withDocker(async ({ runtime }) => {
    const ref = await started(runtime, workOf(idle));
    assert.deepEqual(await ranOf(await begin(runtime, ref, ['sh', '-c', 'echo $COLOUR; pwd'])), {
      stdout: 'green\n/tmp\n',
      stderr: '',
      exitCode: 0,
    });
    const { exitCode, stderr } = await ranOf(await begin(runtime, ref, ['/etc/passwd']));
    assert.equal(exitCode, 126);
    assert.match(stderr, /permission denied/);
  });
});

test('100 MB go through, whole, past a slow reader, in little memory', { skip }, async () => {
  await withDocker(async ({ runtime }) => {
    const ref = await started(runtime, workOf(idle));
    const session = await begin(runtime, ref, ['cat'], { stdin: true });
    const [pieces, pieceBytes] = [800, 131_072];
    const [sent, got] = [createHash('sha256'), createHash('sha256')];
    const before = process.memoryUsage();
    const fed = (async () => {
      for (let index = 0; index < pieces; index++) {
        const piece = Buffer.alloc(pieceBytes, index % 251);
        sent.update(piece);
        await session.write(piece);
      }
      session.endInput();
    })();
    let [bytesRead, most, reads] = [0, 0, 0];
    for await (const { bytes } of session.output) {
      got.update(bytes);
      bytesRead += bytes.length;
      if (reads++ % 100 === 0) await sleep(5);
      const { arrayBuffers } = process.memoryUsage();
      most = Math.max(most, arrayBuffers - before.arrayBuffers);
    }
    await fed;
    assert.equal(bytesRead, pieces * pieceBytes);
    assert.equal(got.digest('hex'), sent.digest('hex'));
    assert.equal(await session.exitCode, 0);
    assert.ok(most < 64 * 2 ** 20, `${most} bytes held`);
  });
});

test('a command that ends before it has read its input loses no output', { skip }, async () => {
  await withDocker(async ({ runtime }) => {
    const ref = await started(runtime, workOf(idle));
    const script = 'head -c 1 >/dev/null; head -c 400000 /dev/zero; echo end; exit 4';
    for (let round = 0; round < 3; round++) {
      const session = await begin(runtime, ref, ['sh', '-c', script], { stdin: true });
      const fed = feed(session, Buffer.alloc(8_000_000), 65_536);
      let [bytesRead, last] = [0, ''];
      for await (const { bytes } of session.output) {
        bytesRead += bytes.length;
        last = Buffer.from(bytes).subarray(-4).toString();
        await sleep(10);
      }
      assert.deepEqual([bytesRead, last, await session.exitCode], [400_004, 'end\n', 4]);
      await fed;
    }
  });
});

test('the exit code is known of a command that closed its output before, and of one that nobody reads', { skip }, async () => {
  await withDocker(async ({ runtime }) => {
    const ref = await started(runtime, workOf(idle));
    const early = await begin(runtime, ref, ['sh', '-c', 'exec >&- 2>&-; sleep 0.3; exit 5']);
    assert.deepEqual(await ranOf(early), { stdout: '', stderr: '', exitCode: 5 });
    const unread = await begin(runtime, ref, ['sh', '-c', 'exit 9']);
    assert.equal(await unread.exitCode, 9);
  });
});

test('what only looks like a refusal of the engine is output', { skip }, async () => {
  await withDocker(async ({ runtime }) => {
    const ref = await started(runtime, workOf(idle));
    const words = 'OCI runtime exec failed: not really';
    const ran = await ranOf(await begin(runtime, ref, ['sh', '-c', `printf '${words}'; exit 3`]));
    assert.deepEqual(ran, { stdout: words, stderr: '', exitCode: 3 });
  });
});

test('a closed runtime ends its sessions', { skip }, async () => {
  await withDocker(async ({ runtime }) => {
    const ref = await started(runtime, workOf(idle));
    const session = await begin(runtime, ref, ['cat'], { stdin: true });
    await runtime.close();
    await assert.rejects(ranOf(session), { name: 'AbortError' });
    await assert.rejects(session.exitCode, { name: 'AbortError' });
  });
});
