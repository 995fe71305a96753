/** Kept logs in memory: for tests and simulation. They outlive who uses them, as files do. */
import type { Clock } from '../ports/ambient.ts';
import type { KeptLog, KeptLogs } from '../ports/kept-logs.ts';
import type { LogChunk } from '../ports/runtime.ts';

/** Opens kept logs that hold nothing yet. */
export function openMemoryKeptLogs(clock: Pick<Clock, 'now'>): KeptLogs {
  const all = new Map<string, { readonly log: KeptLog; readonly chunks: readonly LogChunk[] }>();
  const keyOf = (taskId: string, attempt: number): string => `${taskId} ${attempt}`;
  return {
    list: () => Promise.resolve([...all.values()].map(({ log }) => log)),
    keep(taskId, attempt, chunks) {
      const bytes = chunks.reduce((sum, { text }) => sum + text.length, 0);
      const log = { taskId, attempt, bytes, keptAt: clock.now() };
      all.set(keyOf(taskId, attempt), { log, chunks: [...chunks] });
      return Promise.resolve(log);
    },
    read: (taskId, attempt) => Promise.resolve(all.get(keyOf(taskId, attempt))?.chunks),
    remove(taskId, attempt) {
      all.delete(keyOf(taskId, attempt));
      return Promise.resolve();
    },
  };
}
