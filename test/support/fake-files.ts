/** The secrets and configs of a manager that only remembers them. */
import { problem } from '../../src/core/errors.ts';
import { fileId, type FileView, type SetKind } from '../../src/core/files.ts';
import type { FileSet } from '../../src/ports/control.ts';

/** Secrets and configs as FakeControl has them. */
export class FakeFiles {
  readonly #views = new Map<string, FileView>();
  readonly #contents = new Map<string, string>();

  all(_entered: void, kind: SetKind): readonly FileView[] {
    return [...this.#views.values()].filter((view) => view.kind === kind);
  }

  set(_entered: void, kind: SetKind, name: string, content: Uint8Array): FileSet {
    const id = fileId(kind, name);
    const known = this.#views.get(id);
    const text = Buffer.from(content).toString('latin1');
    if (known !== undefined && this.#contents.get(id) === text) return { ...known, change: 'unchanged' };
    const view = { kind, name, version: (known?.version ?? 0) + 1, usedBy: ['shop'], createdAt: 1_000, bytes: content.byteLength };
    this.#views.set(id, view);
    this.#contents.set(id, text);
    return { ...view, change: known === undefined ? 'created' : 'updated' };
  }

  remove(_entered: void, kind: SetKind, name: string): FileView {
    const id = fileId(kind, name);
    const known = this.#views.get(id);
    if (known === undefined) throw problem('not-found', `there is no ${kind} "${name}"`);
    this.#views.delete(id);
    return known;
  }
}
