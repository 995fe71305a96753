/** The runtime port on a Docker engine. */
import { homedir } from 'node:os';
import { join } from 'node:path';
import { problem } from '../../core/errors.ts';
import { formatDuration } from '../../core/duration.ts';
import { label } from '../../core/ids.ts';
import type { Limits } from '../../core/limits.ts';
import type { Clock, Log } from '../../ports/ambient.ts';
import type {
  ContainerRef,
  Exit,
  Found,
  LogChunk,
  LogOptions,
  Owner,
  PrepareOptions,
  Runtime,
  RuntimeFacts,
  Work,
} from '../../ports/runtime.ts';
import { abortable, sleep, throwIfAborted, within } from '../abort.ts';
import { goneExit, lateExit } from '../ends.ts';
import type { StopOrder } from '../ends.ts';
import { Gate } from '../gate.ts';
import { Starts } from '../starts.ts';
import { engineAddress } from './address.ts';
import { inspected, listed, signalled } from './containers.ts';
import type { Listed } from './containers.ts';
import { credentialsIn } from './credentials.ts';
import { Refused, isRefused, openEngine } from './engine.ts';
import type { Engine } from './engine.ts';
import { Exits } from './exits.ts';
import { EngineFacts } from './facts.ts';
import { Images } from './images.ts';
import { containerLogs } from './logs.ts';
import { makeContainer } from './making.ts';
import { startProblem } from './start-problems.ts';
import { engineTime, exitOf, stateOf } from './state.ts';

/** Where the engine is, and what the runtime is given. */
export interface DockerOptions {
  /** As DOCKER_HOST has it; undefined: the first of the usual sockets that exists. */
  readonly dockerHost?: string;
  /** Holds ca.pem, cert.pem and key.pem, as DOCKER_CERT_PATH says; with it the connection is TLS. */
  readonly certificateFolder?: string;
  /** Holds the config.json of `docker login`, as DOCKER_CONFIG says; undefined: ~/.docker. */
  readonly configFolder?: string;
  readonly owner: Owner;
  readonly limits: Limits;
  readonly log: Log;
  readonly clock: Clock;
}

/**
 * Opens the runtime. Nothing is asked of the engine yet: `facts` tells whether it answers.
 * @throws CubeError `usage` for an address that is none
 */
export async function openDockerRuntime(options: DockerOptions): Promise<Runtime> {
  const address = engineAddress(options.dockerHost, options.certificateFolder);
  return new DockerRuntime(await openEngine(address, options.clock, options.limits), options);
}

class DockerRuntime implements Runtime {
  readonly name = 'docker';
  readonly #engine: Engine;
  readonly #options: DockerOptions;
  readonly #facts: EngineFacts;
  readonly #images: Images;
  readonly #exits: Exits;
  readonly #gate: Gate;
  /** Made by this runtime and not started yet: they need no look before the start. */
  readonly #fresh = new Set<string>();
  readonly #starts = new Starts();

  constructor(engine: Engine, options: DockerOptions) {
    const { owner, limits, log, clock } = options;
    const credentialsOf = credentialsIn(options.configFolder ?? join(homedir(), '.docker'), limits.engineCallMs, log);
    this.#engine = engine;
    this.#options = options;
    this.#facts = new EngineFacts(engine, log, limits);
    this.#images = new Images(engine, { clock, log, limits, credentialsOf });
    this.#exits = new Exits(engine, owner, { clock, log, limits });
    this.#gate = new Gate(limits.startParallelMax);
  }

  facts(): Promise<RuntimeFacts> {
    return this.#facts.facts();
  }

