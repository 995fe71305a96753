import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { limitsDefault } from '../../src/core/limits.ts';
import type { Ask, NodeView, PolicyName } from '../../src/core/placement.ts';
import { rebalance, type Move, type RebalanceRequest, type Runner } from '../../src/scheduling/rebalance.ts';
import { amounts, aNode, anAsk, deepFreeze, GiB } from './build.ts';
import { canTake, withTask } from './oracle.ts';

type Cluster = Pick<RebalanceRequest, 'nodes' | 'tasks'>;

function aRunner(slot: string, node: string, ask: Ask = anAsk({ cpu: 1 }), some: Partial<Runner> = {}): Runner {
  const kind = slot.slice(0, slot.indexOf('.'));
  const ports = ask.ports.map(({ host, container, protocol }, at) => ({ ip: '127.0.0.1', host: host ?? 20_000 + at, container, protocol }));
  return { id: `id-${slot}`, slot, kind, node: `id-${node}`, ask, ports, stays: false, ...some };
}

/** Nodes that hold these tasks. */
function cluster(names: readonly (string | NodeView)[], tasks: readonly Runner[]): Cluster {
  const nodes = names.map((name) => {
    const empty = typeof name === 'string' ? aNode(name) : name;
    return tasks.filter(({ node }) => node === empty.id).reduce((node, { ask, ports, slot }) => withTask(node, ask, ports, slot), empty);
  });
  return { nodes, tasks };
}

function movesOf(of: Cluster, some: Partial<RebalanceRequest> = {}): Move[] {
  const rest = { policy: 'epvm' as const, epvmBase: limitsDefault.epvmBase, movesMax: 10, shareMin: 0.1, nodesMax: 50 };
  return rebalance({ ...of, ...rest, ...some });
}

/** The cluster after moves: written down anew from who is where. */
function after({ nodes, tasks }: Cluster, moves: readonly Move[]): Cluster {
  const where = new Map(moves.map(({ task, to }) => [task, to]));
  const empty = nodes.map((node) => ({ ...node, reserved: amounts(), used: amounts(), tasks: 0, portsTaken: [] }));
  return cluster(
    empty,
    tasks.map((task) => ({ ...task, node: where.get(task.id) ?? task.node })),
  );
}

function powers(base: number, { capacity, reserved, tasks, slotsMax }: NodeView): number {
  const shares = [
    [reserved.cpu, capacity.cpu],
    [reserved.memoryBytes, capacity.memoryBytes],
    [reserved.diskBytes, capacity.diskBytes],
    [tasks, slotsMax],
    [reserved.custom['gpu'] ?? 0, capacity.custom['gpu'] ?? 0],
  ] as const;
  return shares.reduce((sum, [taken, has]) => sum + (has > 0 ? base ** (taken / has) : 0), 0);
}

/** What all nodes cost together by E-PVM. */
function totalOf({ nodes }: Cluster): number {
  return nodes.reduce((sum, node) => sum + powers(limitsDefault.epvmBase, node), 0);
}

function brief(moves: readonly Move[]): string[] {
  return moves.map(({ slot, from, to }) => `${slot} ${from.slice(3)}>${to.slice(3)}`);
}

const someAsk = fc
  .record({
    cpu: fc.constantFrom(0, 0.1, 0.5, 1, 2),
    memory: fc.constantFrom(0, 0.5, 1),
    gpu: fc.constantFrom(0, 0, 1),
    dc: fc.constantFrom<readonly string[]>([], [], ['dc1']),
    port: fc.constantFrom<Ask['ports']>([], [], [{ container: 80, protocol: 'tcp' }]),
  })
  .map(({ cpu, memory, gpu, dc, port }) =>
    anAsk({ cpu, memoryBytes: memory * GiB, custom: gpu === 0 ? {} : { gpu } }, { datacenters: dc, ports: port }),
  );

