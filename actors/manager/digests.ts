/** What a job's images stand for now: asked of the nodes, because only they reach registries. */
import { asCubeError, problem } from '../../src/core/errors.ts';
import { movingImages, type ImageDigest } from '../../src/core/image-digests.ts';
import type { JobSpec, TaskSpec } from '../../src/core/job.ts';
import type { NodeRecord } from '../../src/core/node.ts';
import { holdsNode } from '../../src/core/task.ts';
import type { Leader } from './leader.ts';

/** What was found out. */
export interface FoundImages {
  /** By the image's name; without those of which nobody could tell. */
  readonly images: Readonly<Record<string, ImageDigest>>;
  /** What their user should know: a sentence an image that no registry was heard of. */
  readonly warnings: readonly string[];
}

/** Asks for all images of a job that may stand for something else by now. It never fails: what could not be found out is told. */
export async function findImages(leader: Leader, spec: JobSpec): Promise<FoundImages> {
  const found = await Promise.all(movingImages(spec).map(async (image) => ({ image, ...(await findImage(leader, spec, image)) })));
  return {
    images: Object.fromEntries(found.flatMap(({ image, digest }) => (digest === undefined ? [] : [[image, digest]]))),
    warnings: found.flatMap(({ warning }) => warning ?? []),
  };
}

async function findImage(leader: Leader, spec: JobSpec, image: string): Promise<{ digest?: ImageDigest; warning?: string }> {
  const pull = pullOf(spec, image);
  let why = 'no node is connected';
  for (const node of nodesToAsk(leader, spec.name, image).slice(0, leader.deps.limits.digestNodesMax)) {
    try {
      const digest = await ask(leader, node.id, image, pull);
      if (digest === undefined) {
        why = `node ${node.name} does not know it`;
        continue;
      }
      return digest.note === undefined ? { digest } : { digest, warning: `${image}: taken as node ${node.name} has it: ${digest.note}` };
    } catch (thrown) {
      why = `node ${node.name}: ${asCubeError(thrown).message}`;
    }
  }
  return { warning: `what ${image} stands for now could not be found out, and it is left as it is: ${why}` };
}

/** Of several tasks with one image: the policy that asks most of the registry. */
function pullOf({ tasks }: JobSpec, image: string): TaskSpec['pull'] {
  const policies = new Set(
    Object.values(tasks)
      .filter((task) => task.image === image)
      .map(({ pull }) => pull),
  );
  return (['always', 'missing', 'never'] as const).find((policy) => policies.has(policy)) ?? 'missing';
}

/** Connected nodes whose engines answer; those first that run the image for the job: what they have is what it stands for. */
function nodesToAsk({ state, sessions }: Leader, job: string, image: string): NodeRecord[] {
  const users = new Set(state.tasksOf(job).flatMap((task) => (task.image === image && holdsNode(task) ? [task.node] : [])));
  const able = [...state.nodes.values()].filter((node) => sessions.isOpen(node.id) && node.engineAway === undefined);
  return able.toSorted((a, b) => Number(users.has(b.id)) - Number(users.has(a.id)) || (a.name < b.name ? -1 : 1));
}

async function ask(leader: Leader, node: string, image: string, pull: TaskSpec['pull']): Promise<ImageDigest | undefined> {
  const { clock } = leader.deps.ambient;
  const late = new AbortController();
  const timer = clock.setTimeout(() => late.abort(), leader.deps.limits.digestMs);
  try {
    for await (const item of leader.sessions.stream(node, { kind: 'digest', image, pull }, late.signal)) return digestFrom(item);
    if (late.signal.aborted) throw problem('unreachable', 'it does not answer');
    return undefined;
  } finally {
    clock.clearTimeout(timer);
  }
}

/** What a node told. @throws CubeError `failed` for what is no digest */
function digestFrom(item: unknown): ImageDigest {
  if (typeof item === 'object' && item !== null && 'digest' in item && typeof item.digest === 'string') {
    const note = 'note' in item && typeof item.note === 'string' ? { note: item.note } : {};
    return { digest: item.digest, isLocal: 'isLocal' in item && item.isLocal === true, ...note };
  }
  throw problem('failed', 'it told something of the image that this manager does not understand');
}
