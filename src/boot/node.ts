/** Composes a node from its options: the only place where drivers are made and actors started. */
import { join } from 'node:path';
import { watchActors } from '../../actors/system.ts';
import { WorkerBook } from '../../actors/worker/book.ts';
import { realClock } from '../ambient/clock.ts';
import { realIds, realRandom } from '../ambient/ids.ts';
import { createLog } from '../ambient/log.ts';
import { createMetrics } from '../ambient/metrics.ts';
import { createApi } from '../api/index.ts';
import { problem } from '../core/errors.ts';
import type { NodeOptions, Notice, RunningNode } from '../core/node-options.ts';
import { createFeed } from '../inspector/feed.ts';
import { pageFile } from '../inspector/page-files.ts';
import { openPool } from '../pool/pool.ts';
import type { Ambient, Metrics } from '../ports/ambient.ts';
import { openHostMeter } from '../runtime/host-meter.ts';
import { createAuth } from '../security/auth.ts';
import { openSealing } from '../security/sealing.ts';
import { checkHost, checkOrigin, isLoopback } from '../security/origin.ts';
import { openKeptLogs } from '../store/kept-logs.ts';
import { acceptLink, createWsDialer, type WebSocket } from '../transport/index.ts';
import { abortable } from '../runtime/abort.ts';
import { identityCopy, openDataDirectory, removeNodeFile, writeNodeFile, type DataDirectory } from './data-directory.ts';
import { Opened } from './opened.ts';
import { Refusals } from './refusals.ts';
import { reaches, startManager, startWorker, type ManagerRole, type WorkerRole } from './roles.ts';
import { firstFacts, openRuntime, tellFacts } from './runtime.ts';
import { startServer, type NodeServer } from './server.ts';
import { withDialerSteps, withLinkSteps, withRuntimeSteps } from './steps.ts';
import { openFirst, roleStore } from './stores.ts';

type Notify = (notice: Notice) => void;

/**
 * Starts a node in this process. What fails leaves nothing open.
 * @param signal gives the start up; of no meaning once the node runs
 * @throws CubeError `data-held`, `no-engine`, `conflict` for a port that is taken or a worker that its manager refuses, and what else
 *   keeps it from starting; the signal's reason
 */
export async function startNode(
  options: NodeOptions,
  notify: Notify,
  signal: AbortSignal = new AbortController().signal,
): Promise<RunningNode> {
  if (!isLoopback(options.listen.host)) {
    throw problem('not-yet', `listening on ${options.listen.host} needs TLS, which this version of Cube does not have yet`, {
      hint: 'listen on a loopback address such as 127.0.0.1:5555',
    });
  }
  if (options.openLoopback)
    notify({ level: 'warn', message: '--open-loopback: whoever can reach this address may do everything, without a token' });
  const ambient = ambientOf(options, notify);
  const directory = await openDataDirectory(options, ambient.ids, notify);
  notify({ level: 'info', message: `data: ${directory.path}` });
  const node = new Node(options, ambient, directory, notify, signal);
  try {
    await node.start();
    signal.throwIfAborted();
  } catch (thrown) {
    await node.abandon(signal.aborted ? signal.reason : thrown);
  }
  return node.running();
}

/** What a node says of itself while it runs goes to its user as notices; the details only if the level asks for them. */
function ambientOf(options: NodeOptions, notify: Notify): Ambient {
  const write = (line: string): void => notify({ level: 'warn', message: line.trimEnd() });
  return { clock: realClock(), ids: realIds(), random: realRandom, log: createLog({ level: options.logLevel, write, pretty: true }) };
}

class Node {
  readonly #options: NodeOptions;
  readonly #ambient: Ambient;
  readonly #metrics: Metrics = createMetrics();
  readonly #directory: DataDirectory;
  readonly #notify: Notify;
  readonly #signal: AbortSignal;
  readonly #opened: Opened;
  readonly #refusals: Refusals;
  #stopTasks: boolean;
  #manager: ManagerRole | undefined;
  #worker: WorkerRole | undefined;
  #server: NodeServer | undefined;
  #stopping: Promise<void> | undefined;
  #end!: { resolve(): void; reject(error: Error): void };
  readonly #ended = new Promise<void>((resolve, reject) => (this.#end = { resolve, reject }));

