/** All commands: their names, a line on each, and how to load them. Nothing is loaded before it is asked for. */
import type { Command } from './command.ts';

/** How a command is found. */
export interface Entry {
  readonly summary: string;
  readonly load: () => Promise<{ readonly command: Command }>;
  /** Not shown in the help: other names, and what shells call. */
  readonly hidden?: true;
}

const node = (): Promise<{ readonly command: Command }> => import('./commands/nodes.ts');

/** The commands of this version, in the order of the help. */
export const commands: Readonly<Record<string, Entry>> = {
  demo: { summary: 'see it all in 20 seconds, cleaned up afterwards', load: () => import('./commands/demo.ts') },
  up: { summary: 'start a node here: manager and worker', load: () => import('./commands/up.ts') },
  manager: { summary: 'start a node that only manages', load: () => import('./commands/manager.ts') },
  worker: { summary: 'start a node that only runs tasks', load: () => import('./commands/worker.ts') },
  init: { summary: 'write a job file to start from', load: () => import('./commands/init.ts') },
  plan: { summary: 'what a submit would change, and where tasks would go', load: () => import('./commands/plan.ts') },
  submit: { summary: 'run a job file, and wait until it is healthy or completed', load: () => import('./commands/submit.ts') },
  run: { summary: 'run an image without a job file', load: () => import('./commands/run.ts') },
  status: { summary: 'what runs, where, and how it got there', load: () => import('./commands/status.ts') },
  nodes: { summary: 'the nodes and what they have left', load: node },
  node: { summary: 'the same as `nodes`', load: node, hidden: true },
  stop: { summary: 'stop a job or a task, and wait for it', load: () => import('./commands/stop.ts') },
  start: { summary: 'start a stopped job again', load: () => import('./commands/start.ts') },
  restart: { summary: 'replace all instances of a job, a few at a time', load: () => import('./commands/restart.ts') },
  scale: { summary: 'other numbers of instances', load: () => import('./commands/scale.ts') },
  history: { summary: 'the versions of a job, and what each changed', load: () => import('./commands/history.ts') },
  rollback: { summary: 'want an earlier version of a job again', load: () => import('./commands/rollback.ts') },
  promote: { summary: 'let an update go on that waits', load: () => import('./commands/promote.ts') },
  dispatch: { summary: 'begin a run of a parameterized job', load: () => import('./commands/dispatch.ts') },
  wait: { summary: 'wait until a job runs, or is completed', load: () => import('./commands/wait.ts') },
  logs: { summary: "a task's or a job's output", load: () => import('./commands/logs.ts') },
  exec: { summary: 'run a command in a task', load: () => import('./commands/exec.ts') },
  events: { summary: 'every transition: what, from, to, why', load: () => import('./commands/events.ts') },
  explain: { summary: 'why a task is where it is, node by node', load: () => import('./commands/explain.ts') },
  rebalance: { summary: 'moves worth making, after nodes joined', load: () => import('./commands/rebalance.ts') },
  volume: { summary: 'on which nodes the data of slots is', load: () => import('./commands/volume.ts') },
  secret: { summary: 'secrets that tasks find as files: set, ls, rm', load: () => import('./commands/secret.ts') },
  config: { summary: 'configs that tasks find as files: set, ls, rm', load: () => import('./commands/config.ts') },
  simulate: { summary: 'nodes and tasks from files, by every policy: to choose one', load: () => import('./commands/simulate.ts') },
  inspect: { summary: "the web inspector's address, with a one-time login", load: () => import('./commands/inspect.ts') },
  machines: { summary: 'the state machines Cube is made of', load: () => import('./commands/machines.ts') },
  backup: { summary: "the manager's state as a file", load: () => import('./commands/backup.ts') },
  restore: { summary: 'put a backup back while no node runs', load: () => import('./commands/restore.ts') },
  completion: { summary: 'a completion script for your shell', load: () => import('./commands/completion.ts') },
  version: { summary: 'versions of cube, Node.js and the manager', load: () => import('./commands/version.ts') },
  complete: { summary: 'what the completion scripts call', load: () => import('./commands/complete.ts'), hidden: true },
};

/** Commands of the contract that later versions have. */
export const laterCommands: readonly string[] = ['drain', 'token', 'recover', 'top', 'doctor', 'schema', 'context', 'service'];
