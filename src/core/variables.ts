/**
 * Variables in texts: `${NAME}`, or `${NAME:-default}`. `$${NAME}` stands for the text `${NAME}`; all else with a dollar is a shell's own.
 * Names that begin with `CUBE_` are filled in where an instance runs, and left in place here.
 */
import { problem } from './errors.ts';
import type { JobSpec, TaskSpec } from './job.ts';
import { nearest } from './text.ts';

/** What the variables of a job file stand for. */
export interface Variables {
  /** Told for this file: `--set`. */
  readonly set: Readonly<Record<string, string>>;
  readonly environment: Readonly<Record<string, string | undefined>>;
}

/** A variable where it stands in a text, or an escape, `$${NAME`, of which the rest is text. */
export interface VariableUse {
  readonly name: string;
  /** What follows `:-`. */
  readonly fallback?: string;
  readonly isEscape: boolean;
  /** Characters before it, and its own. */
  readonly start: number;
  readonly length: number;
}

const name = '[A-Za-z_][A-Za-z0-9_]*';
// A default ends with its line, and holds no braces: so a text is read in one pass, whatever it holds.
const variable = String.raw`\$\{(${name})(?::-([^{}\n]*))?\}`;
const variableOrEscape = new RegExp(String.raw`\$\$\{(?<escaped>${name})(?=\}|:-)|${variable}`, 'g');

/** What a variable looks like. */
export const variablePattern = new RegExp(variable, 'g');

/** A variable with a brace in its default, which would not be found as one. */
export const unreadablePattern = new RegExp(String.raw`(?<!\$)\$\{(${name}):-[^{}\n]*\{`, 'g');

/** Names of variables. */
export const variableNamePattern = new RegExp(`^${name}$`);

/** Whether a variable is one of those that a worker fills in. */
export function filledOnWorker(asked: string): boolean {
  return asked.startsWith('CUBE_');
}

/** The variables and escapes of a text, in order. */
export function variablesIn(text: string): readonly VariableUse[] {
  if (!text.includes('${')) return [];
  return [...text.matchAll(variableOrEscape)].map((match): VariableUse => {
    const [whole, escaped, found = '', fallback] = match;
    const place = { start: match.index, length: whole.length };
    if (escaped !== undefined) return { name: escaped, isEscape: true, ...place };
    return { name: found, ...(fallback === undefined ? {} : { fallback }), isEscape: false, ...place };
  });
}

/** The variable that starts at a place of a text. */
export function variableAt(text: string, start: number): VariableUse | undefined {
  const sticky = new RegExp(variable, 'y');
  sticky.lastIndex = start;
  const match = sticky.exec(text);
  if (match === null) return undefined;
  const [whole, found = '', fallback] = match;
  return { name: found, ...(fallback === undefined ? {} : { fallback }), isEscape: false, start, length: whole.length };
}

/** The text with each variable replaced, escapes included. @param replace undefined leaves it in place */
export function replaceVariables(text: string, replace: (use: VariableUse) => string | undefined): string {
  let filled = '';
  let end = 0;
  for (const use of variablesIn(text)) {
    const whole = text.slice(use.start, use.start + use.length);
    filled += text.slice(end, use.start) + (replace(use) ?? whole);
    end = use.start + use.length;
  }
  return filled + text.slice(end);
}

/** What an escape stands for: itself, one dollar less. */
export function unescaped({ name: escaped }: Pick<VariableUse, 'name'>): string {
  return `\${${escaped}`;
}

/** What a variable stands for: the told value, else the environment's, else its default. As in shells, an empty one gives way to a default. */
export function valueOf(use: Pick<VariableUse, 'name' | 'fallback'>, { set, environment }: Variables): string | undefined {
  const { name: asked, fallback } = use;
  const values = Object.hasOwn(set, asked) ? set : environment;
  const found = Object.hasOwn(values, asked) ? values[asked] : undefined;
  return found === '' ? (fallback ?? found) : (found ?? fallback);
}

/**
 * Reads `NAME=value` texts, each of a name of its own; a value may hold `=`.
 * @param option the option that gave them, for messages
 * @throws CubeError `usage` for what is no such text, a name that stands there twice, and a name that workers fill in
 */
export function readSettings(texts: readonly string[], option = '--set'): Readonly<Record<string, string>> {
  const settings = new Map<string, string>();
  for (const text of texts) {
    const cut = text.indexOf('=');
    const told = text.slice(0, Math.max(0, cut));
    if (!variableNamePattern.test(told)) {
      throw problem('usage', `${option} needs NAME=value, with a name of letters, digits and "_", not "${text}"`);
    }
    if (filledOnWorker(told)) {
      throw problem('usage', `${option} cannot give ${told} a value: names that begin with CUBE_ are filled in where an instance runs`);
    }
    if (settings.has(told)) throw problem('usage', `${option} was given ${told} twice`);
    settings.set(told, text.slice(cut + 1));
  }
  return Object.fromEntries(settings);
}

/**
 * Refuses values for names that a file does not use.
 * @throws CubeError `usage`
 */
export function refuseUnused(set: Variables['set'], used: ReadonlySet<string>): void {
  const unused = Object.keys(set).find((one) => !used.has(one));
  if (unused === undefined) return;
  if (filledOnWorker(unused))
    throw problem('usage', `${unused} cannot be set: names that begin with CUBE_ are filled in where an instance runs`);
  const close = nearest(unused.slice(0, 64), [...used]);
  const what = used.size === 0 ? 'it uses no variables' : `it uses ${[...used].toSorted().join(', ')}`;
  throw problem('usage', `the file does not use \${${unused}}${close ? `; did you mean ${close}?` : ''}`, { hint: what });
}

type Replace = (text: string) => string;

/** A value with each text in it replaced, keys left as they are. */
function mapTexts<Value>(value: Value, replace: Replace): Value {
  if (typeof value === 'string') return replace(value) as Value;
  if (Array.isArray(value)) return value.map((inner: unknown) => mapTexts(inner, replace)) as Value;
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, mapTexts<unknown>(inner, replace)])) as Value;
}

function mapSpec(spec: JobSpec, replace: Replace): JobSpec {
  const tasks = Object.entries(spec.tasks).map(([task, of]): [string, TaskSpec] => [task, mapTexts(of, replace)]);
  return {
    ...spec,
    datacenters: mapTexts(spec.datacenters, replace),
    labels: mapTexts(spec.labels, replace),
    tasks: Object.fromEntries(tasks),
  };
}

/** Names of the variables in the texts of a job's tasks, labels and data centers, in order; those that workers fill in are none of them. */
export function parameterNames(spec: JobSpec): readonly string[] {
  const names = new Set<string>();
  mapSpec(spec, (text) => {
    for (const use of variablesIn(text)) if (!use.isEscape && !filledOnWorker(use.name)) names.add(use.name);
    return text;
  });
  return [...names];
}

/**
 * A parameterized job's spec with its variables filled in, in the texts of its tasks, labels and data centers: by the given values, else (and
 * where one is empty) by the defaults that stand there. A variable with neither stays in place, as do those that workers fill in; `$${NAME}` becomes
 * `${NAME}`. Values are texts and nothing more: what they make of an image, a path or a volume's name is checked by `refuseUnfit`.
 */
export function fillParameters(spec: JobSpec, values: Readonly<Record<string, string>>): JobSpec {
  const replace = (use: VariableUse): string | undefined => {
    if (filledOnWorker(use.name)) return undefined;
    if (use.isEscape) return unescaped(use);
    return valueOf(use, { set: values, environment: {} });
  };
  return mapSpec(spec, (text) => replaceVariables(text, replace));
}
