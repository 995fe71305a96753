/** The hosts of a simulated cluster: one with the manager, the others with a worker and an engine. Disks and engines outlive processes. */
import { WorkerBook } from '../../actors/worker/book.ts';
import { startManager, startWorker, type ManagerRole, type WorkerRole } from '../../src/boot/roles.ts';
import { openInlineScorer } from '../../src/pool/inline.ts';
import { sealerOf } from '../../src/security/sealing.ts';
import type { KeptLogs } from '../../src/ports/kept-logs.ts';
import type { Owner, Work } from '../../src/ports/runtime.ts';
import type { Frame, Link } from '../../src/ports/transport.ts';
import { fakeEngine, type FakeEngine } from '../../src/runtime/fake-engine.ts';
import { openFakeRuntime } from '../../src/runtime/fake.ts';
import { openMemoryKeptLogs } from '../../src/store/kept-logs-memory.ts';
import { memoryDisk, openMemoryStore, type MemoryDisk } from '../../src/store/memory.ts';
import { createMirror, type Mirror } from './mirror.ts';
import { createWires, guardDisk, guardKeptLogs, guardRuntime, slowScorer, steadyMeter, type DiskManners, type Wires } from './parts.ts';
import { createProcess, randomFor, type SimProcess } from './process.ts';
import { noMetrics, optionsOf, type World } from './world.ts';
import type { ClusterEvent } from '../../src/core/events.ts';

/** What managers are given: the key that seals secrets outlives them, as a file would. */
const outside = { metrics: noMetrics, sealer: sealerOf(new Uint8Array(32).fill(7)) };

/** What both kinds of hosts can do. */
export interface Host {
  readonly name: string;
  /** Where it can be dialled. */
  readonly address: string;
  /** The process that runs there, dead or alive. */
  readonly process: SimProcess | undefined;
  /** Whether its process lives and has come up. */
  readonly up: boolean;
  /** Starts a process; settles when it is up. @throws CubeError when it could not */
  start(): Promise<void>;
  /** The process dies; @param frames what becomes of what it had sent */
  kill(frames?: 'lost' | 'delivered'): void;
  /** Ends cleanly. */
  stop(stopTasks?: boolean): Promise<void>;
}

/** The host with the manager. */
export interface ManagerHost extends Host {
  readonly disk: MemoryDisk;
  readonly mirror: Mirror;
  readonly role: ManagerRole | undefined;
}

/** A host with a worker. */
export interface WorkerHost extends Host {
  /** Replaced when its data is lost. */
  readonly disk: MemoryDisk;
  readonly engine: FakeEngine;
  readonly keptLogs: KeptLogs;
  readonly role: WorkerRole | undefined;
  /** Its data directory is gone. */
  loseDisk(): void;
}

/** One life of a host. */
interface Life {
  readonly process: SimProcess;
  readonly wires: Wires;
}

/** What is alike in all hosts: lives follow each other, and a dead one leaves no link behind. */
function createLives(world: World, name: string, nodeId: () => string | undefined) {
  let count = 0;
  let frames: 'lost' | 'delivered' | undefined;
  let process: SimProcess | undefined;
  return {
    get process() {
      return process;
    },
    begin(): Life {
      if (process?.alive) throw new Error(`${name} runs already`);
      frames = undefined;
      const random = randomFor(world.seed, `${name} ${++count}`);
      const born = createProcess(name, random, world.processes);
      process = born;
      const fate = (): 'lost' | 'delivered' => (frames ??= world.random() < 0.5 ? 'lost' : 'delivered');
      const wires = createWires(born, (frame) => leaves(world, frame, nodeId()), fate);
      born.onDeath(() => {
        if (fate() === 'lost') world.network.drop(name);
      });
      return { process: born, wires };
    },
    kill(wanted?: 'lost' | 'delivered') {
      if (wanted !== undefined && process?.alive) frames = wanted;
      process?.kill();
    },
  };
}

/** How often a planted bug shows. */
const plantedShare = 0.1;

/** Shows a frame to who watches. @returns whether it leaves */
function leaves(world: World, frame: Frame, node: string | undefined): boolean {
  if (world.planted === 'a dropped acknowledgement' && frame.type === 'acks' && world.random() < plantedShare) return false;
  world.blame(world.sees(frame, node));
  return true;
}

function mannersOf(world: World, name: string, wrote: DiskManners['wrote']): DiskManners {
  const syncs = world.planted !== 'no fsync';
  return { delayMs: () => world.between(...world.writeMs), fault: () => world.writeFault(name), wrote, syncs };
}

interface Watched {
  subscribe(observer: { readonly error: (thrown: unknown) => void }): unknown;
}

/** An actor that fails by a defect takes its role with it. */
function watchActor(world: World, name: string, process: SimProcess, actor: Watched): void {
  actor.subscribe({
    error: (thrown: unknown) => {
      if (process.alive)
        world.blame([`the actor of ${name} failed: ${thrown instanceof Error ? (thrown.stack ?? thrown.message) : String(thrown)}`]);
    },
  });
}

