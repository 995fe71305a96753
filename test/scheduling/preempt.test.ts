import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { limitsDefault } from '../../src/core/limits.ts';
import { Rooms, type Applicant, type Preemption } from '../../src/scheduling/preempt.ts';
import type { Victim } from '../../src/scheduling/preempt/room.ts';
import { NodeTable } from '../../src/scheduling/node-table.ts';
import { amounts, anAsk, deepFreeze, GiB } from './build.ts';
import * as build from './preempt-build.ts';
import type { Full } from './preempt-build.ts';

const { aTask, anApplicant, full } = build;

function roomsOf(places: readonly Full[], limits = limitsDefault): Rooms {
  const tasks = new Map(places.map((place) => [place.node.id, place.tasks]));
  const nodes = places.map(({ node }) => node);
  return new Rooms(NodeTable.of(nodes), (id) => tasks.get(id)!, limits);
}

function preempt(places: readonly Full[], applicant: Applicant, limits = limitsDefault): Preemption | undefined {
  return roomsOf(places, limits).find(applicant);
}

function ids(found: Preemption | undefined): string[] | undefined {
  return found?.victims.map(({ id }) => id).toSorted();
}

const cores = (cpu: number): Partial<Victim> => ({ resources: amounts({ cpu }) });
const port80 = { ip: '127.0.0.1', host: 80, container: 80, protocol: 'tcp' as const };

test('the choice is the cheapest of all sets of victims on all nodes', () => {
  fc.assert(
    fc.property(build.somePlaces, build.someApplicant, (places, applicant) => {
      const found = preempt(places, applicant);
      const best = build.bruteForce(places, applicant);
      if (best.waits) return assert.deepEqual(found?.victims, []);
      assert.deepEqual(found && build.costFound(places, applicant, found), best.cost);
    }),
    { numRuns: 3_000 },
  );
});

for (const preemptSetsMax of [0, 3, 10_000]) {
  test(`whoever is preempted may be, it helps, and nobody goes in vain, with ${preemptSetsMax} sets to try`, () => {
    fc.assert(
      fc.property(build.somePlaces, build.someApplicant, (places, applicant) => {
        const found = preempt(places, applicant, { ...limitsDefault, preemptSetsMax });
        const best = build.bruteForce(places, applicant);
        assert.equal(found !== undefined, best.waits || best.cost !== undefined);
        if (!found) return;
        const place = places.find(({ node }) => node.id === found.node)!;
        const leaving = build.leavingOf(place);
        assert.equal(found.leaving, leaving.length);
        for (const victim of found.victims) assert.ok(build.mayPreempt(applicant, victim));
        const gone = new Set([...leaving, ...found.victims.map(({ id }) => id)]);
        assert.ok(build.takes(place, applicant, gone));
        for (const { id } of found.victims) {
          assert.ok(!build.takes(place, applicant, new Set([...gone].filter((other) => other !== id))), `${id} goes in vain`);
        }
        // Priorities count in full however few sets are tried.
        if (best.cost) assert.deepEqual(build.costFound(places, applicant, found).slice(0, 2), best.cost.slice(0, 2));
      }),
      { numRuns: 500 },
    );
  });
}

test('the order of nodes and tasks does not matter, and nothing is changed', () => {
  fc.assert(
    fc.property(build.somePlaces, build.someApplicant, (places, applicant) => {
      const found = preempt(deepFreeze(places), deepFreeze(applicant));
      const turned = places.map(({ node, tasks }) => ({ node, tasks: tasks.toReversed() })).toReversed();
      const other = preempt(turned, applicant);
      assert.deepEqual([other?.node, ids(other)], [found?.node, ids(found)]);
    }),
    { numRuns: 500 },
  );
});

test('once the victims leave, the same question is answered by waiting for them, and preempts nobody else', () => {
  fc.assert(
    fc.property(build.somePlaces, build.someApplicant, (places, applicant) => {
      const found = preempt(places, applicant);
      if (!found) return;
      const going = new Set(ids(found));
      const later = places.map(({ node, tasks }) => ({
        node,
        tasks: tasks.map((task) => (going.has(task.id) ? { ...task, leaving: true } : task)),
      }));
      assert.deepEqual(preempt(later, applicant)?.victims, []);
    }),
    { numRuns: 500 },
  );
});

