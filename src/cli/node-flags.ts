/** The options of `up`, `manager` and `worker`, read into what src/boot composes a node from. */
import { readFile, stat } from 'node:fs/promises';
import { hostname } from 'node:os';
import { resolve } from 'node:path';
import { customResourceProblem } from '../core/custom-resource.ts';
import { CubeError, problem } from '../core/errors.ts';
import type { NodeOptions } from '../core/node-options.ts';
import { isPolicyName, policyNames } from '../core/placement.ts';
import { parseBytes } from '../core/resources.ts';
import { listed, nearest } from '../core/text.ts';
import type { Context, OptionSpec } from './command.ts';
import { dataDirectory } from './data-directory.ts';
import { limitsFromText } from './limits-text.ts';
import type { Input } from './options.ts';
import { cubeVersion } from './package-info.ts';
import { originOf } from './target.ts';

/** Options of all three commands. */
export const nodeSpecs: readonly OptionSpec[] = [
  { flags: '--name <name>', about: "the node's name (default: the host's)" },
  { flags: '--listen <host:port>', about: 'where to listen' },
  { flags: '--data <dir>', about: 'data directory (CUBE_DATA, else the XDG data directory)' },
  { flags: '--dc <name>', about: 'data center (default: dc1)' },
  { flags: '--label <k=v>', about: 'a label of the node; many' },
  { flags: '--resource <name=n>', about: 'a resource of your own, like gpu=4; many' },
  { flags: '--cpu <cores>', about: 'cores to offer (default: all)' },
  { flags: '--memory <size>', about: 'memory to offer, like 8GiB (default: all)' },
  { flags: '--disk <size>', about: 'disk to offer (default: all)' },
  { flags: '--ports <from-to>', about: 'host ports handed out to tasks (default: 20000-29999)' },
  { flags: '--runtime <name>', about: 'docker or process (default: docker)' },
  { flags: '--allow-mount <dir>', about: 'a directory of this host that tasks may mount, with all in it; many' },
  { flags: '--docker-host <url>', about: 'the engine (default: DOCKER_HOST, else the usual socket)' },
  { flags: '--scheduler <policy>', about: 'epvm, roundrobin, spread or binpack (default: epvm)' },
  { flags: '--store <store>', about: 'where state lives: level' },
  { flags: '--open-loopback', about: 'ask no token of clients on loopback' },
  { flags: '--stop-tasks', about: 'stop the tasks, too, when the node stops' },
  { flags: '--limit <name=value>', about: 'change a bound of src/core/limits.ts (CUBE_LIMITS); many' },
  { flags: '--log-level <level>', about: 'debug, info, warn or error (default: warn)' },
  { flags: '--ha', about: 'several managers', later: true },
  { flags: '--drain-on-stop', about: 'move the tasks away before stopping', later: true },
];

/** Options of a node that dials its manager. */
export const joinSpecs: readonly OptionSpec[] = [
  { flags: '--join <url>', about: 'the manager to dial' },
  { flags: '--join-token-file <file>', about: 'the token to join with (or CUBE_JOIN_TOKEN)' },
];

/** What the three commands differ in. */
export interface NodeKind {
  readonly roles: NodeOptions['roles'];
  readonly port: number;
  readonly workers?: readonly string[];
  /** Whether the worker's data lies in a folder named after it, so that several share a data directory. */
  readonly ownFolder?: boolean;
}

function nodeName(input: Input): string {
  const told = input.text('name');
  const name =
    told ??
    (hostname()
      .replaceAll(/[^A-Za-z0-9._-]+/g, '-')
      .replace(/^[^A-Za-z0-9]+/, '')
      .slice(0, 63) ||
      'node');
  if (!/^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$/.test(name)) {
    throw problem('usage', `--name "${name}" may hold letters, digits, dots, dashes and underscores, 63 at most, a letter or digit first`);
  }
  return name;
}

/** `host:port`, `[::1]:port`, `host`, `:port`. */
function listenAddress(text: string | undefined, port: number): NodeOptions['listen'] {
  const match = /^(?:\[([0-9a-f:.]+)\]|([^:[\]]*))(?::(\d{1,5}))?$/i.exec(text ?? '');
  const listen = { host: match?.[1] ?? (match?.[2] || '127.0.0.1'), port: match?.[3] === undefined ? port : Number(match[3]) };
  if (!match || listen.port > 65_535) throw problem('usage', `--listen needs host:port, not "${text}"`);
  return listen;
}

function portRange(text: string | undefined, limits: NodeOptions['limits']): NodeOptions['ports'] {
  if (text === undefined) return { from: limits.portsFrom, to: limits.portsTo };
  const match = /^(\d{1,5})-(\d{1,5})$/.exec(text);
  const [from, to] = [Number(match?.[1]), Number(match?.[2])];
  if (!match || from < 1 || to > 65_535 || from > to) throw problem('usage', `--ports needs from-to within 1-65535, not "${text}"`);
  return { from, to };
}

