/** The words by which a manager finds a task: its id, the beginning of one, its slot. */
import assert from 'node:assert/strict';
import test from 'node:test';
import { CubeError } from '../../src/core/errors.ts';
import { limitsWith } from '../../src/core/limits.ts';
import { service } from '../sim/scripts.ts';
import { createManagerBench } from './manager-bench.ts';

/** A manager with a job of so many tasks, and their ids. */
async function withTasks(count: number, limits: Readonly<Record<string, number>> = {}) {
  const bench = createManagerBench({ limits: limitsWith(limits) });
  await bench.start();
  await bench.answer(bench.control.submit({ spec: service('shop', 'runs', count), origin: { kind: 'file' } }));
  const failure = async (ref: string): Promise<CubeError> => {
    const thrown: unknown = await bench.answer(bench.control.status({ task: ref })).catch((error: unknown) => error);
    assert.ok(thrown instanceof CubeError, `${ref}: ${String(thrown)}`);
    return thrown;
  };
  const found = async (ref: string): Promise<string | undefined> => (await bench.answer(bench.control.status({ task: ref }))).tasks[0]?.id;
  return { ids: [...bench.host.mirror.tasks.keys()], found, failure };
}

test('the beginning of an id names its task from some characters on; a shorter word names none, however few tasks there are', async () => {
  const { ids, found, failure } = await withTasks(1);
  const [id] = ids;
  for (const length of [4, 8, 36]) assert.equal(await found(id!.slice(0, length)), id);
  const { code, message } = await failure(id!.slice(0, 3));
  assert.deepEqual(
    [code, message],
    ['not-found', `there is no task "${id!.slice(0, 3)}": the beginning of an id needs 4 characters or more`],
  );
  for (const ref of ['', 'zzz', 'zzzz']) assert.equal((await failure(ref)).message, `there is no task "${ref}"`);
});

/** A character that several ids begin with: of seventeen there must be two. */
function beginningOfSeveral(ids: readonly string[]): string {
  return ids.map((id) => id[0]!).find((first, at, all) => all.indexOf(first) !== at)!;
}

test('the beginning of several ids is a conflict that names the tasks, unless they are many', async () => {
  const { ids, failure } = await withTasks(17, { idPrefixChars: 1, reasonsMax: 17 });
  const shared = beginningOfSeveral(ids);
  const meant = ids.filter((id) => id.startsWith(shared));
  const { code, message } = await failure(shared);
  assert.equal(code, 'conflict');
  assert.ok(message.startsWith(`"${shared}" is the beginning of the ids of ${meant.length} tasks: `));
  for (const id of meant) assert.ok(message.includes(id));
  const many = await withTasks(17, { idPrefixChars: 1, reasonsMax: 1 });
  assert.match((await many.failure(beginningOfSeveral(many.ids))).message, /is the beginning of the ids of \d+ tasks$/);
});
