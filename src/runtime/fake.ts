/** The runtime port on a script: a real driver with settings, for tests and simulation. It reads no clock but the given one. */
import { problem } from '../core/errors.ts';
import { containerName } from '../core/ids.ts';
import type { ImageDigest } from '../core/image-digests.ts';
import type { ProbeSpec, TaskSpec } from '../core/job.ts';
import type { Resources } from '../core/resources.ts';
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
} from '../ports/runtime.ts';
import { abortError, abortable, sleep, throwIfAborted, within } from './abort.ts';
import { goneExit, lateExit, type StopOrder } from './ends.ts';
import { FakeEngine, type FakeContainer, type FakeEngineOptions } from './fake-engine.ts';
import { fakeExec } from './fake-exec.ts';
import { fakeTaskFiles } from './fake-files.ts';
import { fakeCheck, fakeLook } from './fake-health.ts';
import { unchecked } from './no-check.ts';
import { Starts } from './starts.ts';

/** Settings of the fake runtime: an engine that is there already, or what a new one is made of. */
export type FakeOptions = { readonly owner: Owner; readonly capacity?: Resources } & (
  | { readonly engine: FakeEngine }
  | ({ readonly engine?: undefined } & FakeEngineOptions)
);

const capacityDefault: Resources = { cpu: 4, memoryBytes: 8 * 2 ** 30, diskBytes: 100 * 2 ** 30, custom: {} };

/** Opens the runtime. Several may be opened on one engine, one after another, as a crash and a restart do. */
export function openFakeRuntime(options: FakeOptions): Runtime {
  return new FakeRuntime(options.engine ?? new FakeEngine(options), options.owner, options.capacity ?? capacityDefault);
}

class FakeRuntime implements Runtime {
  readonly name = 'fake';
  readonly files;
  readonly #engine: FakeEngine;
  readonly #owner: Owner;
  readonly #capacity: Resources;
  readonly #starts = new Starts();
  /** Containers of which usage was asked before: their second measurement knows the cpu. */
  readonly #measured = new Set<string>();
  readonly #closed = new AbortController();

  constructor(engine: FakeEngine, owner: Owner, capacity: Resources) {
    this.#engine = engine;
    this.files = fakeTaskFiles(engine.files);
    this.#owner = owner;
    this.#capacity = capacity;
  }

  async facts(): Promise<RuntimeFacts> {
    await this.#enter('facts', undefined);
    return {
      name: 'fake',
      version: '1',
      capacity: this.#capacity,
      os: 'linux',
      arch: 'x64',
      features: ['volumes', 'files'],
      warnings: ['nothing runs: all is played'],
    };
  }

  async ping(): Promise<void> {
    await this.#engine.answering(this.#closed.signal);
    this.#throwIfDown();
  }

