/** One heap of deadlines for the whole manager (DESIGN.md, rule 10): keys and times, no timers. */

interface Entry {
  readonly key: string;
  readonly at: number;
}

/** A binary heap with one deadline a key; setting a key anew makes its earlier entry stale, and stale ones are skipped. */
export class Deadlines {
  readonly #heap: Entry[] = [];
  readonly #dueAt = new Map<string, number>();

  /** Sets or moves a key's deadline. */
  set(key: string, at: number): void {
    this.#dueAt.set(key, at);
    const heap = this.#heap;
    let child = heap.push({ key, at }) - 1;
    while (child > 0) {
      const parent = (child - 1) >> 1;
      if (heap[parent]!.at <= heap[child]!.at) break;
      [heap[parent], heap[child]] = [heap[child]!, heap[parent]!];
      child = parent;
    }
  }

  clear(key: string): void {
    this.#dueAt.delete(key);
  }

  /** When the first deadline is due, or undefined when there is none. */
  get next(): number | undefined {
    this.#dropStale();
    return this.#heap[0]?.at;
  }

  /** Takes out all keys that are due at `now`, earliest first. */
  due(now: number): string[] {
    const keys: string[] = [];
    for (let at = this.next; at !== undefined && at <= now; at = this.next) {
      const { key } = this.#heap[0]!;
      this.#dueAt.delete(key);
      keys.push(key);
    }
    return keys;
  }

  #dropStale(): void {
    const heap = this.#heap;
    while (heap.length > 0 && this.#dueAt.get(heap[0]!.key) !== heap[0]!.at) {
      const last = heap.pop()!;
      if (heap.length === 0) return;
      heap[0] = last;
      this.#sink();
    }
  }

  #sink(): void {
    const heap = this.#heap;
    let parent = 0;
    for (;;) {
      let child = 2 * parent + 1;
      if (child >= heap.length) return;
      if (child + 1 < heap.length && heap[child + 1]!.at < heap[child]!.at) child++;
      if (heap[parent]!.at <= heap[child]!.at) return;
      [heap[parent], heap[child]] = [heap[child]!, heap[parent]!];
      parent = child;
    }
  }
}
