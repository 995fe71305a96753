/** What a process of a simulated cluster works with: real drivers, behind doors at which it can die or meet a fault. */
import { problem } from '../../src/core/errors.ts';
import type { KeptLogs } from '../../src/ports/kept-logs.ts';
import type { HostMeter, Runtime, Work } from '../../src/ports/runtime.ts';
import type { Scorer } from '../../src/ports/scorer.ts';
import type { Dialer, Frame, Link } from '../../src/ports/transport.ts';
import type { Disk, DiskHandle, Operation, WriteFault } from '../../src/store/disk.ts';
import type { SimProcess } from './process.ts';

/** How a disk behaves, asked at every write. */
export interface DiskManners {
  readonly delayMs: () => number;
  readonly fault: () => WriteFault | undefined;
  /** Sees what has reached the disk. */
  readonly wrote: (operations: readonly Operation[]) => void;
  /** Whether a write is on the disk before it is answered; else it gets there some time, unless the process dies first. */
  readonly syncs: boolean;
}

/** How long an answered write of a disk that does not sync is in memory only, ms. */
const unsyncedMs = 500;

/** A disk as a process has it: each write takes time, may fail, and may be the last thing it does. */
export function guardDisk(process: SimProcess, disk: Disk, manners: DiskManners): Disk {
  const { clock } = process.ambient;
  const write = async (handle: DiskHandle, operations: readonly Operation[]): Promise<void> => {
    const delayMs = manners.delayMs();
    if (delayMs > 0) await new Promise<void>((resolve) => clock.setTimeout(resolve, delayMs));
    const fault = manners.fault();
    if (fault === 'refused') throw problem('store-failed', 'the disk refused a write');
    const reach = async (): Promise<void> => {
      await handle.write(operations);
      manners.wrote(operations);
    };
    if (manners.syncs) await reach();
    else clock.setTimeout(() => void reach(), unsyncedMs);
    if (fault === 'unanswered') throw problem('store-failed', 'the disk did not answer');
  };
  return {
    open: () =>
      process.through('open', async () => {
        const handle = await disk.open();
        return {
          get acknowledged() {
            return handle.acknowledged;
          },
          write: (operations) => process.through('write', () => write(handle, operations)),
          read: (bounds, chunkMax) => handle.read(bounds, chunkMax),
          acknowledge: (revision) => handle.acknowledge(revision),
          close: () => handle.close(),
        };
      }),
  };
}

/**
 * A runtime as a process has it. What it asked of the engine goes on without it, but for a pull, which its client drives.
 * @param prepared hears what was made, before the process does
 */
export function guardRuntime(process: SimProcess, runtime: Runtime, prepared: (work: Work) => void = () => undefined): Runtime {
  const death = new AbortController();
  process.onDeath(() => death.abort());
  const lives = (signal: AbortSignal): AbortSignal => AbortSignal.any([signal, death.signal]);
  return {
    name: runtime.name,
    ...(runtime.files === undefined ? {} : { files: runtime.files }),
    facts: () => process.through('engine.facts', () => runtime.facts()),
    ping: () => process.through('engine.ping', () => runtime.ping()),
    prepare: (work, { signal, onProgress, onPulled }) =>
      process.through('engine.prepare', async () => {
        const ref = await runtime.prepare(work, {
          signal: lives(signal),
          onProgress: (detail) => {
            if (process.alive) onProgress(detail);
          },
          onPulled: (image) => {
            if (process.alive) onPulled?.(image);
          },
        });
        prepared(work);
        return ref;
      }),
    start: (ref, signal) => process.through('engine.start', () => runtime.start(ref, signal)),
    wait: (ref, signal) => process.through('engine.wait', () => runtime.wait(ref, lives(signal))),
    stop: (ref, how) => process.through('engine.stop', () => runtime.stop(ref, how)),
    remove: (ref) => process.through('engine.remove', () => runtime.remove(ref)),
    list: () => process.through('engine.list', () => runtime.list()),
    logs: (ref, options) => runtime.logs(ref, options),
    probe: (ref, probe, options) =>
      process.through('engine.probe', () => runtime.probe(ref, probe, { ...options, signal: lives(options.signal) })),
    health: (ref, signal) => runtime.health(ref, lives(signal)),
    exec: (ref, options) => process.through('engine.exec', () => runtime.exec(ref, { ...options, signal: lives(options.signal) })),
    usage: () => process.through('engine.usage', () => runtime.usage()),
    imageDigest: (image, pull, signal) => process.through('engine.imageDigest', () => runtime.imageDigest(image, pull, lives(signal))),
    unusedImages: () => process.through('engine.unusedImages', () => runtime.unusedImages()),
    removeImage: (id) => process.through('engine.removeImage', () => runtime.removeImage(id)),
    close: () => runtime.close(),
  };
}

