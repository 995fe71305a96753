/** Where the Docker engine is, and what to tell a user when nothing answers there. */
import { existsSync, readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { problem } from '../../core/errors.ts';
import type { CubeError } from '../../core/errors.ts';
import { codeOf } from '../code-of.ts';

/** An engine's address, in the form the modem wants. */
export interface EngineAddress {
  /** For people: `/var/run/docker.sock`, `tcp://build:2376`. */
  readonly shown: string;
  /** Whether the engine runs on this host: its files and ports can be looked at. */
  readonly local: boolean;
  readonly socketPath?: string;
  readonly protocol?: 'http' | 'https';
  readonly host?: string;
  readonly port?: number;
  readonly ca?: Buffer;
  readonly cert?: Buffer;
  readonly key?: Buffer;
}

/** The usual places of the socket: the system's engine, Docker Desktop's, a rootless one's. */
function usualSockets(): string[] {
  const sockets = ['/var/run/docker.sock', join(homedir(), '.docker/run/docker.sock')];
  const user = process.getuid?.();
  if (user !== undefined) sockets.push(`/run/user/${user}/docker.sock`);
  return sockets;
}

function certificates(folder: string): Pick<EngineAddress, 'ca' | 'cert' | 'key'> {
  const read = (name: string): Buffer => {
    try {
      return readFileSync(join(folder, name));
    } catch (error) {
      throw problem('usage', `the engine's certificates could not be read: ${String(error)}`, { cause: error });
    }
  };
  return { ca: read('ca.pem'), cert: read('cert.pem'), key: read('key.pem') };
}

/**
 * Reads an engine's address as DOCKER_HOST has it: a path, `unix://path`, `tcp://host:port`, `http(s)://host:port`.
 * @param text undefined or empty: the first of the usual sockets that exists
 * @param certificateFolder holds ca.pem, cert.pem and key.pem (DOCKER_CERT_PATH); with it the connection is TLS
 * @throws CubeError `usage` for an address of another kind, or certificates that cannot be read
 */
export function engineAddress(text: string | undefined, certificateFolder?: string): EngineAddress {
  if (!text) {
    const sockets = usualSockets();
    const path = sockets.find((candidate) => existsSync(candidate)) ?? sockets[0]!;
    return { shown: path, local: true, socketPath: path };
  }
  const path = text.startsWith('unix://') ? text.slice('unix://'.length) : text.startsWith('/') ? text : undefined;
  if (path !== undefined) return path === '' ? engineAddress(undefined) : { shown: path, local: true, socketPath: path };
  const bad = (why: string): CubeError =>
    problem('usage', `"${text}" is no address of a Docker engine: ${why}`, { hint: 'unix:///var/run/docker.sock, or tcp://host:2375' });
  if (!URL.canParse(text)) throw bad('it is no URL');
  const url = new URL(text);
  if (!['tcp:', 'http:', 'https:'].includes(url.protocol)) throw bad(`${url.protocol}// is not known`);
  if (url.hostname === '') throw bad('it names no host');
  const secure = url.protocol === 'https:' || url.port === '2376' || certificateFolder !== undefined;
  return {
    shown: `${url.protocol}//${url.host}`,
    local: ['localhost', '127.0.0.1', '[::1]'].includes(url.hostname),
    protocol: secure ? 'https' : 'http',
    host: url.hostname,
    port: url.port === '' ? (secure ? 2376 : url.protocol === 'http:' ? 80 : 2375) : Number(url.port),
    ...(certificateFolder === undefined ? {} : certificates(certificateFolder)),
  };
}

const programs = ['/usr/bin/dockerd', '/usr/sbin/dockerd', '/usr/local/bin/dockerd', '/Applications/Docker.app'];

/** What to do when a socket is not there: install the engine, or start the one that is installed. */
function absent(): string {
  return programs.some((program) => existsSync(program))
    ? 'Docker is installed but does not run: start it (`sudo systemctl start docker`), or use --runtime process'
    : 'install Docker (https://docs.docker.com/engine/install/), or use --runtime process';
}

const refusals: Readonly<Record<string, { readonly why: string; readonly hint: () => string }>> = {
  ENOENT: { why: 'there is no such socket', hint: absent },
  ENOTSOCK: { why: 'it is no socket', hint: absent },
  EACCES: {
    why: 'permission denied',
    hint: () => 'add your user to the group docker (`sudo usermod -aG docker $USER`, then log in again), or use --runtime process',
  },
  ECONNREFUSED: { why: 'nothing listens there', hint: absent },
  ENOTFOUND: { why: 'no host has that name', hint: () => 'check --docker-host or DOCKER_HOST, or use --runtime process' },
  EAI_AGAIN: { why: 'its name could not be looked up', hint: () => 'check --docker-host or DOCKER_HOST, or use --runtime process' },
  ETIMEDOUT: { why: 'it does not answer', hint: () => 'check --docker-host or DOCKER_HOST, or use --runtime process' },
  EHOSTUNREACH: { why: 'the host cannot be reached', hint: () => 'check --docker-host or DOCKER_HOST, or use --runtime process' },
};

/**
 * Names an engine that does not answer: which address, why, and what to do.
 * @param thrown what Node's http client failed with
 * @returns undefined when the failure is of another kind
 */
export function unreachableEngine(thrown: unknown, address: EngineAddress): CubeError | undefined {
  const code = String(codeOf(thrown));
  const row = refusals[code === 'EPERM' ? 'EACCES' : code];
  if (!row) return undefined;
  return problem('no-engine', `no Docker engine answers at ${address.shown}: ${row.why}`, { hint: row.hint(), cause: thrown });
}
