/**
 * The typed client of a node's HTTP API, for the CLI, the page and programs. Every function throws the CubeError that the node
 * answered, or `unreachable`. What changes something carries an Idempotency-Key and may be sent again after a lost connection.
 */
import { problem } from '../core/errors.ts';
import { limitsDefault } from '../core/limits.ts';
import type { VersionJson } from '../core/deployment-view.ts';
import type { SeedsTask } from '../core/seeds.ts';
import type * as views from '../core/views.ts';
import { call, path } from './call.ts';
import type { CallOptions, ClientDeps } from './call.ts';
import { readEvents } from './events.ts';
import type { ExecRequest, RemoteCommand } from './exec.ts';
import type { EventsFilter } from './events.ts';
import { openLines, readBytes } from './streams.ts';
import { ConnectionLost, systemClock } from './requester.ts';
import { storageCalls } from './storage.ts';

export type { EventsFilter } from './events.ts';
export type { ExecRequest, RemoteCommand } from './exec.ts';
export { ConnectionLost };
export type { ClientClock, ClientRequest, ClientResponse, Requester } from './requester.ts';
export type { ClientSocket, Connector } from './socket.ts';

/** What a client is made of; limits and clock are the usual ones unless told. */
export type ClientOptions = Pick<ClientDeps, 'request' | 'newId'> & Partial<ClientDeps>;

/** A job to submit. */
export interface SubmitJson {
  /** In the form of the job file, as plain data. */
  readonly job: unknown;
  /** `run`: it stops with its task. */
  readonly origin?: { readonly kind: 'file' | 'run' } | undefined;
  readonly checkIndex?: number | undefined;
  readonly mustBeNew?: boolean | undefined;
  /** Refused when there would be warnings. */
  readonly strict?: boolean | undefined;
  /** An image whose name stands for something else by now is a change, too. */
  readonly refreshImages?: boolean | undefined;
}

/** What a dispatched run is given. */
export interface DispatchJson {
  readonly set?: Readonly<Record<string, string>> | undefined;
  /** Bytes in base64. */
  readonly payload?: string | undefined;
}

/** Which output. */
export interface LogsRequest {
  readonly follow?: boolean | undefined;
  /** Only so many last lines. */
  readonly tail?: number | undefined;
  /** An ISO time, or a duration before now like 10m. */
  readonly since?: string | undefined;
  /** Ends the lines, without an error. */
  readonly signal?: AbortSignal | undefined;
}

/** A client of one node. */
export type Client = ReturnType<typeof createClient>;

async function* readLogs(deps: ClientDeps, base: string, request: LogsRequest): AsyncGenerator<views.LogLineJson, void, void> {
  const { follow = false, tail, since, signal } = request;
  try {
    const lines = await openLines(deps, base, { query: { follow, tail, since }, follow, signal });
    for await (const line of lines) yield line as views.LogLineJson;
  } catch (thrown) {
    if (signal?.aborted) return;
    if (!(thrown instanceof ConnectionLost)) throw thrown;
    // Reading did nothing that would have to be looked for.
    throw problem('unreachable', thrown.message, { hint: lostHint, cause: thrown });
  }
}

const lostHint = 'the node has ended, or is out of reach; tasks go on without it: see `cube nodes`, and read again when it is back';

