/** Resources of a user's own: what they may be called, the same where a node offers one and where a task asks for it. */
import { nearest } from './text.ts';

const known = ['cpu', 'memory', 'disk'];
const synonyms: Readonly<Record<string, string>> = { cpus: 'cpu', mem: 'memory', ram: 'memory' };

/** One of Cube's own resources that a name is more likely a slip of: it would be asked of nodes, and none would have it. */
function meantResource(name: string): string | undefined {
  const lower = name.toLowerCase();
  if (known.includes(lower)) return lower;
  return Object.hasOwn(synonyms, lower) ? synonyms[lower] : nearest(name.slice(0, 64), ['memory', 'disk']);
}

/** What is wrong with the name of a resource of one's own, or undefined. @param shown the name as a message shows it */
export function customResourceProblem(name: string, shown: string): string | undefined {
  if (name === 'slots') return `"slots" is what Cube calls the number of tasks on a node; choose another name`;
  const meant = meantResource(name);
  if (meant) return `unknown resource ${shown}; did you mean "${meant}"?`;
  if (name !== '__proto__' && /^[A-Za-z0-9][A-Za-z0-9._/-]{0,62}$/.test(name)) return undefined;
  return `expected a resource name of 1 to 63 letters, digits, ".", "_", "/" and "-", got ${shown}`;
}
