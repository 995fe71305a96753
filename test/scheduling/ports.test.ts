import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { PortSpec } from '../../src/core/job.ts';
import type { NodeView } from '../../src/core/placement.ts';
import { PortTable } from '../../src/scheduling/ports.ts';
import { aGroup, aNode, anAsk, aRequest, place, whyNot } from './build.ts';

const web: PortSpec = { host: 8080, container: 80, protocol: 'tcp' };
const free: PortSpec = { container: 9000, protocol: 'tcp' };
const smallRange = { from: 100, to: 102 };

function details(nodes: readonly NodeView[], ports: readonly PortSpec[]): string[] {
  return whyNot({ ...aRequest(nodes, []), ask: anAsk({}, { ports }), reasonsMax: 20 }).map(({ detail }) => detail);
}

function hosts(node: NodeView, specs: readonly PortSpec[], task = 'a-task'): number[] | string {
  const bound = new PortTable(node).bind(specs, task);
  return 'bindings' in bound ? bound.bindings.map(({ host }) => host) : bound.failure.kind;
}

const taken = (ip: string) => aNode('a', { portsTaken: [{ ip, host: 8080, protocol: 'tcp', by: 'shop/web.1' }] });

test('a port in use is refused, with who has it', () => {
  assert.deepEqual(details([taken('127.0.0.1')], [web]), ['port 8080/tcp is used by shop/web.1']);
  assert.deepEqual(details([taken('127.0.0.1')], [{ ...web, ip: '127.0.0.1' }]), ['port 127.0.0.1:8080/tcp is used by shop/web.1']);
});

test('another protocol, another port and another address are free', () => {
  assert.deepEqual(details([taken('127.0.0.1')], [{ ...web, protocol: 'udp' }]), []);
  assert.deepEqual(details([taken('127.0.0.1')], [{ ...web, host: 8081 }]), []);
  assert.deepEqual(details([taken('10.0.0.1')], [web]), []);
  assert.deepEqual(details([taken('127.0.0.1')], [{ ...web, ip: '10.0.0.1' }]), []);
});

test('all addresses clash with each one, either way around', () => {
  for (const all of ['0.0.0.0', '::', '[::]', '']) {
    assert.equal(details([taken(all)], [web]).length, 1, `${all} is taken`);
    assert.equal(details([taken('10.0.0.1')], [{ ...web, ip: all }]).length, 1, `${all} is asked for`);
    assert.equal(details([taken('::')], [{ ...web, ip: all }]).length, 1);
  }
});

test('many nodes name some of the users and count the rest', () => {
  const nodes = [1, 2, 3, 4, 5].map((at) =>
    aNode(`n${at}`, { portsTaken: [{ ip: '::', host: 8080, protocol: 'tcp', by: `shop/web.${at}` }] }),
  );
  assert.deepEqual(details(nodes, [web]), ['port 8080/tcp is used by shop/web.1, shop/web.2, shop/web.3 and 2 more']);
});

test('a port whose user has no name is just in use', () => {
  assert.deepEqual(details([aNode('a', { portsTaken: [{ ip: '::', host: 8080, protocol: 'tcp', by: '' }] })], [web]), [
    'port 8080/tcp is in use',
  ]);
});

test('a task that wants one port twice fits nowhere and is told so', () => {
  assert.deepEqual(details([aNode('a')], [web, { ...web, container: 81 }]), ['port 8080/tcp is asked for twice by the task itself']);
  assert.deepEqual(
    details(
      [aNode('a')],
      [
        { ...web, ip: '10.0.0.1' },
        { ...web, ip: '10.0.0.2' },
      ],
    ),
    [],
  );
});

test('a node with too few left is refused with the numbers', () => {
  const node = aNode('a', { portRange: smallRange, portsTaken: [{ ip: '::', host: 101, protocol: 'tcp', by: 'x/y.1' }] });
  assert.deepEqual(hosts({ ...node, portsNext: 100 }, [free, free]), [100, 102]);
  assert.deepEqual(details([node], [free, free, free]), ['not enough free host ports (needs 3, 2 ports left of 100-102)']);
  const fuller = { ...node, id: 'id-b', name: 'b', portRange: { from: 101, to: 102 } };
  assert.deepEqual(details([node, fuller], [free, free, free]), ['not enough free host ports (needs 3, largest number left 2)']);
});

