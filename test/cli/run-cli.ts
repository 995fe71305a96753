/** Runs the real command line as a process of its own. */
import { spawn } from 'node:child_process';
import type { ChildProcessWithoutNullStreams } from 'node:child_process';
import { mkdtempSync, writeFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { fileURLToPath } from 'node:url';

/** From sources through tsx, from a build as it is. */
const isSource = import.meta.url.endsWith('.ts');
const main = fileURLToPath(new URL(`../../src/cli/main.${isSource ? 'ts' : 'js'}`, import.meta.url));
const loader = isSource ? ['--import', import.meta.resolve('tsx')] : [];

export interface Outcome {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface RunOptions {
  readonly env?: Readonly<Record<string, string>>;
  readonly input?: string;
  readonly cwd?: string;
  /** Address of a module that is loaded before the command. */
  readonly preload?: string;
}

/** A command that runs. */
export interface Running {
  readonly child: ChildProcessWithoutNullStreams;
  readonly ended: Promise<Outcome>;
  /** Settles with all that was written so far once a stream holds a text; rejects when the command ends without it. */
  saw(stream: 'stdout' | 'stderr', text: string): Promise<string>;
}

function environment(more: Readonly<Record<string, string>>): NodeJS.ProcessEnv {
  const kept = Object.entries(process.env).filter(
    ([name]) => !/^(CUBE_|NO_COLOR|FORCE_COLOR|DOCKER_HOST|NODE_OPTIONS|NODE_TEST_CONTEXT)/.test(name),
  );
  return { ...Object.fromEntries(kept), CUBE_DATA: join(tmpdir(), 'cube-test-no-such-directory'), ...more };
}

/** The words of a command line that runs the command, for who starts it by other means. */
export function cubeCommand(args: readonly string[]): readonly string[] {
  return [process.execPath, ...loader, main, ...args];
}

/** Starts a command. */
export function startCube(args: readonly string[], options: RunOptions = {}): Running {
  const preload = options.preload === undefined ? [] : ['--import', options.preload];
  const child = spawn(process.execPath, [...loader, ...preload, main, ...args], { env: environment(options.env ?? {}), cwd: options.cwd });
  const written = { stdout: '', stderr: '' };
  const watchers = new Set<() => void>();
  for (const name of ['stdout', 'stderr'] as const) {
    child[name].setEncoding('utf8').on('data', (text: string) => {
      written[name] += text;
      for (const watcher of watchers) watcher();
    });
  }
  child.stdin.on('error', () => undefined);
  child.stdin.end(options.input ?? '');
  const ended = new Promise<Outcome>((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code, signal) => resolve({ code, signal, ...written }));
  });
  const saw = (stream: 'stdout' | 'stderr', text: string): Promise<string> =>
    new Promise((resolve, reject) => {
      const look = (): void => {
        if (!written[stream].includes(text)) return;
        watchers.delete(look);
        resolve(written[stream]);
      };
      watchers.add(look);
      look();
      void ended.then(({ code, stdout, stderr }) =>
        reject(new Error(`ended with ${code} before ${stream} held "${text}":\n${stdout}\n${stderr}`)),
      );
    });
  return { child, ended, saw };
}

/** Runs a command to its end. */
export function cube(args: readonly string[], options: RunOptions = {}): Promise<Outcome> {
  return startCube(args, options).ended;
}

/** A directory that goes with the test. */
export function tempDirectory(t: TestContext): string {
  const directory = mkdtempSync(join(tmpdir(), 'cube-cli-test-'));
  t.after(() => rm(directory, { recursive: true, force: true }));
  return directory;
}

/** A data directory as a node at that address leaves it. */
export function dataDirectoryOf(t: TestContext, url: string, token: string): string {
  const directory = tempDirectory(t);
  writeFileSync(
    join(directory, 'node.json'),
    JSON.stringify({ pid: 1, url, name: 'bar', nodeId: 'n', startedAt: '', version: '0', roles: [] }),
  );
  writeFileSync(join(directory, 'admin.token'), `${token}\n`, { mode: 0o600 });
  return directory;
}

/** A file with a text. */
export function fileWith(t: TestContext, name: string, text: string): string {
  const path = join(tempDirectory(t), name);
  writeFileSync(path, text);
  return path;
}
