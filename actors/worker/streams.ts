/** What a manager streams from this worker, by kind. */
import type { StreamSource } from '../../src/core/stream-server.ts';
import type { StreamRequest } from '../../src/ports/transport.ts';
import { taskExec, type TaskExecDeps } from './exec.ts';
import { taskLogs, type TaskLogsDeps } from './logs.ts';

/** Serves what was asked for. */
export function streamOf(deps: TaskLogsDeps & TaskExecDeps, what: StreamRequest): StreamSource {
  return (signal, input) => (what.kind === 'exec' ? taskExec(deps, what, input, signal) : taskLogs(deps, what, signal));
}
