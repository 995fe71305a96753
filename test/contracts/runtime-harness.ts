/** What the runtime's conformance suite needs of a runtime under test, and the works it gives it. */
import { randomUUID } from 'node:crypto';
import type { TaskSpec } from '../../src/core/job.ts';
import { limitsWith } from '../../src/core/limits.ts';
import type { Limits } from '../../src/core/limits.ts';
import { noResources } from '../../src/core/resources.ts';
import type { PortBinding } from '../../src/core/task.ts';
import type { Log } from '../../src/ports/ambient.ts';
import type { ContainerRef, LogChunk, LogOptions, PrepareOptions, Runtime, Work } from '../../src/ports/runtime.ts';

/** What a container is to do. */
export interface Part {
  /** Lines it prints at once. */
  readonly lines?: readonly string[];
  /** Prints `before`, waits, prints `after`. */
  readonly twice?: { readonly before: string; readonly pauseMs: number; readonly after: string };
  /** How long it runs then; undefined: until it is stopped. */
  readonly runForMs?: number;
  readonly exitCode?: number;
  /** Exit code when it is told to stop. */
  readonly onStop?: number;
  /** Takes no notice of being told to stop. */
  readonly ignoresStop?: boolean;
  /** Its program does not exist. */
  readonly isMissing?: boolean;
  /** Serves HTTP on its container port 8080: `/ok` is 200, all else 404. */
  readonly serves?: boolean;
  /** What looks find, where nothing real is there to look at. */
  readonly looks?: readonly boolean[];
  /** How long a look takes, where nothing real takes it. */
  readonly lookMs?: number;
  /** Its image has a check of its own, which first says nothing, then `healthy`, then `unhealthy`. */
  readonly check?: boolean;
}

/** What a command in a running container is to do, in this order. */
export interface ExecPart {
  /** Writes this to stdout, and that to stderr. */
  readonly out?: string;
  readonly err?: string;
  /** Gives its input back until that ends. */
  readonly echoes?: boolean;
  /** Goes on until it is ended. */
  readonly waits?: boolean;
  readonly exitCode?: number;
}

/** A runtime under test. */
export interface Harness {
  /** Opens the runtime; once more gives another one on the same engine, as a restart of the node does. */
  open(): Promise<Runtime>;
  /** An order that plays a part. */
  spec(part: Part): TaskSpec;
  /** A command that plays a part. */
  exec(part: ExecPart): string[];
  /** Kills a running one behind the runtime's back. */
  kill(ref: ContainerRef): Promise<void>;
  /** Removes one behind the runtime's back. */
  remove(ref: ContainerRef): Promise<void>;
  close(): Promise<void>;
}

/** Short times, so that tests need not wait. */
export const testLimits: Limits = limitsWith({
  engineRetryMs: 200,
  pullRetryMs: 200,
  pullMs: 10_000,
  execEndMs: 200,
  processPollMs: 20,
  processClaimMs: 200,
  probeEngineMs: 200,
});

/** Keeps what was logged, and prints nothing. */
export function keptLog(): Log & { readonly lines: string[] } {
  const lines: string[] = [];
  const keep =
    (level: string): Log['debug'] =>
    (message, fields) => {
      lines.push(`${level} ${message} ${JSON.stringify(fields ?? {})}`);
    };
  return { lines, debug: keep('debug'), info: keep('info'), warn: keep('warn'), error: keep('error') };
}

/** A task's settings where nothing is asked for. */
export function plainSpec(more: Partial<TaskSpec>): TaskSpec {
  return {
    image: 'busybox:latest',
    pull: 'never',
    count: 1,
    env: {},
    resources: noResources,
    ports: [],
    restart: { on: 'never', attempts: 0, withinMs: 0, delayMs: 0, backoff: 1, delayMsMax: 0 },
    stopSignal: 'SIGTERM',
    stopDelayMs: 0,
    stopGraceMs: 10_000,
    ...more,
  };
}

/** A part as a POSIX shell plays it. `sleep` runs aside, so that a signal is taken at once. */
export function shellOf(part: Part): string[] {
  if (part.isMissing) return ['no-such-program', 'argument'];
  const nap = (ms: number): string => `sleep ${ms / 1000} & wait $!`;
  if (part.serves) {
    const server = 'mkdir -p /tmp/www && echo fine >/tmp/www/ok && exec httpd -f -p 8080 -h /tmp/www';
    return ['sh', '-c', server];
  }
  // The check looks at once a second whether that file is there.
  if (part.check) return ['sh', '-c', 'touch /tmp/ok; sleep 2 & wait $!; rm /tmp/ok; sleep 1000 & wait $!'];
  const script = [
    part.ignoresStop ? "trap '' TERM" : `trap 'exit ${part.onStop ?? 143}' TERM`,
    ...(part.lines ?? []).map((line) => `echo '${line}'`),
    ...(part.twice ? [`echo '${part.twice.before}'`, nap(part.twice.pauseMs), `echo '${part.twice.after}'`] : []),
    part.runForMs === undefined ? 'while :; do sleep 1000 & wait $!; done' : part.runForMs === 0 ? ':' : nap(part.runForMs),
    `exit ${part.exitCode ?? 0}`,
  ];
  return ['sh', '-c', script.join('\n')];
}

/** A command's part as a POSIX shell plays it. */
export function shellExecOf({ out, err, echoes, waits, exitCode = 0 }: ExecPart): string[] {
  const script = [
    ...(out === undefined ? [] : [`printf %s '${out}'`]),
    ...(err === undefined ? [] : [`printf %s '${err}' >&2`]),
    ...(echoes ? ['cat'] : []),
    ...(waits ? ['sleep 1000'] : []),
    `exit ${exitCode}`,
  ];
  return ['sh', '-c', script.join('\n')];
}

/** An order of a fresh task. */
export function workOf(spec: TaskSpec, more: { attempt?: number; id?: string; ports?: readonly PortBinding[] } = {}): Work {
  return {
    attempt: more.attempt ?? 1,
    order: {
      id: more.id ?? randomUUID(),
      job: 'shop',
      jobType: 'service',
      task: 'web',
      index: 1,
      slot: 'shop/web.1',
      version: 1,
      desired: 'running',
      spec,
      labels: { team: 'tests' },
      ports: more.ports ?? [],
      sequence: 0,
    },
  };
}

/** A signal that never fires. */
export function never(): AbortSignal {
  return new AbortController().signal;
}

/** Options of a prepare nobody follows. */
export function quietly(): PrepareOptions {
  return { signal: never(), onProgress: () => undefined };
}

/** Makes and starts one. */
export async function started(runtime: Runtime, work: Work): Promise<ContainerRef> {
  const ref = await runtime.prepare(work, quietly());
  await runtime.start(ref, never());
  return ref;
}

/** Reads output to its end. */
export async function read(runtime: Runtime, ref: ContainerRef, more: Partial<LogOptions> = {}): Promise<LogChunk[]> {
  const chunks: LogChunk[] = [];
  for await (const chunk of runtime.logs(ref, { follow: false, signal: never(), ...more })) chunks.push(chunk);
  return chunks;
}

/** Standard output as lines, whatever pieces it came in. A shell may remark on its own errors that a child was ended. */
export function linesOf(chunks: readonly LogChunk[]): string[] {
  const text = chunks.map((chunk) => (chunk.stream === 'stdout' ? chunk.text : '')).join('');
  return text.split('\n').filter((line) => line !== '');
}
