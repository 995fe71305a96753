/** The records that are shown: a bounded number of them, the newest. */
import { counted } from '../core/text.ts';
import type { Limits } from '../core/limits.ts';
import type { Log } from '../ports/ambient.ts';
import type { NodeStatus, StatusView } from '../ports/control.ts';
import { recordKinds, shownDeployments, shownJob, shownNode, shownTask, type RecordKind, type ShownRecord } from './records.ts';

/** What bounds a book. */
export type BookLimits = Pick<Limits, 'inspectRecordsMax' | 'inspectEndedMax'>;

/** Records of one kind by key; those that changed last come last. */
interface Shelf {
  readonly live: Map<string, ShownRecord>;
  readonly ended: Map<string, ShownRecord>;
}

/** The records by key, of each kind those at work and those that ended. */
export class RecordBook {
  readonly #limits: BookLimits;
  readonly #shelves: Readonly<Record<RecordKind, Shelf>> = {
    node: emptyShelf(),
    job: emptyShelf(),
    deployment: emptyShelf(),
    task: emptyShelf(),
  };

  constructor(limits: BookLimits) {
    this.#limits = limits;
  }

  get(key: string): ShownRecord | undefined {
    const shelf = this.#shelves[key.slice(0, key.indexOf(':')) as RecordKind];
    return shelf.live.get(key) ?? shelf.ended.get(key);
  }

  has(key: string): boolean {
    return this.get(key) !== undefined;
  }

  /** Nodes, then jobs, then their deployments and tasks, so that parents come before their children. */
  all(): ShownRecord[] {
    return recordKinds.flatMap((kind) => this.of(kind));
  }

  of(kind: RecordKind): ShownRecord[] {
    const { live, ended } = this.#shelves[kind];
    return [...ended.values(), ...live.values()];
  }

  /** What belongs to a job: its deployment, its tasks. */
  partsOf(job: string): ShownRecord[] {
    return [...this.of('deployment'), ...this.of('task')].filter((record) => record.job === job);
  }

  /** Writes a record down; where there are too many, the one that changed longest ago is dropped. */
  put(record: ShownRecord): void {
    const { live, ended } = this.#shelves[record.kind];
    live.delete(record.key);
    ended.delete(record.key);
    const place = record.ended ? ended : live;
    place.set(record.key, record);
    const most = record.ended ? this.#limits.inspectEndedMax : this.#limits.inspectRecordsMax;
    const oldest = place.keys().next().value;
    if (place.size > most && oldest !== undefined) place.delete(oldest);
  }

  remove({ kind, key }: ShownRecord): void {
    this.#shelves[kind].live.delete(key);
    this.#shelves[kind].ended.delete(key);
  }

  /** Takes what there is now. @returns the records that were there and are no more */
  load({ jobs, tasks }: StatusView, nodes: readonly NodeStatus[], log: Log): ShownRecord[] {
    const { inspectRecordsMax, inspectEndedMax } = this.#limits;
    const before = this.all();
    const known = tasks.map(shownTask);
    const deployments = jobs.flatMap(shownDeployments);
    const kept = [
      ...newest(nodes.map(shownNode), inspectRecordsMax),
      ...newest(jobs.map(shownJob), inspectRecordsMax),
      ...newest(deployments, inspectRecordsMax),
      ...newest(
        known.filter(({ ended }) => ended),
        inspectEndedMax,
      ),
      ...newest(
        known.filter(({ ended }) => !ended),
        inspectRecordsMax,
      ),
    ];
    const left = nodes.length + jobs.length + deployments.length + tasks.length - kept.length;
    if (left > 0) log.info(`the inspector shows the newest ${counted(kept.length, 'record')}, and ${left} more once they change`);
    for (const record of before) this.remove(record);
    for (const record of kept) this.put(record);
    return before.filter(({ key }) => !this.has(key));
  }
}

function emptyShelf(): Shelf {
  return { live: new Map(), ended: new Map() };
}

/** The newest few, oldest first. */
function newest(records: readonly ShownRecord[], most: number): ShownRecord[] {
  return records
    .toSorted((a, b) => b.createdAt - a.createdAt)
    .slice(0, most)
    .reverse();
}
