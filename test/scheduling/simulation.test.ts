import assert from 'node:assert/strict';
import { test } from 'node:test';
import { limitsDefault } from '../../src/core/limits.ts';
import type { NodeView, PolicyName } from '../../src/core/placement.ts';
import { seededRandom } from '../../src/core/random.ts';
import { NodeTable } from '../../src/scheduling/node-table.ts';
import { place } from '../../src/scheduling/place.ts';
import { drawTasks } from '../../src/scheduling/simulation/draw.ts';
import { sceneOf } from '../../src/scheduling/simulation/model.ts';
import type { Kind, Scene } from '../../src/scheduling/simulation/model.ts';
import { emptyNode, hasRoom, withTask } from '../../src/scheduling/simulation/node-state.ts';
import { simulationPolicies } from '../../src/scheduling/simulation/policies.ts';
import type { SimulationPolicyName } from '../../src/scheduling/simulation/policies.ts';
import { aNode as aView } from './build.ts';
import { aNode, amounts, filled, oneNode, runTasks, someTasks } from './simulation-scenes.ts';

const settings = { epvmBase: limitsDefault.epvmBase };
const all = Object.keys(simulationPolicies) as SimulationPolicyName[];

function kindsOf({ tasks }: Scene) {
  return tasks.map(({ kind }) => kind);
}

/** Some nodes with and without devices, and a load of all sorts. */
function mixedScene(seed: number): Scene {
  const random = seededRandom(seed);
  const upTo = (most: number): number => 1 + Math.floor(random() * most);
  const nodes = Array.from({ length: 12 }, (_, at) =>
    aNode(`n${at}`, amounts(4 * upTo(8), 16 * upTo(8), 2 * (at % 4)), at % 2 ? 'A' : 'B'),
  );
  const tasks = Array.from({ length: 30 }, (_, at) => {
    const gpu = [0, random(), 1, 2, Math.floor(random() * 1_000) / 1_000][at % 5]!;
    return { name: `t${at}`, ask: amounts(random() * 4, upTo(8), gpu), ...(at % 10 === 1 ? { models: ['A'] } : {}) };
  });
  return sceneOf(nodes, tasks, 6);
}

test('a share goes to the fullest device with room, and never to two', () => {
  const { state, kinds } = oneNode(amounts(8, 0, 2), [amounts(1, 0, 0.5), amounts(1, 0, 0.3), amounts(1, 0, 0.6)]);
  const [half, third, most] = kinds;
  assert.deepEqual(filled(state, half!).devices, [500, 1000]);
  assert.deepEqual(filled(state, half!, third!).devices, [200, 1000], 'best fit');
  assert.deepEqual(filled(state, half!, most!).devices, [400, 500]);
  assert.equal(hasRoom(filled(state, half!, most!), most!), false, 'no device has room, though 0.9 are idle');
});

test('whole devices are those that nobody uses', () => {
  const { state, kinds } = oneNode(amounts(8, 0, 3), [amounts(1, 0, 0.1), amounts(1, 0, 2), amounts(1, 0, 1)]);
  const [tenth, two, one] = kinds;
  const after = filled(state, tenth!, two!);
  assert.deepEqual([after.devices, after.idle], [[0, 0, 900], 0]);
  assert.equal(hasRoom(after, one!), false);
  assert.equal(hasRoom(after, tenth!), true);
});

test('a task goes only to nodes with a kind of device it can use, cores, memory and slots', () => {
  const scene = sceneOf(
    [aNode('a', amounts(2, 2, 1), 'A'), aNode('b', amounts(2, 2, 1), 'B'), aNode('c', amounts(2, 2, 1))],
    [...someTasks('b', 3, amounts(1, 1, 0.1), ['B', 'C']), ...someTasks('m', 4, amounts(0, 2))],
    2,
  );
  for (const policy of all) {
    const { nodes, unplaced } = runTasks(scene, kindsOf(scene), policy, { settings, random: seededRandom(1) });
    assert.deepEqual(Array.from(nodes.slice(0, 3)), [1, 1, -1], `${policy}: only b is a B, and takes two`);
    assert.deepEqual(
      Array.from(nodes.slice(3)).toSorted((a, b) => a - b),
      [-1, -1, 0, 2],
      `${policy}: one GiB is left on none, two on a and c`,
    );
    assert.equal(unplaced, 3);
  }
});

