/** Whoever calls an exported thing learns from its docstring what it means. */
import type { Node } from 'oxc-parser';
import { freeRoom, roomOf } from './rules.ts';
import { finding, type Finding, type Source } from './source.ts';

/** Everything that a file outside the tests exports has a docstring; of overloads, the first. */
export function checkDocs(source: Source): readonly Finding[] {
  if (roomOf(source.path) === freeRoom) return [];
  const program = source.visits[0]?.node;
  if (program?.type !== 'Program') return [];
  const findings: Finding[] = [];
  const told = new Set<string>();
  for (const statement of program.body) {
    const name = exportedName(statement);
    if (name === undefined || told.has(name)) continue;
    told.add(name);
    if (!hasDocstring(source, statement)) findings.push(finding(source, statement, `exports ${name} without a docstring`));
  }
  return findings;
}

function exportedName(statement: Node): string | undefined {
  if (statement.type === 'ExportDefaultDeclaration') return statement.declaration.type === 'Identifier' ? undefined : 'default';
  if (statement.type !== 'ExportNamedDeclaration' || !statement.declaration) return undefined;
  const { declaration } = statement;
  if (declaration.type === 'VariableDeclaration') {
    return declaration.declarations.map(({ id }) => (id.type === 'Identifier' ? id.name : 'a pattern')).join(', ');
  }
  return 'id' in declaration && declaration.id?.type === 'Identifier' ? declaration.id.name : 'something';
}

/** A `/** … *\/` that nothing but space and plain comments stands between. */
function hasDocstring(source: Source, statement: Node): boolean {
  let start = statement.start;
  for (const comment of source.comments.filter(({ end }) => end <= statement.start).reverse()) {
    if (source.text.slice(comment.end, start).trim() !== '') return false;
    if (comment.type === 'Block' && comment.value.startsWith('*')) return /[A-Za-z]{2}/.test(comment.value);
    start = comment.start;
  }
  return false;
}