/** @param onEvent sees each event as it reaches the disk */
export function createManagerHost(world: World, name: string, onEvent: (event: ClusterEvent) => void): ManagerHost {
  const disk = memoryDisk();
  const mirror = createMirror(onEvent);
  const address = `${name}:5555`;
  const lives = createLives(world, name, () => undefined);
  let role: ManagerRole | undefined;
  let unlisten: (() => void) | undefined;
  const end = (): void => {
    role = undefined;
    unlisten?.();
    unlisten = undefined;
  };
  return {
    name,
    address,
    disk,
    mirror,
    get process() {
      return lives.process;
    },
    get role() {
      return role;
    },
    get up() {
      return role !== undefined;
    },
    async start() {
      const { process, wires } = lives.begin();
      process.onDeath(() => {
        end();
        disk.crash();
      });
      const guarded = guardDisk(
        process,
        disk,
        mannersOf(world, name, (operations) => mirror.take(operations)),
      );
      try {
        const started = await startManager({
          options: optionsOf(world, name, 'manager'),
          ambient: process.ambient,
          ...outside,
          dialer: wires.dialer(world.network.dialer(name)),
          openStore: () => openMemoryStore({ disk: guarded, limits: world.limits, log: process.ambient.log }),
          scorer: slowScorer(process, openInlineScorer(), () => world.between(...world.scoreMs)),
        });
        if (!process.alive) return;
        role = started;
        watchActor(world, name, process, started.actor);
        unlisten = world.network.listen(address, (link) =>
          process.enter(() => {
            // As the node's server does: a manager that does not lead takes no links.
            if (started.manager.control.ready()) started.accept(wires.tap(link));
            else link.close('this node takes no links now');
          }),
        );
      } catch (thrown) {
        process.kill();
        throw thrown;
      }
    },
    kill: (frames) => lives.kill(frames),
    async stop() {
      const stopping = role;
      unlisten?.();
      await stopping?.stop();
      lives.kill('delivered');
    },
  };
}

/** Makes another container for an attempt that has one. */
function makeAgain(engine: FakeEngine, work: Work, owner: Owner): void {
  const again = { ...work, order: { ...work.order, task: `${work.order.task}-again` } };
  engine.create(again, owner, engine.scriptOf(work));
}

/** Starts a worker's process on its disk and engine, as a node does. */
async function openWorker(
  world: World,
  host: Pick<WorkerHost, 'name' | 'disk' | 'engine' | 'keptLogs'>,
  nodeName: string,
  life: Life,
): Promise<WorkerRole> {
  const { process, wires } = life;
  const { ambient } = process;
  const { limits, network } = world;
  const manners = mannersOf(world, host.name, () => undefined);
  const store = openMemoryStore({ disk: guardDisk(process, host.disk, manners), limits, log: ambient.log });
  const book = await WorkerBook.open(store, ambient.log, () => ambient.ids.id(), limits);
  const owner = {
    get clusterId() {
      return book.identity.clusterId ?? '';
    },
    nodeId: book.identity.nodeId,
  };
  return startWorker({
    options: optionsOf(world, nodeName, 'worker'),
    ambient,
    metrics: noMetrics,
    dialer: wires.dialer(network.dialer(host.name)),
    book,
    store,
    runtime: guardRuntime(process, openFakeRuntime({ owner, engine: host.engine }), (work) => {
      if (world.planted === 'a doubled create' && world.random() < plantedShare) makeAgain(host.engine, work, owner);
    }),
    meter: steadyMeter(ambient.clock),
    keptLogs: guardKeptLogs(process, host.keptLogs),
  });
}

/**
 * @param name of the host
 * @param manager the address it dials, or undefined when it is dialled itself
 * @param nodeName what its worker calls itself
 */
export function createWorkerHost(world: World, name: string, manager: string | undefined, nodeName = name): WorkerHost {
  let disk = memoryDisk();
  let keptLogs = openMemoryKeptLogs(world.clock);
  let role: WorkerRole | undefined;
  let unlisten: (() => void) | undefined;
  const lives = createLives(world, name, () => role?.desk.book.identity.nodeId);
  const end = (): void => {
    role = undefined;
    unlisten?.();
    unlisten = undefined;
    disk.crash();
  };
  const host: WorkerHost = {
    name,
    address: `${name}:5556`,
    engine: fakeEngine({ clock: world.clock, random: randomFor(world.seed, `engine of ${name}`), script: world.scripts }),
    get keptLogs() {
      return keptLogs;
    },
    get disk() {
      return disk;
    },
    get process() {
      return lives.process;
    },
    get role() {
      return role;
    },
    get up() {
      return role !== undefined;
    },
    async start() {
      const life = lives.begin();
      const { process, wires } = life;
      process.onDeath(end);
      try {
        const started = await openWorker(world, host, nodeName, life);
        if (!process.alive) return;
        role = started;
        watchActor(world, name, process, started.actor);
        const take = (link: Link): void => process.enter(() => started.accept(wires.tap(link)));
        if (manager === undefined) unlisten = world.network.listen(host.address, take);
        else started.dial(`http://${manager}`);
      } catch (thrown) {
        process.kill();
        throw thrown;
      }
    },
    kill: (frames) => lives.kill(frames),
    async stop(stopTasks = false) {
      await role?.stop(stopTasks);
      lives.kill('delivered');
    },
    loseDisk() {
      if (lives.process?.alive) throw new Error(`${name} still runs`);
      disk = memoryDisk();
      keptLogs = openMemoryKeptLogs(world.clock);
    },
  };
  return host;
}
