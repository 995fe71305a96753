/** What a process of a simulated cluster works with: real drivers, behind doors at which it can die or meet a fault. */
import { problem } from '../../src/core/errors.ts';
import type { Runtime } from '../../src/ports/runtime.ts';
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
}

/** A disk as a process has it: each write takes time, may fail, and may be the last thing it does. */
export function guardDisk(process: SimProcess, disk: Disk, manners: DiskManners): Disk {
  const { clock } = process.ambient;
  const write = async (handle: DiskHandle, operations: readonly Operation[]): Promise<void> => {
    const delayMs = manners.delayMs();
    if (delayMs > 0) await new Promise<void>((resolve) => clock.setTimeout(resolve, delayMs));
    const fault = manners.fault();
    if (fault === 'refused') throw problem('store-failed', 'the disk refused a write');
    await handle.write(operations);
    manners.wrote(operations);
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

/** A runtime as a process has it. What it asked of the engine goes on without it, but for a pull, which its client drives. */
export function guardRuntime(process: SimProcess, runtime: Runtime): Runtime {
  const death = new AbortController();
  process.onDeath(() => death.abort());
  return {
    name: runtime.name,
    facts: () => process.through('engine.facts', () => runtime.facts()),
    prepare: (work, { signal, onProgress }) =>
      process.through('engine.prepare', () =>
        runtime.prepare(work, {
          signal: AbortSignal.any([signal, death.signal]),
          onProgress: (detail) => {
            if (process.alive) onProgress(detail);
          },
        }),
      ),
    start: (ref, signal) => process.through('engine.start', () => runtime.start(ref, signal)),
    wait: (ref, signal) => process.through('engine.wait', () => runtime.wait(ref, AbortSignal.any([signal, death.signal]))),
    stop: (ref, how) => process.through('engine.stop', () => runtime.stop(ref, how)),
    remove: (ref) => process.through('engine.remove', () => runtime.remove(ref)),
    list: () => process.through('engine.list', () => runtime.list()),
    logs: (ref, options) => runtime.logs(ref, options),
    close: () => runtime.close(),
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
 * @param sees every frame that leaves the process
 * @param endsWith how its links end when it dies: with what was sent on its way (the kernel closes them), or without
 */
export function createWires(process: SimProcess, sees: (frame: Frame) => void, endsWith: () => 'delivered' | 'lost'): Wires {
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
        sees(frame);
        link.send(frame);
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
