/** YAML (and so JSON) text as plain data, with the place of each of its keys and values. */
import { isAlias, isMap, isNode, isPair, isScalar, isSeq, LineCounter, Parser, parseDocument, visit } from 'yaml';
import type { Alias, Document, Node, Pair, Scalar, YAMLMap } from 'yaml';
import type { Place, Problem } from '../errors.ts';
import type { Limits } from '../limits.ts';
import type { Variables } from '../variables.ts';
import { fillDocument, maskVariables, unmaskDocument, unmasked } from './fill.ts';
import { invalidFile, shown, type Path } from './findings.ts';
import { sourceOffset } from './source-offset.ts';

/** A file that was read. */
export interface Source {
  /** Undefined when there is nothing in it. */
  readonly document: unknown;
  /**
   * Where a key or value stands; where it is not there, the nearest thing around it.
   * @param skipped characters of a text before the one that is meant
   */
  place(path: Path, at: 'key' | 'value', skipped?: number): Place;
  /** Problems that leave the document readable: keys that stand twice, tags nobody knows. */
  readonly problems: readonly (Problem & { readonly at: Place })[];
}

/** Paths whose numbers and booleans are taken as the text that was written, so that `1.10` stays `1.10`; `*` is any key or index. */
export type AsWritten = readonly (readonly string[])[];

type Placed = Problem & { readonly at: Place };
type Ancestors = readonly (Document | Node | Pair)[];

/** How deep the text nests, by its tokens: composing recurses, and too deep a file would end the process. */
function depthOf(text: string): number {
  let deepest = 0;
  const open: { token: object; depth: number }[] = [...new Parser().parse(text)].map((token) => ({ token, depth: 0 }));
  for (let next = open.pop(); next; next = open.pop()) {
    const { token, depth } = next;
    deepest = Math.max(deepest, depth);
    const items = 'items' in token && Array.isArray(token.items) ? (token.items as object[]) : [token];
    for (const item of items) {
      for (const part of ['key', 'value'] as const) {
        const inner = (item as Record<string, unknown>)[part];
        if (typeof inner === 'object' && inner !== null) open.push({ token: inner, depth: depth + 1 });
      }
    }
  }
  return deepest;
}

/** A key as it is named in plain data. */
function keyText(key: unknown): string {
  const value = isScalar(key) ? key.value : key;
  return typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean' ? String(value) : '';
}

function isPathLike(path: readonly string[], pattern: readonly string[]): boolean {
  return path.length === pattern.length && pattern.every((part, index) => part === '*' || part === path[index]);
}

function keepAsWritten(scalar: Scalar, at: number | 'value', ancestors: Ancestors, { patterns, filled }: Keeping): void {
  // Nothing is told as nothing; what a variable made of it is an empty text.
  const isOther = typeof scalar.value === 'number' || typeof scalar.value === 'boolean' || (scalar.value === null && filled.has(scalar));
  if (!isOther || scalar.tag || scalar.source === undefined) return;
  const path = ancestors.filter(isPair).map((pair) => keyText(pair.key));
  if (typeof at === 'number') path.push(String(at));
  if (patterns.some((pattern) => isPathLike(path, pattern))) scalar.value = scalar.source;
}

/** What stays as it was written, and what was not written but filled in. */
interface Keeping {
  readonly patterns: AsWritten;
  readonly filled: ReadonlySet<Scalar>;
}

/** What to do with a problem; a document with a broken one makes no sense as plain data. */
interface Finder {
  found(offset: number, message: string): void;
  broken(offset: number, message: string): void;
}

