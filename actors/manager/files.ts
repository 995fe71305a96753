/** Secrets, configs and payloads as the manager keeps them: sealed, in versions, and stamped on the jobs that use them. */
import { asCubeError, problem } from '../../src/core/errors.ts';
import {
  checkFileName,
  checkFileSize,
  fileId,
  fileKey,
  fileRefs,
  filesUsedBy,
  type FileAsk,
  type FileKind,
  type FileView,
  type SealedFile,
  type SetKind,
} from '../../src/core/files.ts';
import { runKind, type JobRecord, type JobSpec, type Stamps } from '../../src/core/job.ts';
import { hashesOf } from '../../src/core/spec-hash.ts';
import { isFinal } from '../../src/core/task.ts';
import { counted, listed, nearest } from '../../src/core/text.ts';
import type { FileSet } from '../../src/ports/control.ts';
import { restamp } from './deployments.ts';
import type { Leader } from './leader.ts';
import { versionKey } from './state.ts';

/** What a worker is given. */
export interface FileContent extends FileAsk {
  readonly content: Uint8Array;
}

/** Says loudly when what is sealed cannot be opened: to be called when a leadership begins. */
export function checkSealing({ state, deps }: Leader): void {
  const newest = [...state.files.values()].map((versions) => versions.at(-1)!);
  const [one] = newest;
  if (one === undefined) return;
  try {
    deps.sealer.open(fileKey(one), one);
  } catch (thrown) {
    const { message, hint } = asCubeError(thrown, 'sealed');
    deps.ambient.log.error(`${counted(newest.length, 'secret or config', 'secrets and configs')} cannot be opened: ${message}; ${hint}`);
  }
}

/**
 * Sets a secret or a config. What has that content already stays as it is; else the jobs that use it get it, as by an update. To be called
 * inside a turn.
 * @throws CubeError `usage`, `too-large`; `sealed` while what is there cannot be opened
 */
export function setFile(leader: Leader, kind: SetKind, name: string, content: Uint8Array): FileSet {
  checkFileName(kind, name);
  checkFileSize(kind, name, content.byteLength, leader.deps.limits);
  const known = newestOf(leader, kind, name);
  const file = putFile(leader, kind, name, content);
  const change = known === undefined ? 'created' : file === known ? 'unchanged' : 'updated';
  const users = usersById(leader);
  if (change !== 'unchanged') note(leader, file, 'set', `version ${file.version} was set`);
  if (change === 'updated') for (const job of users.get(fileId(kind, name)) ?? []) follow(leader, job, file);
  return { ...viewOf(file, users), change };
}

/**
 * Keeps a content, sealed: under a new version where it differs from the newest one. Nobody is told of it. To be called inside a turn.
 * @param name of a payload: of the job it belongs to
 * @throws CubeError `too-large` when too much is kept already; `sealed`, `failed`
 */
export function putFile(leader: Leader, kind: FileKind, name: string, content: Uint8Array): SealedFile {
  const { sealer, ambient } = leader.deps;
  // A new key would hide that the old one is missing.
  if (!sealer.hasKey && leader.state.files.size > 0) {
    throw problem('sealed', `${kind} "${name}" cannot be set: the key of those that are kept is missing`);
  }
  const known = newestOf(leader, kind, name);
  const id = fileId(kind, name);
  const digest = sealer.digest(id, content);
  if (known?.digest === digest) return known;
  refuseTooMuch(leader, kind, content.byteLength, known === undefined);
  const version = (known?.version ?? usedBefore(leader, id)) + 1;
  const ask = { kind, name, version };
  const sealed = sealer.seal(fileKey(ask), content);
  const file: SealedFile = { ...ask, createdAt: ambient.clock.now(), bytes: content.byteLength, digest, ...sealed };
  leader.ledger.putFile(file);
  trim(leader, kind, name);
  return file;
}

/** Removes a secret or a config with all its versions. To be called inside a turn. @throws CubeError `not-found`, `conflict` while a job uses it */
export function removeFile(leader: Leader, kind: SetKind, name: string): FileView {
  const known = newestOf(leader, kind, name);
  if (known === undefined) throw problem('not-found', missing(leader, kind, name), { hint: `\`cube ${kind} ls\` lists what there is` });
  const view = viewOf(known, usersById(leader));
  if (view.usedBy.length > 0) {
    throw problem('conflict', `${kind} "${name}" is used by ${view.usedBy.length === 1 ? 'job' : 'jobs'} ${listed(view.usedBy)}`, {
      hint: 'take it out of their files and submit them, or `cube stop JOB --purge` them',
    });
  }
  forgetFile(leader, kind, name);
  note(leader, known, 'removed', 'it was removed');
  return view;
}

