/** What the hosts of a simulated cluster share: time, the network, chance, the log, and who watches it all. */
import { limitsWith, type Limits } from '../../src/core/limits.ts';
import type { NodeOptions } from '../../src/core/node-options.ts';
import type { PolicyName } from '../../src/core/placement.ts';
import type { Metrics, Random } from '../../src/ports/ambient.ts';
import type { Frame } from '../../src/ports/transport.ts';
import type { FakeScripts } from '../../src/runtime/fake-script.ts';
import type { WriteFault } from '../../src/store/disk.ts';
import { createMemoryNetwork, type MemoryNetwork } from '../../src/transport/memory-network.ts';
import { nodeOptions } from '../support/node-options.ts';
import type { Problems } from './checkers.ts';
import { createSimClock, type SimClock } from './clock.ts';
import { randomFor, type LogLine, type ProcessDeps, type Step } from './process.ts';

/**
 * Bugs planted on purpose, to show that the simulation finds such: writes answered before they are on disk, acknowledgements that never
 * leave, containers made twice. Each stands between the real code and the simulated world.
 */
export const plantedBugs = ['no fsync', 'a dropped acknowledgement', 'a doubled create'] as const;

/** One of them. */
export type PlantedBug = (typeof plantedBugs)[number];

/** What a simulated cluster is made of. */
export interface WorldOptions {
  readonly seed: number;
  readonly planted?: PlantedBug;
  readonly limits?: Readonly<Record<string, number>>;
  /** What containers do. */
  readonly scripts?: FakeScripts;
  /** Time that a parcel takes on the network, ms, least and most. */
  readonly networkMs?: readonly [number, number];
  /** Time that a write takes, ms, least and most. */
  readonly writeMs?: readonly [number, number];
  /** Time that scoring a batch takes, ms, least and most. */
  readonly scoreMs?: readonly [number, number];
  /** How nodes are picked; by E-PVM unless told. */
  readonly scheduler?: PolicyName;
  /** Data centers by the names of their hosts; `dc1` unless told. */
  readonly dataCenters?: Readonly<Record<string, string>>;
}

/** The world; its fields may be changed while it runs. */
export interface World {
  readonly seed: number;
  readonly planted: PlantedBug | undefined;
  readonly clock: SimClock;
  readonly network: MemoryNetwork;
  readonly limits: Limits;
  readonly scheduler: PolicyName;
  readonly dataCenters: Readonly<Record<string, string>>;
  readonly scripts: FakeScripts;
  readonly random: Random;
  readonly lines: LogLine[];
  /** What was found to be wrong. */
  readonly violations: string[];
  /** Time that a write takes now, ms, least and most. */
  writeMs: readonly [number, number];
  /** Time that scoring a batch takes now, ms, least and most. */
  scoreMs: readonly [number, number];
  /** Asked at each write of a process for its fate. */
  writeFault: (process: string) => WriteFault | undefined;
  /** Asked at each step of a process whether it dies there. */
  diesAt: (step: Step) => boolean;
  /** Sees every frame that leaves a process. @param node id of the worker, or undefined for the manager's */
  sees: (frame: Frame, node: string | undefined) => Problems;
  readonly processes: ProcessDeps;
  /** A number from `least` to `most`. */
  between(least: number, most: number): number;
  /** Notes what is wrong. */
  blame(problems: Problems): void;
}

/** Makes a world in which nothing happens yet. */
export function createWorld(options: WorldOptions): World {
  const clock = createSimClock();
  const limits = limitsWith(options.limits ?? {});
  const random = randomFor(options.seed, 'world');
  const network = createMemoryNetwork({ clock, random: randomFor(options.seed, 'network'), limits });
  network.delay(...(options.networkMs ?? [0, 3]));
  const lines: LogLine[] = [];
  const world: World = {
    seed: options.seed,
    planted: options.planted,
    clock,
    network,
    limits,
    scheduler: options.scheduler ?? 'epvm',
    dataCenters: options.dataCenters ?? {},
    scripts: options.scripts ?? (() => ({})),
    random,
    lines,
    violations: [],
    writeMs: options.writeMs ?? [0, 3],
    scoreMs: options.scoreMs ?? [0, 0],
    writeFault: () => undefined,
    diesAt: () => false,
    sees: () => [],
    processes: { clock, log: (line) => void lines.push(line), diesAt: (step) => world.diesAt(step) },
    between: (least, most) => least + Math.floor(random() * (most - least + 1)),
    blame: (problems) => void world.violations.push(...problems),
  };
  return world;
}

/** The options of a node of one role. */
export function optionsOf(world: World, name: string, role: 'manager' | 'worker'): NodeOptions {
  return nodeOptions({
    name,
    roles: { manager: role === 'manager', worker: role === 'worker' },
    listen: { host: '127.0.0.1', port: 5_555 },
    dataDirectory: '/nowhere',
    limits: world.limits,
    scheduler: world.scheduler,
    ...(world.dataCenters[name] === undefined ? {} : { dc: world.dataCenters[name] }),
    logLevel: 'info',
  });
}

/** Metrics that nobody reads. */
export const noMetrics: Metrics = {
  count: () => undefined,
  gauge: () => undefined,
  expose: () => Promise.resolve({ text: '', contentType: 'text/plain' }),
};