/** Walks the nodes: keeps texts as written, and finds what plain data could not show any more. */
function walk(document: Document, keeping: Keeping, { found, broken }: Finder): void {
  const anchors = new Set<string>();
  const note = (node: Node): void => {
    if (!isAlias(node) && node.anchor) anchors.add(node.anchor);
  };
  visit(document, {
    Alias(_key, alias: Alias, ancestors) {
      const inside = ancestors.some((node) => isNode(node) && !isAlias(node) && node.anchor === alias.source);
      const offset = alias.range?.[0] ?? 0;
      if (inside) broken(offset, `the alias "*${alias.source}" stands inside of what it names`);
      else if (!anchors.has(alias.source)) broken(offset, `the alias "*${alias.source}" names nothing that stands before it`);
    },
    Map(_key, map: YAMLMap) {
      note(map);
      const seen = new Set<string>();
      for (const { key } of map.items) {
        const offset = (isNode(key) ? key.range?.[0] : undefined) ?? map.range?.[0] ?? 0;
        if (isNode(key) && !isScalar(key)) {
          broken(offset, 'expected text as a key, not a list, map or alias');
          continue;
        }
        const name = keyText(key);
        if (seen.has(name)) found(offset, `the key ${shown(name)} stands there twice`);
        seen.add(name);
      }
    },
    Seq(_key, list) {
      note(list);
    },
    Scalar(key, scalar: Scalar, ancestors) {
      note(scalar);
      if (key === 'value' || typeof key === 'number') keepAsWritten(scalar, key, ancestors, keeping);
    },
  });
}

/** Pairs of maps by key, and what aliases name, found when they are first asked for: a file may have many problems. */
interface Index {
  readonly document: Document;
  readonly pairs: WeakMap<YAMLMap, ReadonlyMap<string, Pair>>;
  readonly targets: WeakMap<Alias, unknown>;
  readonly filled: ReadonlySet<Scalar>;
}

function pairOf(map: YAMLMap, key: string, { pairs }: Index): Pair | undefined {
  const own = pairs.get(map) ?? new Map(map.items.map((pair) => [keyText(pair.key), pair]));
  pairs.set(map, own);
  return own.get(key);
}

function targetOf(alias: Alias, { document, targets }: Index): unknown {
  const target = targets.get(alias) ?? alias.resolve(document);
  targets.set(alias, target);
  return target;
}

/** The node at a path with its key, following aliases; stops at the last one that is there. */
function find(path: Path, index: Index): { node: unknown; key: unknown } {
  let node: unknown = index.document.contents;
  let key: unknown;
  for (const part of path) {
    const inner: unknown = isAlias(node) ? targetOf(node, index) : node;
    if (isMap(inner)) {
      const pair = pairOf(inner, String(part), index);
      if (!pair) break;
      [node, key] = [pair.value, pair.key];
    } else if (isSeq(inner) && typeof part === 'number' && part < inner.items.length) {
      node = inner.items[part];
      key = node;
    } else break;
  }
  return { node, key };
}

function startOf(node: unknown): number | undefined {
  return isNode(node) ? node.range?.[0] : undefined;
}

function offsetOf(path: Path, at: 'key' | 'value', skipped: number | undefined, index: Index, text: string): number {
  const { node, key } = find(path, index);
  // A value that was left out has no place of its own: its key has.
  const empty = node === null || (isScalar(node) && node.value === null && node.source === '');
  if (key !== undefined && (at === 'key' || empty)) return startOf(key) ?? 0;
  // Of a text that a variable is in only the start is known.
  const inside = isScalar(node) && skipped !== undefined && !index.filled.has(node) ? charactersIn(node, text, skipped) : 0;
  return (startOf(node) ?? startOf(index.document.contents) ?? 0) + inside;
}

/** How far into a text's source one of its characters stands. */
function charactersIn(node: Scalar, text: string, skipped: number): number {
  return typeof node.value === 'string' && node.range ? variableOffset(text.slice(node.range[0], node.range[1]), node.value, skipped) : 0;
}

const messages: Readonly<Record<string, string>> = {
  MULTIPLE_DOCS: 'expected one document in the file, and another one starts here',
};

/** How a text is read. */
export interface Reading {
  readonly asWritten?: AsWritten;
  /** Whether `${NAME}` may stand in its values wherever text may. */
  readonly mayHoldVariables?: boolean;
  /** What is filled in for these; nothing unless told. */
  readonly variables?: Variables | undefined;
}