/** Forgets a file with all its versions, such as the payload of a run that is forgotten; one that is gone already is fine. */
export function forgetFile(leader: Pick<Leader, 'state' | 'ledger'>, kind: FileKind, name: string): void {
  for (const file of leader.state.files.get(fileId(kind, name)) ?? []) leader.ledger.removeFile(file);
}

/** Who did what to secrets is to be found among the events. */
function note({ ledger }: Leader, { kind, name }: SealedFile, event: string, cause: string): void {
  ledger.note({ machine: 'manager', id: fileId(kind, name), from: 'leading', to: 'leading', event: `${kind}.${event}`, cause });
}

/** All secrets, or all configs, by name. */
export function fileViews(leader: Leader, kind: SetKind): FileView[] {
  const newest = [...leader.state.files.values()].map((versions) => versions.at(-1)!).filter((file) => file.kind === kind);
  const users = usersById(leader);
  return newest.map((file) => viewOf(file, users)).sort((a, b) => (a.name < b.name ? -1 : 1));
}

function viewOf({ kind, name, version, createdAt, bytes }: SealedFile, users: ReadonlyMap<string, readonly JobRecord[]>): FileView {
  const usedBy = (users.get(fileId(kind, name)) ?? []).map((job) => job.name);
  return { kind, name, version, usedBy: usedBy.sort(), createdAt, bytes };
}

function newestOf({ state }: Pick<Leader, 'state'>, kind: FileKind, name: string): SealedFile | undefined {
  return state.files.get(fileId(kind, name))?.at(-1);
}

/** Jobs whose spec names a file, or the one to which a failure would roll them back: by `fileId`. */
function usersById({ state }: Pick<Leader, 'state'>): Map<string, JobRecord[]> {
  const users = new Map<string, JobRecord[]>();
  for (const job of state.jobs.values()) {
    const { state: stage = 'succeeded', goodVersion } = job.deployment ?? {};
    const mayFail = goodVersion !== undefined && stage !== 'succeeded';
    const fallback = mayFail ? state.versions.get(versionKey(job.name, goodVersion)) : undefined;
    const ids = new Set([...filesUsedBy(job.spec), ...(fallback ? filesUsedBy(fallback) : [])]);
    for (const id of ids) users.set(id, [...(users.get(id) ?? []), job]);
  }
  return users;
}

function missing({ state }: Pick<Leader, 'state'>, kind: SetKind, name: string): string {
  const names = [...state.files.values()].flatMap(([file]) => (file?.kind === kind ? [file.name] : []));
  const close = nearest(name, names);
  const other = kind === 'secret' ? 'config' : 'secret';
  const isOther = state.files.has(fileId(other, name));
  const meant = isOther ? `; there is a ${other} of that name` : close === undefined ? '' : `; did you mean "${close}"?`;
  return `there is no ${kind} "${name}"${meant}`;
}

/** The error for all that is missing of what a job uses. */
function missingError(leader: Pick<Leader, 'state'>, asked: readonly (readonly [SetKind, string])[]): Error {
  const messages = asked.map(([kind, name]) => missing(leader, kind, name));
  const [[kind, name]] = asked as [readonly [SetKind, string]];
  const commands = (['secret', 'config'] as const)
    .filter((one) => asked.some(([of]) => of === one))
    .map((one) => `\`cube ${one} set NAME FILE\``);
  const hint = asked.length === 1 ? `set it first: \`cube ${kind} set ${name} FILE\`` : `set them first: ${commands.join(', ')}`;
  return problem('not-found', messages.join('\n'), { hint, problems: messages.map((message) => ({ message })) });
}

/**
 * A job's stamps with the newest versions of all secrets and configs that its spec names.
 * @throws CubeError `not-found` with all that there are not
 */
export function stampFiles(leader: Pick<Leader, 'state'>, spec: JobSpec, stamps: Stamps | undefined): Stamps | undefined {
  const used = filesUsedBy(spec);
  const { files: _files, ...rest } = stamps ?? {};
  if (used.length === 0) return stamps?.files === undefined ? stamps : rest;
  const asked = used.map((id) => id.split('/') as [SetKind, string]);
  const lacking = asked.filter(([kind, name]) => newestOf(leader, kind, name) === undefined);
  if (lacking.length > 0) throw missingError(leader, lacking);
  const versions = asked.map(([kind, name]) => [fileId(kind, name), newestOf(leader, kind, name)!.version] as const);
  return { ...rest, files: Object.fromEntries(versions) };
}

