/**
 * The command line's options. cac splits them; but it turns `007` into 7 and `''` into 0, so every value travels through
 * it behind a mark that makes it text, and comes out as it was typed.
 */
import { cac } from 'cac';
import { problem } from '../core/errors.ts';
import { nearest } from '../core/text.ts';
import { parseDuration } from '../core/duration.ts';
import type { Command, OptionSpec } from './command.ts';

/** Options every command takes. */
export const globalSpecs: readonly OptionSpec[] = [
  { flags: '-o, --output <format>', about: '`json`: one JSON document on stdout and nothing else' },
  { flags: '-q, --quiet', about: 'no progress; lists are bare names' },
  { flags: '--host <url>', about: 'the node to talk to (CUBE_HOST); else the local one' },
  { flags: '--manager <host:port>', about: 'the same as --host' },
  { flags: '--token-file <file>', about: 'where the token is, `-` for stdin (or CUBE_TOKEN)' },
  { flags: '--context <name>', about: 'a named cluster', later: true },
  { flags: '-h, --help', about: 'this help' },
];

/** The global options, read. */
export interface GlobalOptions {
  readonly json: boolean;
  readonly quiet: boolean;
  readonly host: string | undefined;
  readonly tokenFile: string | undefined;
  readonly help: boolean;
}

/** A command line, taken apart as far as that goes without knowing the command. */
export interface Split {
  readonly command: string | undefined;
  /** What is left before `--`. */
  readonly tokens: readonly string[];
  /** What follows `--`; undefined where there is none. */
  readonly rest: readonly string[] | undefined;
}

const mark = '\u0001';
const takesValue = new Set(['-o', '--output', '--host', '--manager', '--token-file', '--context']);

/** Finds the command: the first word that is no option and no global option's value. */
export function splitArgv(argv: readonly string[]): Split {
  const dashes = argv.indexOf('--');
  const tokens = dashes === -1 ? [...argv] : argv.slice(0, dashes);
  const rest = dashes === -1 ? undefined : argv.slice(dashes + 1);
  let at = 0;
  while (at < tokens.length && tokens[at]!.startsWith('-')) at += takesValue.has(tokens[at]!) ? 2 : 1;
  const command = tokens[at];
  if (command !== undefined) tokens.splice(at, 1);
  return { command, tokens, rest };
}

/**
 * Leaves what follows the first argument alone: it is what follows `--` then. Where there is a `--`, options between the two are ours
 * (`TASK -it -- sh`); no command begins with a dash.
 */
function splitTrailing(split: Split): Split {
  const { tokens, rest } = split;
  let at = 0;
  while (at < tokens.length && tokens[at]!.startsWith('-')) at += takesValue.has(tokens[at]!) ? 2 : 1;
  const after = tokens.slice(at + 1);
  if (after.length === 0 || (rest !== undefined && after[0]!.startsWith('-'))) return split;
  return { ...split, tokens: tokens.slice(0, at + 1), rest: rest === undefined ? after : [...after, '--', ...rest] };
}

/** Whether a command line that could not be read asks for JSON: its error should be. */
export function looksLikeJson(argv: readonly string[]): boolean {
  const { tokens } = splitArgv(argv);
  return tokens.some((token, at) => /^(-o|--output)=json$/.test(token) || (/^(-o|--output)$/.test(token) && tokens[at + 1] === 'json'));
}

function marked(token: string): string {
  if (token === '-' || !token.startsWith('-')) return mark + token;
  const equals = token.indexOf('=');
  if (equals === -1 || /^(true|false)$/.test(token.slice(equals + 1))) return token;
  return `${token.slice(0, equals + 1)}${mark}${token.slice(equals + 1)}`;
}

function unmarked(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(unmarked);
  return typeof value === 'string' ? value.replaceAll(mark, '') : value;
}

/** The long name of an option: `--token-file <file>` is `token-file`. */
export function optionName(spec: OptionSpec): string {
  return /--([a-z-]+)/.exec(spec.flags)![1]!;
}

function kebab(name: string): string {
  return name.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
}

/**
 * A switch in the form cac registers it: `--dry-run` is known to it as a switch only as `--dryRun`, and would take the next word for its
 * value.
 */
function switchAsRegistered(token: string, specs: readonly OptionSpec[]): string {
  const [, name, value] = /^--([a-z-]+)(=.*)?$/s.exec(token) ?? [];
  const spec = name === undefined ? undefined : specs.find((one) => optionName(one) === name);
  if (name === undefined || spec === undefined || spec.flags.includes('<')) return token;
  return `--${name.replaceAll(/-([a-z])/g, (_, letter: string) => letter.toUpperCase())}${value ?? ''}`;
}

function namesOf(spec: OptionSpec): string[] {
  return [...spec.flags.matchAll(/--?([a-z-]+)/gi)].map((match) => match[1]!);
}

/** What a command was given. Every reader throws CubeError `usage` for a value that does not fit. */
export class Input {
  readonly args: readonly string[];
  /** What follows `--`. */
  readonly rest: readonly string[] | undefined;
  private readonly values: Readonly<Record<string, unknown>>;

  constructor(args: readonly string[], rest: readonly string[] | undefined, values: Readonly<Record<string, unknown>>) {
    this.args = args;
    this.rest = rest;
    this.values = values;
  }

  /** Whether a switch is on. */
  flag(name: string): boolean {
    const value = this.values[name];
    return (Array.isArray(value) ? value.at(-1) : value) === true;
  }

