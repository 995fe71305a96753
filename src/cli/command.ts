/** What a command of the CLI is, and what it is given. */
import type { Limits } from '../core/limits.ts';
import type { GlobalOptions, Input } from './options.ts';
import type { Output } from './output.ts';

/** An option as cac and the help read it: `-d, --detach`, `--name <name>`. */
export interface OptionSpec {
  readonly flags: string;
  readonly about: string;
  /** Belongs to a later version: refused with a word on it, not shown. */
  readonly later?: true;
}

/** What to do on Ctrl-C or SIGTERM. @returns the code to exit with at once, or undefined to go on */
export type SignalHandler = (signal: 'SIGINT' | 'SIGTERM') => number | undefined;

/** The exit code of a process that a signal ended, as shells count it. */
export function signalExit(signal: 'SIGINT' | 'SIGTERM'): number {
  return signal === 'SIGINT' ? 130 : 143;
}

/** All that a command may use of its surroundings. */
export interface Context {
  readonly input: Input;
  readonly output: Output;
  readonly env: NodeJS.ProcessEnv;
  readonly global: GlobalOptions;
  readonly limits: Limits;
  /** Takes Ctrl-C and SIGTERM over from the default, which ends the process at once. */
  readonly onSignal: (handler: SignalHandler) => void;
}

/** One command: a file of `commands/` exports one as `command`. */
export interface Command {
  /** Name and arguments: `submit <file>`, `status [ref]`. */
  readonly usage: string;
  readonly summary: string;
  /** A sentence for its help that the summary has no room for. */
  readonly note?: string;
  readonly options: readonly OptionSpec[];
  /** Command lines that work, each with what it does. */
  readonly examples: readonly (readonly [line: string, what: string])[];
  /** What follows the first argument is a command line of its own, with or without `--`: its options are not ours. */
  readonly trailing?: true;
  /** @returns the exit code */
  run(context: Context): Promise<number>;
}
