/** A command line in a terminal of its own, made by util-linux' `script`; its size is changed as a window's is. */
import { execFile, spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { cubeCommand } from '../cli/run-cli.ts';

/** Why no terminals can be made here; false when they can. */
export const noTerminal: string | false = spawnSync('script', ['--version']).status === 0 ? false : 'there is no `script` of util-linux';

/** A terminal with a `cube` in it. After it has ended, a line `code=N canonical=yes|no` tells how, and how the terminal was left. */
export interface InTerminal {
  /** Process id of `cube`; known once something was seen. */
  readonly pid: number;
  type(text: string): void;
  resize(columns: number, rows: number): Promise<void>;
  /** Settles with all that was shown once it holds a text. @throws when it ends, or takes too long, without it */
  saw(text: string | RegExp): Promise<string>;
  /** Settles with all that was shown when it is over. */
  readonly ended: Promise<string>;
}

const patienceMs = 30_000;

function quoted(words: readonly string[]): string {
  return words.map((word) => `'${word.replaceAll("'", `'\\''`)}'`).join(' ');
}

/** Starts a `cube`. @param t removes what is left of it */
export function startInTerminal(
  t: { after(run: () => Promise<void>): void },
  args: readonly string[],
  options: { readonly env: Readonly<Record<string, string>>; readonly columns: number; readonly rows: number },
): InTerminal {
  const folder = mkdtempSync(join(tmpdir(), 'cube-test-terminal-'));
  const { columns, rows, env } = options;
  const lines = [
    // Ctrl-C is for the command; this shell is to tell how it ended.
    'trap : INT',
    `stty rows ${rows} cols ${columns}`,
    `tty > ${folder}/tty`,
    `sh -c 'echo $$ > ${folder}/pid; exec "$@"' cube ${quoted(cubeCommand(args))}`,
    'code=$?',
    'stty -a | grep -q -- "-icanon" && canonical=no || canonical=yes',
    'echo "code=$code canonical=$canonical"',
  ];
  const child = spawn('script', ['-qec', lines.join('\n'), '/dev/null'], {
    env: { ...process.env, TERM: 'xterm', SHELL: '/bin/sh', ...env },
  });
  let shown = '';
  const watchers = new Set<() => void>();
  child.stdin.on('error', () => undefined);
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    shown += text;
    for (const watcher of watchers) watcher();
  });
  const lastTimer = setTimeout(() => child.kill('SIGKILL'), 3 * patienceMs);
  const ended = new Promise<string>((resolve) =>
    child.on('close', () => {
      clearTimeout(lastTimer);
      resolve(shown);
    }),
  );
  t.after(async () => {
    child.kill('SIGKILL');
    await ended;
    await rm(folder, { recursive: true, force: true });
  });
  return {
    ended,
    get pid() {
      return Number(readFileSync(join(folder, 'pid'), 'utf8'));
    },
    type: (text) => void child.stdin.write(text),
    async resize(wide, high) {
      const device = readFileSync(join(folder, 'tty'), 'utf8').trim();
      await promisify(execFile)('stty', ['-F', device, 'rows', String(high), 'cols', String(wide)]);
    },
    saw: (text) =>
      new Promise((resolve, reject) => {
        const stop = (then: () => void): void => {
          clearTimeout(timer);
          watchers.delete(look);
          then();
        };
        const fail = (why: string) => stop(() => reject(new Error(`${why} without ${String(text)}:\n${shown}`)));
        const timer = setTimeout(() => fail('too long'), patienceMs);
        const look = (): void => {
          if (typeof text === 'string' ? shown.includes(text) : text.test(shown)) stop(() => resolve(shown));
        };
        watchers.add(look);
        look();
        void ended.then(() => fail('it ended'));
      }),
  };
}
