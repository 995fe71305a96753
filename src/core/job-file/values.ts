/** The values of a job file that people write in more than one way, each with what to expect in plain words. */
import { z } from 'zod';
import { parseDuration } from '../duration.ts';
import type { PortSpec } from '../job.ts';
import { parseBytes } from '../resources.ts';
import { listed, nearest } from '../text.ts';
import { variablesIn } from '../variables.ts';
import { shown } from './findings.ts';
import { parsePort, portForm, portTwice } from './ports.ts';
import { splitWords } from './shell-words.ts';
import { signalName, signalNames } from './signals.ts';

/** What a failing schema is given to make its message from. */
interface Issue {
  readonly input?: unknown;
}

/** The message of a schema that did not get what it wants. */
export function expected(what: string, more: (value: unknown) => string = () => ''): { error: (issue: Issue) => string } {
  return { error: ({ input }) => `expected ${what}, got ${shown(input)}${more(input)}` };
}

/** Text or a number, as `read` understands it; it gives undefined for what is not `what`. */
function written<Out>(what: string, read: (value: string | number) => Out | undefined, more: (value: unknown) => string = () => '') {
  return z.union([z.string(), z.number()], expected(what, more)).transform((value, context): Out => {
    const out = read(value);
    if (out !== undefined) return out;
    context.issues.push({ code: 'custom', input: value, message: `expected ${what}, got ${shown(value)}${more(value)}` });
    return z.NEVER;
  });
}

/** One of a few words, with a suggestion for a slip. */
export function oneOf<const Words extends readonly [string, ...string[]]>(words: Words) {
  const what = listed(
    words.map((word) => word || '""'),
    'or',
  );
  return z.enum(words, {
    error: ({ input }) => {
      const close = typeof input === 'string' ? nearest(input.slice(0, 64), words) : undefined;
      return `expected ${what}, got ${shown(input)}${close ? `; did you mean "${close}"?` : ''}`;
    },
  });
}

/** A whole number of `min` or more. */
export function wholeNumber(max: number = Number.MAX_SAFE_INTEGER, min = 0) {
  const more = max === Number.MAX_SAFE_INTEGER ? `${min} or more` : `${min} to ${max}`;
  return z
    .int(expected(`a whole number of ${min} or more`))
    .min(min, expected(`a whole number of ${min} or more`))
    .max(max, expected(`a whole number of ${more}`));
}

/** A number from `min` on. */
export function numberFrom(min: number) {
  const what = expected(`a number of ${min} or more`);
  return z.number(what).min(min, what);
}

/** Text that is not empty. A number gets the hint to quote it. */
export function text(what: string, pattern: RegExp) {
  const more = (value: unknown): string =>
    typeof value === 'number' || typeof value === 'boolean' ? `; write it in quotes: "${String(value)}"` : '';
  return z.string(expected(what, more)).regex(pattern, expected(what));
}

const textValueForm = 'text, a number, true or false';

function quoteEmpty(value: unknown): string {
  return value === null ? '; write "" for an empty text' : '';
}

/** What ends up as text: numbers and booleans, too. */
export const textValue = z
  .union([z.string(), z.number(), z.boolean()], expected(textValueForm, quoteEmpty))
  .transform(String)
  .refine((value) => !value.includes('\0'), 'expected text without NUL characters');

/** Cores. */
export const cpu = written('a number of cores of 0 or more, like 0.5', (value) => {
  const cores = typeof value === 'number' || /^\s*(?:\d+(?:\.\d*)?|\.\d+)\s*$/.test(value) ? Number(value) : Number.NaN;
  return Number.isFinite(cores) && cores >= 0 ? cores : undefined;
});

/** Bytes. */
export const bytes = written('a size like 128MiB, or a whole number of bytes', (value) => {
  if (typeof value === 'string') return parseBytes(value);
  return Number.isSafeInteger(value) && value >= 0 ? value : undefined;
});

/** Milliseconds, up to `msMax`. */
export function duration(msMax: number) {
  const what = `a duration like 10s or 1m30s, of at most ${Math.floor(msMax / 86_400_000)} days`;
  const more = (value: unknown): string => (typeof value === 'number' && value > 0 ? '; a number needs a unit' : '');
  return written(
    what,
    (value) => {
      const ms = value === 0 ? 0 : typeof value === 'string' ? parseDuration(value) : undefined;
      return ms === undefined || ms > msMax ? undefined : Math.round(ms);
    },
    more,
  );
}

