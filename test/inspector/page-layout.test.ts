import assert from 'node:assert/strict';
import { test } from 'node:test';
import { machines } from '../../machines/index.ts';
import { chartOf } from '../../src/core/chart.ts';
import { arrowsOf, listedFor } from '../../src/inspector/page/arrows.ts';
import { layOut, type Box, type Drawing } from '../../src/inspector/page/layout.ts';
import { pathOf } from '../../src/inspector/page/route-path.ts';

const charts = Object.entries(machines).map(([name, { config }]) => ({ name, chart: chartOf(config), arrows: arrowsOf(chartOf(config)) }));

function overlap(a: Box, b: Box): boolean {
  return a.x < b.x + b.width && b.x < a.x + a.width && a.y < b.y + b.height && b.y < a.y + a.height;
}

function inside(inner: { x: number; y: number; width: number; height: number }, width: number, height: number): boolean {
  return inner.x >= -1 && inner.y >= -1 && inner.x + inner.width <= width + 1 && inner.y + inner.height <= height + 1;
}

for (const { name, chart, arrows } of charts) {
  const drawings: readonly Drawing[] = layOut(chart, arrows);

  test(`every edge of the ${name} machine is drawn, listed, or one that stays in its state`, () => {
    for (const edge of chart.edges) {
      const isDrawn = arrows.drawn.some(({ lines }) => lines.some((line) => line.text.includes(edge.label)));
      const isListed = listedFor(arrows, edge) !== undefined;
      const isInside = edge.source !== '' && edge.target === null;
      assert.ok(isDrawn || isListed || isInside, `${edge.source} ${edge.event}`);
      assert.ok(!(isListed && isInside));
    }
  });

  test(`every drawing of the ${name} machine holds all of its states, none over another`, () => {
    for (const { boxes, width, height } of drawings) {
      assert.equal(boxes.length, chart.states.size - 1);
      for (const box of boxes) {
        assert.ok(inside(box, width, height), `${box.state.path} lies outside`);
        for (const other of boxes) {
          if (other !== box && other.state.parent === box.state.parent)
            assert.ok(!overlap(box, other), `${box.state.path} ${other.state.path}`);
        }
        const parent = boxes.find(({ state }) => state.path === box.state.parent);
        if (parent) assert.ok(inside({ ...box, x: box.x - parent.x, y: box.y - parent.y }, parent.width, parent.height), box.state.path);
      }
    }
  });

  test(`every arrow of the ${name} machine ends at its two states`, () => {
    for (const { boxes, routes } of drawings) {
      assert.equal(routes.length, arrows.drawn.length);
      for (const { arrow, points } of routes) {
        for (const [path, point] of [[arrow.source, points[0]!] as const, [arrow.target, points.at(-1)!] as const]) {
          const box = boxes.find(({ state }) => state.path === path)!;
          assert.ok(
            inside({ x: point.x - box.x, y: point.y - box.y, width: 0, height: 0 }, box.width, box.height),
            `${arrow.source} ${arrow.target}`,
          );
        }
        assert.match(pathOf(points), /^M[-\d. ]+(?: ?[QL][-\d. ]+)+$/);
      }
    }
  });

  test(`in the drawings of the ${name} machine the first state is marked, and stands at the beginning`, () => {
    for (const { boxes } of drawings) {
      const initial = boxes.filter(({ isInitial, state }) => isInitial && state.parent === '');
      assert.deepEqual(
        initial.map(({ state }) => state.path),
        [chart.states.get('')!.initial],
      );
    }
  });
}

test('edges from many states are listed instead of drawn, and edges from any state always', () => {
  const { arrows, chart } = charts.find(({ name }) => name === 'task')!;
  const down = arrows.listed.find(({ event }) => event === 'node.down')!;
  assert.deepEqual(
    [down.target, down.sources],
    ['unreachable', ['scheduled', 'preparing', 'starting', 'running', 'backingOff', 'stopping']],
  );
  assert.deepEqual(arrows.listed.find(({ event }) => event === 'report.lost')!.sources, []);
  assert.ok(arrows.drawn.length < 20);
  const edge = chart.edges.find(({ source, event }) => source === 'starting' && event === 'report.running')!;
  assert.equal(listedFor(arrows, edge), undefined);
});

test('an edge that crosses levels is drawn between the states of the level where its ends part', () => {
  const { arrows } = charts.find(({ name }) => name === 'link')!;
  const crossing = arrows.drawn.find(({ source, target }) => source === 'connected' && target === 'backingOff')!;
  assert.deepEqual(crossing.scope, '');
  assert.ok(crossing.lines.some(({ text }) => text === 'greeting: after greetTimeout'));
  const lamp = chartOf({
    id: 'lamp',
    initial: 'off',
    states: { off: { on: { press: 'on.dim' } }, on: { initial: 'bright', states: { bright: {}, dim: { on: { up: 'bright' } } } } },
  });
  const told = arrowsOf(lamp).drawn.map(({ scope, source, target, lines }) => [scope, source, target, lines[0]!.text]);
  assert.deepEqual(told, [
    ['', 'off', 'on', 'press → dim'],
    ['on', 'on.dim', 'on.bright', 'up'],
  ]);
});

test('what is no machine has no drawing', () => {
  const chart = chartOf(undefined);
  assert.deepEqual(layOut(chart, arrowsOf(chart)), []);
  assert.equal(pathOf([]), '');
});