/** @param anyDevice which devices shares went to cannot be told from the plan: then only sums are checked */
function assertHonest(scene: Scene, tasks: readonly Kind[], nodes: Int32Array, anyDevice: boolean, what: string): void {
  const states = scene.nodes.map(({ shape }) => emptyNode(shape, scene.axes.device));
  const sums = scene.nodes.map(({ shape }) => [...shape.amounts, shape.slotsMax]);
  for (const [at, kind] of tasks.entries()) {
    const index = nodes[at]!;
    if (index === -1) {
      assert.ok(anyDevice || !states.some((state) => hasRoom(state, kind)), `${what}: task ${at} had room`);
      continue;
    }
    for (const [axis, amount] of [...kind.amounts, 1].entries()) sums[index]![axis]! -= amount;
    if (anyDevice) continue;
    assert.ok(hasRoom(states[index]!, kind), `${what}: task ${at} had no room`);
    states[index] = withTask(states[index]!, kind);
  }
  assert.ok(
    sums.flat().every((left) => left >= 0),
    what,
  );
}

test('no policy ever fills a node over its capacity, refuses a task that has room, or gives another answer to the same seed', () => {
  for (let seed = 1; seed <= 8; seed++) {
    const scene = mixedScene(seed);
    const tasks = drawTasks(scene, { fill: 140, random: seededRandom(seed), tasksMax: 10_000 });
    for (const policy of all) {
      const run = () => runTasks(scene, tasks, policy, { settings, random: seededRandom(seed) });
      const result = run();
      assert.deepEqual(run(), result, `${policy}, seed ${seed}`);
      assert.equal(result.placed + result.unplaced, tasks.length);
      assertHonest(scene, tasks, result.nodes, policy === 'random', `${policy}, seed ${seed}`);
      for (const share of Object.values(result.utilisation)) assert.ok(share >= 0 && share <= 1);
      assert.ok(result.fragmentation >= 0 && result.fragmentation <= 1);
    }
  }
});

function viewOf({ name, shape }: Scene['nodes'][number]): NodeView {
  return aView(name, { id: name, capacity: shape.capacity, slotsMax: shape.slotsMax });
}

for (const policy of ['epvm', 'spread', 'binpack', 'roundrobin'] satisfies PolicyName[]) {
  test(`without devices ${policy} places as place() does`, () => {
    for (let seed = 1; seed <= 5; seed++) {
      const random = seededRandom(seed);
      const nodes = Array.from({ length: 9 }, (_, at) =>
        aNode(`n${at}`, amounts(4 + Math.floor(random() * 8), 8 + Math.floor(random() * 30))),
      );
      const tasks = Array.from({ length: 60 }, (_, at) => ({
        name: `t${at}`,
        ask: amounts(Math.ceil(random() * 8) / 4, Math.ceil(random() * 5)),
      }));
      const scene = sceneOf(nodes, tasks, 20);
      const plan = place({
        table: NodeTable.of(scene.nodes.map(viewOf)),
        groups: tasks.map(({ name, ask }) => ({
          ask: { resources: ask, datacenters: [], ports: [] },
          tasks: [{ id: name, slot: name }],
        })),
        policy,
        epvmBase: settings.epvmBase,
        affinityWeight: 1,
        spreadWeight: 1,
        cursor: -1,
        reasonsMax: 1,
      });
      const simulated = runTasks(scene, kindsOf(scene), policy, { settings, random });
      const names = tasks.flatMap(({ name }, at) => (simulated.nodes[at] === -1 ? [] : [[name, scene.nodes[simulated.nodes[at]!]!.name]]));
      assert.deepEqual(
        names,
        plan.placements.map(({ task, node }) => [task, node]),
        `seed ${seed}`,
      );
      assert.ok(simulated.unplaced > 0, 'the load is more than there is room for');
    }
  });
}

test('every resource counts in what is reserved', () => {
  const disk = { ...amounts(1, 1), diskBytes: 50, custom: { licence: 1 } };
  const scene = sceneOf([aNode('n', { ...amounts(2, 4), diskBytes: 100, custom: { licence: 4 } })], [{ name: 't', ask: disk }], 10);
  const { utilisation } = runTasks(scene, kindsOf(scene), 'epvm', { settings, random: seededRandom(1) });
  assert.deepEqual(utilisation, { cpu: 0.5, memory: 0.25, disk: 0.5, licence: 0.25 });
});

test('amounts are counted exactly: ten tenths fill one', () => {
  const scene = sceneOf([aNode('n', amounts(1, 0, 1))], someTasks('t', 11, amounts(0.1, 0, 0.1)), 100);
  const { placed, utilisation } = runTasks(scene, kindsOf(scene), 'epvm', { settings, random: seededRandom(1) });
  assert.deepEqual([placed, utilisation['gpu'], utilisation['cpu']], [10, 1, 1]);
});
