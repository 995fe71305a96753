/**
 * A node for tests: the real `cube` as a process of its own, with a data directory of its own on a free loopback port. What it
 * started is removed with the test, found by the node's own id, so that nobody else's containers are touched.
 */
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, readdirSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after } from 'node:test';
import { createClient, type Client } from '../../src/client/index.ts';
import { nodeRequester } from '../../src/client/node-request.ts';
import { label } from '../../src/core/ids.ts';
import { limitsDefault } from '../../src/core/limits.ts';
import { isAlive, parseIdentity } from '../../src/runtime/process/identity.ts';
import { startCube, type Outcome, type RunOptions, type Running } from '../cli/run-cli.ts';
import { removeContainers, testEngine } from './engine.ts';

/** How a node is started. */
export interface NodeSettings {
  /** `up` unless told. */
  readonly command?: 'up' | 'manager' | 'worker';
  /** Options beside `--listen`, `--data` and `-o json`. */
  readonly args?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** Data directory of another node, to share with it; a fresh one unless told. */
  readonly data?: string;
  /** Address of a module that is loaded before the node. */
  readonly preload?: string;
}

/** No command of a test takes longer. */
const commandMsMax = 60_000;

/** Where to leave what is to be done in the end: a test's context. */
interface Scope {
  after(run: () => Promise<void>): void;
}

/** A node that all tests of a file share: the first that asks for it starts it, and it goes after the last. */
export function sharedNode(settings: NodeSettings = {}): () => Promise<NodeProcess> {
  const inTheEnd: (() => Promise<void>)[] = [];
  after(async () => {
    for (const run of inTheEnd) await run();
  });
  let node: Promise<NodeProcess> | undefined;
  return () => (node ??= startNode({ after: (run) => void inTheEnd.push(run) }, settings));
}

/** Starts a node that goes with the scope. @throws when it ends before it is ready */
export async function startNode(scope: Scope, settings: NodeSettings = {}): Promise<NodeProcess> {
  const node = new NodeProcess(settings);
  scope.after(() => node.remove());
  await node.start();
  return node;
}

/** What a node says of itself when it is ready (CLI.md). */
interface Ready {
  readonly ready: true;
  readonly url: string;
  readonly node: string;
  readonly nodeId: string;
}

/** A node, over as many processes as a test likes. */
export class NodeProcess {
  readonly data: string;
  readonly #settings: NodeSettings;
  #running: Running | undefined;
  #ready: Ready | undefined;
  #stderr = '';

  constructor(settings: NodeSettings = {}) {
    this.#settings = settings;
    this.data = settings.data ?? mkdtempSync(join(tmpdir(), 'cube-test-node-'));
  }

  /** Starts it, or starts it anew at the address it had. @param args in place of the ones it has */
  async start(args = this.#settings.args ?? []): Promise<void> {
    const { command = 'up', env = {}, preload } = this.#settings;
    const address = this.#ready ? new URL(this.#ready.url).host : '127.0.0.1:0';
    // `environment` of startCube leaves DOCKER_HOST out; the node is to find the engine that the tests have found.
    const engineOfTests: Record<string, string> = process.env['DOCKER_HOST'] ? { DOCKER_HOST: process.env['DOCKER_HOST'] } : {};
    this.#stderr = '';
    this.#running = startCube([command, '--listen', address, '--data', this.data, '-o', 'json', ...args], {
      env: { ...engineOfTests, ...env },
      ...(preload === undefined ? {} : { preload }),
    });
    this.#running.child.stderr.on('data', (text: string) => (this.#stderr += text));
    const written = await this.#running.saw('stdout', '}\n');
    const told = JSON.parse(written) as Ready | { readonly error: unknown };
    if ('error' in told) throw new Error(`the node did not start: ${written}`);
    this.#ready = told;
  }

  get url(): string {
    return this.#told().url;
  }

  get nodeId(): string {
    return this.#told().nodeId;
  }

  get pid(): number {
    return this.#running!.child.pid!;
  }

  /** What this process has told its user so far. */
  get stderr(): string {
    return this.#stderr;
  }

  /** Kills it as a crash does. */
  async kill(): Promise<void> {
    this.#running!.child.kill('SIGKILL');
    await this.#running!.ended;
  }

  /** Settles when it was killed by what the test has set for it. @throws when it lives on @param of what, for people */
  async died(of: string): Promise<void> {
    const timer = setTimeout(() => this.#running!.child.kill('SIGTERM'), commandMsMax / 4);
    const { signal, stderr } = await this.#running!.ended;
    clearTimeout(timer);
    if (signal !== 'SIGKILL') throw new Error(`the node did not die of "${of}", but lived on or ended by itself:\n${stderr}`);
  }

  /** Ctrl-C. */
  async interrupt(): Promise<Outcome> {
    this.#running!.child.kill('SIGINT');
    return this.#running!.ended;
  }

  /** Runs a command that finds this node by its data directory. */
  cube(args: readonly string[], options: RunOptions = {}): Promise<Outcome> {
    return runCube(args, { ...options, env: { CUBE_DATA: this.data, ...options.env } });
  }

  /** Starts such a command. */
  startCube(args: readonly string[]): Running {
    return startCube(args, { env: { CUBE_DATA: this.data } });
  }

  /** A client in this process, for what would take too many commands. */
  client(): Client {
    const request = nodeRequester({ url: this.url, token: this.token, limits: limitsDefault });
    return createClient({ request, newId: () => randomUUID() });
  }

  /** A plain HTTP request with the local token. */
  fetch(path: string, init: { method?: string; body?: string; headers?: Record<string, string> } = {}): Promise<Response> {
    const headers = { authorization: `Bearer ${this.token}`, 'content-type': 'application/json', ...init.headers };
    return fetch(`${this.url}${path}`, { ...init, headers });
  }

  get token(): string {
    return readFileSync(join(this.data, 'admin.token'), 'utf8').trim();
  }

  /** Ends it and removes all that it made. */
  async remove(): Promise<void> {
    const child = this.#running?.child;
    if (child && child.exitCode === null && child.signalCode === null) {
      child.kill('SIGKILL');
      await once(child, 'close');
    }
    const { docker, skip } = await testEngine();
    if (this.#ready && !skip) await removeContainers(docker, `${label.node}=${this.#ready.nodeId}`);
    await endProcesses(this.data);
    if (this.#settings.data === undefined) await rm(this.data, { recursive: true, force: true });
  }

  #told(): Ready {
    if (this.#ready === undefined) throw new Error('the node was not ready yet');
    return this.#ready;
  }
}

/** Runs a command to its end; one that does not come to it is killed, so that its test fails and does not hang. */
export async function runCube(args: readonly string[], options: RunOptions): Promise<Outcome> {
  const { child, ended } = startCube(args, options);
  const timer = setTimeout(() => child.kill('SIGKILL'), commandMsMax);
  try {
    return await ended;
  } finally {
    clearTimeout(timer);
  }
}

/** Ends what the process runtime started below a data directory, each with its process group. */
async function endProcesses(data: string): Promise<void> {
  const workers = existsSync(data) ? readdirSync(data).filter((name) => name.startsWith('worker')) : [];
  for (const folder of workers.map((name) => join(data, name, 'processes')).filter((path) => existsSync(path))) {
    for (const attempt of readdirSync(folder)) {
      const file = join(folder, attempt, 'pid');
      const identity = existsSync(file) ? parseIdentity(readFileSync(file, 'utf8')) : undefined;
      if (identity && (await isAlive(identity))) process.kill(-identity.pid, 'SIGKILL');
    }
  }
}
