/** The seeds' API (CLI.md): PascalCase JSON, on a manager and on a worker. Its readers are loaded with the first request. */
import type { HostSample } from '../../ports/runtime.ts';
import type { Control, WorkerControl } from '../../ports/control.ts';
import { nodeJson } from '../../core/views.ts';
import type { ApiDeps } from '../deps.ts';
import { json, route } from '../route.ts';
import type { Answer, AnswerDoc, Route } from '../route.ts';

const empty: Answer = { kind: 'empty', status: 204 };

const submitAnswers: Readonly<Record<number, AnswerDoc>> = {
  201: { says: 'the task is taken', schema: 'SeedsTask' },
  204: { says: 'State 3: its task was ordered to stop' },
};

/** What a manager answers: all tasks and nodes. */
export function seedsRoutes(control: Control, deps: ApiDeps): readonly Route[] {
  return [
    route({
      method: 'POST',
      path: '/tasks',
      need: 'admin',
      seeds: true,
      says: 'Runs a task, or stops it (State 3)',
      document: 'TaskEvent',
      answers: submitAnswers,
      handle: async ({ document }) => {
        const { runTaskEvent } = await import('../seeds.ts');
        const task = await runTaskEvent(control, deps.limits, document);
        return task === null ? empty : json(task, 201);
      },
    }),
    route({
      method: 'GET',
      path: '/tasks',
      need: 'viewer',
      seeds: true,
      says: 'All tasks, one a slot',
      answers: { 200: { says: 'the tasks', schema: 'SeedsTasks' } },
      handle: async () => {
        const { seedsTasks } = await import('../seeds.ts');
        return json(seedsTasks(await control.status()));
      },
    }),
    route({
      method: 'DELETE',
      path: '/tasks/{id}',
      need: 'admin',
      seeds: true,
      says: 'Stops a task',
      answers: { 204: { says: 'it was ordered to stop' } },
      handle: async ({ params }) => {
        await control.stopTask(params['id']!);
        return empty;
      },
    }),
    route({
      method: 'GET',
      path: '/nodes',
      need: 'viewer',
      seeds: true,
      says: 'All nodes',
      answers: { 200: { says: 'the nodes', schema: 'SeedsNodes' } },
      handle: async () => {
        const { seedsNode } = await import('../../core/seeds.ts');
        return json((await control.nodes()).map((node) => seedsNode(nodeJson(node))));
      },
    }),
  ];
}

/**
 * What a worker answers for itself.
 * @param prefix `/worker` where a manager's API has the plain paths
 */
export function seedsWorkerRoutes(worker: WorkerControl, prefix: '' | '/worker'): readonly Route[] {
  return [
    route({
      method: 'POST',
      path: `${prefix}/tasks`,
      need: 'admin',
      seeds: true,
      says: 'Runs a task on this node, or stops it (State 3); the manager is asked, so that nothing runs that it does not know',
      document: 'TaskEvent',
      answers: submitAnswers,
      handle: async ({ document }) => {
        const task = await worker.submit(document);
        return task === null || task === undefined ? empty : json(task, 201);
      },
    }),
    route({
      method: 'GET',
      path: `${prefix}/tasks`,
      need: 'viewer',
      seeds: true,
      says: "This node's tasks",
      answers: { 200: { says: 'the tasks', schema: 'SeedsTasks' } },
      handle: async () => {
        const { seedsWorkerTask } = await import('../seeds.ts');
        return json(worker.tasks().map(seedsWorkerTask));
      },
    }),
    route({
      method: 'DELETE',
      path: `${prefix}/tasks/{id}`,
      need: 'admin',
      seeds: true,
      says: 'Stops a task',
      answers: { 204: { says: 'it was ordered to stop' } },
      handle: async ({ params }) => {
        await worker.stop(params['id']!);
        return empty;
      },
    }),
    route({
      method: 'GET',
      path: '/stats',
      need: 'viewer',
      seeds: true,
      says: "This node's memory, disk, processor and load",
      answers: { 200: { says: 'the last measurement', schema: 'SeedsStats' } },
      handle: async () => {
        const { seedsStats } = await import('../../core/seeds.ts');
        const sample: HostSample = await worker.stats();
        return json(seedsStats(sample, worker.tasks().length));
      },
    }),
  ];
}
