/** Runs a node in the foreground until a signal: what `up`, `manager` and `worker` share. */
import type { NodeOptions, Notice, RunningNode } from '../core/node-options.ts';
import { signalExit } from './command.ts';
import type { Context } from './command.ts';
import { dataDirectory } from './data-directory.ts';

/**
 * Starts a node, says when it is ready, and stops it cleanly on Ctrl-C or SIGTERM; a second one ends the process at once.
 * @returns 0 after a clean stop
 */
export async function runNode(context: Context, options: NodeOptions): Promise<number> {
  const { output, onSignal } = context;
  let stopping = false;
  const signalled = new Promise<void>((resolve) => {
    onSignal((signal) => {
      if (stopping) return signalExit(signal);
      stopping = true;
      output.note(options.stopTasks ? 'stopping, and its tasks with it' : 'stopping; containers go on running');
      resolve();
      return undefined;
    });
  });
  const { startNode } = await import('../boot/index.ts');
  const node = await startNode(options, ({ level, message }: Notice) => (level === 'warn' ? output.warn(message) : output.note(message)));
  if (!stopping) await sayReady(context, options, node);
  await Promise.race([signalled, node.ended]);
  if (stopping) await node.stop();
  await node.ended;
  return 0;
}

async function sayReady(context: Context, options: NodeOptions, node: RunningNode): Promise<void> {
  const { output, env } = context;
  const { url, name, nodeId } = node;
  if (options.dataDirectory !== (await dataDirectory(undefined, env))) {
    output.note(`other commands find this node with CUBE_DATA=${options.dataDirectory}`);
  }
  if (output.json) output.document({ ready: true, url, node: name, nodeId });
  else output.line(`cube is ready at ${url} (node ${name}); stop it with Ctrl-C`);
}