  /** A value given at most once. */
  text(name: string): string | undefined {
    const all = this.texts(name);
    if (all.length > 1) throw problem('usage', `--${name} was given ${all.length} times`);
    return all[0];
  }

  /** Values that may be given many times. */
  texts(name: string): readonly string[] {
    const value = this.values[name];
    if (value === undefined) return [];
    const all = Array.isArray(value) ? value : [value];
    return all.map((one) => {
      if (typeof one !== 'string') throw problem('usage', `--${name} needs a value`);
      return one;
    });
  }

  /** A duration in ms. */
  durationMs(name: string): number | undefined {
    const text = this.text(name);
    if (text === undefined) return undefined;
    const ms = parseDuration(text);
    if (ms === undefined) throw problem('usage', `--${name} needs a duration like 30s or 5m, not "${text}"`);
    return ms;
  }

  /** A number of `least` or more, whole unless told. */
  number(name: string, options: { readonly least?: number; readonly most?: number; readonly whole?: boolean } = {}): number | undefined {
    const text = this.text(name);
    if (text === undefined) return undefined;
    const { least = 0, most = Number.MAX_SAFE_INTEGER, whole = true } = options;
    const value = /^\d+(\.\d+)?$/.test(text) ? Number(text) : Number.NaN;
    if (!(value >= least && value <= most) || (whole && !Number.isInteger(value))) {
      const range = most === Number.MAX_SAFE_INTEGER ? `of ${least} or more` : `from ${least} to ${most}`;
      throw problem('usage', `--${name} needs a ${whole ? 'whole ' : ''}number ${range}, not "${text}"`);
    }
    return value;
  }

  /** `key=value`, many times; a value may hold `=`. */
  pairs(name: string): Readonly<Record<string, string>> {
    const pairs: Record<string, string> = Object.create(null) as Record<string, string>;
    for (const text of this.texts(name)) {
      const equals = text.indexOf('=');
      if (equals < 1) throw problem('usage', `--${name} needs key=value, not "${text}"`);
      pairs[text.slice(0, equals)] = text.slice(equals + 1);
    }
    return { ...pairs };
  }

  /** One of some words. */
  choice<Word extends string>(name: string, words: readonly Word[]): Word | undefined {
    const text = this.text(name);
    if (text === undefined) return undefined;
    const found = words.find((word) => word === text);
    if (found === undefined) {
      const close = nearest(text, words);
      throw problem('usage', `--${name} is one of ${words.join(', ')}, not "${text}"${close ? `; did you mean ${close}?` : ''}`);
    }
    return found;
  }
}

function refuseUnknown(name: string, values: Readonly<Record<string, unknown>>, specs: readonly OptionSpec[]): void {
  const known = specs.flatMap(namesOf);
  for (const key of Object.keys(values)) {
    if (key === '--' || known.includes(kebab(key))) continue;
    const shown = key.length > 1 ? `--${kebab(key)}` : `-${key}`;
    const close = nearest(
      kebab(key),
      specs.filter((spec) => !spec.later).map((spec) => optionName(spec)),
    );
    throw problem('usage', `cube${name && ` ${name}`} has no option ${shown}${close ? `; did you mean --${close}?` : ''}`);
  }
}

function refuseLater(values: Readonly<Record<string, unknown>>, specs: readonly OptionSpec[]): void {
  for (const spec of specs) {
    const name = optionName(spec);
    if (spec.later && values[name] !== undefined) throw problem('not-yet', `--${name} is not in this version yet`);
  }
}

function readGlobal(input: Input): GlobalOptions {
  const format = input.choice('output', ['json', 'text']);
  const host = input.text('host');
  const manager = input.text('manager');
  if (host !== undefined && manager !== undefined && host !== manager) {
    throw problem('usage', '--host and --manager are the same option; give one of them');
  }
  return {
    json: format === 'json',
    quiet: input.flag('quiet'),
    host: host ?? manager,
    tokenFile: input.text('token-file'),
    help: input.flag('help'),
  };
}

/**
 * Reads what was typed for one command.
 * @throws CubeError `usage` for what the command does not know, with a suggestion; `not-yet` for options of later versions
 */
export function readOptions(name: string, command: Command, typed: Split): { readonly input: Input; readonly global: GlobalOptions } {
  const split = command.trailing ? splitTrailing(typed) : typed;
  const specs = [...command.options, ...globalSpecs];
  const cli = cac('cube');
  const asked = cli.command(command.usage, command.summary).alias(name || 'cube');
  for (const spec of specs) asked.option(spec.flags, spec.about);
  asked.action(() => undefined);
  const argv = ['node', 'cube', name || 'cube', ...split.tokens.map((token) => marked(switchAsRegistered(token, specs)))];
  const { options } = cli.parse(argv, { run: false });
  const values: Record<string, unknown> = {};
  for (const [key, value] of Object.entries(options)) values[kebab(key)] = unmarked(value);
  refuseUnknown(name, values, specs);
  refuseLater(values, specs);
  const args = cli.args.map((arg) => String(unmarked(arg)));
  const input = new Input(args, split.rest, values);
  const global = readGlobal(input);
  if (!global.help) checked(name, () => void cli.runMatchedCommand());
  return { input, global };
}

function checked(name: string, check: () => void): void {
  try {
    check();
  } catch (thrown) {
    const message = thrown instanceof Error ? thrown.message.replaceAll(mark, '').replaceAll('`', '"') : String(thrown);
    throw problem('usage', `cube ${name}: ${message}`, { cause: thrown });
  }
}