  async prepare(work: Work, options: PrepareOptions): Promise<ContainerRef> {
    const parts = { ...this.#options, engine: this.#engine, images: this.#images, facts: this.#facts, gate: this.#gate };
    const making = makeContainer(parts, work, options).then(({ ref, isNew }) => {
      if (isNew) this.#fresh.add(ref.id);
      return ref;
    });
    return abortable(making, options.signal);
  }

  start(ref: ContainerRef, signal: AbortSignal): Promise<{ startedAt: number }> {
    return this.#starts.run(ref.id, signal, (first) => this.#begin(ref, first));
  }

  wait(ref: ContainerRef, signal: AbortSignal): Promise<Exit> {
    return this.#exits.wait(ref.id, signal);
  }

  async stop(ref: ContainerRef, how: StopOrder): Promise<Exit> {
    await this.#starts.settled(ref.id);
    const found = await inspected(this.#engine, ref.id);
    if (!found) return goneExit(this.#options.clock.now(), 'removed by somebody else');
    const exit = exitOf(found);
    if (exit) return exit;
    if (stateOf(found.State.Status) === 'created') return goneExit(this.#options.clock.now(), 'never started');
    this.#exits.mark(ref.id, 'stopping');
    const left = new AbortController();
    const ended = this.#exits.wait(ref.id, left.signal);
    // Should the signal fail, nobody is left to hear that the wait was aborted.
    ended.catch(() => undefined);
    try {
      return await this.#end(ref, how, ended);
    } finally {
      left.abort();
      this.#exits.unmark(ref.id);
    }
  }

  async remove(ref: ContainerRef): Promise<void> {
    await this.#starts.settled(ref.id);
    this.#fresh.delete(ref.id);
    this.#exits.mark(ref.id, 'removing');
    try {
      await this.#removeFully(ref);
      this.#exits.removed(ref.id);
    } finally {
      this.#exits.unmark(ref.id);
    }
  }

  async list(): Promise<readonly Found[]> {
    const looks = new Gate(this.#options.limits.startParallelMax);
    const containers = await listed(this.#engine, this.#options.owner);
    const found = await Promise.all(containers.map((container) => looks.run(() => this.#found(container))));
    return found.filter((one) => one !== undefined);
  }

  logs(ref: ContainerRef, options: LogOptions): AsyncIterable<LogChunk> {
    return containerLogs(this.#engine, ref, options, this.#options.limits);
  }

  async close(): Promise<void> {
    this.#exits.close();
    this.#images.close();
    this.#engine.close();
  }

  async #begin(ref: ContainerRef, signal: AbortSignal): Promise<{ startedAt: number }> {
    if (!this.#fresh.delete(ref.id)) {
      const startedAt = await this.#startedAt(ref);
      if (startedAt !== undefined) return { startedAt };
    }
    await this.#gate.run(async () => {
      throwIfAborted(signal);
      const container = this.#engine.docker.getContainer(ref.id);
      try {
        await this.#engine.call('start the container', (abortSignal) => container.start({ abortSignal }));
      } catch (error) {
        // 304: it runs already.
        if (!isRefused(error, 304)) await this.#afterFailedStart(ref, error);
      }
    }, signal);
    return { startedAt: (await this.#startedAt(ref)) ?? this.#options.clock.now() };
  }

  /** When it started, or undefined if it never did. @throws CubeError `engine-error` when it is gone */
  async #startedAt(ref: ContainerRef): Promise<number | undefined> {
    const found = await inspected(this.#engine, ref.id);
    if (!found) throw problem('engine-error', `container ${ref.name} is gone: somebody else removed it`);
    return engineTime(found.State.StartedAt);
  }

  /** An engine may say no, or nothing, after a start that did happen. @throws what it was, when it did not */
  async #afterFailedStart(ref: ContainerRef, error: unknown): Promise<void> {
    const found = await inspected(this.#engine, ref.id);
    if (!found) throw problem('engine-error', `container ${ref.name} is gone: somebody else removed it`, { cause: error });
    if (engineTime(found.State.StartedAt) !== undefined) return;
    throw error instanceof Refused ? await startProblem(error, found, this.#engine, this.#options.log) : error;
  }

  /** Sends the signal, waits the grace, kills. @throws CubeError `engine-error` when even that does not end it */
  async #end(ref: ContainerRef, how: StopOrder, ended: Promise<Exit>): Promise<Exit> {
    const { clock, limits, log } = this.#options;
    const { stopSignal, graceMs } = how;
    if (graceMs > 0) {
      await this.#signal(ref, stopSignal).catch((error: unknown) => {
        if (!isRefused(error, 400)) throw error;
        log.warn('the engine does not know the stop signal; the task is killed', { container: ref.name, stopSignal });
        return false;
      });
      const exit = await within(clock, graceMs, ended);
      if (exit) return exit;
    }
    await this.#signal(ref, 'SIGKILL');
    const exit = await within(clock, limits.engineCallMs, ended);
    if (!exit) throw problem('engine-error', `container ${ref.name} did not end within ${formatDuration(limits.engineCallMs)} of SIGKILL`);
    return lateExit(exit, how);
  }

  async #signal(ref: ContainerRef, signal: string): Promise<void> {
    if (!(await signalled(this.#engine, ref.id, signal))) this.#exits.check(ref.id);
  }

  async #removeFully(ref: ContainerRef): Promise<void> {
    const { clock, limits } = this.#options;
    const container = this.#engine.docker.getContainer(ref.id);
    const giveUpAt = clock.monotonic() + limits.engineCallMs;
    for (;;) {
      try {
        await this.#engine.call('remove the container', (abortSignal) => container.remove({ force: true, v: true, abortSignal }));
        return;
      } catch (error) {
        if (isRefused(error, 404)) return;
        // 409: somebody else removes it right now.
        if (!isRefused(error, 409) || clock.monotonic() > giveUpAt) throw error;
        await sleep(clock, limits.engineRetryMs, new AbortController().signal);
      }
    }
  }

  async #found(container: Listed): Promise<Found | undefined> {
    const taskId = container.Labels[label.id];
    const attempt = Number(container.Labels[label.attempt]);
    if (taskId === undefined || !Number.isInteger(attempt)) {
      this.#options.log.warn('a container carries labels of this node, but not whose it is', { container: container.Id });
      return undefined;
    }
    const inspect = await inspected(this.#engine, container.Id);
    const state = inspect && stateOf(inspect.State.Status);
    if (!inspect || !state) return undefined;
    const startedAt = engineTime(inspect.State.StartedAt);
    const exit = exitOf(inspect);
    return {
      ref: { id: container.Id, name: inspect.Name.replace(/^\//, '') },
      taskId,
      attempt,
      state,
      ...(startedAt === undefined ? {} : { startedAt }),
      ...(exit === undefined ? {} : { exit }),
    };
  }
}
