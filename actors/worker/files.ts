/** Secrets, configs and payloads on a worker: fetched when a container needs them, kept while their task lives, and never written down. */
import { asCubeError, problem, type CubeError } from '../../src/core/errors.ts';
import { fileKey, type FileAsk } from '../../src/core/files.ts';
import type { Limits } from '../../src/core/limits.ts';
import type { Order } from '../../src/core/task.ts';
import type { Ambient } from '../../src/ports/ambient.ts';
import type { Runtime } from '../../src/ports/runtime.ts';
import type { WorkerCall } from '../../src/ports/transport.ts';
import { pause, type Waiter } from '../patience.ts';

/** The protocol version that brought them. */
const filesSince = 3;

/** What they need. */
export interface FilesDeps {
  readonly ambient: Pick<Ambient, 'clock' | 'log'>;
  readonly limits: Pick<Limits, 'filesRetryMs'>;
  readonly runtime: Pick<Runtime, 'name' | 'files'>;
  /** Asks the manager something. */
  readonly call: (what: WorkerCall) => Promise<unknown>;
}

/** The files of a worker's tasks. */
export class WorkerFiles {
  readonly #deps: FilesDeps;
  /** Of the manager that is heard; 0 while none is. */
  #protocol = 0;

  constructor(deps: FilesDeps) {
    this.#deps = deps;
  }

  /** A manager says which protocol version it speaks. */
  welcome(protocol: number): void {
    this.#protocol = protocol;
  }

  /** Its link is gone. */
  cutOff(): void {
    this.#protocol = 0;
  }

  /**
   * Settles when all files of an order are where its containers find them. What the manager does not give now is asked for again, and the
   * task says what it waits for. @throws CubeError `bad-settings` where the runtime has no files, `engine-error`; AbortError
   */
  async ready({ id, files: refs = [] }: Order, waiter: Waiter): Promise<void> {
    if (refs.length === 0) return;
    const { runtime, limits } = this.#deps;
    const { files } = runtime;
    if (files === undefined) throw problem('bad-settings', `the ${runtime.name} runtime of this node gives tasks no secrets and configs`);
    let said = false;
    for (;;) {
      const missing = await files.missing(id, refs);
      const refusal = await this.#fetch(id, missing, waiter.signal);
      if (refusal === undefined) break;
      said = true;
      waiter.send({ type: 'report.progress', observed: { detail: waitText(refusal) } });
      await pause(this.#deps, limits.filesRetryMs, waiter.signal);
    }
    if (said) waiter.send({ type: 'report.progress', observed: { detail: undefined } });
  }

  /** Removes what a task had; it has ended, or is not known. */
  release(taskId: string): void {
    this.#deps.runtime.files?.remove(taskId).catch((thrown: unknown) => {
      this.#deps.ambient.log.error(`the secrets of an ended task could not be removed: ${asCubeError(thrown).message}`, { task: taskId });
    });
  }

  /** Removes what is left of tasks that do not live. @param lives those that do */
  async sweep(lives: (taskId: string) => boolean): Promise<void> {
    const { files } = this.#deps.runtime;
    for (const id of (await files?.tasks()) ?? []) if (!lives(id)) this.release(id);
  }

  /** Gets files one by one: each may be as large as a frame can well hold. @returns why the manager gives one not, if so */
  async #fetch(task: string, asks: readonly FileAsk[], signal: AbortSignal): Promise<CubeError | undefined> {
    for (const { kind, name, version } of asks) {
      const ask = { kind, name, version };
      let content: Uint8Array;
      try {
        if (this.#protocol === 0) throw problem('cut-off', 'the manager is away');
        if (this.#protocol < filesSince) throw problem('not-yet', 'the manager runs a version of Cube without secrets');
        content = contentIn(await aborted(this.#deps.call({ kind: 'files', task, refs: [ask] }), signal), ask);
      } catch (thrown) {
        if (signal.aborted) throw thrown;
        return asCubeError(thrown);
      }
      await this.#deps.runtime.files!.put(task, ask, content);
    }
    return undefined;
  }
}

function waitText({ code, message }: CubeError): string {
  return `waits for its secrets: ${code === 'cut-off' ? 'the manager is away' : message}`;
}

/** The content in a manager's answer. @throws CubeError `failed` when it is not that of this file */
function contentIn(answer: unknown, ask: FileAsk): Uint8Array {
  const [given] = Array.isArray(answer) ? (answer as readonly (Partial<FileAsk> & { readonly content?: unknown })[]) : [];
  const { kind, name, version, content } = given ?? {};
  if (kind === ask.kind && name === ask.name && version === ask.version && content instanceof Uint8Array) return content;
  throw problem('failed', `the manager gave something else for ${fileKey(ask)}`);
}

/** The same, but no longer than until the signal fires. */
function aborted<T>(asked: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const giveUp = (): void => reject(signal.reason as Error);
    if (signal.aborted) giveUp();
    signal.addEventListener('abort', giveUp, { once: true });
    asked.then(resolve, reject).finally(() => signal.removeEventListener('abort', giveUp));
  });
}
