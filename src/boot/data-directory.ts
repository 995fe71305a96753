/** A node's data directory: private to its user, with the tokens, and `node.json` that tells other commands where the node is. */
import { chmod, mkdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Identity, IdentityCopy } from '../../actors/worker/book.ts';
import { asCubeError, problem, type CubeError } from '../core/errors.ts';
import type { NodeFile, NodeOptions, Notice } from '../core/node-options.ts';
import type { Ids } from '../ports/ambient.ts';
import { readOrMakeToken } from '../security/token-files.ts';

const ownerOnly = 0o700;
const permissionBits = 0o777;

/** Where things lie in a data directory. */
export interface DataDirectory {
  readonly path: string;
  readonly managerFolder: string;
  readonly workerFolder: string;
  readonly nodeFile: string;
  /** Of the key that seals secrets and configs. */
  readonly sealingKey: string;
  readonly tokens: { readonly admin: string; readonly join: string };
}

/** Makes or opens a data directory. @throws CubeError when it cannot be used */
export async function openDataDirectory(options: NodeOptions, ids: Ids, notify: (notice: Notice) => void): Promise<DataDirectory> {
  const path = options.dataDirectory;
  const workerFolder = join(path, options.workerFolder);
  try {
    await mkdir(path, { recursive: true, mode: ownerOnly });
    const mode = (await stat(path)).mode & permissionBits;
    if (mode !== ownerOnly) await chmod(path, ownerOnly);
    await mkdir(workerFolder, { recursive: true, mode: ownerOnly });
  } catch (thrown) {
    throw problem('usage', `the data directory ${path} cannot be used: ${asCubeError(thrown).message}`, {
      hint: 'give one that this user may write with --data or CUBE_DATA',
      cause: thrown,
    });
  }
  const token = async (name: string): Promise<string> => {
    const file = await readOrMakeToken(join(path, name), ids);
    if (file.wasOpen !== undefined) {
      notify({
        level: 'warn',
        message: `${join(path, name)} could be read by others (mode ${file.wasOpen}); it is private now, but may be known`,
      });
    }
    return file.token;
  };
  const tokens = { admin: await token('admin.token'), join: await token('join.token') };
  const nodeFile = join(options.roles.manager ? path : workerFolder, 'node.json');
  return { path, managerFolder: join(path, 'manager'), workerFolder, nodeFile, sealingKey: sealingKey(path), tokens };
}

/** Where the key that seals secrets and configs lies in a data directory. */
export function sealingKey(dataDirectory: string): string {
  return join(dataDirectory, 'secrets.key');
}

/** Writes `node.json`, whole or not at all. */
export async function writeNodeFile(path: string, file: NodeFile): Promise<void> {
  const draft = `${path}.${file.pid}`;
  await writeFile(draft, `${JSON.stringify(file, null, 2)}\n`, { mode: 0o600 });
  await rename(draft, path);
}

/** Removes `node.json` if it is this process's. */
export async function removeNodeFile(path: string, pid: number): Promise<void> {
  const file = await readNodeFile(path);
  if (file?.pid === pid) await rm(path, { force: true });
}

async function readNodeFile(path: string): Promise<NodeFile | undefined> {
  return (await readJson(path)) as NodeFile | undefined;
}

/** A small file's JSON; undefined where it is missing or torn, since none of them is the only place of what it tells. */
async function readJson(path: string): Promise<unknown> {
  try {
    return JSON.parse(await readFile(path, 'utf8'));
  } catch (thrown) {
    return thrown instanceof SyntaxError || isMissing(thrown) ? undefined : Promise.reject(thrown);
  }
}

function isMissing(thrown: unknown): boolean {
  return thrown instanceof Error && 'code' in thrown && thrown.code === 'ENOENT';
}

/** The store is held by another process: says by whom, as far as `node.json` tells. */
export async function heldBy(directory: Pick<DataDirectory, 'path' | 'nodeFile'>, error: CubeError): Promise<CubeError> {
  const holder = await readNodeFile(directory.nodeFile);
  if (error.code !== 'data-held' || holder === undefined) return error;
  const { name, pid, url, startedAt } = holder;
  return problem('data-held', `${directory.path} is held by node ${name} (pid ${pid}, ${url}, since ${startedAt})`, { cause: error });
}

/** Keeps a worker's identity beside its store, so that a store that is lost loses none of its containers. */
export function identityCopy(workerFolder: string): IdentityCopy {
  const path = join(workerFolder, 'identity.json');
  let written = '';
  return {
    async read() {
      const { nodeId, clusterId } = ((await readJson(path)) ?? {}) as Partial<Identity>;
      return typeof nodeId === 'string' ? { nodeId, clusterId: clusterId ?? null } : undefined;
    },
    async write(identity) {
      const text = `${JSON.stringify(identity)}\n`;
      if (text === written) return;
      const draft = `${path}.${process.pid}`;
      await writeFile(draft, text, { mode: 0o600, flush: true });
      await rename(draft, path);
      written = text;
    },
  };
}
