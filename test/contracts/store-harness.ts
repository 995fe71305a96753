/** How the suite in store.ts opens the stores that it runs on. */
import type { TestContext } from 'node:test';
import type { Limits } from '../../src/core/limits.ts';
import type { Store } from '../../src/ports/store.ts';
import type { WriteProbe } from '../../src/store/disk.ts';
import type { KindVersions } from '../../src/store/versions.ts';

/** What a test may ask of a store that it opens. */
export interface Opening {
  readonly limits?: Limits;
  readonly probe?: WriteProbe;
  readonly versions?: KindVersions;
}

/** Opens stores on one and the same place, one after the other. */
export type OpenStore = (opening?: Opening) => Store;

/** Makes an empty place for one test. */
export type MakeStore = (t: TestContext) => Promise<OpenStore>;

/** A store that is open, closed when the test ends. */
export async function loadedStore(t: TestContext, makeStore: MakeStore, opening?: Opening): Promise<Store> {
  const store = (await makeStore(t))(opening);
  t.after(() => store.close());
  await store.load();
  return store;
}

/** Commits, closes, opens again: what is there now. */
export async function reopened(open: OpenStore, store: Store): ReturnType<Store['load']> {
  await store.close();
  const next = open();
  try {
    return await next.load();
  } finally {
    await next.close();
  }
}

/** Keys that are easily mixed up. */
export const manyKeys = [
  '',
  ' ',
  '!',
  '/',
  '//',
  '1',
  '10',
  '2',
  ':',
  ';',
  'A',
  'a',
  'a/b',
  'a/b.1',
  'a:b',
  'é',
  'ｆ',
  '日本',
  '\u0000',
  '😀',
  '🛳',
];
