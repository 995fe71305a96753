/** What is wrong with a document: found by path, told with places of a file or with paths of plain data. */
import { problem, type CubeError, type Place, type Problem } from '../errors.ts';
import type { Limits } from '../limits.ts';
import { listed } from '../text.ts';

/** Keys and indexes from the top of a document to one of its values. */
export type Path = readonly (string | number)[];

/** A place in a document: the key there, or its value. */
export interface Spot {
  readonly spot: Path;
  readonly at: 'key' | 'value';
}

/** One thing wrong with a document. */
export interface Finding {
  /** What the message speaks of. */
  readonly subject: Path;
  /** Where to look: the key there, or its value. */
  readonly spot: Path;
  readonly at: 'key' | 'value';
  readonly message: string;
  /** Characters of a text before the one that is wrong. */
  readonly offset?: number;
  /** What it goes ill with. */
  readonly other?: Spot;
  /** Where there is more than one of these. */
  readonly others?: readonly Spot[];
}

/** Something wrong with a value. */
export function badValue(path: Path, message: string): Finding {
  return { subject: path, spot: path, at: 'value', message };
}

/** Something wrong with the key `key` of the map at `path`; the message names the key. */
export function badKey(path: Path, key: string, message: string): Finding {
  return { subject: path, spot: [...path, key], at: 'key', message };
}

/** A path as people write it: `tasks.web.ports[0]`. */
export function pathText(path: Path): string {
  let text = '';
  for (const part of path) {
    if (typeof part === 'number') text += `[${part}]`;
    else if (!/^[\w-]+$/.test(part)) text += `[${JSON.stringify(part)}]`;
    else text += text === '' ? part : `.${part}`;
  }
  return text;
}

const shownCharsMax = 60;

/** A value as a message shows it: short, and never the inside of a list or map. */
export function shown(value: unknown): string {
  if (value === null || value === undefined) return 'nothing';
  if (typeof value === 'string') return JSON.stringify(value.length > shownCharsMax ? `${value.slice(0, shownCharsMax)}...` : value);
  if (typeof value === 'number' || typeof value === 'boolean') return String(value);
  if (Array.isArray(value)) return 'a list';
  return typeof value === 'object' ? 'a map' : `a ${typeof value}`;
}

function told(all: readonly Problem[], lineOf: (one: Problem) => string, limits: Limits): CubeError {
  const problems = all.slice(0, limits.problemsMax);
  const lines = problems.map(lineOf);
  if (all.length > problems.length) lines.push(`and ${all.length - problems.length} more`);
  return problem('invalid-file', lines.join('\n'), { problems, ...(problems[0]?.at ? { at: problems[0].at } : {}) });
}

/** Places that a file's lines and columns tell, for data that has none. */
function dataPlaces({ offset, other, others = other ? [other] : [] }: Finding): string {
  if (others.length > 0) return `; see ${listed(others.map(({ spot }) => pathText(spot)))}`;
  return offset === undefined ? '' : `, at character ${offset + 1}`;
}

/** The error for plain data: each message starts with its path. */
export function invalidDocument(findings: readonly Finding[], limits: Limits): CubeError {
  const problems = findings.map((finding) => {
    const message = finding.message + dataPlaces(finding);
    return { message: finding.subject.length === 0 ? message : `${pathText(finding.subject)}: ${message}` };
  });
  return told(problems, (one) => one.message, limits);
}

/** The error for a file: problems in the order of their places, `file:line:column: message` a line. */
export function invalidFile(problems: readonly (Problem & { readonly at: Place })[], limits: Limits): CubeError {
  const ordered = problems.toSorted((a, b) => a.at.line - b.at.line || a.at.column - b.at.column);
  return told(ordered, ({ at, message }) => (at ? `${at.file}:${at.line}:${at.column}: ${message}` : message), limits);
}

/** A finding as a problem of a file. A value's names its key, which the place alone may not make clear; of two, each has its line. */
export function placedProblem(
  { subject, spot, at, message, offset, other, others = other ? [other] : [] }: Finding,
  place: (path: Path, at: 'key' | 'value', offset?: number) => Place,
): Problem & { readonly at: Place } {
  const lines = [...new Set(others.map((one) => place(one.spot, one.at).line))].toSorted((a, b) => a - b).map(String);
  const whole = lines.length === 0 ? message : `${message}; see line${lines.length > 1 ? 's' : ''} ${listed(lines)}`;
  const from = subject.findLastIndex((part) => typeof part === 'string');
  return {
    message: at === 'key' || from < 0 ? whole : `${pathText(subject.slice(from))}: ${whole}`,
    at: place(spot, at, offset),
  };
}
