/** What the runtime on a Docker engine is made of. */
import type { Limits } from '../../core/limits.ts';
import type { Clock, Log } from '../../ports/ambient.ts';
import type { Owner } from '../../ports/runtime.ts';

/** Where the engine is, and what the runtime is given. */
export interface DockerOptions {
  /** As DOCKER_HOST has it; undefined: the first of the usual sockets that exists. */
  readonly dockerHost?: string;
  /** Holds ca.pem, cert.pem and key.pem, as DOCKER_CERT_PATH says; with it the connection is TLS. */
  readonly certificateFolder?: string;
  /** Holds the config.json of `docker login`, as DOCKER_CONFIG says; undefined: ~/.docker. */
  readonly configFolder?: string;
  /** Directories of the host that tasks may mount, with all in them; absolute and plain. */
  readonly mounts?: readonly string[];
  /** Where files of tasks may lie, if it is in memory: the best first; the usual places unless told. */
  readonly memoryFolders?: readonly string[];
  readonly owner: Owner;
  readonly limits: Limits;
  readonly log: Log;
  readonly clock: Clock;
}