function sizeBytes(input: Input, name: string): number | undefined {
  const text = input.text(name);
  const bytes = text === undefined ? undefined : parseBytes(text);
  if (text !== undefined && bytes === undefined) throw problem('usage', `--${name} needs a size like 8GiB, not "${text}"`);
  return bytes;
}

function offered(input: Input): NodeOptions['offer'] {
  const custom: Record<string, number> = {};
  for (const [name, text] of Object.entries(input.pairs('resource'))) {
    if (['cpu', 'memory', 'disk'].includes(name)) throw problem('usage', `--resource ${name} is said with --${name}`);
    const wrong = customResourceProblem(name, `"${name}"`);
    if (wrong !== undefined) throw problem('usage', `--resource: ${wrong}`);
    const amount = /^\d+(\.\d+)?$/.test(text) ? Number(text) : Number.NaN;
    if (!Number.isFinite(amount)) throw problem('usage', `--resource ${name} needs a number of 0 or more, as in ${name}=4, not "${text}"`);
    custom[name] = amount;
  }
  const cpu = input.number('cpu', { whole: false });
  const memoryBytes = sizeBytes(input, 'memory');
  const diskBytes = sizeBytes(input, 'disk');
  return {
    custom,
    ...(cpu === undefined ? {} : { cpu }),
    ...(memoryBytes === undefined ? {} : { memoryBytes }),
    ...(diskBytes === undefined ? {} : { diskBytes }),
  };
}

function policy(input: Input): NodeOptions['scheduler'] {
  const text = input.text('scheduler') ?? 'epvm';
  if (isPolicyName(text)) return text;
  const close = nearest(text, policyNames);
  throw problem('usage', `--scheduler is ${listed(policyNames, 'or')}, not "${text}"${close ? `; did you mean ${close}?` : ''}`);
}

/** @throws CubeError `usage` for what is no directory now: else a typing error would be noticed by the first task only */
async function allowedMounts(input: Input): Promise<readonly string[]> {
  const mounts = new Set<string>();
  for (const text of input.texts('allow-mount')) {
    if (text === '') throw problem('usage', '--allow-mount needs a directory');
    const path = resolve(text);
    try {
      if (!(await stat(path)).isDirectory()) throw problem('usage', `--allow-mount ${text}: that is no directory`);
    } catch (thrown) {
      if (thrown instanceof CubeError) throw thrown;
      const { code, message } = thrown as NodeJS.ErrnoException;
      throw problem('usage', `--allow-mount ${text}: ${code === 'ENOENT' ? 'there is no such directory' : message}`, { cause: thrown });
    }
    mounts.add(path);
  }
  return [...mounts];
}

function refuseOtherStores(input: Input): void {
  const store = input.text('store') ?? 'level';
  if (store.startsWith('etcd://')) throw problem('not-yet', '--store etcd:// is not in this version yet');
  if (store !== 'level') throw problem('usage', `--store is level, not "${store}"`);
}

async function joining(input: Input, env: NodeJS.ProcessEnv): Promise<NodeOptions['join']> {
  const url = input.text('join');
  const file = input.text('join-token-file');
  if (url === undefined) {
    if (file !== undefined) throw problem('usage', '--join-token-file goes with --join');
    return undefined;
  }
  let token = env['CUBE_JOIN_TOKEN']?.trim() || undefined;
  try {
    if (file !== undefined) token = (await readFile(file, 'utf8')).trim();
  } catch (thrown) {
    throw problem('usage', `the join token cannot be read: ${(thrown as Error).message}`, { cause: thrown });
  }
  return { url: originOf(url), ...(token ? { token } : {}) };
}

/**
 * All of a node's options, checked and with their defaults.
 * @throws CubeError `usage`, or `not-yet` for what later versions have
 */
export async function readNodeOptions(context: Context, kind: NodeKind): Promise<NodeOptions> {
  const { input, env } = context;
  refuseOtherStores(input);
  const name = nodeName(input);
  const limits = limitsFromText(env['CUBE_LIMITS'], input.texts('limit'));
  const join = await joining(input, env);
  const dockerHost = input.text('docker-host');
  return {
    name,
    roles: kind.roles,
    listen: listenAddress(input.text('listen'), kind.port),
    dataDirectory: await dataDirectory(input.text('data'), env),
    workerFolder: kind.ownFolder ? `worker-${name}` : 'worker',
    dc: input.text('dc') ?? 'dc1',
    labels: input.pairs('label'),
    offer: offered(input),
    ports: portRange(input.text('ports'), limits),
    runtime: input.choice('runtime', ['docker', 'process']) ?? 'docker',
    mounts: await allowedMounts(input),
    ...(dockerHost === undefined ? {} : { dockerHost }),
    ...(join ? { join } : {}),
    workers: kind.workers ?? [],
    scheduler: policy(input),
    openLoopback: input.flag('open-loopback'),
    stopTasks: input.flag('stop-tasks'),
    limits,
    logLevel: input.choice('log-level', ['debug', 'info', 'warn', 'error']) ?? 'warn',
    version: cubeVersion(),
  };
}
