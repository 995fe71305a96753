/** The house rules, checked on every file of the project. The rules themselves are data: test/support/tidy/rules.ts. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { limitsDefault } from '../src/core/limits.ts';
import { checks } from './support/tidy/checks.ts';
import { checkLayout, isSource, projectFiles, projectRoot } from './support/tidy/layout.ts';
import { findingText, parseSource, type Finding } from './support/tidy/source.ts';

const root = projectRoot(import.meta.dirname);
const paths = projectFiles(root);
const sources = paths.filter(isSource).map((path) => parseSource(path, readFileSync(join(root, path), 'utf8')));

function assertNone(findings: readonly Finding[]): void {
  if (findings.length > 0) assert.fail(`\n${findings.map(findingText).join('\n')}\n`);
}

test('the checks see the project', () => {
  for (const path of ['src/core/task.ts', 'src/ports/runtime.ts', 'test/tidy.test.ts']) {
    assert.ok(
      sources.some((source) => source.path === path),
      `${path} is not among the files checked`,
    );
  }
});

test('every limit is used by the program', () => {
  const inProgram = /^(?:src|actors|machines)\//;
  const texts = sources.filter(({ path }) => inProgram.test(path) && path !== 'src/core/limits.ts').map(({ text }) => text);
  const words = new Set(texts.flatMap((text) => text.match(/\w+/g) ?? []));
  assert.deepEqual(
    Object.keys(limitsDefault).filter((name) => !words.has(name)),
    [],
  );
});

test('every file is in its place', () => assertNone(checkLayout(paths)));

for (const [rule, check] of Object.entries(checks)) test(rule, () => assertNone(sources.flatMap(check)));
