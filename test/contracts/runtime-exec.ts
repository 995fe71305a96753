/** The conformance suite of the runtime port: commands in running containers, and what those use. */
import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { ContainerRef, ExecOptions, ExecSession, Runtime } from '../../src/ports/runtime.ts';
import { never, quietly, started, workOf } from './runtime-harness.ts';
import type { Promised } from './runtime-watching.ts';

const forever = {};

/** What a command wrote, and how it ended. */
export interface Ran {
  readonly stdout: string;
  readonly stderr: string;
  readonly exitCode: number;
}

/** Reads a session to its end. */
export async function ranOf({ output, exitCode }: ExecSession): Promise<Ran> {
  const texts = { stdout: '', stderr: '' };
  for await (const { stream, bytes } of output) texts[stream] += Buffer.from(bytes).toString('latin1');
  return { ...texts, exitCode: await exitCode };
}

/** Begins a command without a terminal and without input, unless told. */
export function begin(
  runtime: Runtime,
  ref: ContainerRef,
  command: readonly string[],
  more: Partial<ExecOptions> = {},
): Promise<ExecSession> {
  return runtime.exec(ref, { command, tty: false, stdin: false, signal: never(), ...more });
}

/** Writes all, then the end of input, as fast as it is taken. */
export async function feed(session: ExecSession, input: Uint8Array, pieceBytes: number): Promise<void> {
  for (let at = 0; at < input.length; at += pieceBytes) await session.write(input.subarray(at, at + pieceBytes));
  session.endInput();
}

/** Commands that run to their ends. */
export function executing(promise: Promised): void {
  promise('a command is run: both streams apart, and its exit code', async (harness, runtime) => {
    const ref = await started(runtime, workOf(harness.spec(forever)));
    const ran = await ranOf(await begin(runtime, ref, harness.exec({ out: 'hello', err: 'oops', exitCode: 3 })));
    assert.deepEqual(ran, { stdout: 'hello', stderr: 'oops', exitCode: 3 });
    assert.equal((await ranOf(await begin(runtime, ref, harness.exec({})))).exitCode, 0);
  });

  promise('a program that does not exist ends with 127, and says so on stderr', async (harness, runtime) => {
    const ref = await started(runtime, workOf(harness.spec(forever)));
    const { stdout, stderr, exitCode } = await ranOf(await begin(runtime, ref, ['no-such-program', 'argument']));
    assert.deepEqual([stdout, exitCode], ['', 127]);
    assert.match(stderr, /no-such-program.*not found/);
  });

  promise('the end of input reaches the command, and every byte before it', async (harness, runtime) => {
    const ref = await started(runtime, workOf(harness.spec(forever)));
    const session = await begin(runtime, ref, harness.exec({ echoes: true, exitCode: 5 }), { stdin: true });
    const bytes = Buffer.from(Array.from({ length: 256 }, (_, byte) => byte));
    await session.write(bytes);
    session.endInput();
    session.endInput();
    const { stdout, exitCode } = await ranOf(session);
    assert.deepEqual(Buffer.from(stdout, 'latin1'), bytes);
    assert.equal(exitCode, 5);
  });

  promise('without input the command reads an end at once', async (harness, runtime) => {
    const ref = await started(runtime, workOf(harness.spec(forever)));
    const session = await begin(runtime, ref, harness.exec({ echoes: true }));
    await session.write(Buffer.from('nobody reads this'));
    assert.deepEqual(await ranOf(session), { stdout: '', stderr: '', exitCode: 0 });
  });

  promise('a slow reader gets all of it, in order', async (harness, runtime) => {
    const ref = await started(runtime, workOf(harness.spec(forever)));
    const session = await begin(runtime, ref, harness.exec({ echoes: true }), { stdin: true });
    const input = randomBytes(3_000_001);
    const fed = feed(session, input, 50_000);
    const hash = createHash('sha256');
    let count = 0;
    for await (const { bytes } of session.output) {
      hash.update(bytes);
      count += bytes.length;
      await sleep(1);
    }
    await fed;
    assert.equal(count, input.length);
    assert.equal(hash.digest('hex'), createHash('sha256').update(input).digest('hex'));
    assert.equal(await session.exitCode, 0);
  });

  promise('several commands run at once', async (harness, runtime) => {
    const ref = await started(runtime, workOf(harness.spec(forever)));
    const codes = [1, 2, 3, 4];
    const all = await Promise.all(
      codes.map(async (exitCode) => ranOf(await begin(runtime, ref, harness.exec({ out: `${exitCode}`, exitCode })))),
    );
    assert.deepEqual(
      all.map(({ stdout, exitCode }) => [stdout, exitCode]),
      codes.map((code) => [String(code), code]),
    );
  });

  leaving(promise);
  measuring(promise);
}

