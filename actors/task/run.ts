/** What every effect of a task works with. */
import type { EffectInput, TaskEvent } from '../../machines/task.ts';
import type { Observation } from '../../src/core/attempts.ts';
import type { Limits } from '../../src/core/limits.ts';
import type { Order } from '../../src/core/task.ts';
import type { Ambient } from '../../src/ports/ambient.ts';
import type { ContainerRef, Found, Runtime } from '../../src/ports/runtime.ts';
import type { WorkerFiles } from '../worker/files.ts';

/** What a task leaves to its worker's upkeep. */
export interface TaskUpkeep {
  /** Copies an ended attempt's output and removes its container; settles when it is gone or given up for now, and never fails. */
  retire(taskId: string, attempt: number, ref: ContainerRef, how?: { readonly atOnce: boolean }): Promise<void>;
  readonly images: { pulled(name: string): void; used(name: string): void };
}

/** What task actors work with. */
export interface TaskDeps {
  readonly ambient: Ambient;
  readonly limits: Limits;
  readonly runtime: Runtime;
  /** Containers of a task that were there when the worker started; later ones it made itself. */
  readonly found: (taskId: string) => readonly Found[];
  /** What a task was last ordered: its terms may change while an effect is under way. */
  readonly orderOf: (taskId: string) => Order | undefined;
  /** Secrets and the like. */
  readonly files: Pick<WorkerFiles, 'ready'>;
  /** Of the node it is on, for its variables. */
  readonly nodeName: () => string;
  /** Where ended containers go, and who looks after images. */
  readonly upkeep: TaskUpkeep;
}

/** One effect under way. `order` is always the newest. */
export interface EffectRun extends EffectInput {
  /** Says what was seen; nobody hears it once `signal` has fired. */
  readonly send: (event: TaskEvent) => void;
  readonly signal: AbortSignal;
  /** Calls back after each change of the order. @returns ends that */
  readonly onUpdate: (listener: () => void) => () => void;
}

/** The container that an observation speaks of. */
export function refOf(observed: Observation): ContainerRef {
  return { id: observed.containerId ?? '', name: observed.containerName ?? '' };
}
