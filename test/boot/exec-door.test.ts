/** Who may open `/v1/exec` of a node, and where it leads. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { test, type TestContext } from 'node:test';
import { WebSocket, type ClientOptions } from 'ws';
import { startServer } from '../../src/boot/server.ts';
import { decodeExecMessage } from '../../src/core/exec-protocol.ts';
import { makeRig, type Rig } from '../api/harness.ts';

/** A node's server over fakes. */
async function server(t: TestContext, role: 'manager' | 'worker' = 'manager') {
  const rig: Rig = makeRig({ role });
  const asked: { ref: string; command: readonly string[] }[] = [];
  rig.control.exec = async function* (ref, { command }) {
    asked.push({ ref, command });
    yield { kind: 'started' };
    yield { kind: 'exit', exitCode: 7 };
  };
  const { url, close } = await startServer({
    listen: { host: '127.0.0.1', port: 0 },
    api: rig.api,
    limits: rig.deps.limits,
    log: rig.log,
    clock: rig.clock,
    control: rig.deps.control,
    onLink: () => assert.fail('no link'),
    takesLinks: () => false,
    feed: { subscribe: () => () => undefined },
  });
  t.after(close);
  return { ...rig, asked, url: url.replace('http', 'ws') };
}

/** The status of a refused upgrade, or `open`. */
async function knock(url: string, headers: Record<string, string> = {}, options: ClientOptions = {}): Promise<number | 'open'> {
  const socket = new WebSocket(url, { headers, ...options });
  socket.on('error', () => undefined);
  const outcome = await Promise.race([
    once(socket, 'open').then(() => 'open' as const),
    once(socket, 'unexpected-response').then(([, response]) => (response as { statusCode: number }).statusCode),
  ]);
  socket.terminate();
  return outcome;
}

const bearer = (token: string) => ({ authorization: `Bearer ${token}` });

test('only an admin may run commands', async (t) => {
  const { url, asked } = await server(t);
  assert.equal(await knock(`${url}/v1/exec`), 401);
  assert.equal(await knock(`${url}/v1/exec`, bearer('wrong')), 401);
  assert.equal(await knock(`${url}/v1/exec`, bearer('viewer-token')), 403);
  assert.equal(await knock(`${url}/v1/exec`, bearer('join-token')), 403);
  assert.equal(await knock(`${url}/v1/exec`, bearer('admin-token')), 'open');
  assert.deepEqual(asked, []);
});

test("an admin's ticket opens it once, a viewer's does not", async (t) => {
  const { url, auth } = await server(t);
  const ticket = auth.issueTicket('admin');
  assert.equal(await knock(`${url}/v1/exec?ticket=${ticket}`), 'open');
  assert.equal(await knock(`${url}/v1/exec?ticket=${ticket}`), 401);
  assert.equal(await knock(`${url}/v1/exec?ticket=${auth.issueTicket('viewer')}`), 403);
});

test('pages of other origins and requests for other hosts are refused, whatever token they have', async (t) => {
  const { url } = await server(t);
  assert.equal(await knock(`${url}/v1/exec`, bearer('admin-token'), { origin: 'http://evil.test' }), 403);
  assert.equal(await knock(`${url}/v1/exec`, { ...bearer('admin-token'), host: 'evil.test' }), 421);
});

test('a node that only works has no commands to offer, and other paths have no WebSocket', async (t) => {
  const worker = await server(t, 'worker');
  assert.equal(await knock(`${worker.url}/v1/exec`, bearer('admin-token')), 404);
  const { url } = await server(t);
  for (const path of ['/v1/execute', '/', '/constructor']) assert.equal(await knock(`${url}${path}`, bearer('admin-token')), 404);
});

test('a session reaches the manager', async (t) => {
  const { url, asked } = await server(t);
  const socket = new WebSocket(`${url}/v1/exec`, { headers: bearer('admin-token') });
  const messages: unknown[] = [];
  socket.on('message', (data) => messages.push(decodeExecMessage(data as Buffer)));
  await once(socket, 'open');
  socket.send(JSON.stringify({ task: 'shop/web.1', command: ['ls', '-l'] }));
  while (messages.length < 2) await once(socket, 'message');
  assert.deepEqual(messages, [{ kind: 'started' }, { kind: 'exit', exitCode: 7 }]);
  assert.deepEqual(asked, [{ ref: 'shop/web.1', command: ['ls', '-l'] }]);
  socket.close();
});
