/** What is on a manager's disk, read from its writes: the truth that survives every crash. */
import type { ClusterEvent } from '../../src/core/events.ts';
import type { JobRecord } from '../../src/core/job.ts';
import type { NodeRecord } from '../../src/core/node.ts';
import type { TaskRecord } from '../../src/core/task.ts';
import type { Kind } from '../../src/ports/store.ts';
import { createCodec } from '../../src/store/codec.ts';
import type { Operation } from '../../src/store/disk.ts';
import { keyOf } from '../../src/store/keys.ts';

/** The records on a disk. */
export interface Mirror {
  readonly jobs: ReadonlyMap<string, JobRecord>;
  readonly tasks: ReadonlyMap<string, TaskRecord>;
  readonly nodes: ReadonlyMap<string, NodeRecord>;
  /** Every event that was ever written, in the order of the writes. */
  readonly events: readonly ClusterEvent[];
  /** Takes a write. */
  take(operations: readonly Operation[]): void;
}

const codec = createCodec();

/** The mirror of an empty disk. @param onEvent sees each event as it is written */
export function createMirror(onEvent: (event: ClusterEvent) => void): Mirror {
  const jobs = new Map<string, JobRecord>();
  const tasks = new Map<string, TaskRecord>();
  const nodes = new Map<string, NodeRecord>();
  const kinds: Partial<Record<Kind, Map<string, unknown>>> = { job: jobs, task: tasks, node: nodes };
  const events: ClusterEvent[] = [];
  return {
    jobs,
    tasks,
    nodes,
    events,
    take(operations) {
      for (const operation of operations) {
        const kind = operation.key.slice(0, operation.key.indexOf(':')) as Kind;
        const records = kinds[kind];
        if (records === undefined && kind !== 'event') continue;
        const key = keyOf(kind, operation.key);
        if (operation.type === 'del') {
          records?.delete(key);
          continue;
        }
        const decoded = codec.decode(kind, key, operation.value);
        if (!decoded.ok) throw new Error(decoded.damage);
        if (records) records.set(key, decoded.value);
        else {
          events.push(decoded.value as ClusterEvent);
          onEvent(decoded.value as ClusterEvent);
        }
      }
    },
  };
}
