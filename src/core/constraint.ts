/** Constraints: what a task may ask of the node it goes to, by the node's attributes. */
import type { NodeFacts } from './node.ts';
import { mountsSeparator } from './volumes.ts';

/** What is known of a node besides its room; constraints name these. */
export interface NodeAttributes {
  readonly name: string;
  readonly dc: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly os: string;
  readonly arch: string;
  readonly cpuModel?: string;
  /** Docker's version; unknown where something else runs the tasks. */
  readonly runtimeVersion?: string;
  /** Not for constraints: directories it allows to mount, and what it knows (`NodeFacts`). */
  readonly mounts?: readonly string[];
  readonly features?: readonly string[];
}

/** How an attribute is compared. */
export type ConstraintOperator = '==' | '!=' | 'in' | 'not in' | '<' | '<=' | '>' | '>=' | 'exists' | 'not exists';

/** One condition. */
export interface Constraint {
  /** As its user wrote it. */
  readonly text: string;
  /** `label.NAME`, or `name`, `datacenter`, `os`, `arch`, `cpu.model`, `docker.version`. */
  readonly attribute: string;
  readonly operator: ConstraintOperator;
  /** None for `exists`, one for comparisons, any number for `in`. */
  readonly values: readonly string[];
}

/** What constraints see of a node. */
export function attributesOf({ name, dc, labels, os, arch, cpuModel, runtime, mounts, features }: NodeFacts): NodeAttributes {
  return {
    name,
    dc,
    labels,
    os,
    arch,
    ...(cpuModel === undefined ? {} : { cpuModel }),
    ...(runtime.name === 'docker' ? { runtimeVersion: runtime.version } : {}),
    ...(mounts === undefined ? {} : { mounts }),
    ...(features === undefined ? {} : { features }),
  };
}

/** The value of a node's attribute; undefined when the node has none. */
export function attributeOf(node: NodeAttributes, attribute: string): string | undefined {
  if (attribute.startsWith('label.')) {
    const name = attribute.slice('label.'.length);
    return Object.hasOwn(node.labels, name) ? node.labels[name] : undefined;
  }
  switch (attribute) {
    case 'name':
      return node.name;
    case 'datacenter':
      return node.dc;
    case 'os':
      return node.os;
    case 'arch':
      return node.arch;
    case 'cpu.model':
      return node.cpuModel;
    case 'docker.version':
      return node.runtimeVersion;
    case 'mounts':
      return node.mounts?.join(mountsSeparator);
    case 'features':
      return node.features?.join(' ');
    default:
      return undefined;
  }
}

/**
 * Whether a value (undefined: the node has none) meets a constraint. Without a value only `!=`, `not in` and `not exists` hold. `==` and
 * `in` compare texts; `<` and `>` numbers or versions, and never hold for what is neither.
 */
export function meets(constraint: Constraint, value: string | undefined): boolean {
  const { operator, values } = constraint;
  if (operator === 'exists') return value !== undefined;
  if (operator === 'not exists') return value === undefined;
  if (operator === '!=' || operator === 'not in') return value === undefined || !values.includes(value);
  if (value === undefined) return false;
  if (operator === '==' || operator === 'in') return values.includes(value);
  return compares(operator, orderOf(value, values[0]!, constraint.attribute));
}

function compares(operator: '<' | '<=' | '>' | '>=', by: number): boolean {
  if (operator === '<') return by < 0;
  if (operator === '<=') return by <= 0;
  return operator === '>' ? by > 0 : by >= 0;
}

const numberForm = /^-?\d+(?:\.\d+)?$/;
const versionForm = /^v?(\d+(?:\.\d+)*)(?:[-+~](\S*))?$/;
const earlyForm = /^(?:alpha|beta|dev|pre|rc)/i;

/** Whether `<` and `>` can compare with a text: a number, or a version like `20.10.24`, `v2.1-rc.1`, `24.0.7-0ubuntu2`. */
export function isComparable(text: string): boolean {
  return numberForm.test(text) || versionForm.test(text);
}

/**
 * Whether no node can meet both, whatever it is like. What only three or more of them rule out together is not seen here.
 */
export function contradict(a: Constraint, b: Constraint): boolean {
  if (a.attribute !== b.attribute) return false;
  if (meets(a, undefined) && meets(b, undefined)) return false;
  if (a.operator === 'not exists' || b.operator === 'not exists') return true;
  const [one, other] = isListing(a) ? [a, b] : [b, a];
  if (isListing(one)) return !one.values.some(testOf(other));
  const lower = [a, b].find(({ operator }) => operator === '>' || operator === '>=');
  const upper = [a, b].find(({ operator }) => operator === '<' || operator === '<=');
  if (lower === undefined || upper === undefined) return false;
  const [from, to] = [lower.values[0]!, upper.values[0]!];
  // A number and a version have no order that holds for every value between them.
  if (a.attribute !== versionAttribute && numberForm.test(from) !== numberForm.test(to)) return false;
  const by = orderOf(from, to, a.attribute);
  return by > 0 || (by === 0 && (lower.operator === '>' || upper.operator === '<'));
}

/** Which values meet a constraint, for many of them: lists may be long, and jobs may have many. */
function testOf(constraint: Constraint): (value: string) => boolean {
  const { operator, values } = constraint;
  const listed = new Set(values);
  if (operator === '==' || operator === 'in') return (value) => listed.has(value);
  if (operator === '!=' || operator === 'not in') return (value) => !listed.has(value);
  return (value) => meets(constraint, value);
}

/** Whether it names the values that meet it. */
function isListing({ operator }: Constraint): boolean {
  return operator === '==' || operator === 'in';
}

/** Always a version, however few dots it has: 20.10 is newer than 20.9. */
const versionAttribute = 'docker.version';

/**
 * Order of two values: of numbers where both are such (0.8 is more than 0.75), else of versions, part by part (1.10.0 is more than 1.9.1).
 * NaN when they cannot be compared.
 */
function orderOf(a: string, b: string, attribute: string): number {
  if (attribute !== versionAttribute && numberForm.test(a) && numberForm.test(b)) return Number(a) - Number(b);
  const [left, right] = [versionForm.exec(a), versionForm.exec(b)];
  if (!left || !right) return Number.NaN;
  return orderOfParts(left[1]!.split('.'), right[1]!.split('.')) || orderOfSuffixes(left[2] ?? '', right[2] ?? '');
}

function orderOfParts(left: readonly string[], right: readonly string[]): number {
  for (let at = 0; at < Math.max(left.length, right.length); at++) {
    const by = Number(left[at] ?? 0) - Number(right[at] ?? 0);
    if (by !== 0) return by;
  }
  return 0;
}

/** A release candidate comes before its release; what else is built of one (`+dfsg1`, `-0ubuntu2`, `-ce`) is that release. */
function orderOfSuffixes(a: string, b: string): number {
  const [isEarlyA, isEarlyB] = [earlyForm.test(a), earlyForm.test(b)];
  if (isEarlyA !== isEarlyB) return isEarlyA ? -1 : 1;
  if (!isEarlyA || a === b) return 0;
  const [wordA, wordB] = [a, b].map((text) => text.replace(/[^a-z].*$/i, '').toLowerCase()) as [string, string];
  if (wordA !== wordB) return wordA < wordB ? -1 : 1;
  return orderOfParts(a.match(/\d+/g) ?? [], b.match(/\d+/g) ?? []);
}
