/** Host ports of one node: which are in use, and which a task gets. */
import type { PortSpec, Protocol } from '../core/job.ts';
import type { NodePorts } from '../core/placement.ts';
import type { PortBinding } from '../core/task.ts';

/** Addresses that stand for all of a host's: a port bound there clashes with the same port on any address. */
const wildcards: ReadonlySet<string> = new Set(['', '0.0.0.0', '::', '[::]']);

interface Use {
  readonly ip: string;
  readonly by: string;
}

/** What is wanted but cannot be had: a fixed port (the spec), or one more free port of the range. */
export type PortFailure = { readonly kind: 'taken' | 'twice'; readonly spec: PortSpec } | { readonly kind: 'range' };

/** The ports a task gets, in the order of its specs, or why it gets none. */
export type Bound = { readonly bindings: readonly PortBinding[] } | { readonly failure: PortFailure };

/** A port as people write it: `8080/tcp`, or `127.0.0.1:8080/tcp` where an address is given. */
export function portText(port: { readonly ip?: string; readonly host?: number; readonly protocol: Protocol }): string {
  return `${port.ip ? `${port.ip}:` : ''}${port.host}/${port.protocol}`;
}

/** FNV-1a over UTF-16 units (Fowler, Noll, Vo): spreads task ids over a range of ports. */
function hash(text: string): number {
  let value = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) value = Math.imul(value ^ text.charCodeAt(i), 0x01000193);
  return value >>> 0;
}

/** Whether two addresses cannot both have the same port. */
function sameAddress(a: string, b: string): boolean {
  return a === b || wildcards.has(a) || wildcards.has(b);
}

/** The host ports in use on one node. */
export class PortTable {
  readonly #node: NodePorts;
  readonly #uses: Readonly<Record<Protocol, Map<number, Use[]>>> = { tcp: new Map(), udp: new Map() };
  #next: number | undefined;

  constructor(node: NodePorts) {
    this.#node = node;
    this.#next = node.portsNext;
    for (const { ip, host, protocol, by } of node.portsTaken) this.#add(ip, host, protocol, by);
  }

  #add(ip: string, host: number, protocol: Protocol, by: string): void {
    const uses = this.#uses[protocol].get(host);
    if (uses) uses.push({ ip, by });
    else this.#uses[protocol].set(host, [{ ip, by }]);
  }

  /** The slot that has the port on an address that clashes with `ip` (absent: the node's own), or undefined when nobody has. */
  user(port: { readonly ip?: string; readonly host: number; readonly protocol: Protocol }): string | undefined {
    const ip = port.ip ?? this.#node.portsIp;
    return this.#uses[port.protocol].get(port.host)?.find((use) => sameAddress(use.ip, ip))?.by;
  }

  /** How many ports of the range are free on an address for a protocol. */
  freeCount(ip: string | undefined, protocol: Protocol): number {
    const { from, to } = this.#node.portRange;
    let count = Math.max(0, to - from + 1);
    for (const host of this.#uses[protocol].keys()) {
      if (host >= from && host <= to && this.user({ ip, host, protocol }) !== undefined) count--;
    }
    return count;
  }

  /**
   * The ports for a task. Takes none yet. Free ports are searched for in a circle that goes on after the last one handed
   * out, so that a port just freed rests before it is given to another; where that is not known, from a place derived from the task's id.
   */
  bind(specs: readonly PortSpec[], taskId: string): Bound {
    const bindings: (PortBinding | undefined)[] = specs.map(() => undefined);
    const clashes = (port: PortBinding): boolean =>
      bindings.some((other) => other?.host === port.host && other.protocol === port.protocol && sameAddress(other.ip, port.ip));
    for (const [at, spec] of specs.entries()) {
      if (spec.host === undefined) continue;
      const port = this.#binding(spec, spec.host);
      if (clashes(port)) return { failure: { kind: 'twice', spec } };
      if (this.user(port) !== undefined) return { failure: { kind: 'taken', spec } };
      bindings[at] = port;
    }
    const free = [...specs.entries()].filter(([, spec]) => spec.host === undefined);
    // Those for all addresses choose first: what suits them is scarcer, and this way no choice spoils another.
    const wide = free.filter(([, spec]) => this.#isWide(spec));
    const narrow = free.filter(([, spec]) => !this.#isWide(spec));
    let start = this.#firstTry(taskId);
    for (const [at, spec] of [...wide, ...narrow]) {
      const port = this.#findFree(spec, start, clashes);
      if (!port) return { failure: { kind: 'range' } };
      bindings[at] = port;
      start = port.host + 1;
    }
    return { bindings: bindings.filter((port) => port !== undefined) };
  }

  /** Marks the ports of a placed task as in use by its slot. `specs` tells which of them were chosen from the range. */
  take(bindings: readonly PortBinding[], specs: readonly PortSpec[], slot: string): void {
    for (const [at, { ip, host, protocol }] of bindings.entries()) {
      this.#add(ip, host, protocol, slot);
      if (specs[at]?.host === undefined) this.#next = host + 1;
    }
  }

  #isWide(spec: PortSpec): boolean {
    return wildcards.has(spec.ip ?? this.#node.portsIp);
  }

  #binding(spec: PortSpec, host: number): PortBinding {
    return { ip: spec.ip ?? this.#node.portsIp, host, container: spec.container, protocol: spec.protocol };
  }

  #firstTry(taskId: string): number {
    const { from, to } = this.#node.portRange;
    return this.#next ?? from + (hash(taskId) % Math.max(1, to - from + 1));
  }

  #findFree(spec: PortSpec, start: number, clashes: (port: PortBinding) => boolean): PortBinding | undefined {
    const { from, to } = this.#node.portRange;
    const size = to - from + 1;
    const offset = start >= from && start <= to ? start - from : 0;
    for (let step = 0; step < size; step++) {
      const port = this.#binding(spec, from + ((offset + step) % size));
      if (this.user(port) === undefined && !clashes(port)) return port;
    }
    return undefined;
  }
}
