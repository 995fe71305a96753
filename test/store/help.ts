/** What the store's tests share. */
import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type { TestContext } from 'node:test';
import { fileURLToPath } from 'node:url';
import type { Log } from '../../src/ports/ambient.ts';
import type { Batch, Kind, Loaded } from '../../src/ports/store.ts';

/** A log that keeps the warnings it is given. */
export function keptLog(): Log & { readonly warnings: string[] } {
  const warnings: string[] = [];
  const nothing = (): void => undefined;
  return { warnings, debug: nothing, info: nothing, warn: (message) => warnings.push(message), error: (message) => warnings.push(message) };
}

/** An empty directory that goes when the test ends. */
export async function freshDirectory(t: TestContext): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'cube-store-'));
  t.after(() => rm(directory, { recursive: true, force: true }));
  return directory;
}

/** A batch of puts of one kind. */
export function puts(kind: Kind, values: Readonly<Record<string, unknown>>): Batch {
  return { puts: Object.entries(values).map(([key, value]) => ({ kind, key, value })), removals: [] };
}

/** A batch of removals of one kind. */
export function removals(kind: Kind, ...keys: readonly string[]): Batch {
  return { puts: [], removals: keys.map((key) => ({ kind, key })) };
}

/** A kind's records as a plain object. */
export function recordsOf(loaded: Loaded, kind: Kind): Record<string, unknown> {
  return Object.fromEntries(loaded.records.get(kind) ?? []);
}

/** Top of the project, found from the sources and from what they compile to. */
export function projectRoot(): string {
  let directory = dirname(fileURLToPath(import.meta.url));
  while (!existsSync(join(directory, 'package.json'))) directory = dirname(directory);
  return directory;
}

/** How to start a script that lies beside `from` as its own process, from the sources and from what they compile to. */
export function scriptArguments(name: string, from: string): string[] {
  const source = from.endsWith('.ts');
  const path = fileURLToPath(new URL(`./${name}${source ? '.ts' : '.js'}`, from));
  return source ? ['--import', 'tsx', path] : [path];
}

/** A promise and the function that settles it. */
export function gate(): { readonly opened: Promise<void>; readonly open: () => void } {
  let open = (): void => undefined;
  const opened = new Promise<void>((resolve) => {
    open = resolve;
  });
  return { opened, open };
}