const parsing = {
  schema: 'core',
  prettyErrors: false,
  // The library compares each key with all others; `walk` finds doubles in one pass.
  uniqueKeys: false,
  logLevel: 'error',
} as const;
const noScalars: ReadonlySet<Scalar> = new Set();

/**
 * Reads YAML 1.2 text (core schema), of which JSON is a part.
 * @throws CubeError `invalid-file` with every syntax error and its place; `usage` for a variable that is told and not used
 */
export function readSource(text: string, file: string, limits: Limits, reading: Reading = {}): Source {
  const lines = new LineCounter();
  const placeAt = (offset: number): Place => {
    const { line, col } = lines.linePos(offset);
    return { file, line: Math.max(line, 1), column: Math.max(col, 1) };
  };
  const toRead = reading.mayHoldVariables ? maskVariables(text) : text;
  if (depthOf(toRead) > limits.yamlDepthMax) {
    throw invalidFile([{ message: `expected at most ${limits.yamlDepthMax} levels of nesting`, at: placeAt(0) }], limits);
  }
  const masked = parseDocument(toRead, { ...parsing, lineCounter: lines });
  // A default that lacks its brace would take the next one there is, be it YAML's own.
  const isMistaken = toRead !== text && masked.errors.length > 0 && depthOf(text) <= limits.yamlDepthMax;
  const plain = isMistaken ? parseDocument(text, parsing) : masked;
  const document = plain.errors.length > 0 ? masked : plain;
  const problems: Placed[] = [];
  const found = (offset: number, message: string): void => void problems.push({ message: unmasked(message), at: placeAt(offset) });
  for (const error of document.errors) found(error.pos[0], messages[error.code] ?? error.message);
  if (problems.length > 0) throw invalidFile(problems, limits);
  for (const warning of document.warnings) found(warning.pos[0], warning.message);
  if (toRead !== text && document === masked) unmaskDocument(document);
  const { asWritten: patterns = [], variables } = reading;
  const filled = variables === undefined ? noScalars : fill(document, variables, text, found);
  let isBroken = false;
  const broken = (offset: number, message: string): void => {
    isBroken = true;
    found(offset, message);
  };
  walk(document, { patterns, filled }, { found, broken });
  if (isBroken) throw invalidFile(problems, limits);
  const index: Index = { document, pairs: new WeakMap(), targets: new WeakMap(), filled };
  return {
    document: plainData(document, limits, found, problems),
    place: (path, at, skipped) => placeAt(offsetOf(path, at, skipped, index, text)),
    problems,
  };
}

/** How far into a text's source one of its characters stands. Where that begins a variable, the source holds it as it is, in blocks, too. */
function variableOffset(source: string, written: string, skipped: number): number {
  const [token = ''] = /^\$\{\w*/.exec(written.slice(skipped)) ?? [];
  let offset = token === '' ? -1 : source.indexOf(token);
  for (let at = written.indexOf(token); offset >= 0 && at < skipped; at = written.indexOf(token, at + 1)) {
    offset = source.indexOf(token, offset + 1);
  }
  return offset < 0 ? sourceOffset(source, written, skipped) : offset;
}

/** Fills in variables. @returns the values that are not what stands in the file any more */
function fill(document: Document, variables: Variables, text: string, found: Finder['found']): ReadonlySet<Scalar> {
  const { scalars, problems } = fillDocument(document, variables);
  for (const { scalar, written, skipped, message } of problems) {
    const [start, end] = scalar.range ?? [0, 0];
    found(start + variableOffset(text.slice(start, end), written, skipped), message);
  }
  return scalars;
}

/** The document as plain data. @throws CubeError `invalid-file` when its aliases would make a bomb of it */
function plainData(document: Document, limits: Limits, found: Finder['found'], problems: readonly Placed[]): unknown {
  try {
    return document.toJS({ maxAliasCount: limits.yamlAliasesMax });
  } catch (error) {
    found(0, error instanceof Error ? error.message : String(error));
    throw invalidFile(problems, limits);
  }
}
