import assert from 'node:assert/strict';
import { test } from 'node:test';
import { checkImports as check } from '../support/tidy/imports.ts';
import { roomOf, rooms } from '../support/tidy/rules.ts';
import { accepts, refuses } from '../support/tidy/snippets.ts';

test('a path belongs to the longest row that fits it', () => {
  assert.equal(roomOf('src/inspector/feed.ts'), 'src/inspector');
  assert.equal(roomOf('src/inspector/page/app.tsx'), 'src/inspector/page');
  assert.equal(roomOf('src/inspector/page/vite.config.ts'), 'src/inspector/page/vite.config.ts');
  assert.equal(roomOf('machines/task.ts'), 'machines');
  assert.equal(roomOf('src/corelike/a.ts'), undefined);
});

test('every room that a row names has a row itself', () => {
  for (const [name, room] of Object.entries(rooms)) {
    for (const imported of Object.keys(room.imports)) assert.ok(imported in rooms, `${name} names ${imported}`);
  }
});

test('the drivers know nothing of each other, and nothing but the command line knows the composition roots', () => {
  const drivers = ['src/runtime', 'src/store', 'src/transport'];
  for (const [name, room] of Object.entries(rooms)) {
    if (drivers.includes(name)) for (const other of drivers) assert.equal(room.imports[other], undefined, `${name} -> ${other}`);
    if (name !== 'src/cli') assert.equal(room.imports['src/boot'], undefined, `${name} -> src/boot`);
    assert.equal(room.imports['src/cli'], undefined, `${name} -> src/cli`);
  }
});

test('a file outside all rooms is refused', () => {
  refuses(check, 'src/loose.ts', 'export {};', /in no room/);
  refuses(check, 'tools/x.ts', 'export {};', /in no room/);
});

test('a room imports from itself, at any depth', () => {
  accepts(check, 'src/api/seeds/task.ts', `import { a } from '../routes.ts'; export * from './b.ts';`);
});

test('every form of import is seen', () => {
  const forms = [
    `import { a } from '../store/level.ts';`,
    `import '../store/level.ts';`,
    `import type { A } from '../store/level.ts';`,
    `import { type A } from '../store/level.ts';`,
    `export { a } from '../store/level.ts';`,
    `export type { A } from '../store/level.ts';`,
    `export * from '../store/level.ts';`,
    `export * as store from '../store/level.ts';`,
    `export const load = () => import('../store/level.ts');`,
    'export const load = () => import(`../store/level.ts`);',
    `export type A = import('../store/level.ts').A;`,
    `export type A = typeof import('../store/level.ts');`,
    `import level = require('../store/level.ts');`,
    `const level = require('../store/level.ts');`,
  ];
  for (const form of forms) refuses(check, 'src/runtime/docker.ts', form, /src\/runtime may not import from src\/store/);
});

test('what looks like an import but is text or a comment is none', () => {
  accepts(check, 'src/runtime/a.ts', `// import { a } from '../store/level.ts'\nexport const text = "import '../store/level.ts'";`);
});

test('an import that is computed is refused outside the tests', () => {
  refuses(check, 'src/ambient/a.ts', 'export const load = (name: string) => import(name);', /computed/);
  refuses(check, 'src/ambient/a.ts', 'export const load = (name: string) => import(`./${name}.ts`);', /computed/);
  accepts(check, 'test/machines/all.test.ts', 'export const load = (name: string) => import(name);');
});

test('a way out of all rooms is refused', () => {
  refuses(
    check,
    'src/cli/version.ts',
    `import pkg from '../../package.json' with { type: 'json' };`,
    /package\.json, which lies in no room/,
  );
  refuses(check, 'src/core/a.ts', `import { a } from '../../test/support/a.ts';`, /may not import from test/);
});

test('a room that may take only types takes them by `import type`', () => {
  accepts(check, 'src/ports/store.ts', `import type { A } from '../core/a.ts'; export type { B } from '../core/b.ts';`);
  accepts(check, 'src/ports/store.ts', `export type A = import('../core/a.ts').A;`);
  refuses(check, 'src/ports/store.ts', `import { a } from '../core/a.ts';`, /only types/);
  // With verbatimModuleSyntax this one loads the module when the program runs.
  refuses(check, 'src/ports/store.ts', `import { type A } from '../core/a.ts';`, /only types/);
  refuses(check, 'src/ports/store.ts', `export * from '../core/a.ts';`, /only types/);
});

test('the command line reaches the composition roots only by import() in the commands that start a node', () => {
  accepts(check, 'src/cli/commands/up.ts', `export const run = async () => (await import('../../boot/node.ts')).run();`);
  refuses(check, 'src/cli/commands/up.ts', `import { run } from '../../boot/node.ts';`, /only by import\(\)/);
  refuses(check, 'src/cli/commands/up.ts', `import type { Run } from '../../boot/node.ts';`, /only by import\(\)/);
  refuses(
    check,
    'src/cli/commands/status.ts',
    `export const run = async () => (await import('../../boot/node.ts')).run();`,
    /only by import\(\)/,
  );
});

test('packages are counted by name, with their scope and without what follows', () => {
  accepts(
    check,
    'src/api/routes.ts',
    `import { Hono } from 'hono'; import { x } from 'hono/body-limit'; import { s } from '@hono/node-server/x';`,
  );
  refuses(check, 'src/api/routes.ts', `import { x } from '@hono/other';`, /package "@hono\/other"/);
  refuses(check, 'src/api/routes.ts', `import type { WebSocket } from 'ws';`, /package "ws"/);
  refuses(check, 'src/scheduling/a.ts', `import { z } from 'zod';`, /its packages: none/);
});

test('node: modules are refused where the table says so, and never go by their old names', () => {
  for (const path of ['src/core/a.ts', 'src/scheduling/a.ts', 'machines/a.ts', 'src/ports/a.ts', 'src/inspector/page/a.tsx']) {
    refuses(check, path, `import { createHash } from 'node:crypto';`, /node: module/);
  }
  accepts(check, 'src/store/level.ts', `import { createHash } from 'node:crypto'; import { open } from 'node:fs/promises';`);
  refuses(check, 'src/store/level.ts', `import { open } from 'fs/promises';`, /write "node:fs\/promises"/);
});

test('tests may import everything', () => {
  accepts(check, 'test/runtime/docker.test.ts', `import '../../src/store/level.ts'; import fc from 'fast-check'; import 'node:fs';`);
});
