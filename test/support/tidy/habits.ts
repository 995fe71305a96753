/** Habits that hide errors: swallowing them, silencing the compiler, tests that do not run or test nothing. */
import type { CallExpression, Node } from 'oxc-parser';
import { finding, literalText, type Finding, type Source, type Visit } from './source.ts';

/** An error is handled, passed on or told; an empty `catch` does none of these. */
export function checkCatches(source: Source): readonly Finding[] {
  return source.visits
    .filter(swallows)
    .map(({ node }) => finding(source, node, 'swallows an error; handle it, or rethrow what is not expected'));
}

/** `() => undefined` passes: it says what a failure means there, or that somebody else waits for the promise. */
function swallows({ node }: Visit): boolean {
  if (node.type === 'CatchClause') return node.body.body.length === 0;
  if (node.type !== 'CallExpression') return false;
  const method = methodOf(node);
  const handler = node.arguments[method === 'then' ? 1 : 0];
  if ((method !== 'catch' && method !== 'then') || handler === undefined) return false;
  if (handler.type !== 'ArrowFunctionExpression' && handler.type !== 'FunctionExpression') return false;
  return handler.body?.type === 'BlockStatement' && handler.body.body.length === 0;
}

function methodOf(call: CallExpression): string | undefined {
  const { callee } = call;
  return callee.type === 'MemberExpression' && !callee.computed && callee.property.type === 'Identifier' ? callee.property.name : undefined;
}

/** The compiler is answered, not silenced. `@ts-expect-error` is fine when the same line says why. */
export function checkSilencing(source: Source): readonly Finding[] {
  const findings: Finding[] = [];
  for (const { node } of source.visits) {
    if (node.type === 'TSAnyKeyword') findings.push(finding(source, node, 'uses `any`; say what it is, or `unknown`'));
  }
  for (const comment of source.comments) {
    const directive = /@ts-(ignore|nocheck|expect-error)\b[:\s-]*(.*)/.exec(comment.value);
    if (directive && (directive[1] !== 'expect-error' || !directive[2]?.includes(' '))) {
      findings.push(finding(source, comment, `silences the compiler with @ts-${directive[1]}; solve it, or expect the error and say why`));
    }
    if (/\b(?:TODO|FIXME|XXX)\b/.test(comment.value))
      findings.push(finding(source, comment, 'leaves work undone; do it, or open an issue'));
  }
  return findings;
}

const testNames = new Set(['test', 'it', 'describe', 'suite', 't']);

/** Tests run and test something: no `.only`, no `.skip` or `.todo` without a reason, no empty body. */
export function checkTests(source: Source): readonly Finding[] {
  if (!source.path.startsWith('test/')) return [];
  return source.visits.flatMap(({ node }) => {
    const message = node.type === 'CallExpression' ? testObjection(node) : undefined;
    return message ? [finding(source, node, message)] : [];
  });
}

function testObjection(call: CallExpression): string | undefined {
  const { callee } = call;
  const name = callee.type === 'MemberExpression' ? callee.object : callee;
  if (name.type !== 'Identifier' || !testNames.has(name.name)) return undefined;
  const method = methodOf(call);
  if (method === 'only') return 'runs alone and hides all other tests; remove `.only`';
  // `t.skip('no engine')` gives its reason as text; `test.skip('name', run)` has no place for one.
  const isTold = name.name === 't' && (literalText(call.arguments[0]) ?? call.arguments[0]) !== undefined;
  if ((method === 'skip' || method === 'todo') && !isTold) return `does not run; use {${method}: 'the reason'}`;
  if (method !== undefined && method !== 'test') return undefined;
  for (const argument of call.arguments) {
    const message = optionObjection(argument);
    if (message) return message;
  }
  const body = call.arguments.at(-1);
  const isFunction = body?.type === 'ArrowFunctionExpression' || body?.type === 'FunctionExpression';
  return isFunction && body.body?.type === 'BlockStatement' && body.body.body.length === 0 ? 'is an empty test' : undefined;
}

function optionObjection(options: Node): string | undefined {
  if (options.type !== 'ObjectExpression') return undefined;
  for (const each of options.properties) {
    if (each.type !== 'Property' || each.key.type !== 'Identifier' || each.value.type !== 'Literal') continue;
    const { name } = each.key;
    if (name === 'only' && each.value.value === true) return 'runs alone and hides all other tests; remove `only`';
    if ((name === 'skip' || name === 'todo') && (each.value.value === true || each.value.value === ''))
      return `does not run; say why: {${name}: 'the reason'}`;
  }
  return undefined;
}
