/** Starting a node in this process, and what is left when that fails. */
import assert from 'node:assert/strict';
import { existsSync, mkdtempSync } from 'node:fs';
import { mkdir, rm, stat } from 'node:fs/promises';
import { createServer } from 'node:net';
import type { AddressInfo, Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import type { TestContext } from 'node:test';
import { startNode } from '../../src/boot/index.ts';
import { CubeError } from '../../src/core/errors.ts';
import type { NodeOptions, RunningNode } from '../../src/core/node-options.ts';
import { nodeOptions } from '../support/node-options.ts';

function optionsFor(t: TestContext, changes: Partial<NodeOptions> = {}): NodeOptions {
  const dataDirectory = changes.dataDirectory ?? mkdtempSync(join(tmpdir(), 'cube-boot-test-'));
  if (changes.dataDirectory === undefined) t.after(() => rm(dataDirectory, { recursive: true, force: true }));
  return nodeOptions({ ...changes, dataDirectory });
}

const quiet = (): void => undefined;

/** The failure of a start; a node that starts all the same is stopped. */
async function failureOf(starting: Promise<RunningNode>): Promise<CubeError> {
  let node: RunningNode;
  try {
    node = await starting;
  } catch (thrown) {
    assert.ok(thrown instanceof CubeError, String(thrown));
    return thrown;
  }
  await node.stop();
  assert.fail('the node has started');
}

/** Starts on the same data, which only works when nothing is left open, and stops. */
async function startsAndStops(options: NodeOptions): Promise<void> {
  const node = await startNode(options, quiet);
  await node.stop();
  await node.ended;
  assert.ok(!existsSync(join(options.dataDirectory, 'node.json')));
}

async function listening(t: TestContext, server: Server, where: string | number): Promise<void> {
  await new Promise<void>((resolve) =>
    typeof where === 'string' ? server.listen(where, resolve) : server.listen(where, '127.0.0.1', resolve),
  );
  t.after(() => server.close());
}

test('a node whose worker belongs to another cluster does not start, and says which folder it is', async (t) => {
  const options = optionsFor(t);
  await startsAndStops(options);
  await rm(join(options.dataDirectory, 'manager'), { recursive: true });
  const { code, message, hint } = await failureOf(startNode(options, quiet));
  assert.equal(code, 'conflict');
  assert.match(message, /refuses its worker: this worker belongs to cluster [0-9a-f-]{36}, not to [0-9a-f-]{36}/);
  assert.ok(hint.includes(join(options.dataDirectory, 'worker')) && hint.includes(join(options.dataDirectory, 'manager')), hint);
  await rm(join(options.dataDirectory, 'worker'), { recursive: true });
  await startsAndStops(options);
});

test('a start that fails late leaves nothing open', async (t) => {
  const holder = createServer();
  await listening(t, holder, 0);
  const options = optionsFor(t);
  const { port } = holder.address() as AddressInfo;
  const failure = await failureOf(startNode({ ...options, listen: { host: '127.0.0.1', port } }, quiet));
  assert.equal(failure.code, 'conflict');
  await startsAndStops(options);
});

test('a start without an engine leaves nothing open', async (t) => {
  const options = optionsFor(t);
  const failure = await failureOf(startNode({ ...options, runtime: 'docker', dockerHost: 'unix:///no/such/socket' }, quiet));
  assert.equal(failure.code, 'no-engine');
  await startsAndStops(options);
});

test('a node file that cannot be written is the end of the start, and of all that was started', async (t) => {
  const options = optionsFor(t);
  const file = join(options.dataDirectory, 'node.json');
  await mkdir(join(file, 'in-the-way'), { recursive: true });
  await assert.rejects(startNode(options, quiet));
  assert.ok((await stat(file)).isDirectory());
  await rm(file, { recursive: true });
  await startsAndStops(options);
});

test('a start can be given up while the engine does not answer, and leaves nothing open', async (t) => {
  const options = optionsFor(t);
  const socket = join(options.dataDirectory, 'engine.sock');
  const interrupt = new AbortController();
  const engine = createServer(() => interrupt.abort(new Error('enough')));
  await listening(t, engine, socket);
  const starting = startNode({ ...options, runtime: 'docker', dockerHost: `unix://${socket}` }, quiet, interrupt.signal);
  await assert.rejects(starting, /^Error: enough$/);
  await startsAndStops(options);
});

test('a start that was given up before it began does nothing', async (t) => {
  const options = optionsFor(t);
  await assert.rejects(startNode(options, quiet, AbortSignal.abort(new Error('enough'))), /^Error: enough$/);
  await startsAndStops(options);
});

test('a node goes on when its start was given up too late', async (t) => {
  const interrupt = new AbortController();
  const node = await startNode(optionsFor(t), quiet, interrupt.signal);
  interrupt.abort();
  assert.equal((await fetch(`${node.url}/healthz`)).status, 200);
  await node.stop();
  await node.ended;
});
