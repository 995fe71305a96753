/** An HTTP server in the engine's place, for answers that a real one gives only on a bad day. */
import { once } from 'node:events';
import { rmSync } from 'node:fs';
import { createServer } from 'node:http';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { randomUUID } from 'node:crypto';
import { realClock } from '../../src/ambient/clock.ts';
import type { Limits } from '../../src/core/limits.ts';
import type { Runtime } from '../../src/ports/runtime.ts';
import { openDockerRuntime } from '../../src/runtime/docker/docker.ts';
import { keptLog, testLimits } from '../contracts/runtime-harness.ts';

/** Answers one request. */
export type Answer = (request: IncomingMessage, response: ServerResponse, body: string) => void;

/** A running server. */
export interface ScriptedEngine {
  readonly socketPath: string;
  /** `POST /images/create?fromImage=a&tag=b`, oldest first. */
  readonly requests: string[];
  /** Gives the answer to requests whose line begins so; a later one wins. */
  on(start: string, answer: Answer): void;
  close(): Promise<void>;
}

/** An answer of JSON. */
export function json(status: number, body: unknown): Answer {
  return (_request, response) => {
    response.writeHead(status, { 'Content-Type': 'application/json' });
    response.end(JSON.stringify(body));
  };
}

/** An answer of JSON lines. */
export function jsonLinesAnswer(...documents: unknown[]): Answer {
  return (_request, response) => {
    response.writeHead(200, { 'Content-Type': 'application/json' });
    response.end(documents.map((document) => `${JSON.stringify(document)}\r\n`).join(''));
  };
}

/** Starts one that knows `/info` and `/version`. */
export async function scriptedEngine(): Promise<ScriptedEngine> {
  const socketPath = join(tmpdir(), `cube-engine-${randomUUID().slice(0, 8)}.sock`);
  const answers: [string, Answer][] = [];
  const requests: string[] = [];
  const server = createServer((request, response) => {
    const line = `${request.method} ${request.url}`;
    requests.push(line);
    let body = '';
    request.on('data', (bytes) => (body += String(bytes)));
    request.on('end', () => {
      const answer = answers.findLast(([start]) => line.startsWith(start))?.[1] ?? json(404, { message: `nothing scripted for ${line}` });
      answer(request, response, body);
    });
  });
  server.listen(socketPath);
  await once(server, 'listening');
  const engine: ScriptedEngine = {
    socketPath,
    requests,
    on: (start, answer) => {
      answers.push([start, answer]);
    },
    close: async () => {
      server.closeAllConnections();
      server.close();
      rmSync(socketPath, { force: true });
    },
  };
  engine.on(
    'GET /info',
    json(200, { NCPU: 2, MemTotal: 1e9, DockerRootDir: '/', MemoryLimit: true, SwapLimit: true, CpuCfsQuota: true, PidsLimit: true }),
  );
  engine.on('GET /_ping', json(200, 'OK'));
  engine.on('GET /version', json(200, { Version: '20.10', Os: 'linux', Arch: 'amd64' }));
  return engine;
}

/** Opens a Docker runtime on a socket or address. */
export function openOn(dockerHost: string, limits: Limits = testLimits): Promise<Runtime> {
  const owner = { clusterId: 'c', nodeId: 'n' };
  return openDockerRuntime({ dockerHost, owner, limits, log: keptLog(), clock: realClock() });
}

/** Runs a test with a runtime on a scripted engine. */
export async function onScript(check: (engine: ScriptedEngine, runtime: Runtime) => Promise<void>, limits?: Limits): Promise<void> {
  const engine = await scriptedEngine();
  const runtime = await openOn(engine.socketPath, limits);
  try {
    await check(engine, runtime);
  } finally {
    await runtime.close();
    await engine.close();
  }
}

/** A container's state as `inspect` gives it. */
export const inspect = (Status: string, StartedAt = '0001-01-01T00:00:00Z'): object => ({
  Id: 'a',
  Name: '/a',
  Created: '2026-01-01T00:00:00Z',
  Image: 'sha256:1',
  State: { Status, StartedAt, FinishedAt: '0001-01-01T00:00:00Z', ExitCode: 0, Error: '', OOMKilled: false },
  Config: { Labels: {} },
  HostConfig: {},
});