/** A few nodes, full or empty, and who is on them. */
const someCluster: fc.Arbitrary<Cluster> = fc
  .tuple(
    fc.array(fc.record({ dc: fc.constantFrom('dc1', 'dc1', 'dc2'), cpu: fc.constantFrom(4, 8), gpu: fc.constantFrom(0, 2) }), {
      minLength: 1,
      maxLength: 5,
    }),
    fc.array(
      fc.record({
        at: fc.nat({ max: 2 }),
        ask: someAsk,
        kind: fc.constantFrom('a/web', 'b/db'),
        stays: fc.constantFrom(false, false, false, true),
      }),
      {
        maxLength: 12,
      },
    ),
  )
  .map(([shapes, placed]) => {
    let { nodes } = cluster(
      shapes.map(({ dc, cpu, gpu }, at) =>
        aNode(`n${at}`, { dc, capacity: amounts({ cpu, memoryBytes: 4 * GiB, diskBytes: GiB, custom: { gpu } }) }),
      ),
      [],
    );
    const tasks: Runner[] = [];
    for (const [index, { at, ask, kind, stays }] of placed.entries()) {
      const node = nodes[at % nodes.length]!;
      if (!canTake(node, ask)) continue;
      const ports = ask.ports.map(({ container, protocol }) => ({ ip: '127.0.0.1', host: 20_000 + index, container, protocol }));
      const task = aRunner(`${kind}.${index}`, node.name, ask, { stays, ports });
      tasks.push(task);
      nodes = nodes.map((other) => (other === node ? withTask(other, ask, ports, task.slot) : other));
    }
    return cluster(
      nodes.map((node) => ({ ...node, reserved: amounts(), used: amounts(), tasks: 0, portsTaken: [] })),
      tasks,
    );
  });

test('each move lowers what all nodes cost together by its gain, and goes to a node that can take the task', () => {
  fc.assert(
    fc.property(someCluster, (start) => {
      let now = start;
      for (const move of movesOf(deepFreeze(start), { movesMax: 100 })) {
        const task = now.tasks.find(({ id }) => id === move.task)!;
        assert.equal(task.node, move.from);
        assert.ok(!task.stays);
        assert.ok(
          canTake(
            now.nodes.find(({ id }) => id === move.to)!,
            task.ask,
          ),
        );
        const next = after(now, [move]);
        assert.ok(Math.abs(totalOf(now) - totalOf(next) - move.gain) < 1e-9);
        assert.ok(move.gain > 0 && move.share >= 0.1);
        now = next;
      }
    }),
    { numRuns: 500 },
  );
});

test('each move is the best of all there are', () => {
  fc.assert(
    fc.property(someCluster, (start) => {
      let now = start;
      const moved = new Set<string>();
      for (const move of [...movesOf(start, { movesMax: 100 }), undefined]) {
        let best = 0;
        for (const task of now.tasks) {
          if (task.stays || moved.has(task.id)) continue;
          for (const { id, ...node } of now.nodes) {
            if (id === task.node || !canTake({ id, ...node }, task.ask)) continue;
            const gain = totalOf(now) - totalOf(after(now, [{ task: task.id, to: id } as Move]));
            const alone =
              totalOf(now) -
              totalOf(
                cluster(
                  after(now, []).nodes.map((view) => ({ ...view, reserved: amounts(), used: amounts(), tasks: 0, portsTaken: [] })),
                  now.tasks.filter((other) => other !== task),
                ),
              );
            if (gain >= 0.1 * alone + 1e-9) best = Math.max(best, gain);
          }
        }
        if (!move) return assert.ok(best < 1e-9);
        assert.ok(move.gain >= best - 1e-9);
        moved.add(move.task);
        now = after(now, [move]);
      }
    }),
    { numRuns: 200 },
  );
});

test('a second run takes nothing back: it moves nobody but those who have moved, and not to where they were', () => {
  fc.assert(
    fc.property(someCluster, (start) => {
      const first = movesOf(start, { movesMax: 100 });
      const second = movesOf(after(start, first), { movesMax: 1 });
      for (const { task, to } of second) {
        const earlier = first.find((move) => move.task === task);
        assert.ok(earlier && earlier.from !== to);
      }
    }),
    { numRuns: 500 },
  );
});

test('the order of nodes and tasks does not matter', () => {
  fc.assert(
    fc.property(someCluster, ({ nodes, tasks }) => {
      const turned = { nodes: nodes.toReversed(), tasks: tasks.toReversed() };
      assert.deepEqual(movesOf(turned), movesOf({ nodes, tasks }));
    }),
    { numRuns: 200 },
  );
});

const four = ['shop/web.1', 'shop/web.2', 'shop/web.3', 'shop/web.4'].map((slot) => aRunner(slot, 'a'));

test('a node that joined takes its share, and then nothing is worth a move any more', () => {
  const start = cluster(['a', 'b'], four);
  const moves = movesOf(start);
  assert.deepEqual(brief(moves), ['shop/web.1 a>b', 'shop/web.2 a>b']);
  assert.deepEqual([moves[0]!.resource, moves[0]!.fromUse, moves[0]!.toUse], ['cpu', 1, 0]);
  assert.deepEqual(movesOf(after(start, moves)), []);
});

