/** The runtime port on a Docker engine. */
import { homedir } from 'node:os';
import { join } from 'node:path';
import { problem } from '../../core/errors.ts';
import { formatDuration } from '../../core/duration.ts';
import type { ImageDigest } from '../../core/image-digests.ts';
import type { ProbeSpec, TaskSpec } from '../../core/job.ts';
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
  PrepareOptions,
  ProbeOptions,
  ProbeResult,
  Runtime,
  RuntimeFacts,
  Started,
  UnusedImage,
  Work,
} from '../../ports/runtime.ts';
import { abortable, throwIfAborted, within } from '../abort.ts';
import { goneExit, lateExit } from '../ends.ts';
import type { StopOrder } from '../ends.ts';
import { Gate } from '../gate.ts';
import { ExecProbes } from '../probe-exec.ts';
import { Starts } from '../starts.ts';
import { engineAddress } from './address.ts';
import { inspected, listed, removeContainer, signalled } from './containers.ts';
import { credentialsIn } from './credentials.ts';
import { Digests } from './digests.ts';
import { Refused, isRefused, openEngine } from './engine.ts';
import type { Engine } from './engine.ts';
import { EngineEvents } from './events.ts';
import { Execs } from './exec.ts';
import { Exits } from './exits.ts';
import { EngineFacts } from './facts.ts';
import { memoryFolders, openDockerFiles, type DockerFiles } from './files.ts';
import { foundOf, startedOf } from './found.ts';
import { HealthWatch } from './health.ts';
import { imageDigest } from './image-digest.ts';
import { Images } from './images.ts';
import type { CredentialsOf } from './images.ts';
import { containerLogs } from './logs.ts';
import { makeContainer } from './making.ts';
import type { DockerOptions } from './options.ts';
import { probeContainer } from './probes.ts';
import { Reach } from './reach.ts';
import { startProblem } from './start-problems.ts';
import { engineTime, exitOf, stateOf } from './state.ts';
import { removeImage, unusedImages } from './unused.ts';
import { Usages } from './usage.ts';

