/** Who imports whom: the import table of `rules.ts`. */
import { isBuiltin } from 'node:module';
import { posix } from 'node:path';
import type { Node } from 'oxc-parser';
import { freeRoom, roomOf, rooms, type Room, type Way } from './rules.ts';
import { finding, literalText, type Finding, type Source, type Visit } from './source.ts';

interface Import {
  readonly node: Node;
  /** undefined: computed, so that nobody can tell what is imported. */
  readonly specifier: string | undefined;
  readonly how: 'value' | 'type' | 'dynamic';
}

/** Every import must be one that the importing room's row allows: `import`, `export … from`, `import()`, types and `require` alike. */
export function checkImports(source: Source): readonly Finding[] {
  const room = roomOf(source.path);
  if (room === undefined) return [{ path: source.path, line: 1, message: 'lies in no room of the import table' }];
  if (room === freeRoom) return [];
  return source.visits.flatMap((visit) => {
    const found = importOf(visit);
    const message = found && objection(source.path, room, found);
    return found && message ? [finding(source, found.node, message)] : [];
  });
}

function importOf({ node }: Visit): Import | undefined {
  switch (node.type) {
    case 'ImportDeclaration':
      // `import { type A }` stays an import of the module at run time (verbatimModuleSyntax), so it is no type import.
      return { node, specifier: node.source.value, how: node.importKind === 'type' ? 'type' : 'value' };
    case 'ExportNamedDeclaration':
      return node.source ? { node, specifier: node.source.value, how: node.exportKind === 'type' ? 'type' : 'value' } : undefined;
    case 'ExportAllDeclaration':
      return { node, specifier: node.source.value, how: node.exportKind === 'type' ? 'type' : 'value' };
    case 'TSImportType':
      return { node, specifier: node.source.value, how: 'type' };
    case 'ImportExpression':
      return { node, specifier: literalText(node.source), how: 'dynamic' };
    case 'TSExternalModuleReference':
      return { node, specifier: node.expression.value, how: 'value' };
    case 'CallExpression':
      if (node.callee.type !== 'Identifier' || node.callee.name !== 'require') return undefined;
      return { node, specifier: literalText(node.arguments[0]), how: 'value' };
    default:
      return undefined;
  }
}

function objection(path: string, name: string, found: Import): string | undefined {
  const { specifier } = found;
  if (specifier === undefined) return 'imports what is computed; name the module, so that the import table can be checked';
  const room = rooms[name] as Room;
  if (specifier.startsWith('.')) return relativeObjection(path, name, room, found, posix.join(posix.dirname(path), specifier));
  if (isBuiltin(specifier)) {
    if (!specifier.startsWith('node:')) return `imports "${specifier}"; write "node:${specifier}"`;
    return room.node ? undefined : `${name} may not import "${specifier}" or any other node: module`;
  }
  const npm = specifier.split('/', specifier.startsWith('@') ? 2 : 1).join('/');
  if (room.npm.includes(npm)) return undefined;
  return `${name} may not import the package "${npm}"; its packages: ${room.npm.join(', ') || 'none'}`;
}

function relativeObjection(path: string, name: string, room: Room, found: Import, target: string): string | undefined {
  const targetRoom = roomOf(target);
  if (targetRoom === name) return undefined;
  if (targetRoom === undefined) return `imports ${target}, which lies in no room`;
  const way: Way | undefined = room.imports[targetRoom];
  const allowed = `its rooms: ${Object.keys(room.imports).join(', ') || 'none'}`;
  if (way === undefined) return `${name} may not import from ${targetRoom}; ${allowed}`;
  if (way === 'all') return undefined;
  if (way === 'types') return found.how === 'type' ? undefined : `${name} may import only types from ${targetRoom}; write \`import type\``;
  if (found.how === 'dynamic' && way.dynamicIn.includes(path)) return undefined;
  return `${name} may import ${targetRoom} only by import() in ${way.dynamicIn.join(', ')}`;
}
