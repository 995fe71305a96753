/** What a fake container does: by image, by a function, or by the task's own environment, the later one winning. */
import { isErrorCode, problem } from '../core/errors.ts';
import type { ErrorCode } from '../core/errors.ts';
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
} as const satisfies Record<string, keyof FakeScript>;

/**
 * The script in a task's environment: `FAKE_RUN_FOR_MS=500`, `FAKE_START_ERROR=port-taken`, `FAKE_LINES` (one a line),
 * `FAKE_IGNORE_SIGNALS=1`, `FAKE_REASON` and the other numbers.
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
  return script;
}

function codeIn(name: string, text: string): ErrorCode {
  if (!isErrorCode(text)) throw problem('bad-settings', `${name} needs a code of the error table, not "${text}"`);
  return text;
}
