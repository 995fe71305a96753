/** `cube up`: a node in the foreground. */
import { problem } from '../../core/errors.ts';
import { nearest } from '../../core/text.ts';
import type { Command } from '../command.ts';
import { joinSpecs, nodeSpecs, readNodeOptions } from '../node-flags.ts';
import type { NodeKind } from '../node-flags.ts';
import type { Input } from '../options.ts';
import { runNode } from '../run-node.ts';

function readRoles(input: Input): NodeKind['roles'] {
  const joins = input.text('join') !== undefined;
  const text = input.text('role') ?? (joins ? 'worker' : 'manager,worker');
  const roles = text.split(',').map((role) => role.trim());
  for (const role of roles) {
    if (role === 'manager' || role === 'worker') continue;
    const close = nearest(role, ['manager', 'worker']);
    throw problem('usage', `--role is manager, worker or both with a comma, not "${text}"${close ? `; did you mean ${close}?` : ''}`);
  }
  if (joins && roles.includes('manager')) throw problem('not-yet', 'a manager that joins others is not in this version yet');
  return { manager: roles.includes('manager'), worker: roles.includes('worker') };
}

/** `cube up`. */
export const command: Command = {
  usage: 'up',
  summary: 'start a node in the foreground, manager and worker unless told otherwise',
  options: [{ flags: '--role <roles>', about: 'manager,worker, or one of them' }, ...nodeSpecs, ...joinSpecs],
  examples: [
    ['cube up', 'one host, Docker, http://127.0.0.1:5555'],
    ['cube up --runtime process', 'no engine here: tasks as plain processes'],
    ['cube up --name big --label disk=ssd --cpu 8 --memory 16GiB', 'offer a part of the host'],
  ],
  run: async (context) => runNode(context, await readNodeOptions(context, { roles: readRoles(context.input), port: 5555 })),
};
