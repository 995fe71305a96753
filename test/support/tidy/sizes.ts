/** How long files and functions may be. */
import type { Node } from 'oxc-parser';
import { freeRoom, roomOf, sizes } from './rules.ts';
import { finding, lineAt, type Finding, type Source } from './source.ts';

/**
 * A file's lines, and the lines of each function from its first to its last. A function of the tests that lists tests (a `describe`, a
 * part of a contract) is measured without them; each test is a function of its own.
 */
export function checkSizes(source: Source): readonly Finding[] {
  const lines = source.text.split('\n').length - (source.text.endsWith('\n') ? 1 : 0);
  const findings: Finding[] = [];
  if (lines > sizes.fileLinesMax) {
    findings.push({ path: source.path, line: lines, message: `has ${lines} lines; at most ${sizes.fileLinesMax}: split it` });
  }
  for (const { node } of source.visits) {
    if (!isFunction(node)) continue;
    const length = lengthOf(source, node) - listedLines(source, node);
    if (length <= sizes.functionLinesMax) continue;
    findings.push(finding(source, node, `has a function of ${length} lines; at most ${sizes.functionLinesMax}: split it`));
  }
  return findings;
}

type AnyFunction = Extract<Node, { type: 'FunctionDeclaration' | 'FunctionExpression' | 'ArrowFunctionExpression' }>;

function isFunction(node: Node): node is AnyFunction {
  return node.type === 'FunctionDeclaration' || node.type === 'FunctionExpression' || node.type === 'ArrowFunctionExpression';
}

function lengthOf(source: Source, node: Node): number {
  return lineAt(source, node.end) - lineAt(source, node.start) + 1;
}

const lists = new Set(['test', 'it', 'describe', 'suite']);

function listedLines(source: Source, { body }: AnyFunction): number {
  if (roomOf(source.path) !== freeRoom || body?.type !== 'BlockStatement') return 0;
  const listed = body.body.filter((statement) => {
    const call = statement.type === 'ExpressionStatement' ? statement.expression : undefined;
    return call?.type === 'CallExpression' && call.callee.type === 'Identifier' && lists.has(call.callee.name);
  });
  return listed.reduce((sum, statement) => sum + lengthOf(source, statement), 0);
}
