/** The runtime port on plain processes, for machines without an engine. It isolates nothing, and says so. */
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { formatDuration } from '../../core/duration.ts';
import { problem } from '../../core/errors.ts';
import type { ProbeSpec } from '../../core/job.ts';
import type { Limits } from '../../core/limits.ts';
import type { Clock, Log } from '../../ports/ambient.ts';
import type {
  ContainerRef,
  ContainerUsage,
  ExecOptions,
  ExecSession,
  Exit,
  Found,
  HealthSeen,
  LogChunk,
  LogOptions,
  Owner,
  PrepareOptions,
  ProbeOptions,
  ProbeResult,
  Runtime,
  RuntimeFacts,
  Started,
  UnusedImage,
  Work,
} from '../../ports/runtime.ts';
import { abortable, sleep, throwIfAborted, within } from '../abort.ts';
import { Cores } from '../cores.ts';
import { goneExit, lateReason } from '../ends.ts';
import type { StopOrder } from '../ends.ts';
import { Gate } from '../gate.ts';
import { unchecked } from '../no-check.ts';
import { ExecProbes } from '../probe-exec.ts';
import { Starts } from '../starts.ts';
import { checkWork, environmentOf, processFacts } from './facts.ts';
import { processExec } from './exec.ts';
import { checkId, claim, createdAtOf, folderId, idsIn, readStatus, readWork, refOf, removeFolder, writeEnd, writeWork } from './folder.ts';
import type { Status, WorkFile } from './folder.ts';
import { signalGroup } from './identity.ts';
import type { Identity } from './identity.ts';
import { LogFiles } from './log-files.ts';
import { processLogs } from './logs.ts';
import { probeProcess } from './probes.ts';
import { signalOf } from './signals.ts';
import { spawnShim } from './spawn.ts';
import { groupUsages, runningGroups } from './usage.ts';
import { Watch } from './watch.ts';

/** Where attempts are kept, and what the runtime is given. */
export interface ProcessOptions {
  /** Holds a folder for each attempt; made if need be, for its owner only. */
  readonly directory: string;
  /** The PATH tasks get unless they set their own. */
  readonly path?: string;
  readonly owner: Owner;
  readonly limits: Limits;
  readonly log: Log;
  readonly clock: Clock;
}

/** Opens the runtime. @throws CubeError `no-engine` where there is no POSIX shell, and what the disk says about the directory */
export async function openProcessRuntime(options: ProcessOptions): Promise<Runtime> {
  if (process.platform === 'win32') {
    throw problem('no-engine', 'the process runtime needs a POSIX system', { hint: 'use Docker, or run Cube in WSL' });
  }
  await mkdir(options.directory, { recursive: true, mode: 0o700 });
  return new ProcessRuntime(options);
}

class ProcessRuntime implements Runtime {
  readonly name = 'process';
  readonly #options: ProcessOptions;
  readonly #watch: Watch;
  readonly #gate: Gate;
  readonly #files = new Map<string, LogFiles>();
  readonly #starts = new Starts();
  readonly #cores: Cores;
  readonly #looks: ExecProbes;

  constructor(options: ProcessOptions) {
    this.#options = options;
    this.#watch = new Watch(options);
    this.#cores = new Cores(options.clock);
    this.#looks = new ExecProbes({ ...options, exec: (ref, how) => this.exec(ref, how), ping: () => this.ping(), endsCommands: true });
    this.#gate = new Gate(options.limits.startParallelMax);
  }

  /** There is no engine that could be away. */
  async ping(): Promise<void> {}

