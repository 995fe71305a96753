/** What a manager streams from this worker, by kind. */
import type { StreamSource } from '../../src/core/stream-server.ts';
import type { StreamRequest } from '../../src/ports/transport.ts';
import { digestItems, type ImageDigestDeps } from './image-digest.ts';
import { taskExec, type TaskExecDeps } from './exec.ts';
import { taskLogs, type TaskLogsDeps } from './logs.ts';

/** Serves what was asked for. */
export function streamOf(deps: TaskLogsDeps & TaskExecDeps & ImageDigestDeps, what: StreamRequest): StreamSource {
  return (signal, input) => {
    if (what.kind === 'exec') return taskExec(deps, what, input, signal);
    return what.kind === 'digest' ? digestItems(deps, what, signal) : taskLogs(deps, what, signal);
  };
}