  async prepare(work: Work, { signal, onProgress, onPulled }: PrepareOptions): Promise<ContainerRef> {
    throwIfAborted(signal);
    const name = containerName(work.order, work.attempt);
    await this.#enter('prepare', name, signal);
    const found = this.#engine.find(name);
    if (found) return found.ref;
    const script = this.#engine.scriptOf(work);
    const { image, pull } = work.order.spec;
    onProgress(`pulling ${image} (0 %)`);
    await this.#pause(this.#engine.delay(script, script.prepareMs), signal);
    if (script.pullError !== undefined && this.#engine.takeError(work, script)) {
      throw problem(script.pullError, `${image}: the script says ${script.pullError}`);
    }
    if (this.#engine.images.put(image, script.imageBytes) && pull !== 'never' && script.imagePresent !== true) onPulled?.(image);
    const { digest } = work.order;
    this.#engine.images.pull(image, (local) => pull === 'always' || (pull !== 'never' && digest !== undefined && local !== digest));
    return this.#engine.create(work, this.#owner, script);
  }

  start(ref: ContainerRef, signal: AbortSignal): Promise<Started> {
    return this.#starts.run(ref.id, signal, (first) => this.#begin(ref, first));
  }

  async wait(ref: ContainerRef, signal: AbortSignal): Promise<Exit> {
    throwIfAborted(signal);
    this.#throwIfClosed();
    const either = AbortSignal.any([signal, this.#closed.signal]);
    const one = this.#engine.find(ref.id);
    // Waiting outlasts an engine that hangs or is down, as it does on Docker.
    await this.#engine.enter('wait', ref.id, either);
    const exit = one ? await abortable(one.ended.promise, either) : goneExit(this.#engine.clock.now(), 'removed by somebody else');
    await this.#engine.answering(either);
    return exit;
  }

  async stop(ref: ContainerRef, how: StopOrder): Promise<Exit> {
    await this.#starts.settled(ref.id);
    await this.#enter('stop', ref.id);
    const { clock } = this.#engine;
    const one = this.#engine.find(ref.id);
    if (!one) return goneExit(clock.now(), 'removed by somebody else');
    if (one.exit) return one.exit;
    if (one.state === 'created') return goneExit(clock.now(), 'never started');
    const stopSignal = how.stopSignal ?? one.script.stopSignal ?? 'SIGTERM';
    if (how.graceMs > 0) {
      this.#engine.signal(one, stopSignal);
      const exit = await within(clock, how.graceMs, one.ended.promise);
      if (exit) return exit;
    }
    this.#engine.signal(one, 'SIGKILL');
    return lateExit(await one.ended.promise, { ...how, stopSignal });
  }

  async remove(ref: ContainerRef): Promise<void> {
    await this.#starts.settled(ref.id);
    await this.#enter('remove', ref.id);
    this.#measured.delete(ref.id);
    this.#engine.discard(ref.id, 'removed');
  }

  async list(): Promise<readonly Found[]> {
    await this.#enter('list', undefined);
    const { clusterId, nodeId } = this.#owner;
    const found: Found[] = [];
    for (const one of this.#engine.containers.values()) {
      const { ref, owner, work, state, createdAt, startedAt, exit } = one;
      if (owner.clusterId !== clusterId || owner.nodeId !== nodeId) continue;
      const times = { ...(startedAt === undefined ? {} : { startedAt }), ...(exit === undefined ? {} : { exit }) };
      found.push({ ref, taskId: work.order.id, attempt: work.attempt, state, createdAt, ...times, ...imageOf(one) });
    }
    return found;
  }

  async *logs(ref: ContainerRef, options: LogOptions): AsyncGenerator<LogChunk> {
    throwIfAborted(options.signal);
    await this.#enter('logs', ref.id, options.signal);
    const one = this.#engine.find(ref.id);
    if (!one) throw problem('not-found', `container ${ref.name} is gone, and its output with it`);
    const { follow, tail, sinceMs = Number.NEGATIVE_INFINITY, signal } = options;
    const { clock } = this.#engine;
    const all = linesUntil(one, clock.now());
    const present = all.filter(({ at }) => at > sinceMs);
    let seen = all.length;
    yield* tail === undefined ? present : present.slice(Math.max(0, present.length - tail));
    const over = one.ended.promise.then(() => true);
    while (follow && one.state === 'running') {
      const next = nextLineAt(one, seen);
      await (next === undefined ? abortable(over, signal) : within(clock, Math.max(0, next - clock.now()), abortable(over, signal)));
      const more = linesUntil(one, clock.now());
      const fresh = more.slice(seen).filter(({ at }) => at > sinceMs);
      seen = more.length;
      yield* fresh;
    }
    throwIfAborted(signal);
    // What it printed while its reader took its time.
    if (follow) yield* linesUntil(one, clock.now()).slice(seen);
  }

  async probe(ref: ContainerRef, probe: ProbeSpec, options: ProbeOptions): Promise<ProbeResult> {
    throwIfAborted(options.signal);
    this.#throwIfClosed();
    // Only a command needs the engine: a network look goes to the container itself.
    if (probe.kind === 'exec') await this.#enter('probe', ref.id, options.signal);
    const one = this.#engine.find(ref.id);
    const result = await fakeLook(one, probe, one?.looks ?? 0, { ...options, clock: this.#engine.clock });
    if (one) one.looks++;
    return result;
  }

  async *health(ref: ContainerRef, signal: AbortSignal): AsyncGenerator<HealthSeen> {
    if (signal.aborted) return;
    const one = this.#engine.find(ref.id);
    if (!one || !imageOf(one).hasCheck) yield* unchecked((left) => this.wait(ref, left), signal);
    else yield* fakeCheck(one, one.ended.promise, this.#engine.clock, AbortSignal.any([signal, this.#closed.signal]));
  }

  async exec(ref: ContainerRef, options: ExecOptions): Promise<ExecSession> {
    throwIfAborted(options.signal);
    await this.#enter('exec', ref.id, options.signal);
    const one = this.#engine.find(ref.id);
    if (!one) throw problem('not-found', `container ${ref.name} is gone`);
    if (one.state !== 'running') throw problem('conflict', `container ${ref.name} does not run`);
    return fakeExec(options, () => abortable(one.ended.promise, this.#closed.signal));
  }

  async usage(): Promise<readonly ContainerUsage[]> {
    await this.#enter('usage', undefined);
    const { clusterId, nodeId } = this.#owner;
    const mine = this.#engine.running().filter(({ owner }) => owner.clusterId === clusterId && owner.nodeId === nodeId);
    return mine.map(({ ref, work, script }) => {
      const cpu = this.#measured.has(ref.id) ? (script.cpu ?? 0) : null;
      this.#measured.add(ref.id);
      return { taskId: work.order.id, cpu, memoryBytes: script.memoryBytes ?? 0, networkInBytes: 0, networkOutBytes: 0 };
    });
  }

  async imageDigest(image: string, pull: TaskSpec['pull'], signal: AbortSignal): Promise<ImageDigest | undefined> {
    await this.#enter('images', undefined, signal);
    const { images } = this.#engine;
    if (pull !== 'never') return { digest: images.digestOf(image), isLocal: false };
    const digest = images.localDigestOf(image);
    return digest === undefined ? undefined : { digest, isLocal: true };
  }

  async unusedImages(): Promise<readonly UnusedImage[]> {
    await this.#enter('images', undefined);
    return this.#engine.images.unused();
  }

  async removeImage(id: string): Promise<boolean> {
    await this.#enter('images', undefined);
    return this.#engine.images.remove(id);
  }

  async close(): Promise<void> {
    this.#closed.abort();
  }

  async #begin(ref: ContainerRef, signal: AbortSignal): Promise<Started> {
    await this.#enter('start', ref.id, signal);
    const one = this.#engine.find(ref.id);
    if (!one) throw problem('engine-error', `container ${ref.name} is gone: somebody else removed it`);
    if (one.state !== 'created') return { startedAt: one.startedAt ?? 0, ...imageOf(one) };
    const { script, work } = one;
    await this.#pause(this.#engine.delay(script, script.startMs), signal);
    if (script.startError !== undefined && this.#engine.takeError(work, script)) {
      throw problem(script.startError, `${ref.name}: the script says ${script.startError}`);
    }
    if (!this.#engine.find(ref.id)) throw problem('engine-error', `container ${ref.name} is gone: somebody else removed it`);
    return { startedAt: this.#engine.begin(one), ...imageOf(one) };
  }

  /** Notes the call, waits while the engine hangs, and refuses while it is down. */
  async #enter(verb: Parameters<FakeEngine['enter']>[0], container: string | undefined, signal?: AbortSignal): Promise<void> {
    this.#throwIfClosed();
    await this.#engine.enter(verb, container, signal);
    this.#throwIfDown();
  }

  #throwIfDown(): void {
    const why = this.#engine.downBecause;
    if (why !== undefined) throw problem('no-engine', `no engine answers: ${why}`);
  }

  #throwIfClosed(): void {
    if (this.#closed.signal.aborted) throw abortError(this.#closed.signal);
  }

  async #pause(ms: number, signal: AbortSignal): Promise<void> {
    if (ms > 0) await sleep(this.#engine.clock, ms, signal);
    throwIfAborted(signal);
  }
}

/** What is known of a container by its image. */
function imageOf({ work, script, digest }: FakeContainer): { readonly digest: string; readonly hasCheck: boolean } {
  const { health } = work.order.spec;
  return { digest, hasCheck: script.check !== undefined && health === undefined };
}

/** The lines a container has printed by `now`. */
function linesUntil(one: FakeContainer, now: number): LogChunk[] {
  const { lines = [], lineEveryMs = 0 } = one.script;
  if (one.startedAt === undefined) return [];
  const until = Math.min(now, one.exit?.finishedAt ?? now);
  const started = one.startedAt;
  return lines
    .map((line, index) => ({ stream: 'stdout' as const, text: `${line}\n`, at: started + index * lineEveryMs }))
    .filter(({ at }) => at <= until);
}

/** When the line of that index is due; undefined when there is none. */
function nextLineAt(one: FakeContainer, index: number): number | undefined {
  const { lines = [], lineEveryMs = 0 } = one.script;
  return index < lines.length && one.startedAt !== undefined ? one.startedAt + index * lineEveryMs : undefined;
}
