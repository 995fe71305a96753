/** Finds who holds a host port: a container, else a process of this host. All of it is best effort, for a message. */
import { readFile, readdir, readlink } from 'node:fs/promises';
import { label } from '../../core/ids.ts';
import type { Protocol } from '../../core/job.ts';
import type { Log } from '../../ports/ambient.ts';
import { everyContainer } from './containers.ts';
import type { Engine } from './engine.ts';

/** A port of the host; an empty ip is every address. */
export interface HostPort {
  readonly ip: string;
  readonly host: number;
  readonly protocol: Protocol;
}

const everyAddress = new Set(['', '0.0.0.0', '::']);

function overlaps(a: string, b: string): boolean {
  return a === b || everyAddress.has(a) || everyAddress.has(b);
}

/** @returns `container NAME`, `process NAME (pid N)`, or undefined when it cannot be found out */
export async function portHolder(engine: Engine, port: HostPort, log: Log): Promise<string | undefined> {
  try {
    return (await holdingContainer(engine, port)) ?? (engine.address.local ? await holdingProcess(port) : undefined);
  } catch (error) {
    log.debug('the holder of a port could not be found', { port: port.host, error: String(error) });
    return undefined;
  }
}

async function holdingContainer(engine: Engine, port: HostPort): Promise<string | undefined> {
  for (const container of await everyContainer(engine, false)) {
    const holds = container.Ports.some(
      ({ IP, PublicPort, Type }) => PublicPort === port.host && Type === port.protocol && overlaps(IP ?? '', port.ip),
    );
    if (!holds) continue;
    const slot = container.Labels[label.slot];
    const name = container.Names[0]?.replace(/^\//, '') ?? container.Id.slice(0, 12);
    return `container ${name}${slot === undefined ? '' : ` (${slot})`}`;
  }
  return undefined;
}

/** Linux only: the port's socket in /proc/net, then the process that has it open. Elsewhere there is no /proc. */
async function holdingProcess(port: HostPort): Promise<string | undefined> {
  const inodes = new Set<string>();
  for (const file of [port.protocol, `${port.protocol}6`]) {
    for (const inode of inodesOf(await readable(`/proc/net/${file}`), port)) inodes.add(inode);
  }
  if (inodes.size === 0) return undefined;
  for (const pid of await entries('/proc')) {
    if (!/^\d+$/.test(pid)) continue;
    for (const fd of await entries(`/proc/${pid}/fd`)) {
      const inode = /^socket:\[(\d+)\]$/.exec(await target(`/proc/${pid}/fd/${fd}`))?.[1];
      if (inode === undefined || !inodes.has(inode)) continue;
      const name = (await readable(`/proc/${pid}/comm`)).trim();
      return `process ${name || 'of unknown name'} (pid ${pid})`;
    }
  }
  return 'a process of another user';
}

/** State 0A is a listening TCP socket, 07 an unconnected UDP one (include/net/tcp_states.h). */
export function inodesOf(table: string, port: HostPort): string[] {
  const inodes: string[] = [];
  for (const line of table.split('\n').slice(1)) {
    const [, local = '', , state, , , , , , inode] = line.trim().split(/\s+/);
    const [address = '', hexPort = ''] = local.split(':');
    const isOpen = state === (port.protocol === 'tcp' ? '0A' : '07');
    if (isOpen && inode !== undefined && Number.parseInt(hexPort, 16) === port.host && matches(address, port.ip)) inodes.push(inode);
  }
  return inodes;
}

/** The kernel prints an IPv4 address as one number in the host's byte order; other ones than IPv4 are taken as a match. */
function matches(hexAddress: string, ip: string): boolean {
  if (hexAddress.length !== 8 || /^0+$/.test(hexAddress)) return true;
  const bytes = hexAddress.match(/../g) ?? [];
  const address = bytes.map((byte) => Number.parseInt(byte, 16));
  return overlaps(ip, address.toReversed().join('.')) || overlaps(ip, address.join('.'));
}

/** What cannot be read (it ended, or belongs to another user) holds nothing that can be named. */
function readable(path: string): Promise<string> {
  return readFile(path, 'utf8').catch(() => '');
}

function entries(path: string): Promise<string[]> {
  return readdir(path).catch(() => []);
}

function target(path: string): Promise<string> {
  return readlink(path).catch(() => '');
}
