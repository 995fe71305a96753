/** Where files lie: which ones there are, and whether they are in their place. */
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { freeRoom, rooms, testPlaces, topLevel } from './rules.ts';
import type { Finding } from './source.ts';

/** The root of the project: the nearest folder above that holds tsconfig.json (a compiled test lies under `dist/`). */
export function projectRoot(from: string): string {
  if (existsSync(join(from, 'tsconfig.json'))) return from;
  const above = dirname(from);
  if (above === from) throw new Error('no folder above this one holds a tsconfig.json');
  return projectRoot(above);
}

/** All files of the project, from its root: what git tracks or would track; without git, all but what is built or installed. */
export function projectFiles(root: string): readonly string[] {
  const files = existsSync(join(root, '.git')) ? trackedFiles(root) : walkedFiles(root);
  return files.filter((path) => existsSync(join(root, path))).sort();
}

function trackedFiles(root: string): readonly string[] {
  const options = { cwd: root, encoding: 'utf8', maxBuffer: 2 ** 26 } as const;
  const git = spawnSync('git', ['ls-files', '-coz', '--exclude-standard', '--deduplicate'], options);
  // No git here, or one that does not trust this folder's owner: the folders themselves tell as much.
  if (git.status !== 0) return walkedFiles(root);
  return git.stdout.split('\0').filter((path) => path !== '');
}

const unwatched = /^(?:\.git|node_modules|dist|coverage|.*\.log|.*\.tsbuildinfo)$/;

/** All files below a folder but those that .gitignore leaves out. */
function walkedFiles(root: string, folder = ''): readonly string[] {
  return readdirSync(join(root, folder), { withFileTypes: true }).flatMap((entry) => {
    const path = folder === '' ? entry.name : `${folder}/${entry.name}`;
    if (unwatched.test(entry.name)) return [];
    return entry.isDirectory() ? walkedFiles(root, path) : [path];
  });
}

/** Whether the checks read a file. */
export function isSource(path: string): boolean {
  return /\.[cm]?tsx?$/.test(path) && !path.startsWith('test/fixtures/');
}

/** Every file is in its place: nothing new at the top, no test that `npm test` would not find, no JavaScript that no check reads. */
export function checkLayout(paths: readonly string[]): readonly Finding[] {
  return paths.flatMap((path) => {
    const message = misplaced(path);
    return message ? [{ path, line: 1, message }] : [];
  });
}

function misplaced(path: string): string | undefined {
  const top = path.split('/')[0] as string;
  if (!topLevel.includes(top)) return `"${top}" may not lie at the top of the repository`;
  if (/\.test\.[cm]?[jt]sx?$/.test(path) && !testPlaces.test(path))
    return 'is a test that `npm test` does not find; move it to test/<room>/';
  const isInRoom = [...Object.keys(rooms), freeRoom].some((room) => path.startsWith(`${room}/`));
  const isScript = /\.[cm]?jsx?$/.test(path) && !path.startsWith('test/fixtures/');
  return isInRoom && isScript ? 'is JavaScript; write TypeScript, so that the checks read it' : undefined;
}
