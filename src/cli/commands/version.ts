/** `cube version`: of cube, of Node.js, and of the manager when one answers. */
import { asCubeError } from '../../core/errors.ts';
import type { Command, Context } from '../command.ts';
import { findTarget } from '../target.ts';
import { cubeVersion } from '../package-info.ts';
import { sleep } from '../time.ts';

interface Server {
  readonly url: string;
  readonly version: string;
  readonly name: string;
}

/** Who answers, or why nobody does, in a sentence. */
async function askServer(context: Context): Promise<Server | string> {
  try {
    const target = await findTarget(context);
    const { clientOf } = await import('../connect.ts');
    const info = await Promise.race([clientOf(target, context.limits).info(), sleep(context.limits.probeMs)]);
    return info ? { url: target.url, version: info.version, name: info.name } : `${target.url} did not answer in time`;
  } catch (thrown) {
    return asCubeError(thrown).message;
  }
}

async function version(context: Context): Promise<number> {
  const { output } = context;
  const cube = cubeVersion();
  const server = output.quiet ? 'not asked' : await askServer(context);
  if (output.json) output.document({ cube, node: process.versions.node, server: typeof server === 'string' ? null : server });
  else if (output.quiet) output.line(cube);
  else {
    output.line(`cube    ${cube}`);
    output.line(`node    ${process.versions.node}`);
    output.line(`server  ${typeof server === 'string' ? `none (${server})` : `${server.version} (${server.name} at ${server.url})`}`);
  }
  return 0;
}

/** `cube version`. */
export const command: Command = {
  usage: 'version',
  summary: 'versions of cube, Node.js, and the server when one answers',
  options: [],
  examples: [
    ['cube version', 'all three'],
    ['cube version -q', "only cube's"],
  ],
  run: version,
};
