import assert from 'node:assert/strict';
import { test } from 'node:test';
import { routesOf } from '../../src/api/index.ts';
import type { Route } from '../../src/api/route.ts';
import type { ErrorBody } from '../../src/core/errors.ts';
import { CubeError } from '../../src/core/errors.ts';
import type { LoginJson, TicketJson } from '../../src/core/views.ts';
import { jobDocument, makeRig, waitForPromotion } from './harness.ts';
import type { AskOptions, Rig } from './harness.ts';

const roles = ['manager', 'worker', 'both'] as const;

/** What the table has to say, written down a second time: a route that is new, or opens wider, must be named here. */
const expected: Readonly<Record<string, string>> = {
  'GET /healthz': 'open',
  'GET /readyz': 'open',
  'GET /v1/info': 'viewer',
  'POST /v1/login': 'ticket',
  'POST /v1/tickets': 'viewer',
  'GET /metrics': 'viewer',
  'GET /openapi.json': 'viewer',
  'POST /v1/jobs': 'admin',
  'POST /v1/plan': 'admin',
  'GET /v1/jobs': 'viewer',
  'GET /v1/jobs/{name}': 'viewer',
  'POST /v1/jobs/{name}/stop': 'admin',
  'POST /v1/jobs/{name}/start': 'admin',
  'POST /v1/jobs/{name}/scale': 'admin',
  'POST /v1/jobs/{name}/restart': 'admin',
  'POST /v1/jobs/{name}/rollback': 'admin',
  'POST /v1/jobs/{name}/promote': 'admin',
  'POST /v1/jobs/{name}/dispatch': 'admin',
  'GET /v1/jobs/{name}/history': 'admin',
  'GET /v1/jobs/{name}/logs': 'viewer',
  'GET /v1/status': 'viewer',
  'GET /v1/tasks': 'viewer',
  'GET /v1/tasks/{ref}': 'viewer',
  'POST /v1/tasks/{ref}/stop': 'admin',
  'GET /v1/tasks/{ref}/explain': 'viewer',
  'GET /v1/tasks/{ref}/logs': 'viewer',
  'GET /v1/rebalance': 'viewer',
  'GET /v1/volumes': 'viewer',
  'POST /v1/volumes/{slot}/release': 'admin',
  'GET /v1/secrets': 'viewer',
  'PUT /v1/secrets/{name}': 'admin',
  'DELETE /v1/secrets/{name}': 'admin',
  'GET /v1/configs': 'viewer',
  'PUT /v1/configs/{name}': 'admin',
  'DELETE /v1/configs/{name}': 'admin',
  'GET /v1/nodes': 'viewer',
  'DELETE /v1/nodes/{id}': 'admin',
  'POST /v1/nodes/{id}/eligible': 'admin',
  'POST /v1/nodes/{id}/labels': 'admin',
  'GET /v1/events': 'viewer',
  'GET /v1/backup': 'admin',
  'POST /tasks': 'admin',
  'GET /tasks': 'viewer',
  'DELETE /tasks/{id}': 'admin',
  'GET /nodes': 'viewer',
  'POST /worker/tasks': 'admin',
  'GET /worker/tasks': 'viewer',
  'DELETE /worker/tasks/{id}': 'admin',
  'GET /stats': 'viewer',
};

const event = { ID: 'e', State: 2, Task: { ID: 'bb1d59ef-9fc1-4e4b-a44d-db571eeed203', Name: 'echo', Image: 'busybox' } };

/** A request that would do what the route is for. */
function goodBody(row: Route): unknown {
  if (row.method === 'PUT') return { value: 'eA==' };
  if (row.method !== 'POST') return undefined;
  if (row.document === 'TaskEvent') return event;
  if (row.path === '/v1/jobs/{name}/scale') return { tasks: { web: 1 } };
  if (row.path.endsWith('/eligible')) return { eligible: false };
  return ['/v1/jobs', '/v1/plan'].includes(row.path) ? { job: jobDocument('other') } : {};
}

async function rigWithJob(role: (typeof roles)[number]): Promise<Rig> {
  const rig = makeRig({ role });
  if (role !== 'worker') {
    const job = jobDocument('shop', { count: 1 });
    assert.equal((await rig.ask('POST', '/v1/jobs', { body: { job } })).status, 201);
    assert.equal((await rig.ask('POST', '/v1/jobs', { body: { job: jobDocument() } })).status, 200);
    waitForPromotion(rig, 'shop');
    for (const kinds of ['secrets', 'configs']) await rig.ask('PUT', `/v1/${kinds}/shop`, { body: { value: 'eA==' } });
    const shop = rig.control.jobs.get('shop')!;
    rig.control.jobs.set('encode', { ...shop, name: 'encode', spec: { ...shop.spec, name: 'encode', type: 'parameterized' } });
  }
  rig.control.asked.length = 0;
  return rig;
}

