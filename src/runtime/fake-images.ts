/** The images of the fake engine. */
import { createHash } from 'node:crypto';
import type { UnusedImage } from '../ports/runtime.ts';

const sizeDefaultBytes = 10 * 2 ** 20;

/** Images by name; each name is an image of its own. */
export class FakeImages {
  readonly #sizes = new Map<string, number>();
  readonly #used: () => readonly string[];

  /** @param used names of the images that containers have */
  constructor(used: () => readonly string[]) {
    this.#used = used;
  }

  /** Names of all that are there. */
  get names(): readonly string[] {
    return [...this.#sizes.keys()];
  }

  /** Puts an image there. @returns whether it was not there before */
  put(image: string, sizeBytes = sizeDefaultBytes): boolean {
    const isNew = !this.#sizes.has(image);
    this.#sizes.set(image, sizeBytes);
    return isNew;
  }

  /** Those that no container has. */
  unused(): readonly UnusedImage[] {
    const used = new Set(this.#used());
    return [...this.#sizes]
      .filter(([name]) => !used.has(name))
      .map(([name, sizeBytes]) => ({ id: imageId(name), names: [name], sizeBytes }));
  }

  /** Removes an image unless a container has it. @returns whether it is gone */
  remove(id: string): boolean {
    const name = this.names.find((one) => imageId(one) === id);
    if (name === undefined) return true;
    return !this.#used().includes(name) && this.#sizes.delete(name);
  }
}

/** An image's id, and its digest: the same for one name in every run. */
export function imageId(image: string): string {
  return `sha256:${createHash('sha256').update(image).digest('hex')}`;
}
