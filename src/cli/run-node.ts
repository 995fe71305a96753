/** Runs a node in the foreground until a signal: what `up`, `manager` and `worker` share. */
import { problem } from '../core/errors.ts';
import type { NodeOptions, Notice, RunningNode } from '../core/node-options.ts';
import { signalExit } from './command.ts';
import type { Context } from './command.ts';
import { dataDirectory } from './data-directory.ts';

/**
 * Starts a node, says when it is ready, and stops it cleanly on Ctrl-C or SIGTERM; a second one ends the process at once.
 * @returns 0 after a clean stop; 130 or 143 when it was stopped before it was ready
 */
export async function runNode(context: Context, options: NodeOptions): Promise<number> {
  const { output, onSignal } = context;
  const interrupt = new AbortController();
  let exitCode: number | undefined;
  const signalled = new Promise<void>((resolve) => {
    onSignal((signal) => {
      if (exitCode !== undefined) return signalExit(signal);
      exitCode = signalExit(signal);
      output.note(options.stopTasks ? 'stopping, and its tasks with it' : 'stopping; containers go on running');
      interrupt.abort(problem('failed', `${signal} came before the node was ready`));
      resolve();
      return undefined;
    });
  });
  const { startNode } = await import('../boot/index.ts');
  const notify = ({ level, message }: Notice): void => (level === 'warn' ? output.warn(message) : output.note(message));
  let node: RunningNode;
  try {
    node = await startNode(options, notify, interrupt.signal);
  } catch (thrown) {
    if (exitCode !== undefined && thrown === interrupt.signal.reason) return exitCode;
    throw thrown;
  }
  if (exitCode === undefined) await sayReady(context, options, node);
  await Promise.race([signalled, node.ended]);
  if (exitCode !== undefined) await node.stop();
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
