/** Runs a schema over a document and turns what it says into findings; adds what a schema cannot say. */
import type { z } from 'zod';
import type { Limits } from '../limits.ts';
import { badKey, badValue, pathText, shown, type Finding, type Path } from './findings.ts';

/** Says what is wrong with an unknown key of the map at `path`. */
export type UnknownKey = (path: Path, key: string) => string;

/** Either the value, or all that is wrong. */
export type Examined<Value> = { readonly value: Value; readonly findings: readonly [] } | { readonly findings: readonly Finding[] };

type ZodIssue = z.core.$ZodIssue;

function valueAt(document: unknown, path: Path): unknown {
  let value = document;
  for (const part of path) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, part)) return undefined;
    value = (value as Record<string | number, unknown>)[part];
  }
  return value;
}

/** Whether an issue says that a value is of the right kind: it lies deeper than the value itself, or speaks of its keys. */
function isInside(issue: ZodIssue): boolean {
  return issue.path.length > 0 || issue.code === 'unrecognized_keys';
}

/** Of a union's branches the one that fits the value's kind. */
function fittingBranch(issue: ZodIssue): readonly ZodIssue[] | undefined {
  if (issue.code !== 'invalid_union') return undefined;
  return issue.errors.find((branch) => branch.length > 0 && branch.every(isInside));
}

/** How a document's issues become findings. */
interface Reading {
  readonly document: unknown;
  readonly unknownKey: UnknownKey;
  readonly limits: Limits;
}

/** Unknown keys of one map. Suggestions take time, and no more of them are shown than `problemsMax`. */
function unknownKeys(keys: readonly string[], path: Path, { unknownKey, limits }: Reading): Finding[] {
  const own = keys.filter((key) => key !== '__proto__');
  return own.map((key, index) => badKey(path, key, index < limits.problemsMax ? unknownKey(path, key) : `unknown key ${shown(key)}`));
}

function findingsOf(issue: ZodIssue, above: Path, reading: Reading): Finding[] {
  const path = [...above, ...(issue.path as (string | number)[])];
  const branch = fittingBranch(issue);
  if (branch) return branch.flatMap((inner) => findingsOf(inner, path, reading));
  if (issue.code === 'unrecognized_keys') return unknownKeys(issue.keys, path, reading);
  if (issue.code === 'invalid_key') return [badKey(path.slice(0, -1), String(path.at(-1)), issue.issues[0]?.message ?? issue.message)];
  if (path.length > 0 && valueAt(reading.document, path) === undefined) {
    const parent = path.slice(0, -1);
    const message = `"${path.at(-1)}" is missing: ${issue.message.replace(/, got nothing$/, '')}`;
    return [{ subject: parent, spot: parent, at: 'key', message }];
  }
  const offset: unknown = issue.code === 'custom' ? issue.params?.['offset'] : undefined;
  return [typeof offset === 'number' ? { ...badValue(path, issue.message), offset } : badValue(path, issue.message)];
}

/** Deeper than any schema reaches: what lies below is wrong in any case. */
const depthMax = 8;

/** The key that JavaScript gives a meaning of its own, wherever it stands: schemas pass over it in silence. */
function protoKeys(document: unknown): Finding[] {
  const findings: Finding[] = [];
  const seen = new Set<object>();
  const open: { value: unknown; path: Path }[] = [{ value: document, path: [] }];
  for (let next = open.pop(); next; next = open.pop()) {
    const { value, path } = next;
    if (typeof value !== 'object' || value === null || seen.has(value)) continue;
    seen.add(value);
    if (Object.hasOwn(value, '__proto__')) findings.push(badKey(path, '__proto__', 'the key "__proto__" is not allowed'));
    for (const [key, inner] of Object.entries(value)) {
      if (typeof inner === 'object' && path.length < depthMax)
        open.push({ value: inner, path: [...path, Array.isArray(value) ? Number(key) : key] });
    }
  }
  return findings;
}

/**
 * Checks a document against a schema.
 * @param more findings that look at several values at once, made from the document as it is
 */
export function examine<Schema extends z.ZodType>(schema: Schema, reading: Reading, more: readonly Finding[]): Examined<z.output<Schema>> {
  const { document } = reading;
  const result = schema.safeParse(document);
  const issues = result.success ? [] : result.error.issues.flatMap((issue) => findingsOf(issue, [], reading));
  const all = [...protoKeys(document), ...more, ...issues];
  // A key that should not be there makes its value meaningless.
  const wrongKeys = new Set(all.filter(({ subject, spot }) => subject !== spot).map(({ spot }) => pathText(spot)));
  const findings = all.filter(({ at, spot }) => at === 'key' || !wrongKeys.has(pathText(spot)));
  if (!result.success || findings.length > 0) return { findings };
  return { value: result.data, findings: [] };
}
