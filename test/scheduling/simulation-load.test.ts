import assert from 'node:assert/strict';
import { test } from 'node:test';
import { seededRandom } from '../../src/core/random.ts';
import { drawTasks } from '../../src/scheduling/simulation/draw.ts';
import { copiesOf, leftAfterRefill, mixOf, unusable } from '../../src/scheduling/simulation/fragmentation.ts';
import { sceneOf } from '../../src/scheduling/simulation/model.ts';
import { aNode, amounts, filled, oneNode, runTasks, someTasks } from './simulation-scenes.ts';

const settings = { epvmBase: 1.5 };

test('a load is drawn up to the share asked for, and not past it', () => {
  const scene = sceneOf(
    [aNode('n', amounts(100, 0, 10))],
    [...someTasks('a', 3, amounts(1, 0, 0.7)), ...someTasks('b', 2, amounts(1))],
    250,
  );
  for (let seed = 1; seed <= 20; seed++) {
    const drawn = drawTasks(scene, { fill: 130, random: seededRandom(seed), tasksMax: 1_000 });
    const asked = drawn.reduce((sum, kind) => sum + kind.share, 0);
    assert.equal(asked, 12_600, '18 shares of 0.7: another one would pass 13');
    assert.ok(
      drawn.some((kind) => kind.share === 0),
      'tasks without devices are drawn as they come',
    );
  }
});

test('a draw comes from its seed', () => {
  const scene = sceneOf([aNode('n', amounts(100))], [...someTasks('a', 5, amounts(1)), ...someTasks('b', 5, amounts(0.5))], 250);
  const draw = (seed: number) => drawTasks(scene, { fill: 100, random: seededRandom(seed), tasksMax: 1_000 }).map((kind) => kind.index);
  assert.deepEqual(draw(1), draw(1));
  assert.notDeepEqual(draw(1), draw(2));
});

test('a load that asks for nothing, or would never end, is refused', () => {
  const nothing = sceneOf([aNode('n', amounts(4, 4))], someTasks('a', 2, amounts(0)), 250);
  assert.throws(() => drawTasks(nothing, { fill: 100, random: seededRandom(1), tasksMax: 10 }), {
    code: 'usage',
    message: /no task asks for any/,
  });
  const tiny = sceneOf([aNode('n', amounts(4, 4))], someTasks('a', 2, amounts(0.001)), 250);
  assert.throws(() => drawTasks(tiny, { fill: 100, random: seededRandom(1), tasksMax: 10 }), {
    code: 'usage',
    message: /more than 10 tasks/,
  });
});

test('the scarce resource is the devices; without them the one of cpu and memory of which more is asked', () => {
  const scarce = (ask: ReturnType<typeof amounts>, capacity = amounts(10, 10, 1)) => {
    const scene = sceneOf([aNode('n', capacity)], someTasks('a', 1, ask), 250);
    return scene.axes.names[scene.scarce];
  };
  assert.equal(scarce(amounts(9, 9, 0.1)), 'gpu');
  assert.equal(scarce(amounts(9, 8)), 'cpu', 'no task asks for devices');
  assert.equal(scarce(amounts(8, 9)), 'memory');
  assert.equal(scarce(amounts(1, 9, 1), amounts(10, 10)), 'memory', 'no node has devices');
});

test('what a task cannot use is all where it has no room, and else the devices too full for it', () => {
  const asks = [amounts(1, 0, 0.6), amounts(1, 0, 1), amounts(4)];
  const { scene, state, kinds } = oneNode(amounts(8, 0, 2), asks);
  const mix = mixOf(scene);
  assert.deepEqual([mix.parts.length, mix.others.toFixed(3)], [2, '0.333'], 'the one without devices is not part of it');
  assert.equal(unusable(state, mix), 0);
  const one = filled(state, kinds[0]!);
  assert.equal(unusable(one, mix), (400 + 400) / 2, 'the 0.4 beside the share');
  const two = filled(one, kinds[0]!);
  assert.equal(unusable(two, mix), 800, 'two times 0.4 that nobody can use');
  const noCores = filled(state, kinds[2]!, kinds[2]!);
  assert.equal(unusable(noCores, mix), 2_000, 'devices without cores');
});