/** Makes a client. Nothing is sent. */
export function createClient(options: ClientOptions) {
  const deps: ClientDeps = { limits: limitsDefault, clock: systemClock, ...options };
  const get = async <T>(base: string, query?: CallOptions['query']): Promise<T> => (await call(deps, 'GET', base, { query })) as T;
  const post = async <T>(base: string, body: unknown = {}): Promise<T> => (await call(deps, 'POST', base, { body })) as T;
  return {
    /** Who answers, and what the caller may do. */
    info: () => get<views.InfoJson>('/v1/info'),
    /** @throws CubeError `invalid-file` with all problems, `conflict`, `busy` */
    submit: (job: SubmitJson) => post<views.SubmittedJson>('/v1/jobs', job),
    /** What a submit of it would do now. @throws CubeError what the submit would */
    plan: (job: SubmitJson) => post<views.PlanJson>('/v1/plan', job),
    startJob: async (name: string) => post<views.JobJson>(path`/v1/jobs/${name}/start`),
    /** Settles when the order is on disk, not when the tasks have stopped. */
    stopJob: async (name: string, how: { readonly purge?: boolean } = {}) =>
      post<views.JobJson>(path`/v1/jobs/${name}/stop`, { purge: how.purge ?? false }),
    /** Wants other numbers of instances, by task. @throws CubeError `not-found`, `usage`, `conflict` */
    scale: async (name: string, tasks: Readonly<Record<string, number>>, how: { readonly checkIndex?: number | undefined } = {}) =>
      post<views.SubmittedJson>(path`/v1/jobs/${name}/scale`, { tasks, checkIndex: how.checkIndex }),
    /** Replaces all instances, a few at a time. */
    restartJob: async (name: string) => post<views.JobJson>(path`/v1/jobs/${name}/restart`),
    /** Wants an earlier version again, as a new one. @param version the last good one before the current unless told */
    rollback: async (name: string, version?: number) => post<views.SubmittedJson>(path`/v1/jobs/${name}/rollback`, { version }),
    /** Lets an update go on. @throws CubeError `conflict` when none waits */
    promote: async (name: string) => post<views.JobJson>(path`/v1/jobs/${name}/promote`),
    /** Begins a run of a parameterized job, which is a job of its own. @throws CubeError `usage`, `conflict` */
    dispatch: async (name: string, run: DispatchJson = {}) => post<views.JobJson>(path`/v1/jobs/${name}/dispatch`, run),
    /** The kept versions of a job, newest first. */
    history: async (name: string) => get<readonly VersionJson[]>(path`/v1/jobs/${name}/history`),
    /** @param ref id, unique prefix of one, slot, or the Task.ID a client gave */
    stopTask: async (ref: string) => post<views.TaskJson>(path`/v1/tasks/${ref}/stop`),
    /** All, or of one job, or of one task. @throws CubeError `not-found` */
    status: (filter: { readonly job?: string; readonly task?: string } = {}) => get<views.StatusJson>('/v1/status', { ...filter }),
    jobs: () => get<views.JobsJson>('/v1/jobs'),
    tasks: () => get<readonly views.TaskJson[]>('/v1/tasks'),
    task: async (ref: string) => get<views.TaskJson>(path`/v1/tasks/${ref}`),
    nodes: () => get<readonly views.NodeJson[]>('/v1/nodes'),
    /** Forgets a node that is gone for good. @param ref name, id, or unique prefix of one @throws CubeError `conflict` while it is connected */
    removeNode: async (ref: string) => (await call(deps, 'DELETE', path`/v1/nodes/${ref}`)) as views.NodeJson,
    /** Says whether a node gets new tasks. */
    setEligible: async (ref: string, eligible: boolean) => post<views.NodeJson>(path`/v1/nodes/${ref}/eligible`, { eligible }),
    /** Changes a node's labels; that holds over its restarts. */
    setLabels: async (ref: string, labels: { readonly set: Readonly<Record<string, string>>; readonly remove: readonly string[] }) =>
      post<views.NodeJson>(path`/v1/nodes/${ref}/labels`, labels),
    explain: async (ref: string) => get<views.ExplainJson>(path`/v1/tasks/${ref}/explain`),
    /** Moves worth making now; nothing is moved. @param movesMax how many at most */
    rebalance: (movesMax?: number) => get<views.RebalanceJson>('/v1/rebalance', { max: movesMax }),
    ...storageCalls(deps),
    /** Every transition; ends when nothing more is there, or, followed, when the signal fires. */
    events: (filter?: EventsFilter): AsyncIterable<views.EventJson> => readEvents(deps, filter),
    /** Output of a task or of all tasks of a job. */
    logs: (of: { readonly task: string } | { readonly job: string }, request: LogsRequest = {}): AsyncIterable<views.LogLineJson> =>
      readLogs(deps, 'task' in of ? path`/v1/tasks/${of.task}/logs` : path`/v1/jobs/${of.job}/logs`, request),
    /**
     * Runs a command in a task (id, unique prefix of one, slot), or in the one running task of a job. Settles when it has started.
     * @throws CubeError `not-found`, `not-running`, `conflict` for a job with several running tasks, `busy`
     */
    exec: async (task: string, request: ExecRequest): Promise<RemoteCommand> => (await import('./exec.ts')).startExec(deps, task, request),
    /** A ticket for one use in a URL. @param scope no more than this; the caller's own unless told */
    ticket: (scope?: 'admin' | 'viewer') => post<views.TicketJson>('/v1/tickets', { scope }),
    /** Turns a ticket into a token. */
    login: async (ticket: string) => (await call(deps, 'POST', '/v1/login', { query: { ticket }, body: {} })) as views.LoginJson,
    /** The seeds' `POST /tasks`. @returns the task; undefined when the event stopped one */
    runSeedsEvent: async (event: unknown) => (await call(deps, 'POST', '/tasks', { body: event })) as SeedsTask | undefined,
    /** All that the manager has on disk, as the bytes of a backup file. Ends early by an error only. */
    backup: (signal?: AbortSignal): AsyncIterable<Uint8Array> => readBytes(deps, '/v1/backup', signal),
    openapi: () => get<Readonly<Record<string, unknown>>>('/openapi.json'),
  };
}
