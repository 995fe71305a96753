/** What the tests of rolling updates share: a small HTTP balancer that follows a job's events, a constant load on it, and counts of health. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { Agent, createServer, request, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import type { EventJson, StatusJson } from '../../src/core/views.ts';
import type { NodeProcess } from '../support/node-process.ts';

/** A test's context, as far as it is needed here. */
interface Scope {
  after(run: () => Promise<void>): void;
}

/** A service that serves the value of V. @param run ends the script that serves it */
export function webJob(name: string, count: number, version: string, more = '', run = 'exec httpd -f -p 8080 -h /www'): string {
  const script = `mkdir -p /www; echo $V > /www/index.html; ${run}`;
  return `name: ${name}
update: {parallel: 2, order: start-first, healthyFor: 1s${more}}
tasks:
  web:
    image: "busybox:latest"
    command: [/bin/sh, -c, "${script}"]
    count: ${count}
    env: {V: "${version}"}
    ports: ["8080"]
    health: {http: /, port: 8080, interval: 300ms, timeout: 2s, retries: 2, startPeriod: 1s}
    restart: {on: failure, attempts: 1, delay: 0s}
    stopDelay: 1s
    stopGrace: 0s
`;
}

/** Sends each request to the next instance; one that is stopping gets none from the moment on that this is told. */
class Balancer {
  readonly #node: NodeProcess;
  readonly #job: string;
  readonly #ended = new AbortController();
  /** Host ports by task id, of the instances that take requests. */
  #ports = new Map<string, number>();
  /** Tasks that are on their way out, whatever an answer that is older says. */
  readonly #dropped = new Set<string>();
  #turn = 0;
  #looking: Promise<void> | undefined;
  #lookAgain = false;
  /** Why requests could not be served. */
  readonly failures: string[] = [];
  readonly server = createServer((from, to) => {
    const ports = [...this.#ports.values()];
    const port = ports[this.#turn++ % Math.max(1, ports.length)];
    const fail = (why: string): void => {
      this.failures.push(`port ${port}: ${why}`);
      if (to.headersSent) to.destroy();
      else to.writeHead(502).end();
    };
    if (port === undefined) return fail('there is no instance');
    const onward = request({ host: '127.0.0.1', port, path: from.url, agent: false }, (answer) => {
      to.writeHead(answer.statusCode ?? 500);
      answer.on('error', ({ message }) => fail(message)).pipe(to);
    });
    onward.on('error', ({ message }) => fail(message)).end();
  });

  constructor(node: NodeProcess, job: string) {
    this.#node = node;
    this.#job = job;
  }

  /** Follows the job's events, from the first that is kept, until it is closed. */
  async follow(): Promise<void> {
    for await (const { machine, id, to } of this.#node.client().events({ job: this.#job, follow: true, signal: this.#ended.signal })) {
      if (machine !== 'task') continue;
      if (/^(stopping|stopped|failed|completed|lost|backingOff)/.test(to)) {
        this.#dropped.add(id);
        this.#ports.delete(id);
      } else if (to === 'running.healthy') void this.look();
    }
  }

  close(): void {
    this.#ended.abort();
    this.server.closeAllConnections();
    this.server.close();
  }

  /** Learns which instances there are. One look at a time: events come in bursts. */
  async look(): Promise<void> {
    this.#lookAgain = true;
    this.#looking ??= (async () => {
      while (this.#lookAgain) {
        this.#lookAgain = false;
        const { tasks } = await this.#node.client().status({ job: this.#job });
        const well = tasks.filter(({ id, state, health }) => state === 'running' && health === 'healthy' && !this.#dropped.has(id));
        this.#ports = new Map(well.map(({ id, ports }) => [id, ports[0]!.host]));
      }
      this.#looking = undefined;
    })();
    await this.#looking;
  }
}

/** A load that goes on until it is ended. */
export interface Load {
  /** Ends it. @returns how many requests went well, what they were answered, in the order in which it came up, and what failed */
  end(): Promise<{ readonly served: number; readonly seen: readonly string[]; readonly failures: readonly string[] }>;
}

async function bodyOf(answer: IncomingMessage): Promise<string> {
  let text = '';
  for await (const chunk of answer.setEncoding('utf8')) text += String(chunk);
  return text.trim();
}

/** Puts a job under constant load, from clients that keep their connections to the balancer. */
export async function startLoad(t: Scope, node: NodeProcess, job: string, loops = 4): Promise<Load> {
  const balancer = new Balancer(node, job);
  await balancer.look();
  const following = balancer.follow();
  balancer.server.listen(0, '127.0.0.1');
  await once(balancer.server, 'listening');
  const { port } = balancer.server.address() as AddressInfo;
  const agent = new Agent({ keepAlive: true, maxSockets: loops });
  const seen = new Set<string>();
  let [served, goesOn] = [0, true];
  const loop = async (): Promise<void> => {
    while (goesOn) {
      const sent = request({ host: '127.0.0.1', port, path: '/', agent }).end();
      const [answer] = (await once(sent, 'response')) as [IncomingMessage];
      const text = await bodyOf(answer);
      if (answer.statusCode === 200) {
        served++;
        seen.add(text);
      } else if (answer.statusCode !== 502) balancer.failures.push(`status ${answer.statusCode}: ${text}`);
      await sleep(5);
    }
  };
  const running = Array.from({ length: loops }, loop);
  let ended: ReturnType<Load['end']> | undefined;
  const load: Load = {
    end: () =>
      (ended ??= (async () => {
        goesOn = false;
        await Promise.all(running);
        agent.destroy();
        balancer.close();
        await following;
        return { served, seen: [...seen], failures: balancer.failures };
      })()),
  };
  t.after(async () => void (await load.end()));
  return load;
}

/** Fails unless everything was served. */
export async function assertServed(load: Load, ...versions: readonly string[]): Promise<number> {
  const { served, seen, failures } = await load.end();
  assert.deepEqual(failures, [], `${failures.length} of ${failures.length + served} requests failed`);
  assert.ok(served > 100, `only ${served} requests were made`);
  assert.deepEqual(seen, versions);
  return served;
}

/** The fewest instances of a job that were healthy at once after an event, by all its events. @param after the `seq` to begin with */
export function leastHealthy(events: readonly EventJson[], after: number): number {
  const healthy = new Set<string>();
  let least = Number.POSITIVE_INFINITY;
  for (const { machine, id, to, seq } of events) {
    if (seq > after) least = Math.min(least, healthy.size);
    if (machine !== 'task') continue;
    if (to === 'running.healthy') healthy.add(id);
    else healthy.delete(id);
  }
  return Math.min(least, healthy.size);
}

/** All events of a job so far. */
export async function eventsOf(node: NodeProcess, job: string): Promise<EventJson[]> {
  const events: EventJson[] = [];
  for await (const event of node.client().events({ job })) events.push(event);
  return events;
}

/** What the API tells of a job, and its tasks that run. */
export async function lookAt(node: NodeProcess, name: string) {
  const { jobs, tasks }: StatusJson = await node.client().status({ job: name });
  const running = tasks.filter(({ state }) => state === 'running').toSorted((a, b) => (a.slot < b.slot ? -1 : 1));
  return { job: jobs[0]!, running };
}