test('no more moves than are wanted, and none that gains less than is worth it', () => {
  const start = cluster(['a', 'b'], four);
  assert.equal(movesOf(start, { movesMax: 1 }).length, 1);
  assert.equal(movesOf(start, { movesMax: 0 }).length, 0);
  assert.equal(movesOf(start, { shareMin: 0.9 }).length, 0);
});

test('what keeps something on its node or is bound to it stays, and so does what the other node cannot take', () => {
  const of = (some: Partial<Runner>, ask = anAsk({ cpu: 1 }), target = aNode('b')): string[] =>
    brief(
      movesOf(
        cluster(
          ['a', target],
          four.map((task) => ({ ...task, ask, ...some })),
        ),
      ),
    );
  assert.deepEqual(of({ stays: true }), []);
  assert.deepEqual(of({}, anAsk({ cpu: 1 }, { onNode: 'a' })), []);
  assert.deepEqual(of({}, anAsk({ cpu: 1 }, { avoid: ['id-b'] })), []);
  assert.deepEqual(of({}, anAsk({ cpu: 1 }, { datacenters: ['dc1'] }), aNode('b', { dc: 'dc2' })), []);
  assert.deepEqual(of({}, anAsk({ cpu: 1 }), aNode('b', { eligible: false })), []);
  assert.deepEqual(of({}, anAsk({ cpu: 1 }), aNode('b', { state: 'suspect' })), []);
  assert.equal(of({}, anAsk({ cpu: 1 }, { maxPerNode: 1 })).length, 1);
});

test('a fixed port moves only to where it is free, and is free where it was', () => {
  const web = anAsk({ cpu: 2 }, { ports: [{ container: 80, host: 80, protocol: 'tcp' }] });
  const start = cluster(
    ['a', 'b'],
    [aRunner('x/web.1', 'a', web), aRunner('y/db.1', 'a', anAsk({ cpu: 2 })), aRunner('z/web.1', 'b', web)],
  );
  assert.deepEqual(brief(movesOf({ ...start, tasks: start.tasks.map((task) => ({ ...task, stays: task.slot !== 'x/web.1' })) })), []);
  const free = cluster(['a', 'b'], [aRunner('x/web.1', 'a', web), aRunner('y/db.1', 'a', anAsk({ cpu: 2 }), { stays: true })]);
  assert.deepEqual(brief(movesOf(free)), ['x/web.1 a>b']);
});

test('what a task wishes for is kept: affinity, and being spread', () => {
  const zone = (name: string, value: string): NodeView => aNode(name, { labels: { zone: value } });
  const near = { text: 'label.zone == x', attribute: 'label.zone', operator: '==', values: ['x'] } as const;
  const liking = four.map((task) => ({ ...task, ask: anAsk({ cpu: 1 }, { affinity: [near] }) }));
  assert.deepEqual(movesOf(cluster([zone('a', 'x'), zone('b', 'y')], liking)), []);
  assert.equal(movesOf(cluster([zone('a', 'x'), zone('b', 'x')], liking)).length, 2);
  const wide = anAsk({ cpu: 2 }, { spread: 'label.zone' });
  const spread = [aRunner('s/web.1', 'a', wide), aRunner('s/web.2', 'c', wide), aRunner('o/x.1', 'a', anAsk({ cpu: 2 }), { stays: true })];
  assert.deepEqual(movesOf(cluster([zone('a', 'x'), zone('b', 'y'), zone('c', 'y')], spread)), []);
  assert.equal(movesOf(cluster([zone('a', 'x'), zone('b', 'z'), zone('c', 'y')], spread)).length, 1);
});

test('each policy moves by its own measure: spread evens out, binpack empties nodes, round robin looks at no load', () => {
  const of = (policy: PolicyName): string[] =>
    brief(movesOf(cluster(['a', 'b'], [...four.slice(0, 3), aRunner('x/y.1', 'b')]), { policy }));
  assert.deepEqual(of('spread'), ['shop/web.1 a>b']);
  assert.deepEqual(of('binpack'), ['x/y.1 b>a']);
  assert.deepEqual(of('roundrobin'), []);
});

test('measured load counts where it is above what is reserved', () => {
  const busy = aNode('a', { used: amounts({ cpu: 3.9 }) });
  assert.deepEqual(brief(movesOf(cluster([busy, 'b'], [aRunner('x/y.1', 'a')]))), ['x/y.1 a>b']);
  assert.deepEqual(brief(movesOf(cluster(['a', 'b'], [aRunner('x/y.1', 'a')]))), []);
});