/** A job as it begins: with the newest versions of what it uses. @throws CubeError `not-found` as `stampFiles` */
export function withFiles(leader: Pick<Leader, 'state'>, job: JobRecord): JobRecord {
  const stamps = stampFiles(leader, job.spec, job.stamps);
  return stamps === job.stamps || stamps === undefined ? job : { ...job, stamps, hashes: hashesOf(job.spec, stamps) };
}

/** A job that uses a file follows its new version. A run of a batch job ends with what it began with; the next one has the newest. */
function follow(leader: Leader, job: JobRecord, { kind, name, version }: SealedFile): void {
  const id = fileId(kind, name);
  if (runKind(job.spec.type) === 'batch' || !filesUsedBy(job.spec).includes(id)) return;
  const stamps: Stamps = { ...job.stamps, files: { ...job.stamps?.files, [id]: version } };
  if (job.stopWanted) leader.ledger.putJob({ ...job, stamps, hashes: hashesOf(job.spec, stamps) });
  else restamp(leader, job, stamps, `${kind} ${name} changed: version ${version}`);
}

function refuseTooMuch({ state, deps: { limits } }: Leader, kind: FileKind, bytes: number, isNew: boolean): void {
  const all = [...state.files.values()];
  const sum = all.flat().reduce((total, file) => total + file.bytes, bytes);
  if (sum > limits.filesBytesMax) {
    throw problem('too-large', `secrets, configs and payloads would have ${sum} bytes in all, and may have ${limits.filesBytesMax}`, {
      hint: `remove some that no job uses, or raise the limit filesBytesMax of the node`,
    });
  }
  const count = all.filter(([file]) => file?.kind === kind).length;
  if (!isNew || kind === 'payload' || count < limits.filesMax) return;
  throw problem('too-large', `there are ${count} ${kind}s already, and no more than ${limits.filesMax} are kept`, {
    hint: 'remove some that no job uses, or raise the limit filesMax of the node',
  });
}

/** The highest version of a file of that name that was there before and that somebody may still have: no number comes to mean two contents. */
function usedBefore({ state }: Pick<Leader, 'state'>, id: string): number {
  let highest = 0;
  for (const { fileVersions } of state.tasks.values()) highest = Math.max(highest, fileVersions?.[id] ?? 0);
  for (const { stamps } of state.jobs.values()) highest = Math.max(highest, stamps?.files?.[id] ?? 0);
  return highest;
}

/** Versions beyond the newest few go, but for those that a task or a job has. */
function trim(leader: Leader, kind: FileKind, name: string): void {
  const { state, deps, ledger } = leader;
  const id = fileId(kind, name);
  const versions = state.files.get(id) ?? [];
  const old = versions.slice(0, Math.max(0, versions.length - deps.limits.fileVersionsMax));
  if (old.length === 0) return;
  const used = new Set([...state.jobs.values()].map(({ stamps }) => stamps?.files?.[id]));
  for (const task of state.tasks.values()) if (!isFinal(task)) used.add(task.fileVersions?.[id]);
  for (const file of old) if (!used.has(file.version)) ledger.removeFile(file);
}

/**
 * What a worker asked for: only what a task has that it was given, and only for that task.
 * @throws CubeError `forbidden`; `not-found` for a version that is not kept; `sealed`
 */
export function contentsFor(leader: Leader, node: string, taskId: string, asks: readonly FileAsk[]): FileContent[] {
  const { state, deps } = leader;
  const task = state.tasks.get(taskId);
  const spec = task && state.specOf(task);
  if (task === undefined || spec === undefined || task.node !== node || isFinal(task)) {
    throw problem('forbidden', `this node has no task ${taskId} that could be given files`);
  }
  const own = new Set(fileRefs(state.jobs.get(task.job), task, spec).map(fileKey));
  return asks.map(({ kind, name, version }) => {
    const key = fileKey({ kind, name, version });
    if (!own.has(key)) throw problem('forbidden', `${task.slot} was not given version ${version} of ${kind} "${name}"`);
    const file = state.files.get(fileId(kind, name))?.find((one) => one.version === version);
    if (file === undefined) throw problem('not-found', `version ${version} of ${kind} "${name}" is not kept any more`);
    return { kind, name, version, content: deps.sealer.open(key, file) };
  });
}
