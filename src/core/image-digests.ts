/** What images' names stand for, and when that is a change: the same tag can be another image by tomorrow. */
import type { JobRecord, JobSpec } from './job.ts';
import { isFinal, type TaskRecord } from './task.ts';

/** What an image's name stands for, as one node found out. */
export interface ImageDigest {
  /** In the image's registry; the image's id where that is only known from the node itself and the image has no other. */
  readonly digest: string;
  /** Taken from what the node has, because no registry was asked or none answered: other nodes may have something else. */
  readonly isLocal: boolean;
  /** Why the registry did not tell, where it was asked. */
  readonly note?: string;
}

/** Stands before a digest that was taken from what a node had. */
const localMark = 'local:';

/** How it is kept in a job's stamps. */
export function stampOf({ digest, isLocal }: ImageDigest): string {
  return isLocal ? `${localMark}${digest}` : digest;
}

function digestOf(stamp: string): string {
  return stamp.startsWith(localMark) ? stamp.slice(localMark.length) : stamp;
}

/** What a worker can hold its own image against, and get: undefined for what was only known from a node. */
export function registryDigestOf(stamp: string | undefined): string | undefined {
  return stamp === undefined || stamp.startsWith(localMark) ? undefined : stamp;
}

/** Names of images in a job that may come to stand for another: those without a digest in them, each once. */
export function movingImages(spec: JobSpec): readonly string[] {
  return [...new Set(Object.values(spec.tasks).map(({ image }) => image))].filter((image) => image !== '' && !image.includes('@'));
}

/**
 * The images of a job that stand for something else than they did when they were last asked for, or, before that, than its tasks say that
 * they ran.
 * @param tasks the job's
 * @param found by the image's name
 * @returns stamps, by the image's name
 */
export function changedImages(
  known: JobRecord | undefined,
  tasks: readonly TaskRecord[],
  found: Readonly<Record<string, ImageDigest>>,
): Readonly<Record<string, string>> {
  const changed = Object.entries(found).filter(([image, { digest }]) => {
    const stamp = known?.stamps?.digests?.[image];
    if (stamp !== undefined) return digestOf(stamp) !== digest;
    const ran = tasks.filter((task) => task.image === image && task.digest !== undefined && isCurrent(known, task));
    return ran.length === 0 || ran.some((task) => task.digest !== digest);
  });
  return Object.fromEntries(changed.map(([image, one]) => [image, stampOf(one)]));
}

function isCurrent(known: JobRecord | undefined, task: TaskRecord): boolean {
  return known?.hashes[task.task] === task.specHash && (!isFinal(task) || task.state === 'completed');
}
