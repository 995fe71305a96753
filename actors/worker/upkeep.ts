/**
 * A worker's upkeep: the containers beside its live tasks, what ended ones leave behind, and what is cleaned up. One face for the
 * desk; the parts have files of their own.
 */
import type { Limits } from '../../src/core/limits.ts';
import type { Ambient } from '../../src/ports/ambient.ts';
import type { KeptLogs } from '../../src/ports/kept-logs.ts';
import type { ContainerRef, Found, HostMeter, Runtime } from '../../src/ports/runtime.ts';
import type { WorkerCall } from '../../src/ports/transport.ts';
import type { WorkerBook } from './book.ts';
import { Containers } from './containers.ts';
import { liveIds } from './drain.ts';
import { WorkerFiles } from './files.ts';
import { Images } from './images.ts';
import { Orphans, type Verdict } from './orphans.ts';
import { Retiring } from './retiring.ts';
import { Sweep } from './sweep.ts';

/** The protocol version that brought `judge`. */
const judgeSince = 2;

/** What upkeep needs. */
export interface UpkeepDeps {
  readonly ambient: Pick<Ambient, 'clock' | 'log'>;
  readonly limits: Limits;
  readonly book: WorkerBook;
  readonly runtime: Runtime;
  readonly meter: HostMeter;
  readonly keptLogs: KeptLogs;
}

/** One worker's upkeep. */
export class Upkeep {
  readonly images: Images;
  readonly retiring: Retiring;
  readonly files: WorkerFiles;
  readonly #deps: UpkeepDeps;
  readonly #containers: Containers;
  readonly #orphans: Orphans;
  readonly #sweep: Sweep;
  /** The manager has sent all it orders on the link that is open. */
  #isSet = false;
  #protocol = 0;

  /** @param call asks the manager something */
  constructor(deps: UpkeepDeps, call: (what: WorkerCall) => Promise<unknown>) {
    this.#deps = deps;
    const { book } = deps;
    const judge = async (ids: readonly string[]): Promise<readonly Verdict[]> => verdictsIn(await call({ kind: 'judge', ids }));
    this.#containers = new Containers(deps);
    this.images = new Images(deps);
    this.files = new WorkerFiles({ ...deps, call });
    this.retiring = new Retiring({ ...deps, isKnown: (id) => book.entries.has(id) });
    this.#orphans = new Orphans({ ...deps, isHeard: () => this.#isSet, ask: () => (this.#protocol >= judgeSince ? judge : undefined) });
    this.#sweep = new Sweep({
      ...deps,
      containers: this.#containers,
      retiring: this.retiring,
      orphans: this.#orphans,
      images: this.images,
    });
  }

  /** Looks at what is there, and sweeps from now on. @throws CubeError of the runtime */
  async begin(): Promise<void> {
    await this.retiring.open();
    await this.#containers.look();
    const live = new Set(liveIds(this.#deps.book));
    await this.files.sweep((id) => live.has(id));
    this.#sweep.soon(this.#deps.limits.sweepMs);
  }

  /** Begins nothing more. */
  end(): void {
    this.#sweep.end();
    this.retiring.end();
  }

  /** Containers of a task that were there when it was last looked. */
  foundOf(taskId: string): readonly Found[] {
    return this.#containers.of(taskId, this.#deps.book.entries.get(taskId));
  }

  /** What the greeting says of tasks that are not in the book. */
  strangers(): { readonly unknown: readonly { readonly id: string; readonly running: boolean }[]; readonly adopted: readonly string[] } {
    return { unknown: this.#containers.unknown((id) => this.#deps.book.entries.has(id)), adopted: this.#orphans.adopted };
  }

  /** Copies an ended attempt's output and removes its container; settles when it is gone or given up for now. */
  retire(taskId: string, attempt: number, ref: ContainerRef, how?: { readonly atOnce: boolean }): Promise<void> {
    return this.retiring.retire(taskId, attempt, ref, how);
  }

  /** Removes what is left of a task that is kept no more. To be called while it is still in the book. */
  forget(taskId: string): void {
    const { containerId, containerName = '', endedContainerId } = this.#deps.book.entries.get(taskId)?.observed ?? {};
    if (containerId !== undefined) this.#containers.remove({ id: containerId, name: containerName });
    if (endedContainerId !== undefined) this.#containers.remove({ id: endedContainerId, name: 'of the attempt before' });
    this.#containers.clear(taskId);
    this.retiring.forget(taskId);
  }

  /** The manager's word on a container of a task that is not in the book, or on a task that it does not know. */
  heed({ id, verdict }: Verdict): void {
    if (verdict === 'adopt') return this.#orphans.adopt(id);
    const names = this.#containers.of(id, undefined).map(({ ref }) => ref.name);
    this.#orphans.condemn(id, names);
    this.#sweep.soon(this.#deps.limits.orphanGraceMs);
  }

  /** A task is ordered: its containers are nobody else's. */
  owned(taskId: string): void {
    this.#orphans.owned(taskId);
  }

  /** A manager says which protocol version it speaks. */
  welcome(protocol: number): void {
    this.#protocol = protocol;
    this.files.welcome(protocol);
  }

  /** The manager has sent all it orders: from now on it may be asked. */
  isSet(): void {
    this.#isSet = true;
  }

  /** Its link is gone: nothing that only it could decide is removed. */
  cutOff(): void {
    this.#isSet = false;
    this.files.cutOff();
  }
}

/** What a manager answers to `judge`; anything else is no verdict. */
function verdictsIn(answer: unknown): readonly Verdict[] {
  if (!Array.isArray(answer)) return [];
  return answer.filter(
    (one: unknown): one is Verdict =>
      typeof one === 'object' &&
      one !== null &&
      'id' in one &&
      typeof one.id === 'string' &&
      'verdict' in one &&
      (one.verdict === 'stop' || one.verdict === 'adopt'),
  );
}
