/** Files of tasks for the scripted runtime: kept in an object, which outlives who put them there as a host's memory does. */
import { fileKey } from '../core/files.ts';
import type { TaskFiles } from '../ports/runtime.ts';

/** Contents by task and by `fileKey`. */
export type FakeFiles = Map<string, Map<string, Uint8Array>>;

/** The files of a fake engine. */
export function fakeTaskFiles(kept: FakeFiles): TaskFiles {
  return {
    missing: async (taskId, files) => files.filter((file) => !kept.get(taskId)?.has(fileKey(file))),
    put: async (taskId, file, content) => {
      const own = kept.get(taskId) ?? new Map<string, Uint8Array>();
      kept.set(taskId, own.set(fileKey(file), content));
    },
    tasks: async () => [...kept.keys()],
    remove: async (taskId) => void kept.delete(taskId),
  };
}
