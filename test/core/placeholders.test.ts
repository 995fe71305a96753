import assert from 'node:assert/strict';
import test from 'node:test';
import { fillPlaceholders, filledOrder, placeholdersOf } from '../../src/core/placeholders.ts';
import type { PortBinding } from '../../src/core/task.ts';
import { order } from '../actors/worker-bench.ts';

const port = (container: number, host: number, protocol: PortBinding['protocol'] = 'tcp'): PortBinding => ({
  ip: '0.0.0.0',
  host,
  container,
  protocol,
});

test('known names are filled in wherever they stand, and values are not looked through again', () => {
  const values = { CUBE_JOB: 'shop', CUBE_INDEX: '${CUBE_JOB}' };
  assert.equal(fillPlaceholders('${CUBE_JOB}-${CUBE_INDEX}/${CUBE_JOB}', values), 'shop-${CUBE_JOB}/shop');
});

test('what is nobody’s business stays: other names, shell forms, unknown names, an escaped one loses its escape', () => {
  const values = { CUBE_JOB: 'shop' };
  for (const text of [
    '',
    '$CUBE_JOB',
    '${HOME}',
    '${CUBE_job}',
    '${CUBE_JOB',
    '${CUBE_JOB#x}',
    '${CUBE_NOPE}',
    '${XCUBE_JOB}',
    '${CUBE_constructor}',
  ]) {
    assert.equal(fillPlaceholders(text, values), text);
  }
  assert.equal(fillPlaceholders('$${CUBE_JOB} ${CUBE_JOB}', values), '${CUBE_JOB} shop');
  assert.equal(fillPlaceholders('$${CUBE_job} $${CUBE_x:-1}', values), '${CUBE_job} ${CUBE_x:-1}');
});

test('a default stands in for a name that has no value, also an empty one', () => {
  const values = { CUBE_JOB: 'shop' };
  assert.equal(fillPlaceholders('${CUBE_TICK:-never}|${CUBE_TICK:-}|${CUBE_JOB:-x}', values), 'never||shop');
});

test('an instance has its names, its tick in UTC, and the host port of each container port', () => {
  const what = order('a', 'runs', {
    index: 3,
    slot: 'job-a/main.3',
    tick: Date.UTC(2026, 0, 2, 3, 4, 5),
    ports: [port(80, 20_001), port(80, 20_002), port(53, 20_003, 'udp')],
  });
  assert.deepEqual(placeholdersOf(what, 'w1'), {
    CUBE_JOB: 'job-a',
    CUBE_TASK: 'main',
    CUBE_SLOT: 'job-a/main.3',
    CUBE_INDEX: '3',
    CUBE_NODE: 'w1',
    CUBE_TICK: '2026-01-02T03:04:05.000Z',
    CUBE_PORT_80: '20001',
    CUBE_PORT_53_UDP: '20003',
  });
  const { CUBE_NODE, CUBE_TICK, ...rest } = placeholdersOf(order('a', 'runs'));
  assert.deepEqual([CUBE_NODE, CUBE_TICK], [undefined, undefined]);
  assert.deepEqual(Object.keys(rest), ['CUBE_JOB', 'CUBE_TASK', 'CUBE_SLOT', 'CUBE_INDEX']);
});

test('an order is filled in: environment, command and names of volumes; the task’s own variables win, the rest stays', () => {
  const spec = {
    env: { URL: 'http://${CUBE_NODE}:${CUBE_PORT_80}', CUBE_TASK: 'mine', '${CUBE_JOB}': 'a name' },
    command: ['serve', '--id=${CUBE_INDEX}', '${CUBE_TASK}'],
    volumes: [
      { name: 'data-${CUBE_INDEX}', path: '/data/${CUBE_INDEX}', readOnly: false },
      { hostPath: '/srv/${CUBE_INDEX}', path: '/srv', readOnly: true },
    ],
  };
  const before = order('a', 'runs', { ports: [port(80, 20_001)] }, spec);
  const { spec: filled, ...rest } = filledOrder(before, 'w1');
  assert.deepEqual(filled.env, {
    ...placeholdersOf(before, 'w1'),
    URL: 'http://w1:20001',
    CUBE_TASK: 'mine',
    '${CUBE_JOB}': 'a name',
  });
  assert.deepEqual(filled.command, ['serve', '--id=1', 'main']);
  assert.deepEqual(filled.volumes, [{ ...spec.volumes[0], name: 'data-1' }, spec.volumes[1]]);
  assert.deepEqual({ ...rest, spec: before.spec }, before);
});

test('a task without a command keeps the image’s own', () => {
  const { command: _command, ...spec } = order('a', 'runs').spec;
  const filled = filledOrder({ ...order('a', 'runs'), spec }, 'w1').spec;
  assert.ok(!('command' in filled) && !('volumes' in filled));
});
