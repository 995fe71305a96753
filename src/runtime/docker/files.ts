/**
 * Files of tasks in the host's memory, and what a container is told of them. Each task has a directory that only its owner may enter; a
 * file in it is readable, because users of containers are not its owner, and is mounted by itself.
 */
import { access, chmod, constants, lstat, mkdir, readdir, rename, rm, stat, statfs, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { ContainerCreateOptions, MountSettings } from 'dockerode';
import { asCubeError, problem } from '../../core/errors.ts';
import type { FileAsk } from '../../core/files.ts';
import type { Owner, RuntimeFacts, TaskFiles, Work } from '../../ports/runtime.ts';

/** Types of file systems in memory, as statfs(2) tells them: tmpfs, ramfs. */
const memoryTypes: ReadonlySet<number> = new Set([0x01021994, 0x858458f6]);
const ownerOnly = 0o700;
const readableByAll = 0o444;
const permissionBits = 0o777;

/** Where the files of tasks lie. */
export interface DockerFiles extends TaskFiles {
  /** What the engine says of itself, less what this host cannot do: without memory for them tasks get no files. */
  told(facts: RuntimeFacts): Promise<RuntimeFacts>;
  /** A container's body with the files of its order. @throws CubeError `engine-error` */
  mounted(work: Work, body: ContainerCreateOptions): Promise<ContainerCreateOptions>;
}

/** Directories that are most likely in memory, the best first. */
export function memoryFolders(env: NodeJS.ProcessEnv): readonly string[] {
  const own = env['XDG_RUNTIME_DIR'];
  return ['/run', '/dev/shm', ...(own ? [own] : [])];
}

/** @param folders where to look for memory, the best first */
export function openDockerFiles(owner: Owner, folders: readonly string[]): DockerFiles {
  let found: string | undefined;
  const base = async (): Promise<string> => (found ??= await memoryFolder(folders));
  const nodeFolder = (folder: string): string => join(folder, owner.clusterId, owner.nodeId);
  const folderOf = async (taskId: string): Promise<string> => join(nodeFolder(await base()), plainName(taskId));
  const pathOf = async (taskId: string, file: FileAsk): Promise<string> => join(await folderOf(taskId), fileName(file));
  return {
    async missing(taskId, files) {
      const there = await Promise.all(files.map(async (file) => isThere(await pathOf(taskId, file))));
      return files.filter((_, at) => !there[at]);
    },
    async put(taskId, file, content) {
      const path = await pathOf(taskId, file);
      try {
        await mkdir(await folderOf(taskId), { recursive: true, mode: ownerOnly });
        await writeFile(`${path}.part`, content, { mode: 0o600 });
        await chmod(`${path}.part`, readableByAll);
        await rename(`${path}.part`, path);
      } catch (thrown) {
        await rm(`${path}.part`, { force: true });
        throw problem('engine-error', `${file.kind} "${file.name}" cannot be put into memory: ${asCubeError(thrown).message}`, {
          cause: thrown,
        });
      }
    },
    async tasks() {
      // A worker that was never welcomed has none.
      if (owner.clusterId === '') return [];
      found ??= await knownFolder(folders);
      return found === undefined ? [] : entriesOf(nodeFolder(found));
    },
    async remove(taskId) {
      if (owner.clusterId === '' || found === undefined) return;
      await rm(await folderOf(taskId), { recursive: true, force: true });
    },
    async told(facts) {
      const usable = await Promise.all(folders.map((folder) => isUsable(folder)));
      if (usable.includes(true)) return facts;
      const { features = [], warnings } = facts;
      const without = 'this host has no tmpfs that could hold secrets: tasks with secrets or configs are not placed here';
      return { ...facts, features: features.filter((feature) => feature !== 'files'), warnings: [...warnings, without] };
    },
    async mounted({ order }, body) {
      const { id, files = [] } = order;
      if (files.length === 0) return body;
      const mounts = files.map(async (file): Promise<MountSettings> => ({
        Type: 'bind',
        Source: await pathOf(id, file),
        Target: file.path,
        ReadOnly: true,
      }));
      const { HostConfig } = body;
      return { ...body, HostConfig: { ...HostConfig, Mounts: [...(HostConfig?.Mounts ?? []), ...(await Promise.all(mounts))] } };
    },
  };
}

function uid(): number {
  return process.getuid?.() ?? 0;
}

/** What this user's own directory in a place is called. */
function ownFolder(folder: string): string {
  return join(folder, uid() === 0 ? 'cube' : `cube-${uid()}`);
}

async function isMemory(folder: string): Promise<boolean> {
  return memoryTypes.has((await statfs(folder)).type);
}

async function isUsable(folder: string): Promise<boolean> {
  try {
    await access(folder, constants.W_OK);
    return await isMemory(folder);
  } catch (thrown) {
    // Missing, or not for this user: then it is another one, or none.
    if (thrown instanceof Error && 'code' in thrown) return false;
    throw thrown;
  }
}

/** The directory that an earlier process of this user had, if there is one. */
async function knownFolder(folders: readonly string[]): Promise<string | undefined> {
  for (const folder of folders) {
    const path = ownFolder(folder);
    const found = await lstat(path).catch(() => undefined);
    if (found?.isDirectory() && found.uid === uid() && (await isMemory(folder))) return path;
  }
  return undefined;
}

/** A directory of this user alone in the host's memory. @throws CubeError `engine-error` when there is none */
async function memoryFolder(folders: readonly string[]): Promise<string> {
  const tried: string[] = [];
  for (const folder of folders) {
    try {
      const path = ownFolder(folder);
      if (!(await isMemory(folder))) tried.push(`${folder} is on a disk`);
      else if (await isOwn(path)) return path;
      else tried.push(`${path} is somebody else's`);
    } catch (thrown) {
      tried.push(`${folder}: ${asCubeError(thrown).message}`);
    }
  }
  throw problem('engine-error', `there is no place in memory for secrets and configs: ${tried.join('; ') || 'none is named'}`, {
    hint: 'mount a tmpfs at /run',
  });
}

/** Makes a directory where there is none. In one that all may write to, somebody else may have been there first. */
async function isOwn(path: string): Promise<boolean> {
  await mkdir(path, { mode: ownerOnly }).catch((thrown: NodeJS.ErrnoException) => {
    if (thrown.code !== 'EEXIST') throw thrown;
  });
  const found = await lstat(path);
  if (!found.isDirectory() || found.uid !== uid()) return false;
  if ((found.mode & permissionBits) !== ownerOnly) await chmod(path, ownerOnly);
  return true;
}

/** Names come from the manager: none of them may lead elsewhere. @throws CubeError `engine-error` */
function plainName(name: string): string {
  if (/^[A-Za-z0-9][A-Za-z0-9._-]*$/.test(name)) return name;
  throw problem('engine-error', `${JSON.stringify(name)} is no name for a file`);
}

function fileName({ kind, name, version }: FileAsk): string {
  return plainName(`${kind}-${name}-${version}`);
}

async function isThere(path: string): Promise<boolean> {
  return stat(path).then(
    (found) => found.isFile(),
    () => false,
  );
}

async function entriesOf(folder: string): Promise<readonly string[]> {
  try {
    return await readdir(folder);
  } catch (thrown) {
    if ((thrown as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw thrown;
  }
}
