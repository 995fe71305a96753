/** The images of the fake engine. */
import { createHash } from 'node:crypto';
import type { UnusedImage } from '../ports/runtime.ts';

const sizeDefaultBytes = 10 * 2 ** 20;

/** Images by name; each name is an image of its own. */
export class FakeImages {
  readonly #sizes = new Map<string, number>();
  readonly #moves = new Map<string, number>();
  readonly #here = new Map<string, string>();
  readonly #used: () => readonly string[];

  /** @param used names of the images that containers have */
  constructor(used: () => readonly string[]) {
    this.#used = used;
  }

  /** Names of all that are there. */
  get names(): readonly string[] {
    return [...this.#sizes.keys()];
  }

  /** The name stands for another image from now on, for who pulls it. */
  move(image: string): void {
    this.#moves.set(image, (this.#moves.get(image) ?? 0) + 1);
  }

  /** What a name stands for in the registry. */
  digestOf(image: string): string {
    const moves = this.#moves.get(image) ?? 0;
    return imageId(moves === 0 ? image : `${image} ${moves}`);
  }

  /** What is here under a name. */
  localDigestOf(image: string): string | undefined {
    return this.#here.get(image);
  }

  /** Gets an image as its registry has it, where it is not here, or where that is asked for. */
  pull(image: string, isWanted: (local: string) => boolean): void {
    const local = this.#here.get(image);
    if (local === undefined || isWanted(local)) this.#here.set(image, this.digestOf(image));
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
function imageId(image: string): string {
  return `sha256:${createHash('sha256').update(image).digest('hex')}`;
}
