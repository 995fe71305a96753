/** A source file as the tidy checks see it: its text, its syntax tree, its comments. Parsed by oxc, so the checks are exact. */
import { parseSync, visitorKeys, type Comment, type Node } from 'oxc-parser';

/** A node of the tree, with the way to it. */
export interface Visit {
  readonly node: Node;
  /** The field of the parent that holds the node. */
  readonly key: string;
  readonly parent: Visit | undefined;
}

/** A parsed file. */
export interface Source {
  /** From the root of the project, with `/`. */
  readonly path: string;
  readonly text: string;
  /** Every node, parents before children. */
  readonly visits: readonly Visit[];
  readonly comments: readonly Comment[];
}

/** Something that breaks a rule. */
export interface Finding {
  readonly path: string;
  /** Counted from 1. */
  readonly line: number;
  readonly message: string;
}

/** A rule: a file in, what breaks the rule out. */
export type Check = (source: Source) => readonly Finding[];

/**
 * Parses a file.
 * @throws Error when the text is no TypeScript
 */
export function parseSource(path: string, text: string): Source {
  const { program, comments, errors } = parseSync(path, text, { preserveParens: false });
  if (errors.length > 0) throw new Error(`${path} cannot be parsed: ${errors.map((error) => error.message).join('; ')}`);
  const visits: Visit[] = [];
  collect({ node: program, key: 'program', parent: undefined }, visits);
  return { path, text, visits, comments };
}

function collect(visit: Visit, into: Visit[]): void {
  into.push(visit);
  const fields = visit.node as unknown as Record<string, unknown>;
  for (const key of visitorKeys[visit.node.type] ?? []) {
    for (const child of [fields[key]].flat()) {
      if (isNode(child)) collect({ node: child, key, parent: visit }, into);
    }
  }
}

function isNode(value: unknown): value is Node {
  return typeof value === 'object' && value !== null && 'type' in value && 'start' in value;
}

/** The line of an offset, counted from 1. */
export function lineAt(source: Source, offset: number): number {
  let line = 1;
  for (let at = source.text.indexOf('\n'); at !== -1 && at < offset; at = source.text.indexOf('\n', at + 1)) line += 1;
  return line;
}

/** A finding at a node or comment. */
export function finding(source: Source, at: { readonly start: number }, message: string): Finding {
  return { path: source.path, line: lineAt(source, at.start), message };
}

/** `path:line: message`, which editors and terminals turn into a link. */
export function findingText({ path, line, message }: Finding): string {
  return `${path}:${line}: ${message}`;
}

/** The text of a string literal or of a template without holes; undefined for everything else. */
export function literalText(node: Node | null | undefined): string | undefined {
  if (node?.type === 'Literal') return typeof node.value === 'string' ? node.value : undefined;
  if (node?.type === 'TemplateLiteral' && node.expressions.length === 0) return node.quasis[0]?.value.cooked ?? undefined;
  return undefined;
}

/** `a` and `b` of `a.b`, `a['b']` or `a?.b` with a plain name on the left; undefined for everything else. */
export function memberNames(node: Node): { readonly object: string; readonly property: string } | undefined {
  if (node.type !== 'MemberExpression' || node.object.type !== 'Identifier') return undefined;
  const property = node.computed ? literalText(node.property) : node.property.type === 'Identifier' ? node.property.name : undefined;
  return property === undefined ? undefined : { object: node.object.name, property };
}

const expressionWrappers = new Set([
  'TSAsExpression',
  'TSSatisfiesExpression',
  'TSNonNullExpression',
  'TSTypeAssertion',
  'TSInstantiationExpression',
]);

/**
 * Whether an identifier stands for a value: a variable that is read, written or declared.
 * Names of properties, labels, types and of what an import takes from elsewhere do not.
 */
export function isVariable({ node, key, parent }: Visit): boolean {
  if (node.type !== 'Identifier' || parent === undefined) return false;
  const holder = parent.node;
  if (holder.type.startsWith('TS')) return expressionWrappers.has(holder.type);
  if (holder.type === 'MetaProperty') return false;
  const isName = key === 'key' || (holder.type === 'MemberExpression' && key === 'property');
  if (isName) return 'computed' in holder && holder.computed === true;
  return !['label', 'imported', 'exported'].includes(key);
}
