/** `cube worker`: a node that only runs tasks, for a manager that dials it or one it joins. */
import { problem } from '../../core/errors.ts';
import type { Command } from '../command.ts';
import { joinSpecs, nodeSpecs, readNodeOptions } from '../node-flags.ts';
import { runNode } from '../run-node.ts';

/** `cube worker`. */
export const command: Command = {
  usage: 'worker',
  summary: 'start a node that only runs tasks; its data lies in <data>/worker-NAME',
  options: [{ flags: '--port <port>', about: 'where to listen for a manager on loopback (default: 5556)' }, ...nodeSpecs, ...joinSpecs],
  examples: [
    ['cube worker --name one --port 5556', 'wait for `cube manager --workers 127.0.0.1:5556`'],
    ['cube worker --name two --port 5557 --join 127.0.0.1:5555', 'dial the manager'],
  ],
  run: async (context) => {
    const port = context.input.number('port', { most: 65_535 });
    if (port !== undefined && context.input.text('listen') !== undefined)
      throw problem('usage', '--port and --listen say the same; give one of them');
    const kind = { roles: { manager: false, worker: true }, port: port ?? 5556, ownFolder: true };
    return runNode(context, await readNodeOptions(context, kind));
  },
};