test('refilling counts how many copies have room, by cores, memory, slots and devices', () => {
  const { state, kinds } = oneNode(amounts(4, 8, 2), [amounts(1, 1, 0.4), amounts(3, 1, 0.4), amounts(0, 3, 0.1), amounts(1, 0, 1)], 3);
  assert.deepEqual(
    kinds.map((kind) => copiesOf(state, kind)),
    [3, 1, 2, 2],
    'slots, cores, memory, devices',
  );
  assert.equal(copiesOf(filled(state, kinds[3]!, kinds[0]!), kinds[3]!), 0, 'none is idle as a whole');
});

test('what is left after refilling sees cores run out before a single task is refused', () => {
  const { scene, state, kinds } = oneNode(amounts(8, 0, 4), [amounts(2, 0, 1), amounts(2)]);
  const mix = mixOf(scene);
  const fewerCores = filled(state, kinds[1]!, kinds[1]!);
  assert.equal(unusable(fewerCores, mix), 0, 'one more task still has room');
  assert.equal(leftAfterRefill(fewerCores, mix), 2_000, 'but two of the four devices will have no cores');
  const noCores = filled(fewerCores, kinds[1]!, kinds[1]!);
  assert.equal(leftAfterRefill(noCores, mix), 8_000, 'all four, counted twice');
});

test('refill keeps the cores beside idle devices for the tasks that need them', () => {
  // Tasks without devices fill up one node; those with devices have the cores of the other.
  const nodes = [aNode('cores', amounts(16, 0, 1)), aNode('gpus', amounts(8, 0, 4))];
  const scene = sceneOf(nodes, [...someTasks('plain', 4, amounts(3)), ...someTasks('train', 5, amounts(2, 0, 1))], 250);
  const tasks = scene.tasks.map(({ kind }) => kind);
  const refill = runTasks(scene, tasks, 'refill', { settings, random: seededRandom(1) });
  assert.deepEqual([refill.unplaced, refill.utilisation['gpu']], [0, 1]);
  assert.deepEqual(Array.from(refill.nodes.slice(0, 4)), [0, 0, 0, 0]);
  const spread = runTasks(scene, tasks, 'spread', { settings, random: seededRandom(1) });
  assert.ok(spread.utilisation['gpu']! < 1, 'which spreading does not');
});

test('without devices refill matches tasks and nodes by cores and memory', () => {
  const nodes = [aNode('cores', amounts(32, 8)), aNode('memory', amounts(8, 32))];
  const scene = sceneOf(nodes, [...someTasks('c', 8, amounts(4, 1)), ...someTasks('m', 8, amounts(1, 4))], 250);
  const [cores, memory] = scene.kinds;
  for (const [kind, node] of [
    [cores!, 0],
    [memory!, 1],
  ] as const) {
    assert.equal(runTasks(scene, [kind], 'refill', { settings, random: seededRandom(1) }).nodes[0], node);
  }
});

test('the mix of a load of very many kinds is an even sample of its tasks', () => {
  const rare = Array.from({ length: 1_000 }, (_, at) => ({ name: `r${at}`, ask: amounts(1 + at / 1_000) }));
  const scene = sceneOf([aNode('n', amounts(8))], [...rare, ...someTasks('common', 1_000, amounts(0.5))], 250);
  const { parts } = mixOf(scene);
  assert.ok(parts.length > 100 && parts.length <= 256, `${parts.length} kinds`);
  assert.ok(Math.abs(parts.reduce((sum, { weight }) => sum + weight, 0) - 1) < 1e-9);
  const common = parts.find(({ kind }) => kind.count === 1_000);
  assert.ok(Math.abs(common!.weight - 0.5) < 0.01, 'half of the tasks are half of the mix');
});

test('a load of very many kinds is placed alike, though not all scores are kept', () => {
  // Enough nodes and kinds that only the scores of the last kind are kept; the same nodes in a load of few kinds keep all.
  const nodes = Array.from({ length: 2_600 }, (_, at) => aNode(`n${String(at).padStart(4, '0')}`, amounts(4 + (at % 3))));
  const asks = Array.from({ length: 4_000 }, (_, at) => ({ name: `t${at}`, ask: amounts(1 + (at % 4_000) / 4_000) }));
  const many = sceneOf(nodes, asks, 250);
  const few = sceneOf(nodes, asks.slice(0, 60), 250);
  const first = many.tasks.slice(0, 60).map(({ kind }) => kind);
  const random = seededRandom(1);
  assert.deepEqual(
    runTasks(many, first, 'epvm', { settings, random }).nodes,
    runTasks(
      few,
      few.tasks.map(({ kind }) => kind),
      'epvm',
      { settings, random },
    ).nodes,
  );
});
