/** What the HTTP API is made of: everything outside is injected. */
import type { Limits } from '../core/limits.ts';
import type { Clock, Log, Metrics } from '../ports/ambient.ts';
import type { Auth } from '../ports/auth.ts';
import type { Control, WorkerControl } from '../ports/control.ts';

/** Who answers: what `/v1/info` tells. A getter may stand behind each field (a worker learns its cluster late). */
export interface NodeInfo {
  readonly version: string;
  /** Null until a worker has been pinned to a cluster. */
  readonly clusterId: string | null;
  readonly nodeId: string;
  readonly name: string;
  readonly role: string;
}

/** A static file of the page. */
export interface PageFile {
  readonly body: string | Uint8Array;
  readonly contentType: string;
}

/** What an API stands on. */
export interface ApiDeps {
  /** On a manager. */
  readonly control?: Control;
  /** On a worker. With both, the worker's seeds API is under `/worker`. */
  readonly worker?: WorkerControl;
  readonly auth: Auth;
  readonly limits: Limits;
  readonly clock: Clock;
  readonly log: Log;
  readonly metrics: Metrics;
  readonly info: NodeInfo;
  /** No token is asked. Only for a node that listens on loopback alone. */
  readonly openLoopback: boolean;
  /** Whether a `Host` header (`name[:port]`) is one of this node's. */
  checkHost(host: string): boolean;
  /** Whether an `Origin` header is the page's own. */
  checkOrigin(origin: string): boolean;
  /** A file of the page by its path; `/` is the page itself. */
  page(path: string): Promise<PageFile | undefined>;
}
