/** Clusters and loads for tests of the simulation. */
import type { Resources } from '../../src/core/resources.ts';
import type { Kind, Scene, SimulatedNode, SimulatedTask } from '../../src/scheduling/simulation/model.ts';
import * as papers from '../../src/scheduling/simulation/epvm-paper.ts';
import { sceneOf } from '../../src/scheduling/simulation/model.ts';
import { emptyNode, withTask } from '../../src/scheduling/simulation/node-state.ts';
import type { NodeState } from '../../src/scheduling/simulation/node-state.ts';

import * as runs from '../../src/scheduling/simulation/run.ts';

export const gib = 2 ** 30;

/** cpu in cores, memory in GiB, devices. */
export function amounts(cpu: number, memoryGib = 0, gpu = 0): Resources {
  return { cpu, memoryBytes: memoryGib * gib, diskBytes: 0, custom: gpu > 0 ? { gpu } : {} };
}

export function aNode(name: string, capacity: Resources, model?: string): SimulatedNode {
  return { name, capacity, ...(model === undefined ? {} : { model }) };
}

export function someTasks(name: string, count: number, ask: Resources, models?: readonly string[]): SimulatedTask[] {
  return Array.from({ length: count }, (_, at) => ({ name: `${name}.${at + 1}`, ask, ...(models ? { models } : {}) }));
}

/** A scene with one node, that node empty, and the kinds of its tasks in their order. */
export function oneNode(
  capacity: Resources,
  asks: readonly Resources[],
  slotsMax = 250,
): { scene: Scene; state: NodeState; kinds: readonly Kind[] } {
  const tasks = asks.map((ask, at) => ({ name: `t${at}`, ask }));
  const scene = sceneOf([aNode('n', capacity)], tasks, slotsMax);
  return { scene, state: emptyNode(scene.nodes[0]!.shape, scene.axes.device), kinds: scene.tasks.map(({ kind }) => kind) };
}

/** The node with these tasks on it, one after the other. */
export function filled(state: NodeState, ...kinds: readonly Kind[]): NodeState {
  return kinds.reduce((filling, kind) => withTask(filling, kind), state);
}

function finish<Result>(work: Generator<void, Result>): Result {
  for (;;) {
    const { done, value } = work.next();
    if (done) return value;
  }
}

/** A whole run in one go. */
export function runTasks(...given: Parameters<typeof runs.runTasks>): runs.RunResult {
  return finish(runs.runTasks(...given));
}

/** The paper's simulation in one go. */
export function runPaper(seeds: number): papers.PaperResult {
  return finish(papers.runPaper(seeds));
}
