/** Events: every transition, as server-sent events or as NDJSON. */
import { CubeError, problem } from '../../core/errors.ts';
import type { ClusterEvent } from '../../core/events.ts';
import { eventJson } from '../../core/views.ts';
import type { Control } from '../../ports/control.ts';
import { inQuery } from '../fields.ts';
import { route } from '../route.ts';
import type { Line, Route } from '../route.ts';
import { findTask } from './tasks.ts';

async function* lines(events: AsyncIterable<ClusterEvent>): AsyncGenerator<Line> {
  for await (const event of events) yield { value: eventJson(event), id: String(event.seq) };
}

/** The id of a task that may be forgotten by now while its events are still there: then a whole id is taken as it is. */
async function taskId(control: Control, ref: string): Promise<string> {
  try {
    return (await findTask(control, ref)).id;
  } catch (thrown) {
    const whole = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(ref);
    if (whole && thrown instanceof CubeError && thrown.code === 'not-found') return ref;
    throw thrown;
  }
}

/** Where a client that was cut off goes on (HTML standard, 9.2.4, Last-Event-ID). */
function lastSeen(header: string | undefined): number | undefined {
  if (header === undefined || header === '') return undefined;
  const seq = Number(header);
  if (!/^\d+$/.test(header) || !Number.isSafeInteger(seq))
    throw problem('usage', `Last-Event-ID must be the number of an event, not "${header}"`);
  return seq;
}

/** The route of events. */
export function eventRoutes(control: Control): readonly Route[] {
  return [
    route({
      method: 'GET',
      path: '/v1/events',
      need: 'viewer',
      says: 'Every transition that is kept. Server-sent events, or NDJSON when Accept asks for application/x-ndjson; Last-Event-ID goes on after it',
      query: {
        follow: inQuery.flag('go on with what is still to come'),
        since: inQuery.time('only what is newer'),
        after: inQuery.count('only events after this number'),
        job: inQuery.text('only of this job'),
        node: inQuery.text('only of this node, by name or id'),
        task: inQuery.text('only of this task'),
      },
      answers: { 200: { says: 'events', schema: 'Event', types: ['text/event-stream', 'application/x-ndjson'] } },
      handle: async ({ query, header }) => {
        const { since, job, node } = query;
        const follow = query.follow ?? false;
        const task = query.task === undefined ? undefined : await taskId(control, query.task);
        const afterSeq = lastSeen(header('last-event-id')) ?? query.after;
        return {
          kind: 'lines',
          format: header('accept')?.includes('application/x-ndjson') ? 'ndjson' : 'sse',
          follow,
          open: (signal) => lines(control.events({ follow, sinceMs: since, afterSeq, job, node, task, signal })),
        };
      },
    }),
  ];
}
