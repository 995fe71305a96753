/** The demo's node: in this process, in a directory of its own, gone without a trace afterwards. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { NodeOptions, Notice, RunningNode } from '../core/node-options.ts';
import { asCubeError } from '../core/errors.ts';
import type { Context } from './command.ts';
import { clientOf } from './connect.ts';
import type { Client } from './connect.ts';
import { readLocalToken } from './data-directory.ts';
import type { DemoRuntime } from './demo-runtime.ts';
import { cubeVersion } from './package-info.ts';

/** A node that runs for the demo. */
export interface DemoNode {
  readonly node: RunningNode;
  readonly client: Client;
  readonly dataDirectory: string;
  /** Stops tasks and node, removes containers and directory. */
  remove(): Promise<void>;
}

function options(context: Context, dataDirectory: string, runtime: DemoRuntime['runtime']): NodeOptions {
  const { limits } = context;
  return {
    name: 'demo',
    roles: { manager: true, worker: true },
    listen: { host: '127.0.0.1', port: 0 },
    dataDirectory,
    workerFolder: 'worker',
    dc: 'dc1',
    labels: {},
    offer: { custom: {} },
    ports: { from: limits.portsFrom, to: limits.portsTo },
    runtime,
    workers: [],
    scheduler: 'epvm',
    openLoopback: false,
    stopTasks: true,
    limits,
    logLevel: 'error',
    version: cubeVersion(),
  };
}

/** Starts a node in this process: the boot room's `startNode`. */
export type StartNode = (options: NodeOptions, onNotice: (notice: Notice) => void) => Promise<RunningNode>;

/** Starts the demo's node. What fails leaves nothing behind. */
export async function startDemoNode(context: Context, choice: DemoRuntime, startNode: StartNode): Promise<DemoNode> {
  const { output } = context;
  const dataDirectory = await mkdtemp(join(tmpdir(), 'cube-demo-'));
  let node: RunningNode | undefined;
  const remove = async (): Promise<void> => {
    try {
      await node?.stop({ stopTasks: true });
      if (node && choice.engine) {
        const left = await choice.engine.removeContainersOf(node.nodeId);
        if (left > 0) output.note(`removed ${left} containers`);
      }
    } catch (thrown) {
      output.warn(`the demo did not end cleanly: ${asCubeError(thrown).message}`);
    } finally {
      await rm(dataDirectory, { recursive: true, force: true });
    }
  };
  try {
    node = await startNode(options(context, dataDirectory, choice.runtime), ({ message }) => output.note(message));
    const client = clientOf({ url: node.url, token: readLocalToken(dataDirectory) }, context.limits);
    return { node, client, dataDirectory, remove };
  } catch (thrown) {
    await remove();
    throw thrown;
  }
}
