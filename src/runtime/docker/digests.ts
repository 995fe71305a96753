/** What an image's name stood for when a container was made of it. */
import type { Limits } from '../../core/limits.ts';
import type { Log } from '../../ports/ambient.ts';
import { isRefused } from './engine.ts';
import type { Engine } from './engine.ts';
import { repositoryOf } from './names.ts';
import type { Inspected } from './state.ts';

/** Digests of images, asked once for each: containers by the hundred are made of the same one. */
export class Digests {
  readonly #engine: Engine;
  readonly #log: Log;
  readonly #limits: Limits;
  readonly #names = new Map<string, Promise<readonly string[]>>();

  constructor(engine: Engine, log: Log, limits: Limits) {
    this.#engine = engine;
    this.#log = log;
    this.#limits = limits;
  }

  /** The digest in the image's registry, else the image's id; that too when the engine cannot be asked now. */
  async of({ Image: id, Config }: Inspected): Promise<string> {
    const image = Config.Image ?? '';
    try {
      return digestIn(await this.#namesOf(id), image) ?? id;
    } catch (error) {
      this.#log.debug('the digest of an image could not be read', { image, error: String(error) });
      return id;
    }
  }

  /** A pull may give an image that was there already a name in a registry. */
  forget(): void {
    this.#names.clear();
  }

  #namesOf(id: string): Promise<readonly string[]> {
    let names = this.#names.get(id);
    if (!names) {
      names = this.#ask(id);
      this.#names.set(id, names);
      const asked = names;
      asked.catch(() => {
        if (this.#names.get(id) === asked) this.#names.delete(id);
      });
      const oldest = this.#names.keys().next();
      if (this.#names.size > this.#limits.engineMemoryMax && !oldest.done) this.#names.delete(oldest.value);
    }
    return names;
  }

  async #ask(id: string): Promise<readonly string[]> {
    try {
      const found = await this.#engine.call('look at an image', () => this.#engine.docker.getImage(id).inspect());
      return found.RepoDigests ?? [];
    } catch (error) {
      // Removed since, by force.
      if (isRefused(error, 404)) return [];
      throw error;
    }
  }
}

/** @param names `repository@digest`, as an image's RepoDigests has them @returns the digest of the image's repository, if one is there */
export function digestIn(names: readonly string[], image: string): string | undefined {
  const repository = repositoryOf(image);
  const name = names.find((one) => repositoryOf(one) === repository);
  return name?.slice(name.indexOf('@') + 1);
}