test('room that is promised to one task is not given to the next', () => {
  fc.assert(
    fc.property(build.somePlaces, fc.array(build.someApplicant, { minLength: 2, maxLength: 4 }), (places, applicants) => {
      const rooms = roomsOf(places);
      const gone = new Map(places.map((place) => [place.node.id, new Set(build.leavingOf(place))]));
      const after = new Map(places.map((place) => [place.node.id, place]));
      for (const [at, applicant] of applicants.entries()) {
        const found = rooms.find(applicant);
        if (!found) continue;
        rooms.promise(found, applicant);
        for (const { id } of found.victims) gone.get(found.node)!.add(id);
        const place = after.get(found.node)!;
        const out = gone.get(found.node)!;
        assert.ok(build.takes(place, applicant, out));
        const { ask, kind } = applicant;
        const ports = ask.ports.flatMap((spec) => (spec.host === undefined ? [] : [{ ...port80, host: spec.host }]));
        const own = aTask(`new-${at}`, 100, { kind, resources: ask.resources, ports });
        const tasks = [...place.tasks, own];
        const { reserved, tasks: count, portsTaken } = full(place.node.name, tasks).node;
        after.set(found.node, { node: { ...place.node, reserved, tasks: count, portsTaken }, tasks });
      }
    }),
    { numRuns: 500 },
  );
});

test('only tasks of lower priority go', () => {
  const places = [full('a', [aTask('x', 50, cores(4))])];
  assert.equal(preempt(places, anApplicant(49)), undefined);
  assert.equal(preempt(places, anApplicant(50)), undefined);
  assert.deepEqual(ids(preempt(places, anApplicant(51))), ['x']);
});

test('a preemptible task goes for one of equal priority that is not preemptible itself, and for none of lower priority', () => {
  const places = [full('a', [aTask('x', 50, { ...cores(4), preemptible: true })])];
  assert.deepEqual(ids(preempt(places, anApplicant(50))), ['x']);
  assert.equal(preempt(places, anApplicant(50, undefined, { preemptible: true })), undefined);
  assert.equal(preempt(places, anApplicant(49)), undefined);
});

test('nobody goes where it would not help', () => {
  const tasks = [aTask('low', 10), aTask('high', 90, cores(3))];
  assert.equal(preempt([full('a', tasks)], anApplicant(50, anAsk({ cpu: 2 }))), undefined);
  assert.equal(preempt([full('a', tasks, { dc: 'dc2' })], anApplicant(50, anAsk({ cpu: 1 }, { datacenters: ['dc1'] }))), undefined);
  assert.equal(preempt([full('a', tasks)], anApplicant(50, anAsk({ cpu: 1, custom: { gpu: 1 } }))), undefined);
  assert.equal(preempt([full('a', tasks, { state: 'suspect' })], anApplicant(50)), undefined);
  assert.equal(preempt([], anApplicant(50)), undefined);
});

test('many of low priority go rather than one of a higher', () => {
  const small = [1, 2, 3, 4].map((at) => aTask(`s${at}`, 10));
  const places = [full('a', [aTask('x', 20, cores(4))]), full('b', small)];
  assert.deepEqual(ids(preempt(places, anApplicant(50, anAsk({ cpu: 4 })))), ['s1', 's2', 's3', 's4']);
});

