/** Ends that no exit code tells. */
import { formatDuration } from '../core/duration.ts';
import type { Exit } from '../ports/runtime.ts';

/** What shells count for SIGKILL. */
const killedCode = 137;

/** How an attempt counts that is gone or was killed. */
export function goneExit(at: number, reason: string, exitCode = killedCode): Exit {
  return { exitCode, reason, finishedAt: at };
}

/** How a stop is ordered: see the port. */
export interface StopOrder {
  /** Undefined: the container's own, else SIGTERM. */
  readonly stopSignal?: string;
  readonly graceMs: number;
}

/** Why it was killed after all. */
export function lateReason({ stopSignal, graceMs }: Required<StopOrder>): string {
  return `killed: it did not end within ${formatDuration(graceMs)} of ${stopSignal}`;
}

/** The end of one that was sent SIGKILL after its grace, with that reason where the code says that it did it. */
export function lateExit(exit: Exit, how: Required<StopOrder>): Exit {
  const wasKilled = how.graceMs > 0 && exit.reason === undefined && exit.exitCode === killedCode;
  return wasKilled ? { ...exit, reason: lateReason(how) } : exit;
}
