/** Images that were pulled for tasks: noted with their last use, and removed when the disk is too full, if the user says so. */
import { imageTag, surplusImages } from '../../src/core/cleaning.ts';
import { asCubeError } from '../../src/core/errors.ts';
import type { Limits } from '../../src/core/limits.ts';
import { formatBytes } from '../../src/core/resources.ts';
import type { Ambient } from '../../src/ports/ambient.ts';
import type { HostMeter, Runtime } from '../../src/ports/runtime.ts';
import type { WorkerBook } from './book.ts';

/** What looking after images needs. */
export interface ImagesDeps {
  readonly ambient: Pick<Ambient, 'clock' | 'log'>;
  readonly limits: Pick<Limits, 'imageDiskPercent'>;
  readonly runtime: Pick<Runtime, 'unusedImages' | 'removeImage'>;
  readonly meter: HostMeter;
  readonly book: WorkerBook;
}

/** Name of the note in the book. */
const noteName = 'images';

/** One worker's images. */
export class Images {
  readonly #deps: ImagesDeps;
  /** Time of last use of what was pulled, by name. */
  readonly #pulled: Map<string, number>;
  #isStale = false;

  constructor(deps: ImagesDeps) {
    this.#deps = deps;
    this.#pulled = new Map(deps.book.noteOf(noteName) as readonly (readonly [string, number])[] | undefined);
  }

  /** An image was pulled for a task. */
  pulled(name: string): void {
    this.#pulled.set(imageTag(name), this.#deps.ambient.clock.now());
    this.#keep();
  }

  /** A container is made of an image; that is written down with the next sweep. */
  used(name: string): void {
    const tag = imageTag(name);
    if (!this.#pulled.has(tag)) return;
    this.#pulled.set(tag, this.#deps.ambient.clock.now());
    this.#isStale = true;
  }

  /** Removes images if the disk is too full. @throws CubeError of the runtime */
  async clean(): Promise<void> {
    const { limits, meter, runtime, ambient } = this.#deps;
    if (this.#isStale) this.#keep();
    if (limits.imageDiskPercent <= 0 || this.#pulled.size === 0) return;
    const { disk } = await meter.measure();
    const percent = (100 * (disk.totalBytes - disk.freeBytes)) / disk.totalBytes;
    if (!(percent > limits.imageDiskPercent)) return;
    for (const { id, names, sizeBytes } of surplusImages(await runtime.unusedImages(), this.#pulled, disk, limits.imageDiskPercent)) {
      try {
        if (!(await runtime.removeImage(id))) continue;
      } catch (thrown) {
        ambient.log.warn(`image ${names.join(', ')} could not be removed: ${asCubeError(thrown, 'engine-error').message}`);
        continue;
      }
      for (const name of names) this.#pulled.delete(imageTag(name));
      this.#keep();
      ambient.log.info(`image ${names.join(', ')} (${formatBytes(sizeBytes)}) was removed: the disk is ${Math.round(percent)} % full`);
    }
  }

  #keep(): void {
    this.#isStale = false;
    this.#deps.book.keepNote(noteName, [...this.#pulled]);
  }
}
