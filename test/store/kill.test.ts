import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { test } from 'node:test';
import { limitsDefault } from '../../src/core/limits.ts';
import { seededRandom } from '../../src/core/random.ts';
import { openLevelStore } from '../../src/store/level.ts';
import { freshDirectory, keptLog, scriptArguments } from './help.ts';

interface Acknowledged {
  readonly number: number;
  readonly revision: number;
}

/** Starts the process, kills it once it has acknowledged so many commits, and gives all that it acknowledged. */
async function killedAfter(count: number, directory: string, round: number): Promise<Acknowledged[]> {
  const child = spawn(process.execPath, [...scriptArguments('kill-child', import.meta.url), directory, String(round)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const exited = once(child, 'exit');
  const acknowledged: Acknowledged[] = [];
  for await (const line of createInterface({ input: child.stdout })) {
    const [number, revision] = line.split(' ').map(Number);
    acknowledged.push({ number: number!, revision: revision! });
    if (acknowledged.length === count) child.kill('SIGKILL');
  }
  const [, signal] = (await exited) as [number | null, string | null];
  assert.equal(signal, 'SIGKILL', 'the process ended before it was killed');
  return acknowledged;
}

test('ten times kill -9: every acknowledged commit is there, whole, and the store opens without damage', async (t) => {
  const directory = join(await freshDirectory(t), 'manager');
  const seed = Math.floor(Math.random() * 2 ** 32);
  const random = seededRandom(seed);
  const wanted = new Set<string>();
  for (let round = 0; round < 10; round++) {
    const acknowledged = await killedAfter(1 + Math.floor(random() ** 2 * 600), directory, round);
    for (const { number } of acknowledged) wanted.add(`${round}/${number}`);

    const store = openLevelStore({ directory, limits: limitsDefault, log: keptLog() });
    const loaded = await store.load();
    await store.close();
    const where = `round ${round}, seed ${seed}`;
    assert.deepEqual(loaded.damage, [], where);
    assert.ok(loaded.revision >= Math.max(...acknowledged.map(({ revision }) => revision)), where);
    const tasks = loaded.records.get('task')!;
    for (const name of wanted)
      assert.ok(tasks.has(`${name}/a`) && tasks.has(`${name}/b`), `${name} was acknowledged and is gone; ${where}`);
    for (const key of tasks.keys()) {
      const other = key.endsWith('a') ? `${key.slice(0, -1)}b` : `${key.slice(0, -1)}a`;
      assert.ok(tasks.has(other), `${key} is there without the other half of its batch; ${where}`);
    }
  }
});
