/**
 * A process of a simulated cluster: what it is given from outside goes through here, so that it can die at any step. From then on
 * its timers never fire, its calls never return, and what it still says reaches nobody.
 */
import { seededRandom } from '../../src/core/random.ts';
import type { Ambient, Clock, Ids, Log, LogFields, Random } from '../../src/ports/ambient.ts';

/** A point at which a process may die: before or after something that leaves it. */
export interface Step {
  readonly process: string;
  /** `before write`, `after engine.start`, `before send assignments`. */
  readonly where: string;
}

/** One log line of a process. */
export interface LogLine {
  readonly atMs: number;
  readonly process: string;
  readonly level: 'debug' | 'info' | 'warn' | 'error';
  readonly message: string;
}

/** A process, alive until it is killed. */
export interface SimProcess {
  readonly name: string;
  readonly alive: boolean;
  readonly ambient: Ambient;
  /** Dies at once. Nothing is said, nothing is written. */
  kill(): void;
  /** Stands still, as by SIGSTOP: what comes meanwhile waits for `thaw`. What it asked of others goes on. */
  freeze(): void;
  thaw(): void;
  /** Lets something from outside in: now, or when it is thawed; never when it is dead. */
  enter(run: () => void): void;
  /** Called when it dies. */
  onDeath(run: () => void): void;
  /** Goes past a point at which it may die. @returns whether it lives on */
  pass(where: string): boolean;
  /** Makes a call that leaves the process; a dead process never hears of its end. */
  through<T>(where: string, call: () => Promise<T>): Promise<T>;
}

/** What processes share. */
export interface ProcessDeps {
  readonly clock: Clock;
  readonly log: (line: LogLine) => void;
  /** Whether the process dies at this step. */
  readonly diesAt: (step: Step) => boolean;
}

/** Numbers of the same seed for the same name. */
export function randomFor(seed: number, name: string): Random {
  let mixed = seed >>> 0;
  for (const char of name) mixed = (Math.imul(mixed ^ char.charCodeAt(0), 0x01000193) + 0x9e3779b9) >>> 0;
  return seededRandom(mixed);
}

/** Ids that look like uuids and come from a seed. */
export function seededIds(random: Random): Ids {
  const hex = (digits: number): string => {
    let text = '';
    while (text.length < digits)
      text += Math.floor(random() * 0x1_0000_0000)
        .toString(16)
        .padStart(8, '0');
    return text.slice(0, digits);
  };
  return {
    id: () => `${hex(8)}-${hex(4)}-4${hex(3)}-8${hex(3)}-${hex(12)}`,
    secret: () => hex(43),
  };
}

/** A promise that never settles: what the dead hear. */
function never<T>(): Promise<T> {
  return new Promise<T>(() => undefined);
}

interface GuardedTimer {
  cleared: boolean;
  inner: unknown;
}

function isGuarded(handle: unknown): handle is GuardedTimer {
  return typeof handle === 'object' && handle !== null && 'cleared' in handle;
}

/** A clock whose timers come in by `enter`. One that waits in a frozen process can still be cleared by one that comes before it. */
function guardClock(clock: Clock, enter: (run: () => void) => void): Clock {
  return {
    now: clock.now,
    monotonic: clock.monotonic,
    setTimeout(run, ms) {
      const timer: GuardedTimer = { cleared: false, inner: undefined };
      const fire = (): void => {
        if (!timer.cleared) run();
      };
      timer.inner = clock.setTimeout(() => enter(fire), ms);
      return timer;
    },
    clearTimeout(handle) {
      if (!isGuarded(handle)) return;
      handle.cleared = true;
      clock.clearTimeout(handle.inner);
    },
  };
}

/** A process's log; the dead say nothing. */
function logOf(name: string, { clock, log }: ProcessDeps, isAlive: () => boolean): Log {
  const write =
    (level: LogLine['level']) =>
    (message: string, _fields?: LogFields): void => {
      if (isAlive()) log({ atMs: clock.monotonic(), process: name, level, message });
    };
  return { debug: write('debug'), info: write('info'), warn: write('warn'), error: write('error') };
}

/** Starts a process. @param random where its chance and its ids come from */
export function createProcess(name: string, random: Random, deps: ProcessDeps): SimProcess {
  let alive = true;
  let isFrozen = false;
  let waiting: (() => void)[] = [];
  const mourners: (() => void)[] = [];
  const enter = (run: () => void): void => {
    if (isFrozen) waiting.push(run);
    else if (alive) run();
  };
  const clock = guardClock(deps.clock, enter);
  const kill = (): void => {
    if (!alive) return;
    alive = false;
    for (const mourn of mourners) mourn();
  };
  const pass = (where: string): boolean => {
    if (alive && deps.diesAt({ process: name, where })) kill();
    return alive;
  };
  return {
    name,
    get alive() {
      return alive;
    },
    ambient: { clock, ids: seededIds(random), random, log: logOf(name, deps, () => alive) },
    kill,
    freeze: () => void (isFrozen = true),
    thaw() {
      isFrozen = false;
      const late = waiting;
      waiting = [];
      for (const run of late) enter(run);
    },
    enter,
    onDeath: (run) => void mourners.push(run),
    pass,
    async through(where, call) {
      if (!pass(`before ${where}`)) return never();
      try {
        const result = await call();
        return pass(`after ${where}`) ? result : await never();
      } catch (thrown) {
        if (!alive) return never();
        throw thrown;
      }
    },
  };
}