export type { DockerOptions } from './options.ts';

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
  readonly files: DockerFiles;
  readonly #engine: Engine;
  readonly #options: DockerOptions;
  readonly #facts: EngineFacts;
  readonly #credentialsOf: CredentialsOf;
  readonly #images: Images;
  readonly #digests: Digests;
  readonly #events: EngineEvents;
  readonly #exits: Exits;
  readonly #health: HealthWatch;
  readonly #reach: Reach;
  readonly #looks: ExecProbes;
  readonly #execs: Execs;
  readonly #usages: Usages;
  readonly #gate: Gate;
  /** Made by this runtime and not started yet: they need no look before the start. */
  readonly #fresh = new Set<string>();
  readonly #starts = new Starts();
  /** Works under way: their images are not removed between the pull and the container. */
  readonly #preparing = new Set<Work>();

  constructor(engine: Engine, options: DockerOptions) {
    const { owner, limits, log, clock } = options;
    const credentialsOf = credentialsIn(options.configFolder ?? join(homedir(), '.docker'), limits.engineCallMs, log);
    this.#credentialsOf = credentialsOf;
    this.#engine = engine;
    this.#options = options;
    this.files = openDockerFiles(owner, options.memoryFolders ?? memoryFolders({}));
    this.#facts = new EngineFacts(engine, log, limits);
    this.#digests = new Digests(engine, log, limits);
    this.#images = new Images(engine, { clock, log, limits, credentialsOf, onPulled: () => this.#digests.forget() });
    this.#events = new EngineEvents(engine, owner, { clock, log, limits });
    this.#exits = new Exits(engine, this.#events, { clock, log, limits });
    this.#health = new HealthWatch(engine, this.#events, this.#exits, { log, limits });
    this.#reach = new Reach(engine, this.#facts, this.#events, limits);
    this.#looks = new ExecProbes({
      exec: (ref, how) => this.exec(ref, how),
      ping: () => this.ping(),
      endsCommands: false,
      clock,
      log,
      limits,
    });
    this.#execs = new Execs(engine, { clock, limits });
    this.#usages = new Usages(engine, { owner, clock, limits });
    this.#gate = new Gate(limits.startParallelMax);
  }

  async facts(): Promise<RuntimeFacts> {
    return this.files.told(await this.#facts.facts());
  }

  async ping(): Promise<void> {
    await this.#engine.call('answer', () => this.#engine.fresh.ping());
  }

  async prepare(work: Work, options: PrepareOptions): Promise<ContainerRef> {
    const parts = { ...this.#options, files: this.files, engine: this.#engine, images: this.#images, facts: this.#facts, gate: this.#gate };
    this.#preparing.add(work);
    const making = makeContainer(parts, work, options)
      .then(({ ref, isNew }) => {
        if (isNew) this.#fresh.add(ref.id);
        return ref;
      })
      .finally(() => this.#preparing.delete(work));
    return abortable(making, options.signal);
  }

  start(ref: ContainerRef, signal: AbortSignal): Promise<Started> {
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
      return await this.#end(ref, { ...how, stopSignal: how.stopSignal ?? (found.Config.StopSignal || 'SIGTERM') }, ended);
    } finally {
      left.abort();
      this.#exits.unmark(ref.id);
    }
  }

  async remove(ref: ContainerRef): Promise<void> {
    await this.#starts.settled(ref.id);
    this.#fresh.delete(ref.id);
    this.#reach.forget(ref.id);
    this.#exits.mark(ref.id, 'removing');
    try {
      await removeContainer(this.#engine, ref.id, this.#options);
      this.#exits.removed(ref.id);
    } finally {
      this.#exits.unmark(ref.id);
    }
  }

  async list(): Promise<readonly Found[]> {
    const looks = new Gate(this.#options.limits.startParallelMax);
    const containers = await listed(this.#engine, this.#options.owner);
    const found = await Promise.all(containers.map(({ Id }) => looks.run(() => this.#found(Id))));
    return found.filter((one) => one !== undefined);
  }

  logs(ref: ContainerRef, options: LogOptions): AsyncIterable<LogChunk> {
    return containerLogs(this.#engine, ref, options, this.#options.limits);
  }

  probe(ref: ContainerRef, probe: ProbeSpec, options: ProbeOptions): Promise<ProbeResult> {
    return probeContainer({ reach: this.#reach, exec: this.#looks, clock: this.#options.clock }, ref, probe, options);
  }

  health(ref: ContainerRef, signal: AbortSignal): AsyncIterable<HealthSeen> {
    return this.#health.watch(ref.id, signal);
  }

  exec(ref: ContainerRef, options: ExecOptions): Promise<ExecSession> {
    return this.#execs.run(ref, options);
  }

  usage(): Promise<readonly ContainerUsage[]> {
    return this.#usages.measure();
  }

  imageDigest(image: string, pull: TaskSpec['pull'], signal: AbortSignal): Promise<ImageDigest | undefined> {
    return imageDigest({ engine: this.#engine, credentialsOf: this.#credentialsOf }, image, pull, signal);
  }

  unusedImages(): Promise<readonly UnusedImage[]> {
    return unusedImages(this.#engine);
  }

  removeImage(id: string): Promise<boolean> {
    return removeImage(this.#engine, id, () => [...this.#preparing].map(({ order }) => order.spec.image));
  }

  async close(): Promise<void> {
    this.#looks.close();
    this.#execs.close();
    this.#events.close();
    this.#exits.close();
    this.#images.close();
    this.#engine.close();
  }

  async #begin(ref: ContainerRef, signal: AbortSignal): Promise<Started> {
    if (!this.#fresh.delete(ref.id)) {
      const started = await this.#started(ref);
      if (started !== undefined) return started;
    }
    await this.#gate.run(async () => {
      throwIfAborted(signal);
      const container = this.#engine.docker.getContainer(ref.id);
      this.#exits.expect(ref.id);
      try {
        await this.#engine.call('start the container', (abortSignal) => container.start({ abortSignal }));
      } catch (error) {
        // 304: it runs already.
        if (!isRefused(error, 304)) await this.#afterFailedStart(ref, error);
      }
    }, signal);
    return (await this.#started(ref)) ?? { startedAt: this.#options.clock.now(), hasCheck: false };
  }

  /** What is known of its start, or undefined if there was none. @throws CubeError `engine-error` when it is gone */
  async #started(ref: ContainerRef): Promise<Started | undefined> {
    const found = await inspected(this.#engine, ref.id);
    if (!found) throw problem('engine-error', `container ${ref.name} is gone: somebody else removed it`);
    this.#exits.started(ref.id, found.State.StartedAt);
    this.#usages.saw(found);
    return startedOf(found, this.#digests);
  }

  /** An engine may say no, or nothing, after a start that did happen. @throws what it was, when it did not */
  async #afterFailedStart(ref: ContainerRef, error: unknown): Promise<void> {
    const found = await inspected(this.#engine, ref.id);
    if (!found) throw problem('engine-error', `container ${ref.name} is gone: somebody else removed it`, { cause: error });
    if (engineTime(found.State.StartedAt) !== undefined) return;
    throw error instanceof Refused ? await startProblem(error, found, this.#engine, this.#options.log) : error;
  }

  /** Sends the signal, waits the grace, kills. @throws CubeError `engine-error` when even that does not end it */
  async #end(ref: ContainerRef, how: Required<StopOrder>, ended: Promise<Exit>): Promise<Exit> {
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

  async #found(id: string): Promise<Found | undefined> {
    const found = await inspected(this.#engine, id);
    return found && foundOf(found, this.#digests, this.#options.log);
  }
}
