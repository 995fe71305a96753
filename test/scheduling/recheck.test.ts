import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { recheck } from '../../src/scheduling/recheck.ts';
import { anyRequest } from './arbitrary.ts';
import { aNode, amounts, anAsk, place } from './build.ts';
import { withTask } from './oracle.ts';

test('a plan holds, placement by placement, as long as the world stands still', () => {
  fc.assert(
    fc.property(anyRequest('epvm'), (request) => {
      const nodes = new Map(request.nodes.map((node) => [node.id, node]));
      const tasks = new Map(request.groups.flatMap(({ ask, tasks: all }) => all.map(({ id, slot }) => [id, { ask, slot }] as const)));
      for (const { task, node, ports } of place(request).placements) {
        const { ask, slot } = tasks.get(task)!;
        assert.equal(recheck(nodes.get(node)!, ask, ports), undefined);
        nodes.set(node, withTask(nodes.get(node)!, ask, ports, slot));
      }
    }),
    { numRuns: 500 },
  );
});

test('a placement goes back when its node went down, filled up, or its port was taken meanwhile', () => {
  const ask = anAsk({ cpu: 1 }, { ports: [{ container: 80, protocol: 'tcp' }] });
  const binding = { ip: '127.0.0.1', host: 20_000, container: 80, protocol: 'tcp' } as const;
  assert.equal(recheck(aNode('a'), ask, [binding]), undefined);
  assert.deepEqual(recheck(aNode('a', { state: 'suspect' }), ask, [binding]), {
    filter: 'state',
    detail: 'the node is suspect: not heard of for a moment',
  });
  assert.equal(recheck(aNode('a', { reserved: amounts({ cpu: 3.5 }) }), ask, [binding])?.filter, 'cpu');
  const taken = aNode('a', { portsTaken: [{ ip: '0.0.0.0', host: 20_000, protocol: 'tcp', by: 'x/y.1' }] });
  assert.deepEqual(recheck(taken, ask, [binding]), { filter: 'ports', detail: 'port 127.0.0.1:20000/tcp is used by x/y.1' });
});
