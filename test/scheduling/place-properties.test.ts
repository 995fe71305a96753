import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { NodeView, PolicyName } from '../../src/core/placement.ts';
import { policies } from '../../src/scheduling/policy.ts';
import { deepFreeze, place, type Case } from './build.ts';
import { anyRequest, largeRequest } from './arbitrary.ts';
import { canTake, oracle, withTask } from './oracle.ts';

const runs = { numRuns: 600 };

/** Follows a plan step by step and calls `check` with each node just before it gets its task. */
function replay(
  request: Case,
  check: (node: NodeView, at: { task: string; ask: Case['groups'][number]['ask']; matesOn: (node: string) => number }) => void,
): NodeView[] {
  const plan = place(request);
  const nodes = new Map(request.nodes.map((node) => [node.id, node]));
  const asks = new Map(
    request.groups.flatMap(({ ask, tasks, mates }) => {
      const there: Record<string, number> = { ...mates };
      return tasks.map(({ id, slot }) => [id, { ask, slot, there }] as const);
    }),
  );
  for (const { task, node: nodeId, ports } of plan.placements) {
    const node = nodes.get(nodeId)!;
    const { ask, slot, there } = asks.get(task)!;
    check(node, { task, ask, matesOn: (id) => there[id] ?? 0 });
    there[nodeId] = (there[nodeId] ?? 0) + 1;
    nodes.set(nodeId, withTask(node, ask, ports, slot));
  }
  return [...nodes.values()];
}

const policyNames = Object.keys(policies) as PolicyName[];

for (const policy of policyNames) {
  test(`place() with ${policy} gives the plan of an oracle that scores every node anew for every task`, () => {
    fc.assert(
      fc.property(anyRequest(policy), (request) => {
        const plan = place(request);
        assert.deepEqual({ ...plan, unplaced: plan.unplaced.map(({ task }) => task) }, oracle(request));
      }),
      // All policies together: 10,000 cases.
      { numRuns: 2_500 },
    );
  });

  test(`place() with ${policy} gives the oracle's plan for many different tasks on many nodes, too`, () => {
    fc.assert(
      fc.property(largeRequest(policy), (request) => {
        const plan = place(request);
        assert.deepEqual({ ...plan, unplaced: plan.unplaced.map(({ task }) => task) }, oracle(request));
      }),
      { numRuns: 20 },
    );
  });
}

for (const policy of policyNames) {
  test(`place() with ${policy} never uses a node that cannot take the task at that moment`, () => {
    fc.assert(
      fc.property(anyRequest(policy), (request) => {
        replay(request, (node, { task, ask, matesOn }) => assert.ok(canTake(node, ask, matesOn(node.id)), `${task} on ${node.name}`));
      }),
      runs,
    );
  });
}

for (const policy of policyNames) {
  test(`place() with ${policy} never goes over what a node has, beyond what it was given over it`, () => {
    fc.assert(
      fc.property(anyRequest(policy), (request) => {
        const after = replay(request, () => {});
        for (const [index, node] of after.entries()) {
          const start = request.nodes[index]!;
          for (const kind of ['cpu', 'memoryBytes', 'diskBytes'] as const) {
            const slack = kind === 'cpu' ? 1e-9 : 0;
            assert.ok(node.reserved[kind] <= Math.max(node.capacity[kind] * (1 + slack), start.reserved[kind]), `${kind} of ${node.name}`);
          }
          for (const [name, amount] of Object.entries(node.reserved.custom)) {
            const offered = Object.hasOwn(node.capacity.custom, name) ? node.capacity.custom[name]! : 0;
            const given = Object.hasOwn(start.reserved.custom, name) ? start.reserved.custom[name]! : 0;
            assert.ok(amount <= Math.max(offered * (1 + 1e-9), given), `${name} of ${node.name}`);
          }
          assert.ok(node.tasks <= Math.max(node.slotsMax, start.tasks));
        }
      }),
      runs,
    );
  });
}

for (const policy of policyNames) {
  test(`place() with ${policy} hands out no host port twice, and free ones only from the range`, () => {
    fc.assert(
      fc.property(anyRequest(policy), (request) => {
        const specs = new Map(request.groups.flatMap(({ ask, tasks }) => tasks.map(({ id }) => [id, ask.ports] as const)));
        const taken = new Map(
          request.nodes.map((node) => [node.id, node.portsTaken.map(({ ip, host, protocol }) => ({ ip, host, protocol }))]),
        );
        for (const { task, node: nodeId, ports } of place(request).placements) {
          const node = request.nodes.find(({ id }) => id === nodeId)!;
          assert.equal(ports.length, specs.get(task)!.length);
          for (const [at, port] of ports.entries()) {
            const spec = specs.get(task)![at]!;
            assert.deepEqual([port.ip, port.container, port.protocol], [spec.ip ?? node.portsIp, spec.container, spec.protocol]);
            if (spec.host === undefined) assert.ok(port.host >= node.portRange.from && port.host <= node.portRange.to);
            else assert.equal(port.host, spec.host);
            const all = taken.get(nodeId)!;
            const clash = all.find(
              ({ ip, host, protocol }) =>
                host === port.host &&
                protocol === port.protocol &&
                (ip === port.ip || [ip, port.ip].some((each) => each === '0.0.0.0' || each === '::')),
            );
            assert.equal(clash, undefined, `${port.ip}:${port.host}/${port.protocol} on ${node.name}`);
            all.push({ ip: port.ip, host: port.host, protocol: port.protocol });
          }
        }
      }),
      runs,
    );
  });
}

