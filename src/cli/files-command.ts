/** `cube secret` and `cube config`: one command for both, since they differ in nothing but what they are called. */
import { readFile } from 'node:fs/promises';
import { problem, unreadableText } from '../core/errors.ts';
import type { FileJson } from '../core/file-view.ts';
import type { SetKind } from '../core/files.ts';
import { counted, listed, nearest } from '../core/text.ts';
import type { Command, Context } from './command.ts';
import { connect } from './connect.ts';
import { readStdinBytes } from './read-stdin.ts';
import { ago } from './time.ts';

type Action = (context: Context, kind: SetKind, words: readonly string[]) => Promise<number>;

function nameIn(kind: SetKind, action: string, words: readonly string[], most: number): string {
  const [name] = words;
  if (name !== undefined && words.length <= most) return name;
  throw problem('usage', `cube ${kind} ${action} takes ${most === 1 ? 'one name' : 'a name, and a file or - for standard input'}`, {
    hint: action === 'set' ? `a value is never an argument: cube ${kind} set NAME FILE` : `\`cube ${kind} ls\` lists them`,
  });
}

/** The bytes as they are: a newline at the end is part of them. */
async function contentOf(context: Context, file: string | undefined): Promise<Uint8Array> {
  if (file === undefined && process.stdin.isTTY) context.output.note('type it, and end with Ctrl-D on a line of its own');
  if (file === undefined || file === '-') return readStdinBytes();
  try {
    return await readFile(file);
  } catch (thrown) {
    throw problem('usage', unreadableText(file, thrown), { hint: 'name a file, or - for standard input', cause: thrown });
  }
}

const set: Action = async (context, kind, words) => {
  const { output } = context;
  const name = nameIn(kind, 'set', words, 2);
  const content = await contentOf(context, words[1]);
  const done = await (await connect(context)).setFile(kind, name, Buffer.from(content).toString('base64'));
  if (output.json) output.document(done);
  else if (output.quiet) output.line(name);
  else {
    const said = done.change === 'unchanged' ? 'holds that already' : `holds ${counted(done.bytes, 'byte')}`;
    output.line(`${kind} ${name} ${said}, version ${done.version}`);
    if (done.change === 'updated' && done.usedBy.length > 0) {
      const isOne = done.usedBy.length === 1;
      output.note(`${listed(done.usedBy)} ${isOne ? 'follows' : 'follow'}: a service now, a batch job with its next run`);
    }
  }
  return 0;
};

const list: Action = async (context, kind, words) => {
  const { output } = context;
  if (words.length > 0) throw problem('usage', `cube ${kind} ls takes no argument`);
  const all = await (await connect(context)).files(kind);
  const nowMs = Date.now();
  const rowOf = ({ name, version, usedBy, createdAt }: FileJson) => [
    name,
    String(version),
    usedBy.join(', ') || '-',
    ago(createdAt, nowMs),
  ];
  if (output.json) output.document(all);
  else if (output.quiet) for (const { name } of all) output.line(name);
  else if (all.length === 0) output.note(`there is no ${kind}; \`cube ${kind} set NAME FILE\` makes one`);
  else output.table(['NAME', 'VERSION', 'USED BY', 'CREATED'], all.map(rowOf), { fit: true });
  return 0;
};

const remove: Action = async (context, kind, words) => {
  const { output } = context;
  const name = nameIn(kind, 'rm', words, 1);
  const removed = await (await connect(context)).removeFile(kind, name);
  if (output.json) output.document(removed);
  else output.line(output.quiet ? name : `${kind} ${name} is removed`);
  return 0;
};

const actions: Readonly<Record<string, Action>> = { set, ls: list, rm: remove };

/** The command of a kind. */
export function filesCommand(kind: SetKind): Command {
  return {
    usage: `${kind} [...action]`,
    summary: `${kind}s, which tasks find as files: \`set NAME [FILE|-]\`, \`ls\`, \`rm NAME\``,
    note:
      kind === 'secret'
        ? 'What a secret holds lies encrypted on the manager, in memory on the hosts of its tasks, and is never shown again. A job asks for it with `secrets: {NAME: /path}`.'
        : 'A job asks for a config with `configs: {NAME: /path}`. It is kept as a secret is.',
    options: [],
    examples: [
      [
        `cube ${kind} set ${kind === 'secret' ? 'db-password password.txt' : 'site site.conf'}`,
        'from a file, byte by byte; services that use it are updated',
      ],
      [
        `printf %s "$VALUE" | cube ${kind} set ${kind === 'secret' ? 'db-password' : 'site'}`,
        'from standard input, without a newline at its end',
      ],
      [`cube ${kind} ls`, 'names, versions, and the jobs that use them'],
    ],
    run: (context) => {
      const [action = 'ls', ...words] = context.input.args;
      const run = Object.hasOwn(actions, action) ? actions[action] : undefined;
      if (run !== undefined) return run(context, kind, words);
      const close = nearest(action, Object.keys(actions));
      throw problem('usage', `cube ${kind} has no action "${action}"${close ? `; did you mean ${close}?` : ''}`, {
        hint: `there are \`cube ${kind} set NAME FILE\`, \`cube ${kind} ls\` and \`cube ${kind} rm NAME\``,
      });
    },
  };
}
