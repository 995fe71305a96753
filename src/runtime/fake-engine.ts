/** The engine behind the fake runtime: it outlives runtimes, as Docker outlives the node, and has controls for tests. */
import { constants } from 'node:os';
import { containerName } from '../core/ids.ts';
import type { Clock, Random } from '../ports/ambient.ts';
import type { ContainerRef, Exit, Owner, Work } from '../ports/runtime.ts';
import { abortable, deferred } from './abort.ts';
import type { Deferred } from './abort.ts';
import { goneExit } from './ends.ts';
import type { FakeFiles } from './fake-files.ts';
import { FakeImages } from './fake-images.ts';
import { scriptOfEnv } from './fake-script.ts';
import type { FakeScript, FakeScripts } from './fake-script.ts';

/** A container of the fake engine. */
export interface FakeContainer {
  readonly ref: ContainerRef;
  readonly owner: Owner;
  readonly work: Work;
  /** Of its image. */
  readonly digest: string;
  readonly script: FakeScript;
  readonly state: 'created' | 'running' | 'exited';
  readonly createdAt: number;
  readonly startedAt?: number;
  readonly exit?: Exit;
}

/** A call of the port, as it came in. `container` is an id, or a name where there is no id yet. */
export interface FakeCall {
  readonly at: number;
  readonly verb:
    | 'facts'
    | 'prepare'
    | 'start'
    | 'wait'
    | 'stop'
    | 'remove'
    | 'list'
    | 'logs'
    | 'probe'
    | 'health'
    | 'exec'
    | 'usage'
    | 'images';
  readonly container?: string;
}

type Changing<T> = { -readonly [Name in keyof T]: T[Name] };
type Kept = Changing<FakeContainer> & { ended: Deferred<Exit>; timer?: unknown; looks: number };

/** What a fake engine is made of. */
export interface FakeEngineOptions {
  readonly clock: Clock;
  readonly random: Random;
  /** By image, then by this function, then by the task's environment. */
  readonly images?: Readonly<Record<string, FakeScript>>;
  readonly script?: FakeScripts;
}

/** Calls kept in the log; older ones go first. */
const callsMax = 10_000;

/** Opens an engine that knows no containers yet. */
export function fakeEngine(options: FakeEngineOptions): FakeEngine {
  return new FakeEngine(options);
}

