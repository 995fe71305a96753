import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { checkLayout, isSource, projectFiles, projectRoot } from '../support/tidy/layout.ts';
import { findingText, parseSource } from '../support/tidy/source.ts';

function objections(path: string): readonly string[] {
  return checkLayout([path]).map(findingText);
}

function project(t: TestContext, files: readonly string[]): string {
  const root = mkdtempSync(join(tmpdir(), 'cube-tidy-'));
  t.after(() => rmSync(root, { recursive: true, force: true }));
  for (const file of files) {
    mkdirSync(dirname(join(root, file)), { recursive: true });
    writeFileSync(join(root, file), '');
  }
  return root;
}

test('only what is listed lies at the top of the repository', () => {
  assert.match(objections('scripts/run.ts')[0] as string, /"scripts" may not lie at the top/);
  assert.match(objections('notes.md')[0] as string, /"notes.md" may not lie/);
  for (const path of ['README.md', '.ci/run', 'src/core/a.ts', 'package.json']) assert.deepEqual(objections(path), []);
});

test('a test that the test command would not find is refused', () => {
  assert.match(objections('test/support/tidy/a.test.ts')[0] as string, /does not find/);
  assert.match(objections('src/core/a.test.ts')[0] as string, /does not find/);
  for (const path of ['test/a.test.ts', 'test/core/a.test.ts', 'test/support/tidy/a.ts']) assert.deepEqual(objections(path), []);
});

test('JavaScript hides from the checks, so it is refused but as a fixture', () => {
  assert.match(objections('src/pool/worker.mjs')[0] as string, /is JavaScript/);
  assert.deepEqual(objections('test/fixtures/old/a.js'), []);
  assert.ok(isSource('src/inspector/page/app.tsx'));
  assert.ok(!isSource('test/fixtures/broken.ts'));
  assert.ok(!isSource('src/inspector/page/style.css'));
});

test('with git the files are those it tracks or would track, without it all that are not built or installed', (t) => {
  const root = project(t, ['src/a.ts', 'node_modules/b/b.ts', 'dist/c.js', 'run.log']);
  assert.deepEqual(projectFiles(root), ['src/a.ts']);
  execFileSync('git', ['init', '--quiet'], { cwd: root });
  writeFileSync(join(root, '.gitignore'), 'node_modules/\n');
  assert.deepEqual(projectFiles(root), ['.gitignore', 'dist/c.js', 'run.log', 'src/a.ts']);
});

test('a file that git tracks but that is gone is not listed', (t) => {
  const root = project(t, ['src/a.ts', 'src/b.ts']);
  execFileSync('git', ['init', '--quiet'], { cwd: root });
  execFileSync('git', ['add', '.'], { cwd: root });
  rmSync(join(root, 'src/b.ts'));
  assert.deepEqual(projectFiles(root), ['src/a.ts']);
});

test('where git cannot answer, the folders do', (t) => {
  const root = project(t, ['src/a.ts', '.git']);
  assert.deepEqual(projectFiles(root), ['src/a.ts']);
});

test('the root is found from the sources and from what is built', (t) => {
  const root = project(t, ['tsconfig.json', 'dist/test/a.test.js']);
  assert.equal(projectRoot(join(root, 'dist', 'test')), root);
  assert.equal(projectRoot(root), root);
  assert.throws(() => projectRoot('/'), /tsconfig\.json/);
});

test('a file that is no TypeScript fails by name, and a finding names its line', () => {
  assert.throws(() => parseSource('src/core/a.ts', 'const = 1;'), /src\/core\/a\.ts cannot be parsed/);
  assert.equal(findingText({ path: 'a.ts', line: 3, message: 'is odd' }), 'a.ts:3: is odd');
});