test('a range without ports gives none', () => {
  assert.deepEqual(details([aNode('a', { portRange: { from: 5, to: 4 } })], [free]), [
    'not enough free host ports (needs 1, 0 ports left of 5-4)',
  ]);
});

test('taken ports of another protocol, another address or outside the range do not count', () => {
  const node = aNode('a', {
    portRange: { from: 100, to: 100 },
    portsTaken: [
      { ip: '::', host: 100, protocol: 'udp', by: 'x' },
      { ip: '10.0.0.1', host: 100, protocol: 'tcp', by: 'x' },
      { ip: '::', host: 99, protocol: 'tcp', by: 'x' },
    ],
  });
  assert.deepEqual(hosts(node, [free]), [100]);
  assert.equal(hosts(node, [{ ...free, ip: '0.0.0.0' }]), 'range');
});

test('a fixed port of the same task is not handed out a second time', () => {
  const node = aNode('a', { portRange: smallRange, portsNext: 100 });
  assert.deepEqual(hosts(node, [free, { ...web, host: 100 }, free]), [101, 100, 102]);
  assert.equal(hosts(node, [free, free, free, { ...web, host: 100 }]), 'range');
});

test('ports for all addresses choose first, so that enough stays enough', () => {
  const node = aNode('a', {
    portRange: { from: 100, to: 101 },
    portsNext: 101,
    portsTaken: [{ ip: '10.0.0.9', host: 100, protocol: 'tcp', by: 'x' }],
  });
  assert.deepEqual(hosts(node, [free, { ...free, ip: '0.0.0.0' }]), [100, 101]);
});

test('the search goes on after the last port handed out, and around the end', () => {
  const node = aNode('a', { portRange: smallRange });
  assert.deepEqual(hosts({ ...node, portsNext: 101 }, [free, free, free]), [101, 102, 100]);
  assert.deepEqual(hosts({ ...node, portsNext: 103 }, [free]), [100]);
  assert.deepEqual(hosts({ ...node, portsNext: 9_999 }, [free]), [100]);
});

test('a port just freed rests while others are free', () => {
  let portsNext = 100;
  const seen: number[] = [];
  for (let round = 1; round <= 4; round++) {
    // The task before has ended: nothing is taken, and only the hint remembers.
    const node = aNode('a', { portRange: smallRange, portsNext });
    const [placement] = place(aRequest([node], [aGroup(1, anAsk({}, { ports: [free] }), `run${round}`)])).placements;
    seen.push(placement!.ports[0]!.host);
    portsNext = placement!.ports[0]!.host + 1;
  }
  assert.deepEqual(seen, [100, 101, 102, 100]);
});

test('without a hint the search begins at a place that differs from task to task and is the same for one task', () => {
  const node = aNode('a');
  const starts = Array.from({ length: 50 }, (_, at) => hosts(node, [free], `7d0e${at}-task`)).map(String);
  assert.ok(new Set(starts).size > 45, `${new Set(starts).size} of 50 differ`);
  assert.deepEqual(hosts(node, [free], 'same'), hosts(node, [free], 'same'));
});

test('tasks of one batch on one node get ports one after the other', () => {
  const node = aNode('a', { portsNext: 20_005 });
  const plan = place(aRequest([node], [aGroup(3, anAsk({}, { ports: [free, web, free] }))]));
  assert.deepEqual(
    plan.placements.map(({ ports }) => ports.map(({ host }) => host)),
    [[20_005, 8080, 20_006]],
  );
  const twice = place(aRequest([node], [aGroup(2, anAsk({}, { ports: [free] })), aGroup(1, anAsk({}, { ports: [free] }), 'next')]));
  assert.deepEqual(
    twice.placements.map(({ ports }) => ports[0]!.host),
    [20_005, 20_006, 20_007],
  );
});

test("a binding has the spec's address, or the node's", () => {
  const node = aNode('a', { portsNext: 20_000, portsIp: '0.0.0.0' });
  const [placement] = place(
    aRequest(
      [node],
      [
        aGroup(
          1,
          anAsk(
            {},
            {
              ports: [
                { ...web, ip: '10.0.0.1' },
                { ...free, protocol: 'udp' },
              ],
            },
          ),
        ),
      ],
    ),
  ).placements;
  assert.deepEqual(placement!.ports, [
    { ip: '10.0.0.1', host: 8080, container: 80, protocol: 'tcp' },
    { ip: '0.0.0.0', host: 20_000, container: 9000, protocol: 'udp' },
  ]);
});
