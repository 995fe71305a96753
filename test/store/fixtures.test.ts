import assert from 'node:assert/strict';
import { cp, readFile, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { limitsDefault } from '../../src/core/limits.ts';
import type { Kind } from '../../src/ports/store.ts';
import { openLevelStore } from '../../src/store/level.ts';
import { freshDirectory, keptLog, projectRoot, puts } from './help.ts';

interface Expected {
  readonly revision: number;
  readonly records: Readonly<Partial<Record<Kind, Readonly<Record<string, unknown>>>>>;
}

const fixtures = join(projectRoot(), 'test', 'fixtures');
const releases = (await readdir(fixtures)).filter((name) => /^data-[\d.]+$/.test(name));

test('there is a data directory of each released format', () => {
  assert.ok(releases.includes('data-0.1.0'), releases.join());
});

for (const release of releases) {
  for (const role of ['manager', 'worker'] as const) {
    test(`${release}/${role} opens, holds exactly what it held, and takes commits`, async (t) => {
      const directory = join(await freshDirectory(t), role);
      await cp(join(fixtures, release, role), directory, { recursive: true });
      const expected = (JSON.parse(await readFile(join(fixtures, `${release}.json`), 'utf8')) as Record<typeof role, Expected>)[role];
      const log = keptLog();
      const store = openLevelStore({ directory, limits: limitsDefault, log });
      t.after(() => store.close());
      const loaded = await store.load();
      assert.deepEqual(loaded.damage, []);
      assert.equal(loaded.revision, expected.revision);
      for (const [kind, records] of loaded.records) assert.deepEqual(Object.fromEntries(records), expected.records[kind] ?? {}, kind);
      const events = await store.range('event', '', limitsDefault.eventsMax);
      assert.deepEqual(Object.fromEntries(events.map(({ key, value }) => [key, value])), expected.records.event ?? {});
      assert.deepEqual(log.warnings, []);
      assert.equal(await store.commit(puts('meta', { later: true })), expected.revision + 1);
    });
  }
}

test('the manager of 0.1.0 has a record of every kind that a manager keeps, the worker of every one that a worker keeps', async () => {
  const expected = JSON.parse(await readFile(join(fixtures, 'data-0.1.0.json'), 'utf8')) as Record<string, Expected>;
  assert.deepEqual(Object.keys(expected['manager']!.records).sort(), ['answer', 'event', 'job', 'meta', 'node', 'task', 'version']);
  assert.deepEqual(Object.keys(expected['worker']!.records).sort(), ['meta', 'order']);
});
