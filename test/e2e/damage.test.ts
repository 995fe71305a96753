/**
 * Damage of the data directory, with a real node and engine: a flipped byte or a torn tail in any file of either store is told, no
 * container is stopped or started a second time because of it, and what can be known again from the other side is.
 */
import assert from 'node:assert/strict';
import { readdirSync, statSync } from 'node:fs';
import { cp, readFile, rename, rm, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { label } from '../../src/core/ids.ts';
import { testEngine } from '../support/engine.ts';
import { startNode, type NodeProcess } from '../support/node-process.ts';
import { assertOneEach, containers, eventually, pidsOf, sleeper, submit } from './help.ts';

const { skip } = await testEngine();

const waitMs = 1_500;

/** A node that has run two jobs and was killed, with a copy of its data to damage again and again. */
class Patient {
  readonly node: NodeProcess;
  readonly #copy: string;
  #pids: Readonly<Record<string, number>> = {};

  private constructor(node: NodeProcess) {
    this.node = node;
    this.#copy = `${node.data}-copy`;
  }

  static async prepare(t: TestContext): Promise<Patient> {
    const node = await startNode(t, { args: ['--limit', `takeoverDownMs=${waitMs}`] });
    const patient = new Patient(node);
    t.after(() => rm(patient.#copy, { recursive: true, force: true }));
    await submit(node, sleeper('early', 'count: 2'));
    await node.kill();
    // Opened anew LevelDB makes a table of its log; so there is one of each.
    await node.start();
    await submit(node, sleeper('late', 'count: 2'));
    await node.kill();
    await cp(node.data, patient.#copy, { recursive: true });
    patient.#pids = await patient.pids();
    assert.equal(Object.keys(patient.#pids).length, 4);
    return patient;
  }

  async pids(): Promise<Readonly<Record<string, number>>> {
    return pidsOf(await containers({ [label.node]: this.node.nodeId }));
  }

  /** A file of a store, by what its name looks like: the newest of several. */
  file(store: string, pattern: RegExp): string {
    const names = readdirSync(join(this.node.data, store)).filter((name) => pattern.test(name));
    return join(this.node.data, store, names.toSorted().at(-1)!);
  }

  /** Starts the node over damaged data. @returns why it did not come up, or what it said when it did */
  async startWith(harm: () => Promise<void>): Promise<{ readonly up: boolean; readonly said: string }> {
    await rm(this.node.data, { recursive: true });
    await cp(this.#copy, this.node.data, { recursive: true });
    await harm();
    try {
      await this.node.start();
      return { up: true, said: this.node.stderr };
    } catch (thrown) {
      return { up: false, said: String(thrown) };
    }
  }

  /** Fails when a container was stopped, started again, or joined by another of its slot, now or once the manager has had its time. */
  async unharmed(what: string): Promise<void> {
    await sleep(waitMs + 500);
    assert.deepEqual(await this.pids(), this.#pids, what);
    assertOneEach(await containers({ [label.node]: this.node.nodeId }));
  }

  /** What the manager shows by slot: state and container. */
  async shown(): Promise<Readonly<Record<string, string>>> {
    const { tasks } = await this.node.client().status();
    return Object.fromEntries(tasks.map(({ slot, state }) => [slot, state]));
  }
}

async function flip(path: string, share: number): Promise<void> {
  const bytes = await readFile(path);
  const at = Math.min(bytes.length - 1, Math.floor(bytes.length * share));
  bytes[at]! ^= 0x10;
  await writeFile(path, bytes);
}

const cut = (path: string, share: number): Promise<void> => truncate(path, Math.floor(statSync(path).size * share));

const all = { 'early/t.1': 'running', 'early/t.2': 'running', 'late/t.1': 'running', 'late/t.2': 'running' };

interface Harm {
  readonly what: string;
  readonly pattern: RegExp;
  readonly harm: (path: string) => Promise<void>;
  /** Whether the node comes up all the same; undefined: as may be. */
  readonly up?: boolean;
}

const harms: readonly Harm[] = [
  { what: 'a log without its last quarter', pattern: /\.log$/, harm: (path) => cut(path, 0.75), up: true },
  { what: 'an empty log', pattern: /\.log$/, harm: (path) => cut(path, 0), up: true },
  { what: 'a flipped bit in the middle of the log', pattern: /\.log$/, harm: (path) => flip(path, 0.5), up: true },
  { what: 'a flipped bit in a table', pattern: /\.ldb$/, harm: (path) => flip(path, 0.3), up: false },
  { what: 'a table that was cut', pattern: /\.ldb$/, harm: (path) => cut(path, 0.5), up: false },
  { what: 'a flipped bit in the MANIFEST', pattern: /^MANIFEST/, harm: (path) => flip(path, 0.4) },
  { what: 'a MANIFEST that was cut', pattern: /^MANIFEST/, harm: (path) => cut(path, 0.5) },
  { what: 'nonsense in CURRENT', pattern: /^CURRENT$/, harm: (path) => writeFile(path, 'MANIFEST-nonsense\n'), up: false },
  { what: 'no CURRENT', pattern: /^CURRENT$/, harm: (path) => rm(path), up: false },
];

for (const store of ['manager', 'worker/store']) {
  test(`damage in ${store} is told, and harms no container`, { skip }, async (t) => {
    const patient = await Patient.prepare(t);
    for (const { what, pattern, harm, up } of harms) {
      const { up: isUp, said } = await patient.startWith(() => harm(patient.file(store, pattern)));
      if (up !== undefined) assert.equal(isUp, up, `${what}: ${said}`);
      assert.match(said, /damaged/, what);
      await patient.unharmed(what);
      if (isUp) {
        assert.deepEqual(await patient.shown(), all, what);
        await patient.node.kill();
      } else assert.match(said, store === 'manager' ? /cube restore FILE --force/ : /move .* away and start the node again/, what);
    }
  });
}

test('writes that were lost without a trace in the store are told by what the worker has seen', { skip }, async (t) => {
  const patient = await Patient.prepare(t);
  const { up, said } = await patient.startWith(async () => {
    await cut(patient.file('manager', /\.log$/), 0);
    await rm(patient.file('manager', /^ACKNOWLEDGED$/));
  });
  assert.equal(up, true, said);
  await patient.unharmed('no trace');
  assert.match(patient.node.stderr, /acknowledged writes are lost|has seen epoch/);
  assert.deepEqual(await patient.shown(), all);
});

test('a worker whose store is gone finds its containers by their labels', { skip }, async (t) => {
  const patient = await Patient.prepare(t);
  const { up, said } = await patient.startWith(() =>
    rename(join(patient.node.data, 'worker/store'), join(patient.node.data, 'worker/gone')),
  );
  assert.equal(up, true, said);
  assert.match(said, /with an empty store: its containers are found by their labels/);
  await eventually('all run', async () => Object.values(await patient.shown()).every((state) => state === 'running'));
  await patient.unharmed('no worker store');
  assert.deepEqual(await patient.shown(), all);
});

test(
  'a job that the store has lost is taken over when it is submitted again, and its slots are not doubled meanwhile',
  { skip },
  async (t) => {
    const patient = await Patient.prepare(t);
    const { up, said } = await patient.startWith(() => cut(patient.file('manager', /\.log$/), 0));
    assert.equal(up, true, said);
    assert.match(patient.node.stderr, /2 tasks that the records do not know run on and are kept: late\/t\.1/);
    await submit(patient.node, sleeper('late', 'count: 2'));
    await patient.unharmed('submitted again');
    assert.deepEqual(await patient.shown(), all);
    assert.deepEqual(
      (await patient.node.client().jobs()).jobs.map(({ name, status }) => [name, status]),
      [
        ['early', 'running'],
        ['late', 'running'],
      ],
    );
  },
);