for (const policy of policyNames) {
  test(`place() with ${policy} answers for every task once, with reasons that count every node for what is not placed`, () => {
    fc.assert(
      fc.property(anyRequest(policy), (request) => {
        const plan = place(request);
        const answered = [...plan.placements, ...plan.unplaced].map(({ task }) => task).sort();
        assert.deepEqual(answered, request.groups.flatMap(({ tasks }) => tasks.map(({ id }) => id)).sort());
        for (const { reasons } of plan.unplaced) {
          assert.equal(
            reasons.reduce((sum, { nodes }) => sum + nodes, 0),
            request.nodes.length,
          );
          assert.deepEqual(
            reasons.map(({ nodes }) => nodes),
            reasons.map(({ nodes }) => nodes).sort((a, b) => b - a),
          );
        }
      }),
      runs,
    );
  });
}

for (const policy of policyNames) {
  test(`place() with ${policy} leaves a deeply frozen request alone, and gives the same plan for it again`, () => {
    fc.assert(
      fc.property(anyRequest(policy), (request) => {
        const before = structuredClone(request);
        const plan = place(deepFreeze(request));
        assert.deepEqual(place(request), plan);
        assert.deepEqual(request, before);
        assert.deepEqual(place(before), plan);
      }),
      runs,
    );
  });
}

for (const policy of policyNames) {
  test(`place() with ${policy} uses a node that a task avoids only when no other could take it, and turns nobody away for that`, () => {
    fc.assert(
      fc.property(anyRequest(policy), (request) => {
        let nodes = [...request.nodes];
        replay(request, (node, { task, ask, matesOn }) => {
          const avoid = ask.avoid ?? [];
          const current = nodes.filter((each) => !avoid.includes(each.id) && canTake(each, ask, matesOn(each.id)));
          if (avoid.includes(node.id))
            assert.deepEqual(
              current.map(({ name }) => name),
              [],
              `${task} on ${node.name}`,
            );
          const slot = request.groups.flatMap(({ tasks }) => tasks).find(({ id }) => id === task)!.slot;
          const { ports } = place(request).placements.find((placement) => placement.task === task)!;
          nodes = nodes.map((each) => (each.id === node.id ? withTask(each, ask, ports, slot) : each));
        });
        const [first] = request.groups;
        const without = (ask: typeof first) => (ask ? [{ ...ask, ask: { ...ask.ask, avoid: [] } }] : []);
        const placed = (groups: Case['groups']) => place({ ...request, groups }).placements.length;
        assert.equal(placed(first ? [first] : []), placed(without(first)));
      }),
      { numRuns: 300 },
    );
  });
}

test('with E-PVM a batch gives the plan that its tasks would get one by one', () => {
  fc.assert(
    fc.property(anyRequest('epvm'), (request) => {
      let nodes = [...request.nodes];
      const placedOf = new Map<string | undefined, string[]>();
      const single = request.groups.flatMap(({ ask, kind, tasks, mates }) => {
        const there: Record<string, number> = { ...mates };
        const siblings = kind === undefined ? [] : (placedOf.get(kind) ?? []);
        for (const id of siblings) there[id] = (there[id] ?? 0) + 1;
        placedOf.set(kind, siblings);
        return tasks.flatMap((task) => {
          const [placement] = place({ ...request, nodes, groups: [{ ask, tasks: [task], mates: there }] }).placements;
          if (!placement) return [];
          there[placement.node] = (there[placement.node] ?? 0) + 1;
          siblings.push(placement.node);
          nodes = nodes.map((node) => (node.id === placement.node ? withTask(node, ask, placement.ports, task.slot) : node));
          return [placement];
        });
      });
      assert.deepEqual(place(request).placements, single);
    }),
    runs,
  );
});

test('with E-PVM the order in which nodes are listed does not matter', () => {
  fc.assert(
    fc.property(anyRequest('epvm'), (request) => {
      const { placements } = place(request);
      assert.deepEqual(place({ ...request, nodes: request.nodes.toReversed() }).placements, placements);
    }),
    runs,
  );
});
