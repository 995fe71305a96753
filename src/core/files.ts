/** Secrets, configs and payloads: what a job's tasks find as files, under which keys it is kept, and which version a task gets. Pure. */
import { problem } from './errors.ts';
import type { JobRecord, JobSpec, TaskSpec } from './job.ts';
import { counted } from './text.ts';
import type { FileRef, TaskRecord } from './task.ts';

/** What a file is. A payload belongs to one dispatched run, and is called as that job is. */
export type FileKind = FileRef['kind'];

/** The kinds that users set. */
export type SetKind = Exclude<FileKind, 'payload'>;

/** What was made of a content, so that only who has the key can read it: AES-256-GCM. */
export interface Sealed {
  readonly iv: Uint8Array;
  readonly tag: Uint8Array;
  readonly data: Uint8Array;
}

/** One version of a file, as the store keeps it. */
export interface SealedFile extends Sealed {
  readonly kind: FileKind;
  readonly name: string;
  /** From 1. */
  readonly version: number;
  /** ms since the epoch. */
  readonly createdAt: number;
  /** Size of its content. */
  readonly bytes: number;
  /** A keyed hash of its content: the same content is known again, and nothing is told of it. */
  readonly digest: string;
}

/** What is told of a file; never its content. */
export interface FileView {
  readonly kind: FileKind;
  readonly name: string;
  /** The newest. */
  readonly version: number;
  /** Jobs that use it, by name. */
  readonly usedBy: readonly string[];
  /** Of its newest version: ms since the epoch, and the size of its content. */
  readonly createdAt: number;
  readonly bytes: number;
}

/** A file as a worker asks for it. */
export type FileAsk = Omit<FileRef, 'path'>;

const namePattern = /^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$/;

/** What a file is called among all kinds, as in a job's stamps: `secret/db`. */
export function fileId(kind: FileKind, name: string): string {
  return `${kind}/${name}`;
}

/** The key of one version in the store; also what its seal is bound to. */
export function fileKey({ kind, name, version }: FileAsk): string {
  return `${fileId(kind, name)}/${String(version).padStart(8, '0')}`;
}

/** Refuses a name that no job file could tell. @throws CubeError `usage` */
export function checkFileName(kind: FileKind, name: string): void {
  if (namePattern.test(name)) return;
  throw problem(
    'usage',
    `${JSON.stringify(name)} is no name of a ${kind}: 1 to 63 letters, digits, ".", "_" and "-", a letter or digit first`,
  );
}

/** Refuses a content that is too large, or a secret of nothing. @throws CubeError `usage`, `too-large` */
export function checkFileSize(kind: SetKind, name: string, bytes: number, limits: { readonly fileBytesMax: number }): void {
  // Most likely what should have written it had failed.
  if (bytes === 0 && kind === 'secret')
    throw problem('usage', `secret "${name}" would be empty`, { hint: 'give it on standard input or as a file' });
  if (bytes <= limits.fileBytesMax) return;
  throw problem('too-large', `${kind} "${name}" has ${counted(bytes, 'byte')}, and may have ${limits.fileBytesMax}`, {
    hint: 'give what is large as a volume, or raise the limit fileBytesMax of the node',
  });
}

/** The secrets and configs that a task asks for, and where it finds them. */
function filesIn({ secrets = {}, configs = {} }: Pick<TaskSpec, 'secrets' | 'configs'>): Omit<FileRef, 'version'>[] {
  return [
    ...Object.entries(secrets).map(([name, path]) => ({ kind: 'secret' as const, name, path })),
    ...Object.entries(configs).map(([name, path]) => ({ kind: 'config' as const, name, path })),
  ];
}

/** The secrets and configs that a job uses, each once, as `fileId` has them. */
export function filesUsedBy({ tasks }: JobSpec): readonly string[] {
  return [...new Set(Object.values(tasks).flatMap((task) => filesIn(task).map(({ kind, name }) => fileId(kind, name))))];
}

/** The versions of a task's files when it is made, by `fileId`; undefined for one without any. */
export function versionsFor({ spec, stamps }: Pick<JobRecord, 'spec' | 'stamps'>, task: string): TaskRecord['fileVersions'] {
  const wanted = filesIn(spec.tasks[task] ?? {}).map(({ kind, name }) => fileId(kind, name));
  const known = wanted.flatMap((id) => (stamps?.files?.[id] === undefined ? [] : [[id, stamps.files[id]] as const]));
  return known.length === 0 ? undefined : Object.fromEntries(known);
}

/** The files that a task finds in its containers. @param spec what it runs under */
export function fileRefs(job: JobRecord | undefined, task: Pick<TaskRecord, 'fileVersions'>, spec: TaskSpec): readonly FileRef[] {
  const refs: FileRef[] = filesIn(spec).map((file) => ({ ...file, version: task.fileVersions?.[fileId(file.kind, file.name)] ?? 0 }));
  const payload = job?.spec.payload;
  if (job?.origin.kind === 'dispatch' && payload !== undefined && 'file' in payload) {
    refs.push({ kind: 'payload', name: job.name, version: 1, path: payload.file });
  }
  return refs;
}
