/**
 * The few questions the demo asks a Docker engine before a node runs (Docker Engine API): which images are there, which of them
 * have a shell, one pull, and in the end whether a container is left. The node itself has the runtime for all else.
 */
import { request } from 'node:http';
import type { RequestOptions } from 'node:http';
import { problem } from '../core/errors.ts';
import { label } from '../core/ids.ts';

/** An image that is present. */
export interface EngineImage {
  /** `busybox:latest`. */
  readonly tag: string;
  readonly sizeBytes: number;
}

/** Where an engine listens: a socket's path, or a host and port. */
export type EngineAddress = Pick<RequestOptions, 'socketPath' | 'host' | 'port'>;

/** The engine's address: DOCKER_HOST, else the usual socket. @throws CubeError `no-engine` for one the demo cannot ask */
export function engineAddress(env: NodeJS.ProcessEnv): EngineAddress {
  const told = env['DOCKER_HOST'];
  if (!told) return { socketPath: process.platform === 'win32' ? '//./pipe/docker_engine' : '/var/run/docker.sock' };
  const path = /^(?:unix|npipe):\/\/(.+)$/.exec(told)?.[1];
  if (path !== undefined) return { socketPath: path };
  const tcp = /^(?:tcp|http):\/\/([^:/]+):(\d+)\/?$/.exec(told);
  if (!tcp || env['DOCKER_TLS_VERIFY']) throw problem('no-engine', `the demo cannot ask the engine at DOCKER_HOST=${told}`);
  return { host: tcp[1], port: tcp[2] };
}

interface EngineAnswer {
  readonly status: number;
  readonly text: string;
}

/** A Docker engine, asked over its HTTP API. Every call rejects with CubeError `no-engine` or `engine-error`, or when it takes too long. */
export class Engine {
  private readonly address: EngineAddress;
  private readonly callMs: number;

  constructor(address: EngineAddress, callMs: number) {
    this.address = address;
    this.callMs = callMs;
  }

  /** Images with a tag, smallest first. */
  async images(): Promise<readonly EngineImage[]> {
    const found = (await this.call('GET', '/images/json')) as { RepoTags: string[] | null; Size: number }[];
    const tagged = found.flatMap(({ RepoTags, Size }) => (RepoTags ?? []).map((tag) => ({ tag, sizeBytes: Size })));
    return tagged.filter((image) => !image.tag.includes('<none>')).toSorted((a, b) => a.sizeBytes - b.sizeBytes);
  }

  /** Whether `/bin/sh` is in an image and its entrypoint leaves the command alone. */
  async hasPlainShell(tag: string): Promise<boolean> {
    const image = (await this.call('GET', `/images/${encodeURIComponent(tag)}/json`)) as { Config: { Entrypoint: string[] | null } };
    if (image.Config.Entrypoint?.length) return false;
    const { Id } = (await this.call('POST', '/containers/create', { Image: tag, Cmd: ['/bin/sh'] })) as { Id: string };
    try {
      const { status } = await this.send('HEAD', `/containers/${Id}/archive?path=/bin/sh`, undefined, this.callMs);
      return status === 200;
    } finally {
      await this.call('DELETE', `/containers/${Id}?force=1&v=1`);
    }
  }

  /** Pulls an image. */
  async pull(name: string, tag: string, withinMs: number): Promise<void> {
    const path = `/images/create?fromImage=${encodeURIComponent(name)}&tag=${encodeURIComponent(tag)}`;
    const { text: progress } = await this.accepted('POST', path, undefined, withinMs);
    const failure = /"error":"([^"]*)"/.exec(progress)?.[1];
    if (failure !== undefined) throw problem('engine-error', failure);
  }

  /** Removes what is left of a node's containers. @returns how many there were */
  async removeContainersOf(nodeId: string): Promise<number> {
    const filters = encodeURIComponent(JSON.stringify({ label: [`${label.node}=${nodeId}`] }));
    const left = (await this.call('GET', `/containers/json?all=1&filters=${filters}`)) as { Id: string }[];
    for (const { Id } of left) await this.call('DELETE', `/containers/${Id}?force=1&v=1`);
    return left.length;
  }

  private async call(method: string, path: string, body?: unknown): Promise<unknown> {
    const { text } = await this.accepted(method, path, body, this.callMs);
    return text === '' ? undefined : (JSON.parse(text) as unknown);
  }

  private async accepted(method: string, path: string, body: unknown, withinMs: number): Promise<EngineAnswer> {
    const answer = await this.send(method, path, body, withinMs);
    if (answer.status >= 300) throw problem('engine-error', `${method} ${path}: ${answer.status} ${answer.text.trim()}`);
    return answer;
  }

  private send(method: string, path: string, body: unknown, withinMs: number): Promise<EngineAnswer> {
    return new Promise((resolve, reject) => {
      const signal = AbortSignal.timeout(withinMs);
      const fail = (error: Error): void =>
        reject(problem('no-engine', signal.aborted ? `the engine took longer than ${withinMs} ms` : error.message, { cause: error }));
      const headers = body === undefined ? {} : { 'content-type': 'application/json' };
      const call = request({ ...this.address, method, path, headers, signal }, (answer) => {
        const pieces: Buffer[] = [];
        answer.on('data', (piece: Buffer) => pieces.push(piece));
        answer.on('error', fail);
        answer.on('end', () => resolve({ status: answer.statusCode ?? 500, text: Buffer.concat(pieces).toString('utf8') }));
      });
      call.on('error', fail);
      call.end(body === undefined ? undefined : JSON.stringify(body));
    });
  }
}
