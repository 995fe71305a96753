/** Looks at a task by a command that is run in it: its exit code tells. */
import { formatDuration } from '../core/duration.ts';
import { CubeError, problem } from '../core/errors.ts';
import type { ErrorCode } from '../core/errors.ts';
import type { Limits } from '../core/limits.ts';
import type { Clock, Log } from '../ports/ambient.ts';
import type { ContainerRef, ExecOptions, ExecOutput, ExecSession, ProbeResult } from '../ports/runtime.ts';
import { abortable, isAbort, throwIfAborted, within } from './abort.ts';
import { lastLine } from './last-line.ts';
import type { LookOptions } from './probe-net.ts';

/** What running commands needs. */
interface ExecProbesParts {
  readonly exec: (ref: ContainerRef, options: ExecOptions) => Promise<ExecSession>;
  /** Asks the engine for a sign of life. */
  readonly ping: () => Promise<void>;
  /** Whether the end of a session ends its command. Docker cannot: a command that was begun ends by itself, or with its container. */
  readonly endsCommands: boolean;
  readonly clock: Clock;
  readonly log: Log;
  readonly limits: Limits;
}

/** What the command may be told by the runtime, that is an answer about the task: gone, not running, no such command. */
const answers: ReadonlySet<ErrorCode> = new Set(['not-found', 'conflict', 'bad-command', 'bad-settings']);

/** The looks by command of one runtime. */
export class ExecProbes {
  readonly #parts: ExecProbesParts;
  /** Commands that nobody waits for any more, by container: another one is not begun beside them. */
  readonly #left = new Map<string, Promise<unknown>>();
  readonly #closed = new AbortController();

  constructor(parts: ExecProbesParts) {
    this.#parts = parts;
  }

  /** @throws CubeError when the engine could not be asked; AbortError */
  async look(ref: ContainerRef, command: readonly string[], options: LookOptions): Promise<ProbeResult> {
    throwIfAborted(options.signal);
    // A command outlives the look that began it; what listens to the caller's signal must not.
    const over = new AbortController();
    try {
      return await this.#look(ref, command, { ...options, signal: AbortSignal.any([options.signal, over.signal]) });
    } finally {
      over.abort();
    }
  }

  async #look(ref: ContainerRef, command: readonly string[], { timeoutMs, signal }: LookOptions): Promise<ProbeResult> {
    const { clock } = this.#parts;
    const giveUpAt = clock.monotonic() + timeoutMs;
    const before = this.#left.get(ref.id);
    if (before && !(await within(clock, timeoutMs, abortable(before, signal)))) {
      await this.#isAnswering(signal);
      return { ok: false, detail: `no answer within ${formatDuration(timeoutMs)}: the command of an earlier look still runs` };
    }
    const end = new AbortController();
    const ending = AbortSignal.any([end.signal, this.#closed.signal]);
    const run = this.#run(ref, command, ending);
    try {
      const result = await within(clock, Math.max(0, giveUpAt - clock.monotonic()), abortable(run, signal));
      if (!result) await this.#isAnswering(signal);
      return result ?? { ok: false, detail: `no answer within ${formatDuration(timeoutMs)}` };
    } finally {
      this.#leave(ref.id, run, end);
    }
  }

  close(): void {
    this.#closed.abort();
  }

  /** An engine that hangs says nothing of the task. @throws CubeError `no-engine` when it gives no sign of life */
  async #isAnswering(signal: AbortSignal): Promise<void> {
    const { clock, limits, ping } = this.#parts;
    const answer = await within(
      clock,
      limits.probeEngineMs,
      abortable(
        ping().then(() => true),
        signal,
      ),
    );
    if (!answer) throw problem('no-engine', 'the engine does not answer: nothing is known of the task');
  }

  /** Ends a command that still runs, or remembers it until it has ended. */
  #leave(id: string, run: Promise<ProbeResult>, end: AbortController): void {
    const { endsCommands, log } = this.#parts;
    const over = run.then(
      () => true,
      (error: unknown) => {
        if (!isAbort(error)) log.debug('the command of a look ended badly', { container: id, error: String(error) });
        return true;
      },
    );
    if (endsCommands) {
      end.abort();
      return;
    }
    this.#left.set(id, over);
    void over.then(() => {
      if (this.#left.get(id) === over) this.#left.delete(id);
    });
  }

  async #run(ref: ContainerRef, command: readonly string[], signal: AbortSignal): Promise<ProbeResult> {
    const { exec, limits } = this.#parts;
    try {
      const session = await exec(ref, { command, tty: false, stdin: false, signal });
      // Read along with the output: a rejection while that is read must not go unheard.
      const [exitCode, { stdout, stderr }] = await Promise.all([session.exitCode, tailsOf(session, limits)]);
      // The two come in any order: what went wrong is told on stderr, if anywhere.
      const [first, second] = exitCode === 0 ? [stdout, stderr] : [stderr, stdout];
      const line = lastLine(first, limits.probeDetailCharsMax) || lastLine(second, limits.probeDetailCharsMax);
      const code = `exit code ${exitCode}`;
      return { ok: exitCode === 0, detail: exitCode === 0 && line !== '' ? line : line === '' ? code : `${line} (${code})` };
    } catch (error) {
      if (error instanceof CubeError && answers.has(error.code)) return { ok: false, detail: error.message };
      throw error;
    }
  }
}

/** The ends of what a command writes: all of it is read, little of it kept. */
async function tailsOf(session: ExecSession, limits: Limits): Promise<Record<ExecOutput['stream'], string>> {
  const keptBytes = 4 * limits.probeDetailCharsMax + 64;
  const tails = { stdout: Buffer.alloc(0), stderr: Buffer.alloc(0) };
  for await (const { stream, bytes } of session.output) {
    tails[stream] = Buffer.concat([tails[stream], bytes.subarray(-keptBytes)]).subarray(-keptBytes);
  }
  return { stdout: tails.stdout.toString('utf8'), stderr: tails.stderr.toString('utf8') };
}
