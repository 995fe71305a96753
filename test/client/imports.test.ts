import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';

/** What a file loads when it is loaded: its static imports, those of types left out. */
function importsOf(file: URL): string[] {
  const text = readFileSync(file, 'utf8');
  return [...text.matchAll(/^(?:import|export) (?!type )(?:[^'"]*? from )?['"]([^'"]+)['"]/gm)].map((match) => match[1]!);
}

/** All that is loaded with a file: addresses of files, names of packages. */
function loadedWith(file: URL, seen = new Set<string>()): Set<string> {
  for (const name of importsOf(file)) {
    const next = name.startsWith('.') ? new URL(name, file) : undefined;
    const key = next?.href ?? name;
    if (seen.has(key)) continue;
    seen.add(key);
    if (next) loadedWith(next, seen);
  }
  return seen;
}

const extension = import.meta.url.endsWith('.ts') ? 'ts' : 'js';

for (const name of ['index', 'node-request', 'fetch-request']) {
  test(`src/client/${name} loads next to nothing, because the CLI must start fast`, () => {
    const loaded = [...loadedWith(new URL(`../../src/client/${name}.${extension}`, import.meta.url))];
    const packages = loaded.filter((one) => !one.startsWith('file:'));
    for (const one of packages) assert.ok(['parse-duration', 'node:http'].includes(one), one);
    assert.equal(packages.includes('node:http'), name === 'node-request', 'the page knows no node: modules');
    assert.ok(loaded.length > 1 && loaded.length < 15, String(loaded.length));
  });
}
