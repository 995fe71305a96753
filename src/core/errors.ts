/**
 * The table of everything that can go wrong: one row a code, with what a user can do about it, the HTTP status and the
 * exit code. Nothing else in Cube invents a code.
 */

interface Row {
  /** HTTP status of an answer with this code. */
  readonly status: number;
  /** Exit code of the CLI (CLI.md). */
  readonly exit: number;
  /** Whether the same request may succeed later without a change. */
  readonly retryable: boolean;
  /** What to do next, where the thrower knows nothing better. */
  readonly hint: string;
}

const table = {
  usage: { status: 400, exit: 2, retryable: false, hint: 'see `cube --help`' },
  'invalid-file': { status: 400, exit: 2, retryable: false, hint: 'correct the file; `cube init` writes one that works' },
  'not-yet': { status: 400, exit: 2, retryable: false, hint: 'remove it, or use a version of Cube that has it' },
  'job-failed': { status: 200, exit: 1, retryable: false, hint: '`cube status JOB` and `cube logs JOB` tell more' },
  failed: { status: 500, exit: 1, retryable: false, hint: 'the log of `cube up` tells more' },
  unreachable: { status: 503, exit: 3, retryable: true, hint: 'start a node with `cube up`, or name one with --host or CUBE_HOST' },
  'not-found': { status: 404, exit: 4, retryable: false, hint: '`cube status` lists what there is' },
  conflict: { status: 409, exit: 5, retryable: false, hint: 'look at what is there with `cube status`, then decide' },
  'data-held': { status: 409, exit: 5, retryable: false, hint: 'stop that node first, or use another directory with --data' },
  'data-newer': {
    status: 409,
    exit: 5,
    retryable: false,
    hint: 'start the newer Cube that wrote it, or use another directory with --data',
  },
  unauthorized: { status: 401, exit: 6, retryable: false, hint: 'give a token with CUBE_TOKEN or --token-file' },
  forbidden: { status: 403, exit: 6, retryable: false, hint: 'use a token with a wider scope' },
  'wrong-host': { status: 421, exit: 6, retryable: false, hint: 'use the address the node listens on' },
  'wrong-method': { status: 405, exit: 2, retryable: false, hint: '/openapi.json lists what there is' },
  'wrong-type': { status: 415, exit: 2, retryable: false, hint: 'send the body as application/json' },
  'too-large': { status: 413, exit: 2, retryable: false, hint: 'make it smaller, or raise the limit bodyBytesMax of the node' },
  busy: { status: 429, exit: 3, retryable: true, hint: 'try again in a moment' },
  'not-leading': { status: 503, exit: 3, retryable: true, hint: 'try again in a moment' },
  'store-failed': {
    status: 503,
    exit: 3,
    retryable: true,
    hint: 'look at the disk of the data directory; the node reopens its store by itself',
  },
  'cut-off': { status: 503, exit: 3, retryable: true, hint: 'the node is not connected; see `cube nodes`' },
  timeout: { status: 504, exit: 124, retryable: true, hint: 'raise --timeout, or use --detach and `cube status`' },
  'no-engine': {
    status: 503,
    exit: 1,
    retryable: true,
    hint: 'install Docker (https://docs.docker.com/engine/install/), or use --runtime process',
  },
  'image-not-found': { status: 422, exit: 1, retryable: false, hint: 'check the name and the tag of the image' },
  'image-denied': { status: 422, exit: 1, retryable: false, hint: 'log in with `docker login` on the node, or check the name' },
  'image-bad-name': { status: 422, exit: 1, retryable: false, hint: 'an image is [registry/]name[:tag]' },
  'image-unavailable': {
    status: 503,
    exit: 1,
    retryable: true,
    hint: 'the registry could not be reached from the node; try again, or load the image there',
  },
  'port-taken': { status: 409, exit: 1, retryable: true, hint: 'free the port, or ask for a free one by leaving the host port out' },
  'bad-command': { status: 422, exit: 1, retryable: false, hint: 'check the command; it must be in the image' },
  'bad-settings': { status: 422, exit: 1, retryable: false, hint: 'the runtime of the node refuses a setting of the task: change it' },
  'bad-mount': {
    status: 422,
    exit: 1,
    retryable: false,
    hint: 'make the directory on the node, and allow it there with `cube up --allow-mount DIR`',
  },
  sealed: {
    status: 500,
    exit: 1,
    retryable: false,
    hint: 'put the secrets.key that sealed them into the data directory of the manager, and start it again; or remove them and set them anew',
  },
  'not-running': {
    status: 409,
    exit: 1,
    retryable: true,
    hint: 'wait until it runs; `cube status TASK` tells what it does',
  },
  'engine-error': { status: 502, exit: 1, retryable: true, hint: 'look at the engine: `docker info`' },
} as const satisfies Record<string, Row>;

/** A code of the table. */
export type ErrorCode = keyof typeof table;

/** Where in a file a problem lies; line and column count from 1. */
export interface Place {
  readonly file: string;
  readonly line: number;
  readonly column: number;
}

/** One thing wrong with a file or a request. */
export interface Problem {
  readonly message: string;
  readonly at?: Place;
}

/** An error of the table. `problems` holds all of them when there are several. */
export class CubeError extends Error {
  readonly code: ErrorCode;
  readonly hint: string;
  readonly at: Place | undefined;
  readonly problems: readonly Problem[];

  constructor(code: ErrorCode, message: string, more: { hint?: string; at?: Place; problems?: readonly Problem[]; cause?: unknown } = {}) {
    super(message, more.cause === undefined ? undefined : { cause: more.cause });
    this.name = 'CubeError';
    this.code = code;
    this.hint = more.hint ?? table[code].hint;
    this.at = more.at;
    this.problems = more.problems ?? [];
  }

  get row(): Row {
    return table[this.code];
  }
}

/** The same as `new CubeError`, shorter at the place where it is thrown. */
export function problem(
  code: ErrorCode,
  message: string,
  more: { hint?: string; at?: Place; problems?: readonly Problem[]; cause?: unknown } = {},
): CubeError {
  return new CubeError(code, message, more);
}

/** Any thrown thing as a CubeError; what is not one becomes `failed`. */
export function asCubeError(thrown: unknown, code: ErrorCode = 'failed'): CubeError {
  if (thrown instanceof CubeError) return thrown;
  const message = thrown instanceof Error ? thrown.message : String(thrown);
  return new CubeError(code, message, { cause: thrown });
}

/** Whether a text is a code of the table: an answer of another version may hold one that is not. */
export function isErrorCode(text: unknown): text is ErrorCode {
  return typeof text === 'string' && Object.hasOwn(table, text);
}

/** The body of an error in JSON (CLI.md). */
export interface ErrorBody {
  readonly error: {
    readonly code: string;
    readonly message: string;
    readonly hint: string;
    readonly at?: Place;
    readonly problems?: readonly Problem[];
  };
}

/** An error as its JSON body. */
export function errorBody(error: CubeError): ErrorBody {
  const { code, message, hint, at, problems } = error;
  return { error: { code, message, hint, ...(at ? { at } : {}), ...(problems.length > 1 ? { problems } : {}) } };
}

/** Why a file that a user named cannot be read. @param thrown what the system said */
export function unreadableText(file: string, thrown: unknown): string {
  const { code, message } = thrown as { readonly code?: string; readonly message?: string };
  if (code === 'ENOENT') return `there is no file ${file}`;
  return code === 'EISDIR' ? `${file} is a folder` : `${file} cannot be read: ${message ?? String(thrown)}`;
}
