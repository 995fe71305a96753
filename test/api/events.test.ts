import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isoTime } from '../../src/core/views.ts';
import { jobDocument, makeRig } from './harness.ts';

const ndjson = { accept: 'application/x-ndjson' };

test('without follow, events are what there is, as server-sent events with their numbers', async () => {
  const rig = makeRig();
  rig.control.emit({ job: 'shop' });
  rig.control.emit();
  const response = await rig.ask('GET', '/v1/events');
  assert.equal(response.headers.get('content-type'), 'text/event-stream; charset=utf-8');
  const blocks = (await response.text()).trimEnd().split('\n\n');
  assert.equal(blocks.length, 2);
  const [id, data] = blocks[0]!.split('\n');
  assert.equal(id, 'id: 1');
  assert.deepEqual(JSON.parse(data!.replace(/^data: /, '')), {
    seq: 1,
    at: isoTime(1_000),
    epoch: '1.1',
    machine: 'task',
    id: 'task-1',
    from: 'pending',
    to: 'scheduled',
    event: 'order.place',
    cause: 'placed',
    node: null,
    job: 'shop',
  });
  assert.equal(rig.control.streamsOpen, 0);
});

test('who asks for NDJSON gets a document a line', async () => {
  const rig = makeRig();
  rig.control.emit();
  rig.control.emit();
  const response = await rig.ask('GET', '/v1/events', { headers: ndjson });
  assert.equal(response.headers.get('content-type'), 'application/x-ndjson; charset=utf-8');
  const seqs = (await response.text())
    .trimEnd()
    .split('\n')
    .map((line) => (JSON.parse(line) as { seq: number }).seq);
  assert.deepEqual(seqs, [1, 2]);
});

test('a text with line ends stays one event', async () => {
  const rig = makeRig();
  rig.control.emit({ cause: 'a\n\nid: 99\ndata: x\r\n' });
  const text = await (await rig.ask('GET', '/v1/events')).text();
  assert.equal(text.split('\n').filter((line) => line !== '').length, 2);
});

test('filters of the query reach the manager, times as milliseconds and tasks as ids', async () => {
  const rig = makeRig();
  await rig.ask('POST', '/v1/jobs', { body: { job: jobDocument() } });
  const { id } = rig.control.tasksKept[0]!;
  const filterOf = async (query: string, headers = {}) => {
    await (await rig.ask('GET', `/v1/events?${query}`, { headers })).text();
    const { signal: _signal, ...filter } = rig.control.lastEventFilters.at(-1)!;
    return filter;
  };
  const nothing = { follow: false, sinceMs: undefined, afterSeq: undefined, job: undefined, node: undefined, task: undefined };
  assert.deepEqual(await filterOf(''), nothing);
  assert.deepEqual(await filterOf('since=2026-01-31T11:00:00Z'), { ...nothing, sinceMs: Date.parse('2026-01-31T11:00:00Z') });
  assert.deepEqual(await filterOf('since=90m'), { ...nothing, sinceMs: Date.parse('2026-01-31T10:30:00Z') });
  assert.deepEqual(await filterOf('job=shop&node=bar&after=7'), { ...nothing, job: 'shop', node: 'bar', afterSeq: 7 });
  assert.deepEqual(await filterOf('task=shop/web.1'), { ...nothing, task: id });
  assert.deepEqual(await filterOf('after=7', { 'last-event-id': '9' }), { ...nothing, afterSeq: 9 });
  assert.deepEqual(await filterOf('after=7', { 'last-event-id': '' }), { ...nothing, afterSeq: 7 });
});

test('a Last-Event-ID that is no number is 400', async () => {
  const { ask } = makeRig();
  for (const id of ['x', '-1', '1.5', '99999999999999999999']) {
    assert.equal((await ask('GET', '/v1/events', { headers: { 'last-event-id': id } })).status, 400, id);
  }
});

test('events of a task that is forgotten are found by its whole id; a wrong name is 404', async () => {
  const { ask, control } = makeRig();
  const id = 'a7aa1d44-08f6-443e-9378-f5884311019e';
  control.emit({ id });
  control.emit();
  const response = await ask('GET', `/v1/events?task=${id}`, { headers: ndjson });
  assert.equal((await response.text()).trimEnd().split('\n').length, 1);
  assert.equal((await ask('GET', '/v1/events?task=a7aa1d44&follow')).status, 404);
});
