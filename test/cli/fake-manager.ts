/** A manager's HTTP API made of a state that the test writes, for the command line to talk to. */
import { createServer } from 'node:http';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { TestContext } from 'node:test';
import { CubeError, errorBody, problem } from '../../src/core/errors.ts';
import type { EventJson, LogLineJson, NodeJson, StatusJson } from '../../src/core/views.ts';
import { anEvent } from './samples.ts';

/** A request as it came. */
export interface Seen {
  readonly method: string;
  readonly path: string;
  readonly authorization: string | undefined;
  readonly idempotencyKey: string | undefined;
  readonly body: unknown;
}

/** What a test's own answer may be. */
export type Answer = object | CubeError;

const missing = (what: string): CubeError => problem('not-found', `there is no ${what}`);

async function bodyOf(request: IncomingMessage): Promise<unknown> {
  const pieces: Buffer[] = [];
  for await (const piece of request) pieces.push(piece as Buffer);
  const text = Buffer.concat(pieces).toString('utf8');
  return text === '' ? undefined : (JSON.parse(text) as unknown);
}

/** The fake. Write `status`, `nodes`, `events`, `logs`, and own answers; read `seen`. */
export class FakeManager {
  readonly seen: Seen[] = [];
  status: StatusJson = { index: 1, jobs: [], tasks: [] };
  nodes: readonly NodeJson[] = [];
  events: readonly EventJson[] = [];
  logs: readonly LogLineJson[] = [];
  /** By `METHOD path`; each may look at the body and change the state. */
  readonly answers = new Map<string, (body: unknown) => Answer>();
  /** Streams stay open after their last line when they follow. */
  private readonly followers = new Map<ServerResponse, object>();
  private readonly server = createServer((request, response) => void this.handle(request, response));

  private constructor() {}

  static async start(t: TestContext, port = 0): Promise<FakeManager> {
    const fake = new FakeManager();
    await new Promise<void>((resolve) => fake.server.listen(port, '127.0.0.1', resolve));
    t.after(() => fake.stop());
    return fake;
  }

  get port(): number {
    return (this.server.address() as AddressInfo).port;
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  /** Changes the state and tells the followers of events. */
  change(status: StatusJson): void {
    this.status = status;
    for (const [follower, line] of this.followers) follower.write(`${JSON.stringify(line)}\n`);
  }

  /** Breaks all connections and lets go of the port. */
  async stop(): Promise<void> {
    this.server.closeAllConnections();
    await new Promise((resolve) => this.server.close(resolve));
  }

  paths(): string[] {
    return this.seen.map(({ method, path }) => `${method} ${path}`);
  }

  private async handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const method = request.method!;
    const url = new URL(request.url!, this.url);
    const { authorization, 'idempotency-key': key } = request.headers;
    const body = await bodyOf(request);
    this.seen.push({ method, path: request.url!, authorization, idempotencyKey: key as string | undefined, body });
    const own = this.answers.get(`${method} ${url.pathname}`);
    const answer = own ? own(body) : this.usual(method, url, response);
    if (answer === undefined) return;
    const failed = answer instanceof CubeError;
    response.writeHead(failed ? answer.row.status : 200, { 'content-type': 'application/json' });
    response.end(JSON.stringify(failed ? errorBody(answer) : answer));
  }

  private usual(method: string, url: URL, response: ServerResponse): Answer | undefined {
    if (method !== 'GET') return missing(`${method} ${url.pathname}`);
    if (url.pathname === '/v1/status') return this.statusOf(url.searchParams.get('job'), url.searchParams.get('task'));
    if (url.pathname === '/v1/nodes') return this.nodes;
    if (url.pathname === '/v1/events') return this.stream(url, response, this.events);
    if (url.pathname.endsWith('/logs')) return this.stream(url, response, this.logs);
    return missing(url.pathname);
  }

  private statusOf(job: string | null, task: string | null): Answer {
    const { index, jobs, tasks } = this.status;
    if (job !== null) {
      if (!jobs.some((one) => one.name === job)) return missing(`job "${job}"`);
      return { index, jobs: jobs.filter((one) => one.name === job), tasks: tasks.filter((one) => one.job === job) };
    }
    if (task === null) return this.status;
    const found = tasks.filter((one) => one.id.startsWith(task) || one.slot === task);
    if (found.length === 0) return missing(`task "${task}"`);
    return { index, jobs: jobs.filter((one) => one.name === found[0]!.job), tasks: found };
  }

  private stream(url: URL, response: ServerResponse, lines: readonly object[]): undefined {
    response.writeHead(200, { 'content-type': 'application/x-ndjson' });
    response.flushHeaders();
    for (const line of lines) response.write(`${JSON.stringify(line)}\n`);
    if (url.searchParams.get('follow') !== 'true') {
      response.end();
      return undefined;
    }
    // Whoever follows hears more of what he follows.
    this.followers.set(response, lines === this.logs ? (lines[0] ?? {}) : anEvent());
    response.on('close', () => this.followers.delete(response));
    return undefined;
  }
}
