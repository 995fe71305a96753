/**
 * What a worker cleans up: containers that nobody needs any more, kept output, images. Decided here from what is there and what is
 * known; the worker carries it out. What is not given here is never touched.
 */
import type { Limits } from './limits.ts';

/** A container that carries the labels of this cluster and node. */
export interface PresentContainer {
  readonly id: string;
  readonly taskId: string;
  readonly attempt: number;
  readonly state: 'created' | 'running' | 'exited';
  readonly createdAt: number;
  readonly finishedAt?: number;
}

/** What the worker knows of a task. */
export interface KnownTask {
  readonly isOver: boolean;
  /** The present attempt. */
  readonly attempt: number;
  /** Its container, once it is made. */
  readonly containerId?: string;
  /** The container of the attempt before, while it is kept. */
  readonly endedContainerId?: string;
}

/** What is to be done with containers; what is named nowhere stays as it is. */
export interface ContainerCleaning<C> {
  /** Ended, and needed no more: their output is copied, then they go. */
  readonly dead: readonly C[];
  /** Beside the one container their task should have: by somebody's hand. They go after a grace. */
  readonly strays: readonly C[];
  /** Of no known task: the manager is asked. */
  readonly orphans: readonly C[];
}

/** Sorts the containers that are there. The container of a live task, and one that may just be made for it, is in no list. */
export function sortContainers<C extends PresentContainer>(
  containers: readonly C[],
  tasks: ReadonlyMap<string, KnownTask>,
  now: number,
  limits: Pick<Limits, 'deadContainersMax' | 'deadContainerAgeMs'>,
): ContainerCleaning<C> {
  const ended: C[] = [];
  const dead: C[] = [];
  const strays: C[] = [];
  const orphans: C[] = [];
  for (const one of containers) {
    const task = tasks.get(one.taskId);
    if (task === undefined) orphans.push(one);
    else if (task.isOver) (one.state === 'running' ? strays : ended).push(one);
    else if (one.id === task.containerId || one.id === task.endedContainerId) continue;
    else if (one.attempt < task.attempt) (one.state === 'running' ? strays : dead).push(one);
    else if (task.containerId !== undefined) strays.push(one);
  }
  const byAge = ended.toSorted((a, b) => endOf(a) - endOf(b));
  const surplus = byAge.length - limits.deadContainersMax;
  dead.push(...byAge.filter((one, at) => at < surplus || now - endOf(one) > limits.deadContainerAgeMs));
  return { dead, strays, orphans };
}

function endOf({ finishedAt, createdAt }: PresentContainer): number {
  // An engine may tell 0 for what it does not know.
  return finishedAt !== undefined && finishedAt > 0 ? finishedAt : createdAt;
}

/** One attempt's output that is kept. */
export interface KeptOutput {
  readonly taskId: string;
  readonly attempt: number;
  readonly bytes: number;
  readonly keptAt: number;
}

/** What is kept longer than it should be: of tasks that are gone, too old, of too many attempts of one task, too much in all. */
export function surplusOutput<K extends KeptOutput>(
  kept: readonly K[],
  isKnown: (taskId: string) => boolean,
  now: number,
  limits: Pick<Limits, 'keptAttemptsMax' | 'keptLogsBytesMax' | 'keptLogsAgeMs'>,
): readonly K[] {
  const attemptsOf = new Map<string, number>();
  const surplus: K[] = [];
  let bytes = 0;
  // The newest attempts first, then the newest of all: what is left over is the oldest.
  const stays = kept
    .toSorted((a, b) => b.attempt - a.attempt)
    .filter((one) => {
      const attempts = (attemptsOf.get(one.taskId) ?? 0) + 1;
      attemptsOf.set(one.taskId, attempts);
      const isSurplus = !isKnown(one.taskId) || attempts > limits.keptAttemptsMax || now - one.keptAt > limits.keptLogsAgeMs;
      if (isSurplus) surplus.push(one);
      return !isSurplus;
    });
  for (const one of stays.toSorted((a, b) => b.keptAt - a.keptAt)) {
    bytes += one.bytes;
    if (bytes > limits.keptLogsBytesMax) surplus.push(one);
  }
  return surplus;
}

/** An image that no container uses. */
export interface IdleImage {
  readonly id: string;
  readonly names: readonly string[];
  readonly sizeBytes: number;
}

/** The disk that images lie on. */
export interface DiskRoom {
  readonly totalBytes: number;
  readonly freeBytes: number;
}

/**
 * The images to remove so that the disk gets below the percentage, the longest unused first. Only those all of whose tags were
 * pulled for tasks: one that a user has given another name is the user's.
 * @param pulledAt time of last use by the names that tasks gave
 * @param percentMax 0: never any
 */
export function surplusImages(
  idle: readonly IdleImage[],
  pulledAt: ReadonlyMap<string, number>,
  disk: DiskRoom,
  percentMax: number,
): readonly IdleImage[] {
  let tooManyBytes = disk.totalBytes - disk.freeBytes - (disk.totalBytes * percentMax) / 100;
  if (percentMax <= 0 || disk.totalBytes <= 0 || tooManyBytes <= 0) return [];
  const times = new Map([...pulledAt].map(([name, at]) => [imageTag(name), at]));
  const ours = idle.flatMap((image) => {
    const tags = image.names.filter((name) => !name.includes('@') && name !== '<none>:<none>').map(imageTag);
    if (tags.length === 0 || !tags.every((tag) => times.has(tag))) return [];
    return [{ image, usedAt: Math.max(...tags.map((tag) => times.get(tag)!)) }];
  });
  const surplus: IdleImage[] = [];
  for (const { image } of ours.toSorted((a, b) => a.usedAt - b.usedAt)) {
    if (tooManyBytes <= 0) break;
    surplus.push(image);
    tooManyBytes -= image.sizeBytes;
  }
  return surplus;
}

/** An image's name as engines list it: without Docker Hub's default parts, with its tag. */
export function imageTag(name: string): string {
  const short = name.replace(/^(?:index\.)?docker\.io\//, '').replace(/^library\//, '');
  return short.slice(short.lastIndexOf('/') + 1).includes(':') || short.includes('@') ? short : `${short}:latest`;
}
