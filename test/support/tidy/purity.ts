/** What code may reach without being given it: nothing in pure rooms, and nowhere the terminal or the end of the process. */
import type { Node } from 'oxc-parser';
import { exiter, freeRoom, impureGlobals, impureMembers, printer, roomOf, rooms } from './rules.ts';
import { finding, isVariable, literalText, memberNames, type Finding, type Source, type Visit } from './source.ts';

/** Pure rooms never name a clock, chance, a timer or the process. A variable of such a name is refused too, so that nothing hides behind it. */
export function checkPurity(source: Source): readonly Finding[] {
  const room = roomOf(source.path);
  if (room === undefined || !rooms[room]?.pure) return [];
  return source.visits.flatMap((visit) => {
    const impure = impureUse(visit);
    return impure ? [finding(source, visit.node, `${room} is pure and may not use ${impure.what}: ${impure.instead}`)] : [];
  });
}

function impureUse(visit: Visit): { readonly what: string; readonly instead: string } | undefined {
  const { node } = visit;
  if (node.type === 'Identifier') {
    const instead = isVariable(visit) ? own(impureGlobals, node.name) : undefined;
    return instead === undefined ? undefined : { what: node.name, instead };
  }
  if (node.type === 'VariableDeclarator') return impurePick(node.id, node.init);
  const member = memberNames(node);
  const instead = member && own(own(impureMembers, member.object) ?? {}, member.property);
  if (member && instead) return { what: `${member.object}.${member.property}`, instead };
  const isDate = (node.type === 'NewExpression' || node.type === 'CallExpression') && isNamed(node.callee, 'Date');
  if (!isDate) return undefined;
  if (node.type === 'CallExpression') return { what: 'Date()', instead: 'take `now` as a parameter' };
  return node.arguments.length === 0 ? { what: 'new Date()', instead: 'take `now` as a parameter' } : undefined;
}

/** `const { now } = Date`, `const { random: r } = Math`. */
function impurePick(pattern: Node, from: Node | null): { readonly what: string; readonly instead: string } | undefined {
  if (pattern.type !== 'ObjectPattern' || from?.type !== 'Identifier' || !own(impureMembers, from.name)) return undefined;
  return { what: `a part of ${from.name}`, instead: `write ${from.name} where it is used` };
}

const readable = new Set(['isTTY', 'columns', 'rows', 'hasColors', 'getColorDepth']);
const streams = new Set(['stdout', 'stderr']);

/** Only one file prints. Handing `process.stdout` on counts as printing; asking it for its width does not. */
export function checkPrinting(source: Source): readonly Finding[] {
  if (roomOf(source.path) === freeRoom || source.path === printer) return [];
  return source.visits.filter(prints).map((visit) => finding(source, visit.node, `prints; only ${printer} may`));
}

function prints(visit: Visit): boolean {
  const { node, parent } = visit;
  if (node.type === 'Identifier' && node.name === 'console') return isVariable(visit);
  if (node.type === 'ImportDeclaration') {
    if (node.source.value === 'node:console') return true;
    const taken = node.specifiers.map((each) => (each.type === 'ImportSpecifier' && 'name' in each.imported ? each.imported.name : ''));
    return node.source.value === 'node:process' && taken.some((name) => streams.has(name));
  }
  if (node.type === 'VariableDeclarator') return isNamed(node.init, 'process') && node.id.type === 'ObjectPattern' && picksStream(node.id);
  if (node.type === 'CallExpression') return writesToDescriptor(node);
  const member = memberNames(node);
  if (member?.object !== 'process' || !streams.has(member.property)) return false;
  const outer = parent?.node;
  if (outer?.type !== 'MemberExpression' || visit.key !== 'object') return true;
  const asked = outer.computed ? literalText(outer.property) : outer.property.type === 'Identifier' ? outer.property.name : undefined;
  return asked === undefined || !readable.has(asked);
}

function picksStream(pattern: Node & { type: 'ObjectPattern' }): boolean {
  return pattern.properties.some((each) => each.type === 'Property' && each.key.type === 'Identifier' && streams.has(each.key.name));
}

/** `writeSync(1, …)` and its like. */
function writesToDescriptor(call: Node & { type: 'CallExpression' }): boolean {
  const { callee } = call;
  const name = callee.type === 'Identifier' ? callee.name : memberNames(callee)?.property;
  const first = call.arguments[0];
  const isDescriptor = first?.type === 'Literal' && (first.value === 1 || first.value === 2);
  return isDescriptor && name !== undefined && /^(?:write|writev|writeFile|appendFile)(?:Sync)?$/.test(name);
}

/** Libraries never end the process: they return or throw. */
export function checkExits(source: Source): readonly Finding[] {
  const room = roomOf(source.path);
  if (room === exiter || room === freeRoom) return [];
  return source.visits
    .filter(({ node }) => {
      const member = memberNames(node);
      return member?.object === 'process' && ['exit', 'abort', 'reallyExit'].includes(member.property);
    })
    .map(({ node }) => finding(source, node, `ends the process; only ${exiter} may`));
}

function isNamed(node: Node | null, name: string): boolean {
  return node?.type === 'Identifier' && node.name === name;
}

function own<T>(table: Readonly<Record<string, T>>, key: string): T | undefined {
  return Object.hasOwn(table, key) ? table[key] : undefined;
}
