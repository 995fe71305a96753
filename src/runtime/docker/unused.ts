/** Images that no container uses, and their removal. */
import type { UnusedImage } from '../../ports/runtime.ts';
import { everyContainer } from './containers.ts';
import { isRefused } from './engine.ts';
import { shortName } from './names.ts';
import type { Engine } from './engine.ts';

/** What the engine shows for no name. */
const isName = (name: string): boolean => !name.startsWith('<none>');

/** The engine has null for no names. */
const named = (names: readonly string[] | null | undefined): string[] => (names ?? []).filter(isName);

/** Two calls, whatever there is. Other owners' containers use images too. @throws as Engine.call does */
export async function unusedImages(engine: Engine): Promise<readonly UnusedImage[]> {
  // Images first: what is made of one meanwhile then counts as its use.
  const images = await engine.call('list the images', () => engine.docker.listImages());
  const used = new Set((await everyContainer(engine, true)).map((container) => container.ImageID));
  return images
    .filter(({ Id }) => !used.has(Id))
    .map(({ Id, RepoTags, RepoDigests, Size }) => ({ id: Id, names: [...named(RepoTags), ...named(RepoDigests)], sizeBytes: Size }));
}

/**
 * Removes an image, never by force: the engine refuses while a container or another image is made of it.
 * @param wanted images that containers are being made of right now, by the names the tasks have for them
 * @returns whether it is gone
 * @throws as Engine.call does
 */
export async function removeImage(engine: Engine, id: string, wanted: () => readonly string[]): Promise<boolean> {
  const names = await namesOf(engine, id);
  if (names === undefined) return true;
  const short = new Set([id, ...names.tags, ...names.digests].map(shortName));
  if (wanted().some((image) => short.has(shortName(image)))) return false;
  // By its id only an image of one name can be removed. Names are taken off one by one, which is no use while a container has it.
  if (names.tags.length > 1 && (await everyContainer(engine, true)).some(({ ImageID }) => ImageID === id)) return false;
  for (const name of [...names.tags.slice(1), id]) if (!(await removed(engine, name))) return false;
  return true;
}

/** @returns undefined when there is no such image */
async function namesOf(
  engine: Engine,
  id: string,
): Promise<{ readonly tags: readonly string[]; readonly digests: readonly string[] } | undefined> {
  try {
    const found = await engine.call('look at an image', () => engine.docker.getImage(id).inspect());
    return { tags: named(found.RepoTags), digests: named(found.RepoDigests) };
  } catch (error) {
    if (isRefused(error, 404)) return undefined;
    throw error;
  }
}

/** @param name a name or an id @returns false when something is made of it */
async function removed(engine: Engine, name: string): Promise<boolean> {
  try {
    await engine.call('remove an image', (abortSignal) => engine.docker.getImage(name).remove({ abortSignal }));
    return true;
  } catch (error) {
    if (isRefused(error, 404)) return true;
    if (isRefused(error, 409)) return false;
    throw error;
  }
}
