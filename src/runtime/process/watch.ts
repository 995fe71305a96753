/** Tells when processes end and looks after their output: the ends of our own at once, of those found again by looking. */
import type { ChildProcess } from 'node:child_process';
import type { Limits } from '../../core/limits.ts';
import type { Clock, Log } from '../../ports/ambient.ts';
import type { Exit } from '../../ports/runtime.ts';
import { abortError, abortable, deferred } from '../abort.ts';
import type { Deferred } from '../abort.ts';
import { goneExit } from '../ends.ts';
import { readStatus, writeEnd } from './folder.ts';
import type { Status } from './folder.ts';
import { killOrphans } from './identity.ts';
import type { LogFiles } from './log-files.ts';

/** One attempt that runs, or that somebody waits for. */
interface Watched {
  readonly folder: string;
  readonly files: LogFiles;
  readonly ended: Deferred<Exit>;
  /** Started by this runtime: its end comes by itself, and needs no look. */
  isOwn: boolean;
  /** Seen alive by this runtime. */
  wasAlive: boolean;
  /** Why it is being killed. */
  reason?: string;
}

/** The processes one runtime looks after. */
export class Watch {
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #limits: Limits;
  readonly #watched = new Map<string, Watched>();
  readonly #closed = new AbortController();
  #timer: unknown;

  constructor(ambient: { clock: Clock; log: Log; limits: Limits }) {
    this.#clock = ambient.clock;
    this.#log = ambient.log;
    this.#limits = ambient.limits;
  }

  /** Looks after an attempt until it ends. */
  add(id: string, folder: string, files: LogFiles): Watched {
    let watched = this.#watched.get(id);
    if (!watched) {
      watched = { folder, files, ended: deferred(), isOwn: false, wasAlive: false };
      this.#watched.set(id, watched);
      this.#tick();
    }
    return watched;
  }

  /** Takes a shim that was just started. */
  own(id: string, folder: string, files: LogFiles, child: ChildProcess): void {
    const watched = this.add(id, folder, files);
    watched.wasAlive = true;
    watched.isOwn = child.exitCode === null && child.signalCode === null;
    child.once('exit', () => {
      watched.isOwn = false;
      this.#look(id, watched);
    });
    this.#look(id, watched);
  }

  /** Settles when it has ended. @throws AbortError */
  async wait(id: string, folder: string, files: LogFiles, signal: AbortSignal): Promise<Exit> {
    if (signal.aborted || this.#closed.signal.aborted) throw abortError(signal.aborted ? signal : this.#closed.signal);
    const watched = this.add(id, folder, files);
    if (!watched.isOwn) this.#look(id, watched);
    return abortable(watched.ended.promise, signal);
  }

  /** Says why an attempt is killed now, should its shim not write down how it ended. */
  because(id: string, reason: string): void {
    const watched = this.#watched.get(id);
    if (watched) watched.reason = reason;
  }

  /** The attempt's folder was removed. */
  forget(id: string): void {
    const watched = this.#watched.get(id);
    if (watched) this.#settle(id, watched, goneExit(this.#clock.now(), 'removed'));
  }

  close(): void {
    this.#closed.abort();
    this.#clock.clearTimeout(this.#timer);
    for (const watched of this.#watched.values()) watched.ended.reject(abortError(this.#closed.signal));
    this.#watched.clear();
  }

  #tick(): void {
    if (this.#timer !== undefined || this.#watched.size === 0 || this.#closed.signal.aborted) return;
    this.#timer = this.#clock.setTimeout(() => {
      this.#timer = undefined;
      for (const [id, watched] of this.#watched) {
        this.#keep(id, watched);
        if (!watched.isOwn) this.#look(id, watched);
      }
      this.#tick();
    }, this.#limits.processPollMs);
  }

  #keep(id: string, watched: Watched): void {
    try {
      watched.files.keep();
    } catch (error) {
      this.#log.warn('the output of a process could not be looked after', { process: id, error: String(error) });
    }
  }

  #look(id: string, watched: Watched): void {
    this.#end(id, watched).catch((error: unknown) => {
      this.#log.warn('a process could not be looked at; it is looked at again', { process: id, error: String(error) });
    });
  }

  async #end(id: string, watched: Watched): Promise<void> {
    const status = await readStatus(watched.folder);
    if (this.#watched.get(id) !== watched) return;
    if (!status) {
      this.#settle(id, watched, goneExit(this.#clock.now(), 'removed by somebody else'));
      return;
    }
    if (status.state === 'running') watched.wasAlive = true;
    const exit = await this.endOf(watched.folder, status, watched);
    if (!exit || this.#watched.get(id) !== watched) return;
    this.#keep(id, watched);
    this.#settle(id, watched, exit);
  }

  /** How it ended, or undefined; writes down what its shim did not live to write. */
  async endOf(
    folder: string,
    status: Status,
    seen: { readonly wasAlive?: boolean; readonly reason?: string } = {},
  ): Promise<Exit | undefined> {
    if (status.state === 'claimed') {
      if (this.#clock.now() - status.since < this.#limits.engineCallMs) return undefined;
      const exit = goneExit(status.since, 'its shim ended before it began');
      await writeEnd(folder, exit);
      return exit;
    }
    if (status.state !== 'exited') return undefined;
    if (!Number.isNaN(status.exit.finishedAt)) return status.exit;
    const exit = goneExit(this.#clock.now(), seen.reason ?? 'killed');
    await writeEnd(folder, exit);
    // Somebody killed the shim alone: what it ran is ended too.
    if (seen.wasAlive === true && status.identity) killOrphans(status.identity.pid);
    return exit;
  }

  #settle(id: string, watched: Watched, exit: Exit): void {
    this.#watched.delete(id);
    watched.ended.resolve(exit);
  }
}
