/** Log streams, of a task and of a job alike. */
import type { Control, LogLine } from '../../ports/control.ts';
import { inQuery } from '../fields.ts';
import type { Values } from '../fields.ts';
import type { Line, LinesAnswer } from '../route.ts';
import { logLineJson } from '../convert.ts';

/** What a query for logs may hold. */
export const logsQuery = {
  follow: inQuery.flag('go on with what is still to come'),
  tail: inQuery.count('only so many last lines'),
  since: inQuery.time('only what is newer'),
};

async function* lines(logs: AsyncIterable<LogLine>): AsyncGenerator<Line> {
  for await (const line of logs) yield { value: logLineJson(line) };
}

/**
 * The answer of a route for logs.
 * @param ref a task or a job that is known to exist: of a followed stream the status is sent before the first line
 */
export function logLines(control: Control, ref: string, query: Values<typeof logsQuery>): LinesAnswer {
  const { tail, since } = query;
  const follow = query.follow ?? false;
  return {
    kind: 'lines',
    format: 'ndjson',
    follow,
    open: (signal) => lines(control.logs(ref, { follow, tail, sinceMs: since, signal })),
  };
}
