/** Fills in the variables of a job file's values, before they are checked. */
import { isMap, isScalar, parseDocument, visit } from 'yaml';
import type { Document, Scalar } from 'yaml';
import { problem } from '../errors.ts';
import { filledOnWorker, refuseUnused, replaceVariables, unescaped, unreadablePattern, valueOf, variablePattern } from '../variables.ts';
import type { VariableUse, Variables } from '../variables.ts';

/** What stands in for characters that mean something to YAML, of the private use area, so that no file has them by itself. */
const masks: Readonly<Record<string, string>> = {
  '{': '\uF8E0',
  '}': '\uF8E1',
  '[': '\uF8E2',
  ']': '\uF8E3',
  ',': '\uF8E4',
  ':': '\uF8E5',
  '#': '\uF8E6',
};
const masked = /[\uF8E0-\uF8E6]/g;
const meanings = new Map(Object.entries(masks).map(([char, mask]) => [mask, char]));

/**
 * The text with its variables such that YAML reads each as plain characters: `{A: ${B}}` would be a map in a map. Lengths stay, so that
 * places do. A text that has these characters by itself is left as it is.
 */
export function maskVariables(text: string): string {
  if (!text.includes('${') || text.search(masked) >= 0) return text;
  return text.replaceAll(variablePattern, (whole) => whole.replaceAll(/[{}[\],:#]/g, (char) => masks[char] ?? char));
}

/** The text as it was before `maskVariables`. */
export function unmasked(text: string): string {
  return text.replaceAll(masked, (char) => meanings.get(char) ?? char);
}

/** Gives keys and values of a document of masked text their own characters back. */
export function unmaskDocument(document: Document): void {
  visit(document, {
    Scalar(_key, scalar) {
      if (typeof scalar.value === 'string') scalar.value = unmasked(scalar.value);
      if (scalar.source !== undefined) scalar.source = unmasked(scalar.source);
    },
  });
}

/** What is wrong with a variable. */
interface VariableProblem {
  readonly scalar: Scalar;
  /** The text it stands in, and characters of it before it. */
  readonly written: string;
  readonly skipped: number;
  readonly message: string;
}

/** What filling in found. */
export interface Filled {
  /** Values that are not any more what stands in the file. */
  readonly scalars: ReadonlySet<Scalar>;
  readonly problems: readonly VariableProblem[];
}

/** Type and parameters of the job, as far as they can be told from a document whose values are not checked yet. */
function jobOf(document: Document, variables: Variables): { isParameterized: boolean; parameters: ReadonlySet<string> } {
  const top = document.contents;
  const value = (key: string): unknown => (isMap(top) ? top.get(key, true) : undefined);
  const type = value('type');
  const written = isScalar(type) && typeof type.value === 'string' ? type.value : '';
  const parameters = value('parameters');
  const names = isMap(parameters) ? parameters.items.map(({ key }) => (isScalar(key) ? String(key.value) : '')) : [];
  return {
    isParameterized: replaceVariables(written, (use) => valueOf(use, variables)) === 'parameterized',
    parameters: new Set(names),
  };
}

/** A plain value read again: `3` is a number where `"3"` is text. What is more than one value, like `a: b`, stays text. */
function readAgain(scalar: Scalar, text: string): unknown {
  if (scalar.type !== 'PLAIN' || (scalar.tag !== undefined && scalar.tag !== '')) return text;
  // No value of the core schema but text has other characters; others may be a list, a tag, a comment.
  if (!/^[\w.+~-]*$/.test(text)) return text;
  const { contents } = parseDocument(text, { schema: 'core', logLevel: 'silent' });
  if (contents === null) return null;
  return isScalar(contents) && contents.type === 'PLAIN' && contents.source === text ? contents.value : text;
}

/** Whether a variable of a parameterized job has its value before a dispatch; an empty one of the environment is none where there is a default. */
function isSettled({ name, fallback }: VariableUse, { set, environment }: Variables): boolean {
  if (Object.hasOwn(set, name)) return true;
  const found = Object.hasOwn(environment, name) ? environment[name] : undefined;
  return found !== undefined && (found !== '' || fallback === undefined);
}

/**
 * Fills in `${NAME}` in the values of a document, not in its keys.
 * Of a parameterized job's variables only those are filled in that have a value and are no parameters of it: the others wait for a dispatch.
 * @throws CubeError `usage` for a value told for a name that the file does not use
 */
export function fillDocument(document: Document, variables: Variables): Filled {
  const { isParameterized, parameters } = jobOf(document, variables);
  const used = new Set<string>();
  const missing = new Set<string>();
  const scalars = new Set<Scalar>();
  const problems: VariableProblem[] = [];
  const fill = (scalar: Scalar, written: string, use: VariableUse): string | undefined => {
    const { name, isEscape } = use;
    if (filledOnWorker(name)) return undefined;
    // An escape in a parameterized job stands for its text when that is dispatched.
    if (isEscape) return isParameterized ? undefined : unescaped(use);
    if (isParameterized && parameters.has(name)) return undefined;
    used.add(name);
    if (isParameterized && !isSettled(use, variables)) return undefined;
    if (isParameterized) return valueOf(use, variables);
    const value = valueOf(use, variables);
    if (value === undefined && !missing.has(name)) {
      const advice = `give --set ${name}=..., set it in the environment, or write a default \${${name}:-...}`;
      problems.push({
        scalar,
        written,
        skipped: use.start,
        message: `\${${name}} has no value: ${advice}; $\${${name}} leaves it for the task's shell`,
      });
      missing.add(name);
    }
    return value;
  };
  visit(document, {
    Scalar(key, scalar) {
      if (key === 'key' || typeof scalar.value !== 'string' || !scalar.value.includes('${')) return;
      const written = scalar.value;
      for (const { 1: name = '', index } of isParameterized ? [] : written.matchAll(unreadablePattern)) {
        if (filledOnWorker(name)) continue;
        const message = `the default of \${${name}} cannot hold a brace; $\${${name}} leaves it for the task's shell`;
        problems.push({ scalar, written, skipped: index, message });
      }
      const text = replaceVariables(written, (use) => fill(scalar, written, use));
      if (text === written) return;
      scalar.value = readAgain(scalar, text);
      scalar.source = text;
      scalars.add(scalar);
    },
  });
  const parameter = Object.keys(variables.set).find((name) => isParameterized && parameters.has(name));
  if (parameter !== undefined) {
    throw problem('usage', `${parameter} is a parameter of the job, which each of its runs is given`, {
      hint: `\`cube dispatch JOB --set ${parameter}=...\` starts a run`,
    });
  }
  refuseUnused(variables.set, used);
  return { scalars, problems };
}
