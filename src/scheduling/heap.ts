/** A binary heap over a fixed set of items whose top changes in place: what place() needs, and no more. */

/** Keeps the item that comes before all others on top. */
export class Heap<Item> {
  readonly #items: Item[];
  readonly #before: (a: Item, b: Item) => boolean;

  /** @param before a strict order; without ties the top is always the same one */
  constructor(items: readonly Item[], before: (a: Item, b: Item) => boolean) {
    this.#items = [...items];
    this.#before = before;
    for (let at = (this.#items.length >> 1) - 1; at >= 0; at--) this.#sink(at);
  }

  /** The first item, or undefined when there is none. */
  get top(): Item | undefined {
    return this.#items[0];
  }

  /** To be called after the top's own order has changed. */
  settleTop(): void {
    this.#sink(0);
  }

  removeTop(): void {
    const last = this.#items.pop();
    if (last === undefined || this.#items.length === 0) return;
    this.#items[0] = last;
    this.#sink(0);
  }

  #sink(from: number): void {
    const items = this.#items;
    const item = items[from];
    if (item === undefined) return;
    let at = from;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= items.length) break;
      if (child + 1 < items.length && this.#before(items[child + 1]!, items[child]!)) child++;
      if (!this.#before(items[child]!, item)) break;
      items[at] = items[child]!;
      at = child;
    }
    items[at] = item;
  }
}
