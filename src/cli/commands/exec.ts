/** `cube exec TASK -- CMD...`: runs a command in a task, with or without a terminal, and exits as it does. */
import { isatty } from 'node:tty';
import type { RemoteCommand } from '../../client/index.ts';
import { asCubeError, problem, type CubeError } from '../../core/errors.ts';
import type { Command, Context } from '../command.ts';
import { connect } from '../connect.ts';
import type { Client } from '../connect.ts';
import { missingJobOrTask } from '../find.ts';
import { onResize, rawKeys, terminalSize } from '../terminal.ts';

const stdinFile = 0;
/** Shells give this for a command that does not exist. */
const noSuchCommand = 127;
const exitCodeMax = 255;

interface Wanted {
  readonly task: string;
  readonly command: readonly string[];
  readonly tty: boolean;
  readonly stdin: boolean;
}

function wanted({ input }: Context): Wanted {
  const command = input.rest ?? [];
  const [program] = command;
  if (!program) throw problem('usage', 'cube exec needs a command', { hint: '`cube exec shop/web.1 -- ls -l`' });
  if (program.startsWith('-')) {
    throw problem('usage', `"${program}" is no command`, { hint: 'options of cube go before the task: `cube exec -it shop/web.1 -- sh`' });
  }
  const tty = input.flag('tty');
  if (tty && !isatty(stdinFile)) {
    throw problem('usage', '-t needs a terminal, and stdin is none', { hint: 'leave -t out; -i alone passes stdin on' });
  }
  return { task: input.args[0]!, command, tty, stdin: input.flag('stdin') };
}

async function start(client: Client, { task, ...request }: Wanted): Promise<RemoteCommand> {
  try {
    return await client.exec(task, { ...request, size: request.tty ? terminalSize() : undefined });
  } catch (thrown) {
    const error = asCubeError(thrown);
    throw error.code === 'not-found' ? await missingJobOrTask(client, task, 'task or job') : error;
  }
}

/** Passes stdin on to its end. @throws CubeError `failed` when it cannot be read */
async function passStdin(remote: RemoteCommand): Promise<void> {
  try {
    for await (const bytes of process.stdin) await remote.write(bytes as Buffer);
  } catch (thrown) {
    throw problem('failed', `stdin cannot be read: ${asCubeError(thrown).message}`, { cause: thrown });
  }
  remote.endInput();
}

/** Passes input and output on until the command has ended. @throws CubeError why the session ended before */
async function converse({ output }: Context, remote: RemoteCommand, { tty, stdin }: Wanted): Promise<number> {
  let failure: CubeError | undefined;
  const restoreKeys = tty && stdin ? rawKeys() : () => undefined;
  const stopResizes = tty ? onResize((size) => remote.resize(size)) : () => undefined;
  if (stdin) {
    passStdin(remote).catch((thrown: unknown) => {
      failure = asCubeError(thrown);
      remote.close();
    });
  }
  try {
    for await (const { stream, bytes } of remote.output) await output.bytes(bytes, stream);
    return remote.exitCode;
  } catch (thrown) {
    throw failure ?? thrown;
  } finally {
    stopResizes();
    restoreKeys();
  }
}

async function exec(context: Context): Promise<number> {
  const { output } = context;
  const what = wanted(context);
  const client = await connect(context);
  try {
    const exitCode = await converse(context, await start(client, what), what);
    if (exitCode >= 0 && exitCode <= exitCodeMax) return exitCode;
    output.warn(`the command's exit code is ${exitCode}; no more than ${exitCodeMax} can be passed on`);
    return exitCodeMax;
  } catch (thrown) {
    const error = asCubeError(thrown);
    if (error.code !== 'bad-command') throw error;
    output.error(error);
    return noSuchCommand;
  }
}

/** `cube exec`. */
export const command: Command = {
  usage: 'exec <task>',
  summary: "run a command in a task, or in a job's only one; its output comes as it is, and its exit code is passed on",
  note: 'A command that still runs when cube exec is ended goes on in the container: Docker has no way to end it.',
  options: [
    { flags: '-i, --stdin', about: "pass stdin on; without it the command's input is empty" },
    { flags: '-t, --tty', about: 'with a terminal; `-it` for a shell' },
  ],
  examples: [
    ['cube exec shop/web.2 -- ls -l /srv', 'a command; the `--` may be left out'],
    ['cube exec -it shop/web.2 -- sh', 'a shell'],
    ['cube exec -i shop/db.1 -- sh -c "cat > /tmp/dump" < dump', 'a file on its stdin'],
  ],
  trailing: true,
  run: exec,
};
