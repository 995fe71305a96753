/**
 * Whether a request means this node, and comes from its own page: a page of another site must not reach a node through the browser
 * of somebody who can (DNS rebinding gives it our address under its name; cross-site requests carry its Origin).
 */
import { isIPv4, isIPv6 } from 'node:net';

interface HostPort {
  /** Lower case; an IPv6 address in its short form, without brackets. */
  readonly host: string;
  readonly port: number | undefined;
}

const portMax = 65_535;
const wildcards: ReadonlySet<string> = new Set(['0.0.0.0', '::', '']);

/** An IPv6 address in its one short form (RFC 5952), an IPv4 address within one as such. */
function canonicalIp(address: string): string {
  if (!isIPv6(address) || address.includes('%')) return address;
  const short = new URL(`http://[${address}]`).hostname.slice(1, -1);
  const mapped = /^::ffff:([0-9a-f]{1,4}):([0-9a-f]{1,4})$/.exec(short);
  if (mapped === null) return short;
  const high = Number.parseInt(mapped[1]!, 16);
  const low = Number.parseInt(mapped[2]!, 16);
  return [high >> 8, high & 255, low >> 8, low & 255].join('.');
}

/** A name or address as it is compared: lower case, without the dot that ends a full DNS name. */
function canonicalHost(text: string): string {
  const lower = text.toLowerCase();
  if (isIPv6(lower)) return canonicalIp(lower);
  const name = lower.endsWith('.') ? lower.slice(0, -1) : lower;
  // `127.0.0.1.` is not an address, and not a name either.
  return isIPv4(name) && name !== lower ? lower : name;
}

function parsePort(digits: string): number | undefined {
  const port = Number(digits);
  return /^\d{1,5}$/.test(digits) && port <= portMax ? port : undefined;
}

/** `host[:port]` of RFC 9110 (7.2) in the strict form that clients send; undefined for anything else, so nothing is guessed. */
function parseHostPort(text: string): HostPort | undefined {
  const match = /^(?:\[(?<v6>[0-9a-f:.]+)\]|(?<name>[a-z0-9._-]+))(?::(?<port>[0-9]+))?$/i.exec(text);
  if (match?.groups === undefined) return undefined;
  const { v6, name, port: digits } = match.groups;
  const port = digits === undefined ? undefined : parsePort(digits);
  if (digits !== undefined && port === undefined) return undefined;
  if (v6 !== undefined) return isIPv6(v6) ? { host: canonicalIp(v6.toLowerCase()), port } : undefined;
  return { host: canonicalHost(name!), port };
}

/** Of a canonical host. */
function isLoopbackName(host: string): boolean {
  return host === 'localhost' || host === '::1' || (isIPv4(host) && host.startsWith('127.'));
}

/** The host that a node was told to listen on; an IPv6 address may stand in brackets. */
function listenName(listenHost: string): string {
  return canonicalHost(listenHost.startsWith('[') && listenHost.endsWith(']') ? listenHost.slice(1, -1) : listenHost);
}

/** Whether a node that listens on this host can be reached from its own machine only, by name or address (RFC 6761, 6.3; RFC 1122, 3.2.1.3). */
export function isLoopback(listenHost: string): boolean {
  return isLoopbackName(listenName(listenHost));
}

/** Whether a (canonical) host in a request means a node that listens on `listenHost`. */
function meansUs(host: string, listenHost: string): boolean {
  const own = listenName(listenHost);
  if (isLoopbackName(own)) return isLoopbackName(host);
  // Every address of the machine is ours then, and no name can be told from a rebound one.
  if (wildcards.has(own)) return isLoopbackName(host) || isIPv4(host) || isIPv6(host);
  return host === own;
}

/**
 * Whether a Host header names this node: its listen address; any loopback name when it listens on loopback; any IP address or
 * loopback name when it listens on all addresses (0.0.0.0, ::). A port must be ours; no port means the scheme's own and is left to
 * the caller's listener.
 */
export function checkHost(hostHeader: string | undefined, listenHost: string, listenPort: number): boolean {
  const parsed = hostHeader === undefined ? undefined : parseHostPort(hostHeader);
  if (parsed === undefined) return false;
  return (parsed.port ?? listenPort) === listenPort && meansUs(parsed.host, listenHost);
}

/**
 * Whether an Origin header lets a request pass: none (not a browser's cross-site request), or this node's own page. `null` (a
 * sandbox, a file, a redirect) is refused, since anybody can have it.
 * @param secure whether this node speaks TLS: its own page's scheme is then https
 */
export function checkOrigin(originHeader: string | undefined, listenHost: string, listenPort: number, secure = false): boolean {
  if (originHeader === undefined) return true;
  const match = /^(https?):\/\/([^/]+)$/i.exec(originHeader);
  if (match === null) return false;
  const scheme = match[1]!.toLowerCase();
  if (scheme !== (secure ? 'https' : 'http')) return false;
  const parsed = parseHostPort(match[2]!);
  if (parsed === undefined) return false;
  // An origin leaves out its scheme's own port (RFC 6454, 6.2).
  const port = parsed.port ?? (secure ? 443 : 80);
  return port === listenPort && meansUs(parsed.host, listenHost);
}
