/** Dispatched runs, keys that come again, and submits that meet: a real node on the process runtime, and real commands. */
import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import type { JobJson, JobsJson, SubmittedJson } from '../../src/core/views.ts';
import { startNode, type NodeProcess } from '../support/node-process.ts';
import { document, done, eventually, tasksOf } from './help.ts';

const noEngine = { DOCKER_HOST: 'unix:///nonexistent/docker.sock' };

const greeter = `
name: greet
type: parameterized
parameters: {who: null, greeting: hello}
payload: {env: LETTER}
tasks:
  t: {image: none, command: [/bin/sh, -c, 'echo $greeting $who; echo "$LETTER"']}
`;

async function start(t: TestContext): Promise<NodeProcess> {
  const node = await startNode(t, { args: ['--runtime', 'process'], env: noEngine });
  done(await node.cube(['submit', '--detach', '-'], { input: greeter }));
  return node;
}

/** A request as it is, key and all. */
async function post(
  node: NodeProcess,
  path: string,
  body: unknown,
  key: string,
): Promise<{ readonly status: number; readonly body: JobJson }> {
  const headers = { 'content-type': 'application/json', 'idempotency-key': key };
  const response = await node.fetch(path, { method: 'POST', headers, body: JSON.stringify(body) });
  return { status: response.status, body: (await response.json()) as JobJson };
}

async function runs(node: NodeProcess): Promise<readonly JobJson[]> {
  const { stdout } = done(await node.cube(['status', '--jobs', '-o', 'json']));
  return (JSON.parse(stdout) as JobsJson).jobs.filter(({ name }) => name.startsWith('greet-'));
}

test('two dispatches at once are two runs, each with its own values and its own output', async (t) => {
  const node = await start(t);
  const client = node.client();
  const [you, me] = await Promise.all([
    client.dispatch('greet', { set: { who: 'you' }, payload: Buffer.from('a ${CUBE_NODE} b').toString('base64') }),
    client.dispatch('greet', { set: { who: 'me', greeting: 'bye' } }),
  ]);
  await eventually('both have completed', async () => (await runs(node)).every(({ status }) => status === 'completed'));
  assert.equal(done(await node.cube(['logs', `${you.name}/t.1`])).stdout, 'hello you\na ${CUBE_NODE} b\n');
  assert.equal(done(await node.cube(['logs', `${me.name}/t.1`])).stdout, 'bye me\n\n');
  assert.equal((await tasksOf(node, 'greet')).length, 0);
  const refused = await node.cube(['submit', '-'], { input: greeter.replace('name: greet', `name: ${you.name}`) });
  assert.equal(refused.code, 5, refused.stderr);
  done(await node.cube(['stop', 'greet', '--purge']));
  await eventually('the runs are gone with it', async () => (await runs(node)).length === 0);
});

test('a dispatch that comes again under its key is one run, also from a node that was killed meanwhile', async (t) => {
  const node = await start(t);
  const ask = () => post(node, '/v1/jobs/greet/dispatch', { set: { who: 'you' } }, 'key-1');
  const first = await ask();
  assert.deepEqual([first.status, (await ask()).body.name], [201, first.body.name]);
  await node.kill();
  await node.start();
  const again = await ask();
  assert.deepEqual([again.status, again.body.name], [201, first.body.name]);
  assert.equal((await runs(node)).length, 1);
  const other = await post(node, '/v1/jobs/greet/dispatch', { set: { who: 'me' } }, 'key-1');
  assert.equal(other.status, 409);
});

test('of submits that start from the same state one wins, and the others are told', async (t) => {
  const node = await start(t);
  const { index } = (await node.client().jobs()).jobs.find(({ name }) => name === 'greet')!;
  const submits = [1, 2, 3].map((number) =>
    node.cube(['submit', '--detach', '--check-index', String(index), '-o', 'json', '-'], {
      input: greeter.replace('hello', `hello-${number}`),
    }),
  );
  const outcomes = await Promise.all(submits);
  assert.deepEqual(
    outcomes.map(({ code }) => code).toSorted((a, b) => (String(a) < String(b) ? -1 : 1)),
    [0, 5, 5],
  );
  const winner = outcomes.findIndex(({ code }) => code === 0) + 1;
  assert.equal((document(outcomes[winner - 1]!.stdout) as SubmittedJson).job.version, 2);
  for (const { stdout, code } of outcomes) if (code === 5) assert.match(stdout, new RegExp(`"code": ?"conflict".*index ${index}`, 's'));
  const run = await node.client().dispatch('greet', { set: { who: 'you' } });
  await eventually('it has completed', async () => (await runs(node))[0]?.status === 'completed');
  assert.equal(done(await node.cube(['logs', `${run.name}/t.1`])).stdout, `hello-${winner} you\n\n`);
});
