/** Which strays there are: live tasks of workers that the records do not know (strays.ts says what is done about them). */
import { listed } from '../../src/core/text.ts';
import type { Holding, TaskReport } from '../../src/core/task.ts';

/** A live task without a record. */
export interface Stray {
  readonly id: string;
  /** Id of the node it is on. */
  readonly node: string;
  /** From its order or its labels; undefined where neither tells. */
  readonly slot: string | undefined;
  /** What its worker still has of its order. */
  readonly holding: Holding | undefined;
  readonly report: TaskReport | undefined;
}

/** Words for a stray in a line. */
export function nameOf({ id, slot }: Stray): string {
  return slot === undefined ? id.slice(0, 8) : `${slot} (${id.slice(0, 8)})`;
}

/** The strays of all nodes that have greeted this leader; each greeting names them anew. */
export class Strays {
  readonly #byId = new Map<string, Stray>();

  get(id: string): Stray | undefined {
    return this.#byId.get(id);
  }

  put(stray: Stray): void {
    this.#byId.set(stray.id, stray);
  }

  remove(id: string): void {
    this.#byId.delete(id);
  }

  clear(node: string): void {
    for (const { id } of this.on(node)) this.#byId.delete(id);
  }

  /** Those of a node, by slot. */
  on(node: string): Stray[] {
    if (this.#byId.size === 0) return [];
    const found = [...this.#byId.values()].filter((stray) => stray.node === node);
    return found.sort((a, b) => (a.slot ?? a.id).localeCompare(b.slot ?? b.id));
  }

  ofSlot(slot: string): Stray | undefined {
    return this.#byId.size === 0 ? undefined : [...this.#byId.values()].find((stray) => stray.slot === slot);
  }

  all(): Stray[] {
    return [...this.#byId.values()];
  }

  /** For the node's own line: `keeps shop/web.2 (1f2e3d4c), which the records do not know`. */
  reasonOn(node: string): string | undefined {
    const strays = this.on(node);
    return strays.length === 0 ? undefined : `keeps ${listed(strays.map(nameOf))}, which the records do not know`;
  }
}