  facts(): Promise<RuntimeFacts> {
    return processFacts(this.#options.directory);
  }

  async prepare(work: Work, options: PrepareOptions): Promise<ContainerRef> {
    throwIfAborted(options.signal);
    checkWork(work);
    const id = folderId(work);
    const folder = this.#folder(id);
    const env = environmentOf(work, folder, this.#options.path);
    return abortable(
      writeWork(folder, work, this.#options.owner, env).then((file) => refOf(id, file)),
      options.signal,
    );
  }

  start(ref: ContainerRef, signal: AbortSignal): Promise<Started> {
    return this.#starts.run(ref.id, signal, (first) => this.#gate.run(() => this.#begin(ref), first));
  }

  wait(ref: ContainerRef, signal: AbortSignal): Promise<Exit> {
    return this.#watch.wait(ref.id, this.#folder(ref.id), this.#filesOf(ref.id), signal);
  }

  async stop(ref: ContainerRef, how: StopOrder): Promise<Exit> {
    const status = await this.#settled(ref);
    const now = this.#options.clock.now();
    if (!status) return goneExit(now, 'removed by somebody else');
    // The claim keeps any shim from starting it later.
    if (status.state === 'created') {
      if (!(await claim(this.#folder(ref.id)))) return this.stop(ref, how);
      const exit = goneExit(now, 'never started');
      await writeEnd(this.#folder(ref.id), exit);
      return exit;
    }
    const exit = await this.#watch.endOf(this.#folder(ref.id), status);
    if (exit || status.state !== 'running') return exit ?? goneExit(now, 'never started');
    return this.#end(ref, status.identity, how);
  }

  async remove(ref: ContainerRef): Promise<void> {
    const status = await this.#settled(ref);
    if (status?.state === 'created') await claim(this.#folder(ref.id));
    if (status?.state === 'running') await this.#end(ref, status.identity, { stopSignal: 'SIGKILL', graceMs: 0 });
    await removeFolder(this.#folder(ref.id));
    this.#files.delete(ref.id);
    this.#watch.forget(ref.id);
  }

  async list(): Promise<readonly Found[]> {
    const found = await Promise.all((await idsIn(this.#options.directory)).map((id) => this.#found(id)));
    return found.filter((one) => one !== undefined);
  }

  async *logs(ref: ContainerRef, options: LogOptions): AsyncGenerator<LogChunk> {
    const folder = this.#folder(ref.id);
    if (!(await readWork(folder))) throw problem('not-found', `${ref.name} is gone, and its output with it`);
    const { clock, limits } = this.#options;
    const hasEnded = async (): Promise<boolean> => {
      const state = (await readStatus(folder))?.state;
      return state === undefined || state === 'exited' || state === 'created';
    };
    const files = this.#filesOf(ref.id);
    yield* processLogs({ files, hasEnded, clock, pollMs: limits.processPollMs, lineCharsMax: limits.logLineCharsMax }, options);
  }

  probe(ref: ContainerRef, probe: ProbeSpec, options: ProbeOptions): Promise<ProbeResult> {
    const parts = { exec: this.#looks, clock: this.#options.clock, folder: this.#folder(ref.id) };
    return probeProcess(parts, ref, probe, options);
  }

  health(ref: ContainerRef, signal: AbortSignal): AsyncIterable<HealthSeen> {
    return unchecked((left) => this.wait(ref, left), signal);
  }

  async exec(ref: ContainerRef, options: ExecOptions): Promise<ExecSession> {
    return processExec(ref, { folder: this.#folder(ref.id), ended: () => this.wait(ref, options.signal) }, options);
  }

  async usage(): Promise<readonly ContainerUsage[]> {
    const { directory, owner } = this.#options;
    return groupUsages(await runningGroups(directory, owner), this.#cores);
  }

  /** There are none. */
  async imageDigest(): Promise<undefined> {}

  async unusedImages(): Promise<readonly UnusedImage[]> {
    return [];
  }

  async removeImage(): Promise<boolean> {
    return true;
  }

  async close(): Promise<void> {
    this.#looks.close();
    this.#watch.close();
  }

  #folder(id: string): string {
    checkId(id);
    return join(this.#options.directory, id);
  }

  /** One for each folder: two would note times and move files behind each other's back. */
  #filesOf(id: string): LogFiles {
    let files = this.#files.get(id);
    if (!files) {
      files = new LogFiles(this.#folder(id), this.#options.limits);
      this.#files.set(id, files);
    }
    return files;
  }

  async #begin(ref: ContainerRef): Promise<Started> {
    const folder = this.#folder(ref.id);
    const file = await readWork(folder);
    if (!file) throw problem('engine-error', `${ref.name} is gone: somebody else removed it`);
    if ((await readStatus(folder))?.state === 'created') {
      const files = this.#filesOf(ref.id);
      this.#watch.own(ref.id, folder, files, await spawnShim(folder, file, files));
    }
    const status = await this.#settledClaim(folder);
    if (status?.state === 'running') return { startedAt: status.startedAt, hasCheck: false };
    if (status?.state === 'exited') return { startedAt: status.startedAt ?? status.exit.finishedAt, hasCheck: false };
    throw problem('engine-error', `${ref.name} did not start: its shim ended before it began`);
  }

  /** The status once no start is under way: whoever stops or removes must not be overtaken by one. */
  async #settled(ref: ContainerRef): Promise<Status | undefined> {
    await this.#starts.settled(ref.id);
    return this.#settledClaim(this.#folder(ref.id));
  }

  /** The status once a shim that has the claim has said who it is, or has had its time to. */
  async #settledClaim(folder: string): Promise<Status | undefined> {
    const { clock, limits } = this.#options;
    const giveUpAt = clock.monotonic() + limits.processClaimMs;
    for (;;) {
      const status = await readStatus(folder);
      if (status?.state !== 'claimed' || clock.monotonic() > giveUpAt) return status;
      await sleep(clock, limits.processPollMs, new AbortController().signal);
    }
  }

  async #end(ref: ContainerRef, identity: Identity, how: StopOrder): Promise<Exit> {
    const { clock, limits, log } = this.#options;
    const { stopSignal = 'SIGTERM', graceMs } = how;
    const left = new AbortController();
    const ended = this.wait(ref, left.signal);
    // Should the signal fail, nobody is left to hear that the wait was aborted.
    ended.catch(() => undefined);
    try {
      if (graceMs > 0) {
        const signal = signalOf(stopSignal);
        if (signal === undefined)
          log.warn('this system does not know the stop signal; the task is killed', { process: ref.name, stopSignal });
        else await signalGroup(identity, signal);
        const exit = signal === undefined ? undefined : await within(clock, graceMs, ended);
        if (exit) return exit;
        this.#watch.because(ref.id, lateReason({ stopSignal, graceMs }));
      }
      await signalGroup(identity, 'SIGKILL');
      const exit = await within(clock, limits.engineCallMs, ended);
      if (!exit) throw problem('engine-error', `${ref.name} did not end within ${formatDuration(limits.engineCallMs)} of SIGKILL`);
      return exit;
    } finally {
      left.abort();
    }
  }

  async #found(id: string): Promise<Found | undefined> {
    const folder = join(this.#options.directory, id);
    const file = await this.#workOf(folder);
    const { owner } = this.#options;
    if (!file || file.clusterId !== owner.clusterId || file.nodeId !== owner.nodeId) return undefined;
    const status = await readStatus(folder);
    if (!status) return undefined;
    const createdAt = await createdAtOf(folder);
    const one = { ref: refOf(id, file), taskId: file.taskId, attempt: file.attempt, createdAt, hasCheck: false };
    const exit = await this.#watch.endOf(folder, status);
    if (exit) return { ...one, state: 'exited', ...(status.state === 'exited' ? { startedAt: status.startedAt } : {}), exit };
    if (status.state !== 'running') return { ...one, state: 'created' };
    // Its output is looked after even if nobody waits for it.
    this.#watch.add(id, folder, this.#filesOf(id));
    return { ...one, state: 'running', startedAt: status.startedAt };
  }

  /** What is no folder of this runtime's is said and left alone. */
  async #workOf(folder: string): Promise<WorkFile | undefined> {
    try {
      return await readWork(folder);
    } catch (error) {
      this.#options.log.warn('a folder of the process runtime cannot be read', { folder, error: String(error) });
      return undefined;
    }
  }
}
