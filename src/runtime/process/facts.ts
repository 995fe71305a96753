/** What the process runtime is and cannot do. */
import { availableParallelism, release, totalmem, userInfo } from 'node:os';
import { join } from 'node:path';
import { problem } from '../../core/errors.ts';
import type { RuntimeFacts, Work } from '../../ports/runtime.ts';
import { cpuFacts } from '../cpu-model.ts';
import { diskOf } from '../disk.ts';

const pathDefault = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

/** @param directory tells which disk counts */
export async function processFacts(directory: string): Promise<RuntimeFacts> {
  const { totalBytes } = await diskOf(directory);
  return {
    name: 'process',
    version: release(),
    capacity: { cpu: availableParallelism(), memoryBytes: totalmem(), diskBytes: totalBytes, custom: {} },
    os: process.platform,
    arch: process.arch,
    ...cpuFacts(),
    features: [],
    warnings: [
      "the process runtime isolates nothing: tasks run as this user, among the node's own files and processes",
      'cpu and memory limits have no effect: what a task reserves is only counted',
      'images are ignored: a task needs a `command` that is installed on the node',
      'ports are not mapped: a task finds its first host port in PORT and must listen there itself',
    ],
  };
}

/** Refuses what only an engine can do. @throws CubeError `bad-command` without a command, `bad-settings` for a user that this process is not */
export function checkWork({ order }: Work): void {
  const { command, user } = order.spec;
  if (command === undefined || command.length === 0) {
    throw problem('bad-command', 'the process runtime pulls no images: it needs a `command`', {
      hint: 'add `command` to the task, or use a node with Docker',
    });
  }
  const { username, uid } = userInfo();
  if (user === undefined || user === username || user === String(uid)) return;
  throw problem('bad-settings', `the process runtime runs tasks as the node's own user (${username}), not as "${user}"`, {
    hint: 'leave `user` out, or use a node with Docker',
  });
}

/** A task's environment: its own, and what every program needs. @param path the PATH of tasks that set none */
export function environmentOf({ order }: Work, folder: string, path = pathDefault): Record<string, string> {
  const first = order.ports[0];
  return {
    PATH: path,
    HOME: join(folder, 'work'),
    LANG: 'C.UTF-8',
    ...(first === undefined ? {} : { PORT: String(first.host) }),
    ...order.spec.env,
  };
}
