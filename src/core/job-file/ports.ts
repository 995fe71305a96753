/** Ports as they are written: `[ip:]host:container[/udp]`, or a bare container port, which gets a free host port. */
import { z } from 'zod';
import type { PortSpec, Protocol } from '../job.ts';

/** What a port may look like, for messages. */
export const portForm = '[ip:]host:container[/udp] like "8080:80", or a container port like 9000, with ports from 1 to 65535';

const form = /^(?:(?:(?<v4>[\d.]+)|\[(?<v6>[^\]]*)\]):(?=\d*:))?(?:(?<host>\d*):)?(?<container>\d+)(?:\/(?<protocol>tcp|udp))?$/;

/** A port number, or undefined when the text is none. */
function portNumber(text: string): number | undefined {
  const number = /^\d{1,5}$/.test(text) ? Number(text) : 0;
  return number >= 1 && number <= 65_535 ? number : undefined;
}

/** Whether a text is an IP address, version 4 or 6, without brackets. */
function isIp(text: string): boolean {
  return z.ipv4().safeParse(text).success || z.ipv6().safeParse(text).success;
}

/** A port, or undefined when the text (or number) is none. `127.0.0.1::80` is a free host port on that address. */
export function parsePort(written: string | number): PortSpec | undefined {
  const groups = form.exec(String(written).trim())?.groups;
  if (!groups) return undefined;
  const container = portNumber(groups.container!);
  const ip = groups.v4 ?? groups.v6;
  if (container === undefined || (ip !== undefined && !isIp(ip))) return undefined;
  // An empty host port is a free one, but only behind an address: ":80" is more likely a slip.
  if (groups.host === '' && ip === undefined) return undefined;
  const host = groups.host ? portNumber(groups.host) : undefined;
  if (groups.host && host === undefined) return undefined;
  const protocol: Protocol = groups.protocol === 'udp' ? 'udp' : 'tcp';
  return { ...(ip === undefined ? {} : { ip }), ...(host === undefined ? {} : { host }), container, protocol };
}

/** Whether binding one of two addresses takes the other: the same, or one is all addresses of the other's kind. */
function addressesMeet(a: string | undefined, b: string | undefined): boolean {
  if (a === b) return true;
  const covers = (all: string | undefined, one: string | undefined): boolean =>
    (all === '0.0.0.0' && !one?.includes(':')) || (all === '::' && (one === undefined || one.includes(':')));
  return covers(a, b) || covers(b, a);
}

/** Index and message of the first port that another before it has taken, within one task. */
export function portTwice(ports: readonly PortSpec[]): { readonly index: number; readonly message: string } | undefined {
  for (const [index, port] of ports.entries()) {
    const taken = ports
      .slice(0, index)
      .some(
        (other) =>
          other.protocol === port.protocol &&
          other.host === port.host &&
          (port.host === undefined ? other.container === port.container && other.ip === port.ip : addressesMeet(other.ip, port.ip)),
      );
    if (!taken) continue;
    const what = port.host === undefined ? `container port ${port.container}` : `host port ${port.host}`;
    return { index, message: `${what}/${port.protocol} stands in this task twice` };
  }
  return undefined;
}
