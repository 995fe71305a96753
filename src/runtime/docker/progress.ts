/** How far a pull is, from what the engine says of its layers. */

/** One document of a pull's stream. */
interface PullEvent {
  readonly status?: string;
  readonly id?: string;
  readonly progressDetail?: { readonly current?: number; readonly total?: number };
}

interface Layer {
  bytes: number;
  share: number;
}

/** Downloading counts for this much of a layer, unpacking for the rest. */
const downloadShare = 0.7;

/** Adds up a pull's layers, weighted by their sizes. The percentage never falls. */
export class PullProgress {
  readonly #layers = new Map<string, Layer>();
  #percent = 0;

  /** Takes in one document. @returns whole percent, 0 to 100 */
  take(event: PullEvent): number {
    const share = shareOf(event);
    if (event.id === undefined || share === undefined) return this.#percent;
    const layer = this.#layers.get(event.id) ?? { bytes: 0, share: 0 };
    this.#layers.set(event.id, layer);
    if (event.status === 'Downloading') layer.bytes = Math.max(layer.bytes, event.progressDetail?.total ?? 0);
    layer.share = Math.max(layer.share, share);
    this.#percent = Math.max(this.#percent, this.#sum());
    return this.#percent;
  }

  #sum(): number {
    const layers = [...this.#layers.values()];
    const known = layers.filter((layer) => layer.bytes > 0);
    // A layer of unknown size, such as one that is there already, counts as much as the average one.
    const usual = known.length === 0 ? 1 : known.reduce((sum, layer) => sum + layer.bytes, 0) / known.length;
    let done = 0;
    let all = 0;
    for (const { bytes, share } of layers) {
      const weight = bytes > 0 ? bytes : usual;
      all += weight;
      done += weight * share;
    }
    return Math.floor((100 * done) / all);
  }
}

/** How much of its layer is done, 0 to 1; undefined for a document about no layer. */
function shareOf(event: PullEvent): number | undefined {
  const { current = 0, total = 0 } = event.progressDetail ?? {};
  const part = total > 0 ? Math.min(1, current / total) : 0;
  switch (event.status) {
    case 'Pulling fs layer':
    case 'Waiting':
      return 0;
    case 'Downloading':
      return downloadShare * part;
    case 'Verifying Checksum':
    case 'Download complete':
      return downloadShare;
    case 'Extracting':
      return downloadShare + (1 - downloadShare) * part;
    case 'Pull complete':
    case 'Already exists':
      return 1;
    default:
      return undefined;
  }
}