/** Kept logs as a process has them: it may die before or after each step. */
export function guardKeptLogs(process: SimProcess, logs: KeptLogs): KeptLogs {
  return {
    list: () => process.through('kept.list', () => logs.list()),
    keep: (taskId, attempt, chunks) => process.through('kept.keep', () => logs.keep(taskId, attempt, chunks)),
    read: (taskId, attempt) => process.through('kept.read', () => logs.read(taskId, attempt)),
    remove: (taskId, attempt) => process.through('kept.remove', () => logs.remove(taskId, attempt)),
  };
}

/** A meter that always measures the same. */
export function steadyMeter(clock: { now(): number }): HostMeter {
  const used = { cpu: 0.1, memoryBytes: 1_000_000, diskBytes: 1_000_000, custom: {} };
  const memory = { totalBytes: 8_000_000_000, availableBytes: 7_000_000_000 };
  const disk = { totalBytes: 100_000_000_000, freeBytes: 90_000_000_000 };
  return {
    measure: () =>
      Promise.resolve({
        at: clock.now(),
        used,
        memory,
        disk,
        cpuTicks: { user: 0, nice: 0, system: 0, idle: 0, iowait: 0, irq: 0, softirq: 0, steal: 0 },
        load: [0, 0, 0],
      }),
  };
}

/** A scorer that takes its time, as one on another thread does. */
export function slowScorer(process: SimProcess, scorer: Scorer, delayMs: () => number): Scorer {
  return {
    async score(request) {
      const plan = await scorer.score(request);
      const waitMs = delayMs();
      if (waitMs > 0) await new Promise<void>((resolve) => process.ambient.clock.setTimeout(resolve, waitMs));
      return plan;
    },
    close: () => scorer.close(),
  };
}

/** The links a process has open. */
export interface Wires {
  /** Wraps a link, so that frames are seen as they leave and nothing passes a dead process. */
  tap(link: Link): Link;
  /** A dialer whose links are tapped. */
  dialer(dialer: Dialer): Dialer;
}

/**
 * @param sees every frame that leaves the process; what it does not want to leave goes nowhere
 * @param endsWith how its links end when it dies: with what was sent on its way (the kernel closes them), or without
 */
export function createWires(process: SimProcess, sees: (frame: Frame) => boolean, endsWith: () => 'delivered' | 'lost'): Wires {
  const open = new Set<Link>();
  process.onDeath(() => {
    // What is lost is dropped by whoever knows the network.
    if (endsWith() === 'delivered') for (const link of open) link.close('its process died');
    open.clear();
  });
  const tap = (link: Link): Link => {
    open.add(link);
    return {
      peer: link.peer,
      send(frame) {
        if (!process.alive || !process.pass(`before send ${frame.type}`)) return;
        if (sees(frame)) link.send(frame);
        process.pass(`after send ${frame.type}`);
      },
      listen({ onFrame, onClose }) {
        link.listen({
          onFrame: (frame) => process.enter(() => onFrame(frame)),
          onClose: (why) => {
            open.delete(link);
            process.enter(() => onClose(why));
          },
        });
      },
      close(why) {
        if (process.alive) link.close(why);
      },
    };
  };
  return {
    tap,
    dialer: (dialer) => ({
      dial: (url, signal) =>
        process.through('dial', async () => {
          const link = await dialer.dial(url, signal);
          if (!process.alive) link.close('its process died');
          return tap(link);
        }),
    }),
  };
}
