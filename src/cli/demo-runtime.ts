/** What the demo runs its tasks on: an engine with an image that has a shell, else plain processes, and why. */
import { asCubeError } from '../core/errors.ts';
import type { Limits } from '../core/limits.ts';
import { Engine, engineAddress } from './engine.ts';

/** The demo's choice. */
export interface DemoRuntime {
  readonly runtime: 'docker' | 'process';
  readonly image: string;
  /** The choice in a sentence. */
  readonly why: string;
  readonly engine: Engine | undefined;
}

/** Images whose shell works with any command, best first. */
const known = ['busybox', 'alpine', 'nginx'];
const pulled = { name: 'busybox', tag: 'latest' };
/** Other images that are looked into. */
const looksMax = 5;

function plain(why: string): DemoRuntime {
  return {
    runtime: 'process',
    image: 'busybox:latest',
    why: `${why}: tasks run as plain processes, which isolates nothing`,
    engine: undefined,
  };
}

async function presentImage(engine: Engine): Promise<string | undefined> {
  const images = await engine.images();
  for (const name of known) {
    const found = images.find(({ tag }) => tag.startsWith(`${name}:`) || tag.startsWith(`library/${name}:`));
    if (found) return found.tag;
  }
  for (const { tag } of images.slice(0, looksMax)) if (await engine.hasPlainShell(tag)) return tag;
  return undefined;
}

/**
 * Chooses the runtime.
 * @param asked `--runtime`; undefined: Docker where it can be used
 */
export async function chooseRuntime(
  asked: 'docker' | 'process' | undefined,
  env: NodeJS.ProcessEnv,
  limits: Limits,
  note: (text: string) => void,
): Promise<DemoRuntime> {
  if (asked === 'process') return plain('as you asked');
  let engine: Engine;
  let present: string | undefined;
  try {
    engine = new Engine(engineAddress(env), limits.demoEngineMs);
    present = await presentImage(engine);
  } catch (thrown) {
    const error = asCubeError(thrown);
    if (asked === 'docker') throw error;
    return plain(`no Docker engine answers (${error.message})`);
  }
  if (present !== undefined) return { runtime: 'docker', image: present, why: `Docker answers and has the image ${present}`, engine };
  const image = `${pulled.name}:${pulled.tag}`;
  note(`pulling ${image} ...`);
  try {
    await engine.pull(pulled.name, pulled.tag, limits.demoPullMs);
    return { runtime: 'docker', image, why: `Docker answers, and the image ${image} was pulled`, engine };
  } catch (thrown) {
    const error = asCubeError(thrown);
    if (asked === 'docker') throw error;
    return plain(`Docker answers, but has no image with a shell, and ${image} cannot be pulled (${error.message})`);
  }
}
