/** `cube demo`: a node starts, two jobs run, their states are shown as they change; then all is gone again. */
import { formatDuration } from '../../core/duration.ts';
import { problem } from '../../core/errors.ts';
import { signalExit } from '../command.ts';
import type { Command, Context } from '../command.ts';
import { demoJobs, stopJobs, watchJobs } from '../demo-jobs.ts';
import { startDemoNode } from '../demo-node.ts';
import type { DemoNode } from '../demo-node.ts';
import { chooseRuntime } from '../demo-runtime.ts';
import type { DemoRuntime } from '../demo-runtime.ts';
import type { StatusJson } from '../../core/views.ts';
import type { Goal } from '../verdict.ts';
import { taskLines } from '../status-view.ts';
import { explainLines } from './explain.ts';

function heading(context: Context, text: string): void {
  context.output.line(`\n${context.output.paint(`== ${text}`, 'strong')}`);
}

async function runJobs(context: Context, demo: DemoNode, image: string, signal: AbortSignal): Promise<StatusJson> {
  heading(context, 'cube submit: a service of 3 and a batch job of 5');
  const goals: Goal[] = [];
  for (const job of demoJobs(image)) {
    const accepted = await demo.client.submit({ job, origin: { kind: 'file' } });
    goals.push({ job: accepted.job.name, version: accepted.job.version, before: new Set() });
  }
  return watchJobs(context, demo.client, goals, signal);
}

async function showAround(context: Context, demo: DemoNode, status: StatusJson): Promise<void> {
  const { output } = context;
  heading(context, 'cube status');
  for (const line of taskLines(status, { nowMs: Date.now(), paint: output.paint, all: false })) output.line(line);
  heading(context, 'cube explain hello/web.1');
  const explained = await demo.client.explain('hello/web.1');
  for (const line of explainLines(explained, output.paint)) output.line(line);
}

async function sayWhereToLook(context: Context, demo: DemoNode, stays: boolean): Promise<void> {
  const { output } = context;
  heading(context, 'cube inspect');
  if (!stays) return output.line(`the web inspector is at ${demo.node.url}/; keep the node up with \`cube demo --stay\` to look`);
  const { ticket } = await demo.client.ticket();
  output.line(`${demo.node.url}/#ticket=${ticket}`);
  output.line(`other commands find this node with CUBE_DATA=${demo.dataDirectory}; Ctrl-C ends it and cleans up`);
}

async function tour(context: Context, choice: DemoRuntime, signal: AbortSignal): Promise<void> {
  const { input, output, limits } = context;
  const startedAt = performance.now();
  const { startNode } = await import('../../boot/index.ts');
  const demo = await startDemoNode(context, choice, startNode);
  try {
    output.line(`the node is ready at ${demo.node.url}`);
    const status = await runJobs(context, demo, choice.image, signal);
    await showAround(context, demo, status);
    await sayWhereToLook(context, demo, input.flag('stay'));
    if (input.flag('stay') && !signal.aborted) await new Promise((resolve) => signal.addEventListener('abort', resolve));
    heading(context, 'cleaning up');
    await stopJobs(
      demo.client,
      status.jobs.map((job) => job.name),
      limits,
    );
    if (output.json) {
      const { url } = demo.node;
      const durationMs = Math.round(performance.now() - startedAt);
      output.document({
        runtime: choice.runtime,
        image: choice.image,
        why: choice.why,
        url,
        jobs: status.jobs,
        tasks: status.tasks,
        durationMs,
      });
    }
  } finally {
    await demo.remove();
  }
  output.line(`all tasks, the node and its data are gone again, after ${formatDuration(performance.now() - startedAt)}`);
  output.note('next: `cube up`, then `cube init job.yaml` and `cube submit job.yaml` in another terminal');
}

async function runDemo(context: Context): Promise<number> {
  const { input, output, env, limits } = context;
  const asked = input.choice('runtime', ['docker', 'process']);
  const interrupted = new AbortController();
  let code = 0;
  context.onSignal((signal) => {
    if (interrupted.signal.aborted) return signalExit(signal);
    if (!input.flag('stay')) code = signalExit(signal);
    interrupted.abort(problem('failed', 'interrupted'));
    return undefined;
  });
  heading(context, 'cube up');
  const choice = await chooseRuntime(asked, env, limits, (text) => output.note(text));
  output.line(choice.why);
  try {
    await tour(context, choice, interrupted.signal);
  } catch (thrown) {
    if (!interrupted.signal.aborted) throw thrown;
    output.note('interrupted; all is cleaned up');
  }
  return code;
}

/** `cube demo`. */
export const command: Command = {
  usage: 'demo',
  summary: 'watch a node start, a service of 3 and a batch job of 5 run, and everything go again; about 10 seconds',
  options: [
    { flags: '--stay', about: 'keep the node and the service up until Ctrl-C' },
    { flags: '--runtime <name>', about: 'docker or process (default: docker where it can be used)' },
  ],
  examples: [
    ['cube demo', 'see it once'],
    ['cube demo --stay', 'and look around'],
  ],
  run: runDemo,
};
