/** Names a shell may complete after a command: jobs, slots, nodes, machines, files. */
import { readdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { asCubeError } from '../core/errors.ts';
import type { Context } from './command.ts';
import { connect } from './connect.ts';
import { namesIn } from './find.ts';
import { sleep } from './time.ts';

type Source = (context: Context, begun: string) => Promise<readonly string[]>;

const jobs: Source = async (context) => (await (await connect(context)).status()).jobs.map((job) => job.name);

const parameterized: Source = async (context) =>
  (await (await connect(context)).status()).jobs.filter((job) => job.type === 'parameterized').map((job) => job.name);

/** `shop/web=`: a count is to follow. */
const scalable: Source = async (context) => {
  const { tasks } = await (await connect(context)).status();
  return [...new Set(tasks.map((task) => `${task.job}/${task.task}=`))];
};

const jobsAndTasks: Source = async (context) => namesIn(await (await connect(context)).status());

const everything: Source = async (context) => {
  const client = await connect(context);
  const [status, nodes] = await Promise.all([client.status(), client.nodes()]);
  return [...namesIn(status), ...nodes.map((node) => node.name)];
};

const tasks: Source = async (context) => (await (await connect(context)).status()).tasks.map((task) => task.slot);

const machines: Source = async () => (await import('../inspector/machine-export.ts')).machineNames().map((machine) => machine.name);

const jobFiles: Source = async (_, begun) => {
  const folder = begun.includes('/') ? dirname(`${begun}x`) : '.';
  const entries = await readdir(folder, { withFileTypes: true });
  const fitting = entries.filter((entry) => entry.isDirectory() || /\.(ya?ml|json)$/.test(entry.name));
  return fitting.map((entry) => (begun.includes('/') ? join(folder, entry.name) : entry.name) + (entry.isDirectory() ? '/' : ''));
};

const sources: Readonly<Record<string, Source>> = {
  status: everything,
  stop: jobsAndTasks,
  start: jobs,
  restart: jobs,
  wait: jobs,
  history: jobs,
  rollback: jobs,
  promote: jobs,
  dispatch: parameterized,
  scale: scalable,
  logs: jobsAndTasks,
  exec: jobsAndTasks,
  explain: tasks,
  submit: jobFiles,
  plan: jobFiles,
  machines,
  volume: async () => ['ls', 'release'],
  completion: async () => ['bash', 'zsh', 'fish', 'powershell'],
};

/** The names that may follow a command; none when no node answers in time. */
export async function namesFor(context: Context, command: string, begun: string): Promise<readonly string[]> {
  const source = sources[command];
  if (!source) return [];
  try {
    return (await Promise.race([source(context, begun), sleep(context.limits.probeMs)])) ?? [];
  } catch (thrown) {
    // A shell that is completing has no place for an error; CUBE_DEBUG shows it.
    if (context.env['CUBE_DEBUG']) context.output.note(asCubeError(thrown).message);
    return [];
  }
}
