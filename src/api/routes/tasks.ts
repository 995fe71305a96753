/** Tasks, and the state as a whole. */
import { problem } from '../../core/errors.ts';
import { taskJson } from '../../core/views.ts';
import type { Control, TaskView } from '../../ports/control.ts';
import { explainJson, newestOfSlots, statusJson } from '../convert.ts';
import { inQuery } from '../fields.ts';
import { json, route } from '../route.ts';
import type { Route } from '../route.ts';
import { logLines, logsQuery } from './logs.ts';

/**
 * The task a text stands for (id, unique prefix of one, slot, client's Task.ID): the newest, where a slot had several.
 * @throws CubeError `not-found`, `conflict` for a prefix of several
 */
export async function findTask(control: Control, ref: string): Promise<TaskView> {
  const [newest] = newestOfSlots((await control.status({ task: ref })).tasks);
  if (newest === undefined) throw problem('not-found', `there is no task "${ref}"`);
  return newest;
}

const ref = 'by its id, a unique prefix of one, its slot (`shop%2Fweb.2`) or the Task.ID a client gave';

function rebalanceRoute(control: Control): Route {
  return route({
    method: 'GET',
    path: '/v1/rebalance',
    need: 'viewer',
    says: 'Moves worth making now, the best first; nothing is moved',
    query: { max: inQuery.count('how many moves at most') },
    answers: { 200: { says: 'the moves', schema: 'Rebalance' } },
    handle: async ({ query }) => json(await control.rebalance(query.max)),
  });
}

/** The routes of tasks, nodes and the whole state. */
export function taskRoutes(control: Control): readonly Route[] {
  return [
    route({
      method: 'GET',
      path: '/v1/status',
      need: 'viewer',
      says: 'Jobs and tasks as of one commit: all, or those of one job or task',
      query: { job: inQuery.text('name of a job'), task: inQuery.text('a task') },
      answers: { 200: { says: 'the state', schema: 'Status' } },
      handle: async ({ query }) => json(statusJson(await control.status({ job: query.job, task: query.task }))),
    }),
    route({
      method: 'GET',
      path: '/v1/tasks',
      need: 'viewer',
      says: 'All tasks',
      answers: { 200: { says: 'the tasks', schema: 'Tasks' } },
      handle: async () => json((await control.status()).tasks.map(taskJson)),
    }),
    route({
      method: 'GET',
      path: '/v1/tasks/{ref}',
      need: 'viewer',
      says: `One task, ${ref}`,
      answers: { 200: { says: 'the task', schema: 'Task' } },
      handle: async ({ params }) => json(taskJson(await findTask(control, params['ref']!))),
    }),
    route({
      method: 'POST',
      path: '/v1/tasks/{ref}/stop',
      need: 'admin',
      says: 'Orders one task to stop; its slot gets a fresh one, but for a job made by `run` or the seeds, which stops whole',
      answers: { 200: { says: 'the task', schema: 'Task' } },
      handle: async ({ params }) => json(taskJson(await control.stopTask(params['ref']!))),
    }),
    route({
      method: 'GET',
      path: '/v1/tasks/{ref}/explain',
      need: 'viewer',
      says: 'Why a task is where it is: every node, filtered why or scored how',
      answers: { 200: { says: 'the reasons', schema: 'Explain' } },
      handle: async ({ params }) => json(explainJson(await control.explain(params['ref']!))),
    }),
    rebalanceRoute(control),
    route({
      method: 'GET',
      path: '/v1/tasks/{ref}/logs',
      need: 'viewer',
      says: 'Output of a task, a JSON document a line; it is there after the container is gone, too',
      query: logsQuery,
      answers: { 200: { says: 'lines', schema: 'LogLine', types: ['application/x-ndjson'] } },
      handle: async ({ params, query }) => logLines(control, (await findTask(control, params['ref']!)).id, query),
    }),
  ];
}