/** The engine; make one with `fakeEngine`. */
export class FakeEngine {
  /** Every call, oldest first, the last 10,000. */
  readonly calls: FakeCall[] = [];
  /** Tasks that ran in two containers at once, by id, as often as that came about. */
  readonly doubles: string[] = [];
  readonly clock: Clock;
  /** Files of tasks in the host's memory. */
  readonly files: FakeFiles = new Map();
  readonly images = new FakeImages(() => [...this.#containers.values()].map(({ work }) => work.order.spec.image));
  readonly #options: FakeEngineOptions;
  readonly #containers = new Map<string, Kept>();
  readonly #made = new Map<string, number>();
  readonly #errors = new Map<string, number>();
  #ids = 0;
  #hung: Deferred<void> | undefined;
  #down: string | undefined;

  constructor(options: FakeEngineOptions) {
    this.#options = options;
    this.clock = options.clock;
  }

  /** All containers there are, by id. */
  get containers(): ReadonlyMap<string, FakeContainer> {
    return this.#containers;
  }

  /** How many containers were ever made for an attempt: more than one is a double. */
  made(taskId: string, attempt: number): number {
    return this.#made.get(`${taskId}-${attempt}`) ?? 0;
  }

  /** The containers of a task, or of all, that run now. */
  running(taskId?: string): FakeContainer[] {
    return [...this.#containers.values()].filter(
      (one) => one.state === 'running' && (taskId === undefined || one.work.order.id === taskId),
    );
  }

  // --- controls

  /** Ends a running container, as somebody else would. @param id id or name */
  kill(id: string, exitCode = 137, reason = 'killed by somebody else'): void {
    this.end(id, exitCode, reason);
  }

  /** Starts an ended container again, as somebody else would. It runs until it is ended. @param id id or name */
  startAgain(id: string): void {
    const one = this.find(id);
    if (one?.state !== 'exited') throw new Error(`no ended container ${id}`);
    delete one.exit;
    Object.assign(one, { state: 'running', startedAt: this.clock.now(), ended: deferred<Exit>() });
  }

  /** Removes a container by force, as somebody else would. @param id id or name */
  remove(id: string): void {
    this.discard(id, 'removed by somebody else');
  }

  /** Ends all that runs, as a restart of the host would. */
  reboot(): void {
    for (const one of this.running()) this.end(one.ref.id, 137, 'the host restarted');
  }

  /** Stops answering: calls neither succeed nor fail until `unhang`. What runs goes on. */
  hang(): void {
    this.#hung ??= deferred();
  }

  unhang(): void {
    this.#hung?.resolve();
    this.#hung = undefined;
  }

  /** Refuses every call until `up`. What runs goes on. */
  down(why = 'nothing listens there'): void {
    this.#down = why;
  }

  up(): void {
    this.#down = undefined;
  }

  /** Why it refuses calls, while it does. */
  get downBecause(): string | undefined {
    return this.#down;
  }

  // --- what the runtime asks

  /** Notes a call and waits while the engine hangs. @throws AbortError */
  async enter(verb: FakeCall['verb'], container: string | undefined, signal?: AbortSignal): Promise<void> {
    this.calls.push({ at: this.clock.now(), verb, ...(container === undefined ? {} : { container }) });
    if (this.calls.length > callsMax) this.calls.splice(0, this.calls.length - callsMax);
    await this.answering(signal);
  }

  /** Settles when the engine does not hang. @throws AbortError */
  async answering(signal?: AbortSignal): Promise<void> {
    while (this.#hung) await (signal ? abortable(this.#hung.promise, signal) : this.#hung.promise);
  }

  /** The script of an order. @throws CubeError `bad-settings` for a bad environment */
  scriptOf(work: Work): FakeScript {
    const { images, script } = this.#options;
    return { ...images?.[work.order.spec.image], ...script?.(work), ...scriptOfEnv(work.order.spec.env) };
  }

  /** A delay of a script, with its jitter. */
  delay(script: FakeScript, ms: number | undefined): number {
    const jitter = script.jitter ?? 0;
    return ms === undefined || ms === 0 ? 0 : ms * (jitter === 0 ? 1 : 1 + jitter * (2 * this.#options.random() - 1));
  }

  /** Whether a scripted error is due once more for this task. */
  takeError(work: Work, script: FakeScript): boolean {
    const taken = this.#errors.get(work.order.id) ?? 0;
    if (taken >= (script.errorTimes ?? Number.POSITIVE_INFINITY)) return false;
    this.#errors.set(work.order.id, taken + 1);
    return true;
  }

  /** @param id id or name */
  find(id: string): Kept | undefined {
    return this.#containers.get(id) ?? [...this.#containers.values()].find((one) => one.ref.name === id);
  }

  /** Makes a container, or gives the one of that name. */
  create(work: Work, owner: Owner, script: FakeScript): ContainerRef {
    const name = containerName(work.order, work.attempt);
    const found = this.find(name);
    if (found) return found.ref;
    const key = `${work.order.id}-${work.attempt}`;
    this.#made.set(key, (this.#made.get(key) ?? 0) + 1);
    this.#ids++;
    const ref = { id: `fake-${String(this.#ids).padStart(6, '0')}`, name };
    const digest = this.images.localDigestOf(work.order.spec.image) ?? this.images.digestOf(work.order.spec.image);
    this.#containers.set(ref.id, {
      ref,
      owner,
      work,
      digest,
      script,
      state: 'created',
      createdAt: this.clock.now(),
      ended: deferred(),
      looks: 0,
    });
    return ref;
  }

  /** Lets a created container run. */
  begin(one: Kept): number {
    if (one.state !== 'created') return one.startedAt ?? 0;
    if (this.running(one.work.order.id).length > 0) this.doubles.push(one.work.order.id);
    one.state = 'running';
    one.startedAt = this.clock.now();
    const { runForMs, exitCode = 0, reason } = one.script;
    if (runForMs !== undefined) {
      one.timer = this.clock.setTimeout(() => this.end(one.ref.id, exitCode, reason), this.delay(one.script, runForMs));
    }
    return one.startedAt;
  }

  /** Sends a signal to a running container. */
  signal(one: Kept, name: string): void {
    if (one.state !== 'running') return;
    const isKill = name === 'SIGKILL';
    if (!isKill && one.script.ignoresSignals === true) return;
    const number = (constants.signals as Readonly<Record<string, number>>)[name] ?? 15;
    const exitCode = isKill ? 137 : (one.script.stopExitCode ?? 128 + number);
    const afterMs = isKill ? 0 : this.delay(one.script, one.script.stopMs);
    this.clock.clearTimeout(one.timer);
    if (afterMs === 0) this.end(one.ref.id, exitCode);
    else one.timer = this.clock.setTimeout(() => this.end(one.ref.id, exitCode), afterMs);
  }

  /** Ends a running container. */
  end(id: string, exitCode: number, reason?: string): void {
    const one = this.find(id);
    if (one?.state !== 'running') return;
    this.clock.clearTimeout(one.timer);
    one.state = 'exited';
    one.exit = { exitCode, finishedAt: this.clock.now(), ...(reason === undefined ? {} : { reason }) };
    one.ended.resolve(one.exit);
  }

  /** Removes a container, running or not. */
  discard(id: string, reason: string): void {
    const one = this.find(id);
    if (!one) return;
    this.clock.clearTimeout(one.timer);
    this.#containers.delete(one.ref.id);
    const exit = goneExit(this.clock.now(), reason);
    // Who still holds it, to follow its output, must see that it runs no more.
    if (one.state === 'running') Object.assign(one, { state: 'exited', exit });
    one.ended.resolve(exit);
  }
}