/** Sessions that end before their time, or never begin. */
function leaving(promise: Promised): void {
  promise('input for a command that has ended goes nowhere, and its output is whole', async (harness, runtime) => {
    const ref = await started(runtime, workOf(harness.spec(forever)));
    const session = await begin(runtime, ref, harness.exec({ out: 'done', exitCode: 7 }), { stdin: true });
    const fed = feed(session, Buffer.alloc(4_000_000), 100_000);
    await sleep(50);
    const { stdout, exitCode } = await ranOf(session);
    assert.deepEqual([stdout, exitCode], ['done', 7]);
    await fed;
    await session.write(Buffer.from('late'));
    await session.resize({ columns: 80, rows: 24 });
  });

  promise('a fired signal ends the session', async (harness, runtime) => {
    const ref = await started(runtime, workOf(harness.spec(forever)));
    const abort = new AbortController();
    const session = await begin(runtime, ref, harness.exec({ out: 'begun', waits: true }), { stdin: true, signal: abort.signal });
    await assert.rejects(
      async () => {
        for await (const { bytes } of session.output) {
          assert.equal(Buffer.from(bytes).toString(), 'begun');
          abort.abort();
        }
      },
      { name: 'AbortError' },
    );
    await assert.rejects(session.exitCode, { name: 'AbortError' });
    await session.write(Buffer.from('late'));
    await assert.rejects(begin(runtime, ref, harness.exec({}), { signal: abort.signal }), { name: 'AbortError' });
  });

  promise('a command ends with its container', async (harness, runtime) => {
    const ref = await started(runtime, workOf(harness.spec(forever)));
    const session = await begin(runtime, ref, harness.exec({ out: 'begun', waits: true }), { stdin: true });
    const codes: number[] = [];
    for await (const { bytes } of session.output) {
      assert.equal(Buffer.from(bytes).toString(), 'begun');
      await harness.kill(ref);
    }
    codes.push(await session.exitCode);
    assert.deepEqual(codes, [137]);
  });

  promise('no command begins in what does not run, or is gone', async (harness, runtime) => {
    const ref = await runtime.prepare(workOf(harness.spec({ runForMs: 0 })), quietly());
    await assert.rejects(begin(runtime, ref, harness.exec({})), { name: 'CubeError', code: 'conflict', message: /does not run/ });
    await runtime.start(ref, never());
    await runtime.wait(ref, never());
    await assert.rejects(begin(runtime, ref, harness.exec({})), { code: 'conflict' });
    await runtime.remove(ref);
    await assert.rejects(begin(runtime, ref, harness.exec({})), { code: 'not-found', message: /gone/ });
  });

  promise('an empty command is a bad one', async (harness, runtime) => {
    const ref = await started(runtime, workOf(harness.spec(forever)));
    await assert.rejects(begin(runtime, ref, []), { code: 'bad-command' });
  });
}

/** What containers use. */
function measuring(promise: Promised): void {
  promise('only what runs is measured, by its task', async (harness, runtime) => {
    const [created, running, ended] = [1, 2, 3].map((index) => workOf(harness.spec(index === 3 ? { runForMs: 0 } : forever)));
    await runtime.prepare(created!, quietly());
    await started(runtime, running!);
    await runtime.wait(await started(runtime, ended!), never());
    assert.deepEqual(
      (await runtime.usage()).map(({ taskId }) => taskId),
      [running!.order.id],
    );
  });

  promise('the first measurement knows no cpu, the second does; one that has ended is left out', async (harness, runtime) => {
    const ref = await started(runtime, workOf(harness.spec(forever)));
    const [first] = await runtime.usage();
    assert.equal(first?.cpu, null);
    await sleep(50);
    const [second] = await runtime.usage();
    assert.ok(second && second.cpu !== null && second.cpu >= 0 && second.cpu < 64, String(second?.cpu));
    assert.ok(second.memoryBytes >= 0);
    await runtime.stop(ref, { stopSignal: 'SIGKILL', graceMs: 0 });
    assert.deepEqual(await runtime.usage(), []);
  });
}