test('of one priority the fewest go, then those that reserve less, then the newest, then those of the first node', () => {
  const two = full('a', [aTask('p', 10, cores(2)), aTask('q', 10, cores(2))]);
  const one = full('b', [aTask('r', 10, cores(4))]);
  assert.deepEqual(ids(preempt([two, one], anApplicant(50, anAsk({ cpu: 4 })))), ['r']);
  assert.deepEqual(preempt([one, two], anApplicant(50, anAsk({ cpu: 2 })))?.victims[0]?.resources.cpu, 2);
  const old = full('a', [aTask('old', 10, { ...cores(4), createdAt: 1 })]);
  const fresh = full('b', [aTask('fresh', 10, { ...cores(4), createdAt: 2 })]);
  assert.deepEqual(ids(preempt([old, fresh], anApplicant(50))), ['fresh']);
  const same = ['c', 'b'].map((name) => full(name, [aTask(`on-${name}`, 10, cores(4))]));
  assert.deepEqual(ids(preempt(same, anApplicant(50))), ['on-b']);
});

test('a node that the task avoids comes last, whatever goes on the others', () => {
  const places = [full('a', [aTask('x', 10, cores(4))]), full('b', [aTask('y', 40, cores(4))])];
  assert.deepEqual(ids(preempt(places, anApplicant(50, anAsk({ cpu: 1 }, { avoid: ['id-a'] })))), ['y']);
  assert.deepEqual(ids(preempt(places, anApplicant(30, anAsk({ cpu: 1 }, { avoid: ['id-a'] })))), ['x']);
});

test('who holds the fixed port that is asked for goes, and who holds it with a higher priority stays', () => {
  const ask = anAsk({ cpu: 1 }, { ports: [{ container: 80, host: 80, protocol: 'tcp' }] });
  const holder = (id: string, priority: number): Victim => aTask(id, priority, { ports: [port80] });
  const place = full('a', [aTask('x', 10), holder('web', 20)]);
  assert.deepEqual(ids(preempt([place], anApplicant(50, ask))), ['web']);
  assert.equal(preempt([full('a', [aTask('x', 10), holder('web', 60)])], anApplicant(50, ask)), undefined);
});

test('where the port range is used up, somebody who holds one of its ports goes', () => {
  const ask = anAsk({}, { ports: [{ container: 80, protocol: 'tcp' }] });
  const tasks = [aTask('none', 10), aTask('one', 10, { ports: [{ ...port80, host: 100 }] })];
  assert.deepEqual(ids(preempt([full('a', tasks, { portRange: { from: 100, to: 100 } })], anApplicant(50, ask))), ['one']);
});

test('a node with its fill of the same kind takes no more, whoever else goes', () => {
  const mate = aTask('mate', 50, { kind: 'new/web' });
  const ask = anAsk({ cpu: 4 }, { maxPerNode: 1 });
  assert.equal(preempt([full('a', [mate, aTask('x', 10, cores(3))])], anApplicant(50, ask)), undefined);
  const leaving = full('a', [{ ...mate, leaving: true }, aTask('x', 10, cores(3))]);
  assert.deepEqual(ids(preempt([leaving], anApplicant(50, ask))), ['x']);
});

test('of leaving tasks the fewest are waited for, on the node where room is being made already if there is one', () => {
  const leaving = (id: string): Victim => aTask(id, 90, { ...cores(2), leaving: true });
  const places = [full('a', [leaving('p'), leaving('q')]), full('b', [leaving('r'), aTask('s', 10, cores(2))])];
  const want = anApplicant(50, anAsk({ cpu: 2 }));
  assert.deepEqual(preempt(places, want), { node: 'id-b', victims: [], leaving: 1 });
  assert.deepEqual(preempt(places, { ...want, roomOn: 'id-a' }), { node: 'id-a', victims: [], leaving: 2 });
});

test('with no set to try it still frees the most with the fewest, as far as a greedy choice goes', () => {
  const tasks = [aTask('a', 10), aTask('b', 10, cores(2)), aTask('c', 10, { resources: amounts({ cpu: 1, memoryBytes: 3 * GiB }) })];
  const limits = { ...limitsDefault, preemptSetsMax: 0 };
  assert.deepEqual(ids(preempt([full('n', tasks)], anApplicant(50, anAsk({ cpu: 2 })), limits)), ['b']);
  assert.deepEqual(ids(preempt([full('n', tasks)], anApplicant(50, anAsk({ memoryBytes: 2 * GiB })), limits)), ['c']);
});
