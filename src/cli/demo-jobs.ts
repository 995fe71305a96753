/** The demo's two jobs, and watching them. */
import { formatDuration } from '../core/duration.ts';
import { problem } from '../core/errors.ts';
import type { Limits } from '../core/limits.ts';
import type { StatusJson } from '../core/views.ts';
import type { Context } from './command.ts';
import type { Client } from './connect.ts';
import { nudges } from './nudges.ts';
import { Progress } from './progress.ts';
import { isOver } from './tasks.ts';
import { jobError, judgeRun } from './verdict.ts';
import type { Goal } from './verdict.ts';

/** A service of 3 and a batch job of 5, as job files would have them. */
export function demoJobs(image: string): readonly object[] {
  const shell = (script: string): string[] => ['/bin/sh', '-c', script];
  const resources = { cpu: 0.05, memory: '16MiB' };
  const hello = shell("trap 'exit 0' TERM; while true; do echo hello; sleep 1 & wait $!; done");
  return [
    { name: 'hello', type: 'service', tasks: { web: { image, count: 3, command: hello, resources, stopGrace: '1s' } } },
    {
      name: 'sums',
      type: 'batch',
      tasks: { add: { image, count: 5, command: shell('sleep 1; echo $((40 + 2))'), resources, stopGrace: '1s' } },
    },
  ];
}

/** Watches until all have come where they should. @throws CubeError `job-failed` */
export async function watchJobs(context: Context, client: Client, goals: readonly Goal[], signal: AbortSignal): Promise<StatusJson> {
  const { output } = context;
  const { limits } = context;
  const startedAt = performance.now();
  const progress = new Progress(output, new Set(), [], () => performance.now());
  const ended = new AbortController();
  try {
    for await (const _ of nudges(client, {}, limits, AbortSignal.any([signal, ended.signal]))) {
      const status = await client.status();
      progress.show(status);
      const verdicts = goals.map((goal) => judgeRun(status, goal));
      for (const verdict of verdicts) if (verdict && !verdict.ok) throw verdict.error;
      if (verdicts.every((verdict) => verdict?.ok)) return status;
      if (performance.now() - startedAt > limits.demoJobMs) {
        throw jobError('job-failed', `the demo's jobs did not get there within ${formatDuration(limits.demoJobMs)}`, status, goals[0]!);
      }
    }
    throw problem('failed', 'the demo was interrupted');
  } finally {
    ended.abort();
    progress.end();
  }
}

/** Stops both jobs and waits until every task has ended. */
export async function stopJobs(client: Client, names: readonly string[], limits: Limits): Promise<void> {
  for (const name of names) await client.stopJob(name, { purge: false });
  const ended = new AbortController();
  const startedAt = performance.now();
  try {
    for await (const _ of nudges(client, {}, limits, ended.signal)) {
      const { tasks } = await client.status();
      if (tasks.every(isOver) || performance.now() - startedAt > limits.demoStopMs) return;
    }
  } finally {
    ended.abort();
  }
}