function target(row: Route): string {
  return row.path
    .replace('{name}', row.path.endsWith('/dispatch') ? 'encode' : 'shop')
    .replace('{ref}', 'shop%2Fweb.1')
    .replace('{id}', row.path.startsWith('/v1/nodes') ? 'bar' : 'shop%2Fweb.1')
    .replace('{slot}', 'shop%2Fweb.1');
}

async function askRow(rig: Rig, row: Route, options: AskOptions): Promise<Response> {
  return rig.ask(row.method, target(row), { body: goodBody(row), ...options });
}

test('the route table is what this test knows of it, on every role', () => {
  const seen = new Set<string>();
  for (const role of roles) {
    for (const row of routesOf(makeRig({ role }).deps)) {
      const name = `${row.method} ${role === 'worker' && row.seeds && row.path !== '/stats' ? `/worker${row.path}` : row.path}`;
      assert.equal(row.need, expected[name], name);
      seen.add(name);
    }
  }
  assert.deepEqual([...seen].toSorted(), Object.keys(expected).toSorted());
});

for (const role of roles) {
  test(`each route of a ${role} node asks for its credential`, async () => {
    for (const row of routesOf(makeRig({ role }).deps)) {
      const status = async (options: AskOptions) => (await askRow(await rigWithJob(role), row, options)).status;
      const name = `${row.method} ${row.path}`;
      const isOpen = row.need === 'open';
      assert.equal(await status({ token: null }), isOpen ? 200 : 401, `${name} without a token`);
      assert.equal(await status({ token: 'wrong' }), isOpen ? 200 : 401, `${name} with a wrong token`);
      assert.equal(
        await status({ token: null, headers: { authorization: 'Basic YWRtaW46' } }),
        isOpen ? 200 : 401,
        `${name} with a password`,
      );
      if (isOpen || row.need === 'ticket') continue;
      assert.equal(await status({ token: 'join-token' }), 403, `${name} as a joiner`);
      const asViewer = await status({ token: 'viewer-token' });
      if (row.need === 'admin') assert.equal(asViewer, 403, `${name} as a viewer`);
      else assert.ok(asViewer < 300, `${name} as a viewer: ${asViewer}`);
      const asAdmin = await status({ token: 'admin-token' });
      assert.ok(asAdmin < 300, `${name} as admin: ${asAdmin}`);
    }
  });
}

test('what a refused request would have done is not done', async () => {
  for (const row of routesOf(makeRig().deps)) {
    if (row.need !== 'admin') continue;
    for (const token of [null, 'wrong', 'viewer-token', 'join-token']) {
      const rig = await rigWithJob('both');
      await askRow(rig, row, { token });
      assert.deepEqual([rig.control.asked, rig.worker.events, rig.worker.stopped], [[], [], []], `${row.method} ${row.path}`);
    }
  }
});

test('a credential is asked for before anything is looked up', async () => {
  const { ask } = makeRig();
  for (const path of ['/no/such', '/v1/jobs/', '/v1/jobs/nosuch', '/v1/inspect', '/assets/nosuch.js']) {
    const response = await ask('GET', path, { token: null });
    assert.equal(response.status, 401, path);
    assert.equal(response.headers.get('www-authenticate'), 'Bearer realm="cube"');
    const body = (await response.json()) as ErrorBody;
    assert.equal(body.error.code, 'unauthorized');
    assert.match(body.error.hint, /CUBE_TOKEN/);
  }
  assert.equal((await ask('PUT', '/v1/jobs', { token: null })).status, 401);
  assert.equal((await ask('POST', '/healthz', { token: null })).status, 401, 'only GET is open');
  assert.equal((await ask('POST', '/', { token: null })).status, 401);
  assert.equal((await ask('GET', '/no/such', { token: 'join-token' })).status, 403);
});

test('a ticket in the URL is no credential where a header could be', async () => {
  const { ask, auth } = makeRig();
  const ticket = auth.issueTicket('admin');
  assert.equal((await ask('GET', `/v1/jobs?ticket=${ticket}`, { token: null })).status, 401);
  assert.equal((await ask('POST', `/v1/tickets?ticket=${ticket}`, { token: null, body: {} })).status, 401);
  assert.equal((await ask('GET', `/v1/jobs?access_token=admin-token`, { token: null })).status, 401);
  assert.equal(auth.tickets.size, 1, 'and it is not used up by trying');
});