/** A signal, as its full name. */
export const signal = written('a signal like SIGTERM or 15', signalName, (value) => {
  const close = typeof value === 'string' ? nearest(value.slice(0, 64), signalNames) : undefined;
  return close ? `; did you mean "${close}"?` : '';
});

const noBlank = '; write it without a blank: "8080:80"';
const port = written(portForm, parsePort, (value) => (typeof value === 'object' && value !== null ? noBlank : ''));

/** A list of ports, none of them twice. */
export function ports(max: number) {
  return z
    .array(port, expected('a list of ports like ["8080:80", "9000"]'))
    .max(max, `expected at most ${max} ports`)
    .transform((list, context): readonly PortSpec[] => {
      const twice = portTwice(list);
      if (twice) context.issues.push({ code: 'custom', input: list, path: [twice.index], message: twice.message });
      return list;
    });
}

/**
 * Words of a command: a list of them, or one line.
 * @param whenEmpty what to say where there are none
 * @param isFilledIn which `${NAME}` may stand in a line
 */
export function commandWords(whenEmpty: string, isFilledIn?: (name: string) => boolean) {
  return z
    .union([z.string(), z.array(textValue)], expected('a list of words, or one line of them'))
    .transform((value, context): readonly string[] => {
      const split = typeof value === 'string' ? splitWords(value, isFilledIn) : { words: value };
      if ('words' in split && split.words.length > 0 && !split.words.some((word) => word.includes('\0'))) return split.words;
      context.issues.push({ code: 'custom', input: value, message: 'refused' in split ? split.refused : whenEmpty });
      return z.NEVER;
    });
}

/** A task's command. That all its variables are filled in, `unfilledFindings` sees to. */
export const command = commandWords('expected at least one word; leave "command" out to keep the image\'s own', () => true);

const envNameForm = 'a name of letters, digits, "_", "." and "-" that starts with a letter or "_"';
const envName = text(envNameForm, /^[A-Za-z_][A-Za-z0-9_.-]*$/);
const envLine = text(`NAME=value, with ${envNameForm}`, /^[A-Za-z_][A-Za-z0-9_.-]*=[^\0]*$/);

/** Environment variables: a map, or a list of `NAME=value`. */
export const env = z
  .union([z.record(envName, textValue), z.array(envLine)], expected('a map of names and values, or a list of NAME=value'))
  .transform((value, context): Readonly<Record<string, string>> => {
    if (!Array.isArray(value)) return value;
    const entries = new Map<string, string>();
    for (const [index, line] of value.entries()) {
      const cut = line.indexOf('=');
      const name = line.slice(0, cut);
      if (entries.has(name))
        context.issues.push({ code: 'custom', input: line, path: [index], message: `"${name}" stands in this list twice` });
      entries.set(name, line.slice(cut + 1));
    }
    return Object.fromEntries(entries);
  });

const labelName = text('a label name without blanks and "="', /^[^\s=]+$/).refine(
  (name) => !name.startsWith('cube.'),
  expected('a label name of your own: those that start with "cube." are Cube\'s'),
);

/** Labels: a map to text. */
export const labels = z.record(labelName, textValue, expected('a map of names and values'));

const imageForm = 'an image like nginx:1.27';
const afterEnd: Readonly<Record<string, string>> = { ':': 'a tag', '@': 'a digest', '/': 'a name' };

/** What is wrong with an image, in words, and from which character on; undefined for one that may be good. */
export function imageProblem(name: string): { readonly message: string; readonly offset?: number } | undefined {
  if (!/^\S+$/.test(name)) return { message: `expected ${imageForm}, got ${shown(name)}` };
  const starts = new Set(variablesIn(name).map(({ start, isEscape }) => start + (isEscape ? 1 : 0)));
  const offset = [...name.matchAll(/\$\{/g)].map(({ index }) => index).find((at) => !starts.has(at));
  if (offset !== undefined) {
    return { message: `"\${" begins no variable: expected \${NAME} or \${NAME:-default}, got ${shown(name)}`, offset };
  }
  const end = name.at(-1)!;
  const missing = afterEnd[end];
  return missing === undefined ? undefined : { message: `expected ${imageForm}, got ${shown(name)}: ${missing} is missing after "${end}"` };
}

/** An image: what is wrong with it beyond this, the engine says. */
export const image = text(imageForm, /^\S+$/).check((context) => {
  const found = /^\S+$/.test(context.value) ? imageProblem(context.value) : undefined;
  if (found === undefined) return;
  const { message, offset } = found;
  context.issues.push({ code: 'custom', input: context.value, message, ...(offset === undefined ? {} : { params: { offset } }) });
});
