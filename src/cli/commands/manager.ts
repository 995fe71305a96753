/** `cube manager`: a node that only manages, and dials the workers it is given. */
import { problem } from '../../core/errors.ts';
import type { Command } from '../command.ts';
import { nodeSpecs, readNodeOptions } from '../node-flags.ts';
import { runNode } from '../run-node.ts';

function workerAddresses(texts: readonly string[]): string[] {
  const addresses = texts
    .flatMap((text) => text.split(','))
    .map((text) => text.trim())
    .filter((text) => text !== '');
  for (const address of addresses) {
    if (!/^([^:/\s]+|\[[0-9a-f:.]+\]):\d{1,5}$/i.test(address))
      throw problem('usage', `--workers needs host:port,host:port, not "${address}"`);
  }
  return addresses;
}

/** `cube manager`. */
export const command: Command = {
  usage: 'manager',
  summary: 'start a node that only manages',
  options: [{ flags: '--workers <host:port,...>', about: 'workers to dial; others may join by themselves' }, ...nodeSpecs],
  examples: [['cube manager --workers 127.0.0.1:5556,127.0.0.1:5557', 'manage two workers of this machine']],
  run: async (context) => {
    const workers = workerAddresses(context.input.texts('workers'));
    return runNode(context, await readNodeOptions(context, { roles: { manager: true, worker: false }, port: 5555, workers }));
  },
};