test('a ticket logs in once', async () => {
  const { ask } = makeRig();
  const given = (await (await ask('POST', '/v1/tickets', { body: {} })).json()) as TicketJson;
  assert.deepEqual(given, { ticket: 'ticket-1', scope: 'admin', expiresAt: '2026-01-31T12:01:00.000Z' });
  const login = await ask('POST', `/v1/login?ticket=${given.ticket}`, { token: null });
  assert.equal(login.status, 200);
  const { token, scope } = (await login.json()) as LoginJson;
  assert.equal(scope, 'admin');
  assert.equal((await ask('GET', '/v1/jobs', { token })).status, 200);
  assert.equal((await ask('POST', `/v1/login?ticket=${given.ticket}`, { token: null })).status, 401);
  assert.equal((await ask('POST', '/v1/login', { token: null })).status, 401);
  assert.equal((await ask('POST', '/v1/login?ticket=', { token: null })).status, 401);
});

test('a login needs a ticket, whatever token comes with it, and a joiner gets none', async () => {
  const { ask, auth } = makeRig();
  assert.equal((await ask('POST', '/v1/login', { token: 'admin-token' })).status, 401);
  assert.equal((await ask('POST', `/v1/login?ticket=${auth.issueTicket('join')}`, { token: null })).status, 403);
  assert.equal(auth.sessions.size, 0);
});

test('a ticket has no more than its owner, and no more than was asked', async () => {
  const { ask } = makeRig();
  const scopeFor = async (token: string, body: unknown) =>
    ((await (await ask('POST', '/v1/tickets', { token, body })).json()) as TicketJson).scope;
  assert.equal(await scopeFor('admin-token', { scope: 'admin' }), 'admin');
  assert.equal(await scopeFor('admin-token', { scope: 'viewer' }), 'viewer');
  assert.equal(await scopeFor('viewer-token', {}), 'viewer');
  assert.equal(await scopeFor('viewer-token', { scope: 'admin' }), 'viewer');
  assert.equal((await ask('POST', '/v1/tickets', { body: { scope: 'join' } })).status, 400);
});

test('answers with secrets are not kept for an Idempotency-Key', async () => {
  const { ask } = makeRig();
  const headers = { 'idempotency-key': 'k' };
  const first = (await (await ask('POST', '/v1/tickets', { headers, body: {} })).json()) as TicketJson;
  const second = (await (await ask('POST', '/v1/tickets', { token: 'viewer-token', headers, body: {} })).json()) as TicketJson;
  assert.notEqual(first.ticket, second.ticket);
  assert.equal(second.scope, 'viewer');
});

test('an upgrade passes with a token or with a ticket that works once', () => {
  const { api, auth } = makeRig();
  const head = (url: string, headers: Readonly<Record<string, string>> = {}) => ({ url, headers: { host: 'cube.test', ...headers } });
  const bearer = (token: string) => ({ authorization: `Bearer ${token}` });
  const code = (...args: Parameters<typeof api.authorize>) => {
    const result = api.authorize(...args);
    return result instanceof CubeError ? result.code : result.scope;
  };
  assert.equal(code(head('/v1/inspect'), 'viewer'), 'unauthorized');
  assert.equal(code(head('/v1/inspect', bearer('viewer-token')), 'viewer'), 'viewer');
  assert.equal(code(head('/v1/inspect', bearer('admin-token')), 'viewer'), 'admin');
  assert.equal(code(head('/v1/inspect', bearer('join-token')), 'viewer'), 'forbidden');
  assert.equal(code(head('/v1/exec', bearer('viewer-token')), 'admin'), 'forbidden');
  assert.equal(code(head('/v1/link', bearer('join-token')), 'join'), 'join');
  assert.equal(code(head('/v1/link', bearer('admin-token')), 'join'), 'admin');
  assert.equal(code(head('/v1/link', bearer('viewer-token')), 'join'), 'forbidden');
  const url = `/v1/inspect?ticket=${auth.issueTicket('viewer')}`;
  assert.equal(code(head(url), 'viewer'), 'viewer');
  assert.equal(code(head(url), 'viewer'), 'unauthorized', 'used up');
});

test('an upgrade from a foreign page or for a foreign host is refused, and leaves the ticket alone', () => {
  const { api, auth } = makeRig({ deps: { openLoopback: true } });
  const url = `/v1/inspect?ticket=${auth.issueTicket('viewer')}`;
  const code = (headers: Readonly<Record<string, string>>) => {
    const result = api.authorize({ url, headers }, 'viewer');
    return result instanceof CubeError ? result.code : result.scope;
  };
  assert.equal(code({ host: 'cube.test', origin: 'http://evil.example' }), 'forbidden');
  assert.equal(code({ host: 'cube.test', origin: 'null' }), 'forbidden');
  assert.equal(code({ host: 'evil.example' }), 'wrong-host');
  assert.equal(code({}), 'wrong-host');
  assert.equal(auth.tickets.size, 1);
  assert.equal(code({ host: 'cube.test', origin: 'http://cube.test' }), 'viewer');
});
