/** What a fake container does: by image, by a function, or by the task's own environment, the later one winning. */
import { isErrorCode, problem } from '../core/errors.ts';
import type { ErrorCode } from '../core/errors.ts';
import type { Health } from '../core/task.ts';
import type { Work } from '../ports/runtime.ts';

/** One container's part. All of it may be left out: then it starts at once and runs until it is stopped. */
export interface FakeScript {
  /** How long `prepare` and `start` take. */
  readonly prepareMs?: number;
  readonly startMs?: number;
  /** Ends by itself after this time; undefined: runs until it is stopped. */
  readonly runForMs?: number;
  readonly exitCode?: number;
  readonly reason?: string;
  /** Codes that `prepare` and `start` fail with, and how often; undefined: each time. */
  readonly pullError?: ErrorCode;
  readonly startError?: ErrorCode;
  readonly errorTimes?: number;
  /** Time from a stop signal to the end. */
  readonly stopMs?: number;
  /** Exit code after a stop signal; undefined: 128 plus its number. */
  readonly stopExitCode?: number;
  /** Only SIGKILL ends it. */
  readonly ignoresSignals?: boolean;
  /** Output, a line each `lineEveryMs` from the start on. */
  readonly lines?: readonly string[];
  readonly lineEveryMs?: number;
  /** What looks find, one after the other; the last one ever after. Undefined: all go well. */
  readonly probes?: readonly boolean[];
  /** How long a look takes. */
  readonly probeMs?: number;
  /** Looks go well only from this time after the start on, and until that one. */
  readonly wellFromMs?: number;
  readonly wellUntilMs?: number;
  /** The image has a check of its own, which says this at times after the start; `unknown` before. */
  readonly check?: readonly { readonly afterMs: number; readonly health: Health }[];
  /** The signal the image asks for; undefined: SIGTERM. */
  readonly stopSignal?: string;
  /** The image's size, and whether it is there without a pull. */
  readonly imageBytes?: number;
  readonly imagePresent?: boolean;
  /** What it is measured to use: cores, and bytes. */
  readonly cpu?: number;
  readonly memoryBytes?: number;
  /** Share by which each delay varies at random: 0.2 gives 80 to 120 %. */
  readonly jitter?: number;
}

/** Gives a container's script from its order. */
export type FakeScripts = (work: Work) => FakeScript;

const numbers = {
  FAKE_PREPARE_MS: 'prepareMs',
  FAKE_START_MS: 'startMs',
  FAKE_RUN_FOR_MS: 'runForMs',
  FAKE_EXIT_CODE: 'exitCode',
  FAKE_ERROR_TIMES: 'errorTimes',
  FAKE_STOP_MS: 'stopMs',
  FAKE_STOP_EXIT_CODE: 'stopExitCode',
  FAKE_LINE_EVERY_MS: 'lineEveryMs',
  FAKE_JITTER: 'jitter',
  FAKE_PROBE_MS: 'probeMs',
  FAKE_WELL_FROM_MS: 'wellFromMs',
  FAKE_WELL_UNTIL_MS: 'wellUntilMs',
  FAKE_IMAGE_BYTES: 'imageBytes',
  FAKE_CPU: 'cpu',
  FAKE_MEMORY_BYTES: 'memoryBytes',
} as const satisfies Record<string, keyof FakeScript>;

/**
 * The script in a task's environment: `FAKE_RUN_FOR_MS=500`, `FAKE_START_ERROR=port-taken`, `FAKE_LINES` (one a line),
 * `FAKE_IGNORE_SIGNALS=1`, `FAKE_REASON`, `FAKE_PROBES=ok,fail`, `FAKE_CHECK=0:healthy,500:unhealthy`, `FAKE_STOP_SIGNAL`, `FAKE_IMAGE_PRESENT=1` and the
 * other numbers.
 * @throws CubeError `bad-settings` for a value that is no number or no code: a test that scripts nonsense must not pass
 */
export function scriptOfEnv(env: Readonly<Record<string, string>>): FakeScript {
  const script: { -readonly [Name in keyof FakeScript]: FakeScript[Name] } = {};
  for (const [name, field] of Object.entries(numbers)) {
    const text = env[name];
    if (text === undefined) continue;
    const value = Number(text);
    if (text.trim() === '' || !Number.isFinite(value) || value < 0) throw problem('bad-settings', `${name} needs a number, not "${text}"`);
    script[field] = value;
  }
  if (env['FAKE_PULL_ERROR'] !== undefined) script.pullError = codeIn('FAKE_PULL_ERROR', env['FAKE_PULL_ERROR']);
  if (env['FAKE_START_ERROR'] !== undefined) script.startError = codeIn('FAKE_START_ERROR', env['FAKE_START_ERROR']);
  if (env['FAKE_REASON'] !== undefined) script.reason = env['FAKE_REASON'];
  if (env['FAKE_IGNORE_SIGNALS'] !== undefined) script.ignoresSignals = env['FAKE_IGNORE_SIGNALS'] === '1';
  if (env['FAKE_LINES'] !== undefined) script.lines = env['FAKE_LINES'].split('\n');
  if (env['FAKE_PROBES'] !== undefined) script.probes = env['FAKE_PROBES'].split(',').map(lookIn);
  if (env['FAKE_CHECK'] !== undefined) script.check = env['FAKE_CHECK'].split(',').map(stepIn);
  if (env['FAKE_STOP_SIGNAL'] !== undefined) script.stopSignal = env['FAKE_STOP_SIGNAL'];
  if (env['FAKE_IMAGE_PRESENT'] !== undefined) script.imagePresent = env['FAKE_IMAGE_PRESENT'] === '1';
  return script;
}

function lookIn(text: string): boolean {
  if (text !== 'ok' && text !== 'fail') throw problem('bad-settings', `FAKE_PROBES needs a list of ok and fail, not "${text}"`);
  return text === 'ok';
}

function stepIn(text: string): { afterMs: number; health: Health } {
  const found = /^(\d+):(healthy|unhealthy|unknown)$/.exec(text);
  if (!found) throw problem('bad-settings', `FAKE_CHECK needs a list of MS:healthy, MS:unhealthy or MS:unknown, not "${text}"`);
  return { afterMs: Number(found[1]), health: found[2] as Health };
}

function codeIn(name: string, text: string): ErrorCode {
  if (!isErrorCode(text)) throw problem('bad-settings', `${name} needs a code of the error table, not "${text}"`);
  return text;
}