  constructor(options: NodeOptions, ambient: Ambient, directory: DataDirectory, notify: Notify, signal: AbortSignal) {
    this.#options = options;
    this.#ambient = ambient;
    this.#directory = directory;
    this.#notify = notify;
    this.#signal = signal;
    this.#stopTasks = options.stopTasks;
    this.#opened = new Opened(ambient.log);
    this.#refusals = new Refusals(options.limits, ambient.clock, directory);
    this.#ended.catch(() => undefined);
  }

  async start(): Promise<void> {
    const { roles, workers, join: manager } = this.#options;
    this.#opened.add('node.json', () => removeNodeFile(this.#directory.nodeFile, process.pid));
    if (roles.manager) await this.#startManager();
    // Closed after the worker, though it is opened after it: the worker says goodbye through it.
    this.#opened.add('the server', () => this.#server?.close());
    if (roles.worker) await this.#startWorker();
    this.#signal.throwIfAborted();
    await this.#listen();
    for (const address of workers) this.#manager?.dial(address);
    if (this.#worker && roles.manager) this.#worker.dial(this.#server!.url);
    else if (this.#worker && manager) this.#worker.dial(manager.url);
    if (this.#worker && roles.manager) await this.#joined(this.#worker);
    await writeNodeFile(this.#directory.nodeFile, {
      pid: process.pid,
      url: this.#server!.url,
      name: this.#options.name,
      nodeId: this.#nodeId(),
      startedAt: new Date(this.#ambient.clock.now()).toISOString(),
      version: this.#options.version,
      roles: Object.entries(roles).flatMap(([role, has]) => (has ? [role] : [])),
    });
  }

  running(): RunningNode {
    return {
      url: this.#server!.url,
      nodeId: this.#nodeId(),
      name: this.#options.name,
      clusterId: this.#clusterId() ?? '',
      stop: (how) => this.stop(how?.stopTasks),
      ended: this.#ended,
    };
  }

  /** Ends what was started, the worker first, so that its goodbye is heard. */
  stop(stopTasks = this.#options.stopTasks): Promise<void> {
    this.#stopTasks = stopTasks;
    this.#stopping ??= this.#opened.close().then(this.#end.resolve, (thrown: Error) => {
      this.#end.reject(thrown);
      throw thrown;
    });
    return this.#stopping;
  }

  /** Closes what a failed start has opened. @throws the failure */
  abandon(failure: unknown): Promise<never> {
    return this.#opened.closeAfter(failure);
  }

  #dialer(from: 'manager' | 'worker') {
    const { limits, join: manager } = this.#options;
    const token = (from === 'manager' ? manager?.token : undefined) ?? this.#directory.tokens.join;
    return withDialerSteps(createWsDialer({ limits, log: this.#ambient.log, token: () => token, from }));
  }

  async #startManager(): Promise<void> {
    const { limits } = this.#options;
    const { log } = this.#ambient;
    const open = () => roleStore('manager', this.#directory.managerFolder, { limits, log });
    const store = open();
    // Closed by the manager once it has it; to close it twice does no harm.
    this.#opened.add("the manager's store", () => store.close());
    const first = [await abortable(openFirst(store, this.#directory), this.#signal)];
    const manager = await startManager({
      ...this.#parts('worker'),
      openStore: () => first.pop() ?? open(),
      scorer: openPool({ limits, log, metrics: this.#metrics }),
      sealer: openSealing(this.#directory.sealingKey, (message) => log.warn(message)),
    });
    this.#manager = manager;
    this.#opened.add('the manager', () => manager.stop());
    this.#notify({ level: 'info', message: `cluster ${this.#clusterId()?.slice(0, 8)}` });
  }

  async #startWorker(): Promise<void> {
    const { limits } = this.#options;
    const { log, clock, ids } = this.#ambient;
    const { workerFolder, path } = this.#directory;
    const opened = roleStore('worker', join(workerFolder, 'store'), { limits, log });
    this.#opened.add("the worker's store", () => opened.close());
    const store = await abortable(openFirst(opened, this.#directory), this.#signal);
    const book = await abortable(
      WorkerBook.open(store, log, () => ids.id(), limits, identityCopy(workerFolder)),
      this.#signal,
    );
    const owner = {
      get clusterId() {
        // Pinned when the worker is first welcomed; there are no containers before that.
        return book.identity.clusterId ?? '';
      },
      nodeId: book.identity.nodeId,
    };
    const runtime = withRuntimeSteps(await openRuntime(this.#options, owner, workerFolder, this.#ambient));
    this.#opened.add('the runtime', () => runtime.close());
    const isNew = book.identity.clusterId === null;
    const look = { isNew, clock, retryMs: limits.engineRetryMs, notify: this.#notify, signal: this.#signal };
    tellFacts(this.#options, await firstFacts(runtime, look), this.#notify);
    const meter = openHostMeter({ clock, diskPath: path });
    const onRefused = (reason: string): void => this.#refusals.add(reason, this.#isForeign(book));
    const keptLogs = openKeptLogs(join(workerFolder, 'logs'), clock);
    const worker = await startWorker({ ...this.#parts('manager'), book, store, runtime, meter, keptLogs, onRefused });
    this.#worker = worker;
    this.#opened.add('the worker', () => worker.stop(this.#stopTasks));
  }

  /** Whether the worker's data belongs to another cluster than this node's manager. */
  #isForeign({ identity }: WorkerBook): boolean {
    return identity.clusterId !== null && identity.clusterId !== this.#manager?.manager.clusterId();
  }

  #parts(from: 'manager' | 'worker') {
    return { options: this.#options, ambient: this.#ambient, metrics: this.#metrics, dialer: this.#dialer(from), signal: this.#signal };
  }

  async #listen(): Promise<void> {
    const { listen, limits, name, version, openLoopback } = this.#options;
    const { log, clock, ids } = this.#ambient;
    const clusterId = () => this.#clusterId() ?? null;
    const nodeId = () => this.#nodeId();
    let port = listen.port;
    const api = createApi({
      ...(this.#manager ? { control: this.#manager.manager.control } : {}),
      ...(this.#worker ? { worker: this.#worker.control } : {}),
      auth: createAuth({ limits, clock, ids, tokens: this.#directory.tokens }),
      limits,
      clock,
      log,
      metrics: this.#metrics,
      info: {
        version,
        name,
        role: this.#options.roles.manager ? 'manager,worker' : 'worker',
        get clusterId() {
          return clusterId();
        },
        get nodeId() {
          return nodeId();
        },
      },
      openLoopback,
      checkHost: (host) => checkHost(host, listen.host, port),
      checkOrigin: (origin) => checkOrigin(origin, listen.host, port),
      page: pageFile,
    });
    this.#server = await startServer({
      listen,
      api,
      limits,
      log,
      feed: this.#feed(),
      clock,
      control: this.#manager?.manager.control,
      takesLinks: () => (this.#manager ? this.#manager.manager.control.ready() : this.#worker !== undefined),
      onLink: (socket, peer) => this.#accept(socket, peer),
    });
    port = this.#server.port;
  }

  /** What the inspector shows: the actors of this process, and on a manager its records. */
  #feed() {
    const { clock, log } = this.#ambient;
    const roots = [
      ...(this.#manager ? [{ name: 'manager', ref: this.#manager.actor }] : []),
      ...(this.#worker ? [{ name: 'worker', ref: this.#worker.actor }] : []),
    ];
    return createFeed({
      actors: watchActors(() => roots, clock),
      ...(this.#manager ? { control: this.#manager.manager.control } : {}),
      nodeId: this.#nodeId(),
      clock,
      limits: this.#options.limits,
      log,
    });
  }

  #accept(socket: WebSocket, peer: string): void {
    const { limits } = this.#options;
    const { log } = this.#ambient;
    const role = this.#manager ?? this.#worker;
    role?.accept(withLinkSteps(acceptLink(socket, { limits, log, peer, from: this.#manager ? 'worker' : 'manager' })));
  }

  #nodeId(): string {
    return this.#worker?.desk.book.identity.nodeId ?? this.#clusterId() ?? '';
  }

  #clusterId(): string | undefined {
    return this.#manager?.manager.clusterId() ?? this.#worker?.desk.book.identity.clusterId ?? undefined;
  }

  /** A node with both roles is ready when its worker was welcomed. @throws CubeError `conflict` when it is refused for good */
  async #joined({ actor }: WorkerRole): Promise<void> {
    const serving = reaches(actor, (snapshot) => snapshot.matches('serving'));
    try {
      await abortable(Promise.race([serving, this.#refusals.final]), this.#signal);
    } finally {
      this.#refusals.end();
    }
  }
}
