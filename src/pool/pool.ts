/**
 * The scorer on piscina's threads. Whatever goes wrong there (a thread that dies or cannot start, a batch that takes too long, a full
 * queue), the batch is scored inline, with the same answer, and the log says so; the next batch tries the pool again.
 */
import type { Piscina } from 'piscina';
import type { Limits } from '../core/limits.ts';
import type { Plan, ScoreRequest } from '../core/placement.ts';
import type { Log, Metrics } from '../ports/ambient.ts';
import type { Scorer } from '../ports/scorer.ts';
import { decode, encode, type Outcome } from '../scheduling/placing/batch.ts';
import { pack, type Crossing } from './crossing.ts';
import { openInlineScorer } from './inline.ts';

/** What the pool needs from outside. */
export interface PoolOptions {
  readonly limits: Pick<Limits, 'poolThreadsMax' | 'poolIdleMs' | 'poolQueueMax' | 'scoreMs'>;
  readonly log: Log;
  readonly metrics?: Metrics;
  /** URL of the module the threads run, whose default export takes a crossing and gives an outcome; for tests. */
  readonly workerUrl?: string;
}

/** The module beside this one: `.js` once compiled, `.ts` under tsx. */
const ownWorkerUrl = (import.meta.url.endsWith('.ts') ? new URL('./worker.ts', import.meta.url) : new URL('./worker.js', import.meta.url))
  .href;

/** Where a pool refuses a batch because it is full, it is healthy and stays. */
class QueueFull extends Error {
  constructor() {
    super('Task queue is at limit');
  }
}

/** A pool of threads, and what to abort when it turns out to be broken. */
interface Live {
  readonly piscina: Piscina<Crossing, Outcome>;
  readonly runs: Set<AbortController>;
}

class PoolScorer implements Scorer {
  readonly #options: PoolOptions;
  readonly #threads: number;
  readonly #inline = openInlineScorer();
  /** Set from the first batch on, until that pool breaks. */
  #opening: Promise<Live> | undefined;
  #live: Live | undefined;
  readonly #ending = new Set<Promise<void>>();
  /** Buffers that no thread uses now. */
  readonly #free: SharedArrayBuffer[] = [];
  #closed = false;

  constructor(options: PoolOptions) {
    this.#options = options;
    this.#threads = Math.floor(options.limits.poolThreadsMax);
    options.metrics?.gauge('cube_scorer_threads', 'Threads of the scoring pool alive now.', () => this.#live?.piscina.threads.length ?? 0);
  }

  async score(request: ScoreRequest): Promise<Plan> {
    if (this.#closed) return this.#inline.score(request);
    try {
      const plan = await this.#scoreInPool(request);
      this.#options.metrics?.count('cube_scorer_batches_total', 'Batches scored by the pool.');
      return plan;
    } catch (thrown) {
      // Closing takes the threads away from batches under way: expected, and nothing to warn of.
      if (!this.#closed) {
        const why = thrown instanceof Error ? reasonOf(thrown) : String(thrown);
        this.#options.log.warn('the scoring pool could not do this batch; it is scored inline', { why });
        this.#options.metrics?.count('cube_scorer_fallbacks_total', 'Batches scored inline because the pool could not.');
      }
      return this.#inline.score(request);
    }
  }

  async close(): Promise<void> {
    this.#closed = true;
    // A pool that cannot be opened has no threads to end; the batch that wanted it has said so.
    const live = await this.#opening?.catch(() => undefined);
    if (live) this.#discard(live, 'the scorer is being closed');
    await Promise.all(this.#ending);
  }

  async #scoreInPool(request: ScoreRequest): Promise<Plan> {
    const { poolQueueMax, scoreMs } = this.#options.limits;
    // Before anything is waited for: the table goes on changing.
    const encoded = encode(request);
    const crossing = pack(encoded, this.#free.pop());
    this.#opening ??= this.#open();
    const opening = this.#opening;
    let live: Live;
    try {
      live = await opening;
    } catch (thrown) {
      if (this.#opening === opening) this.#opening = undefined;
      throw thrown;
    }
    if (this.#closed || this.#live !== live) throw new Error('the pool is being closed');
    // piscina bounds only what it queues without a signal, so the bound is kept here.
    if (live.runs.size >= this.#threads + poolQueueMax) throw new QueueFull();
    const run = new AbortController();
    const timer = setTimeout(() => run.abort(new Error(`no plan within ${scoreMs} ms`)), scoreMs);
    live.runs.add(run);
    try {
      const outcome = await live.piscina.run(crossing, { signal: run.signal });
      // One that a broken thread had is not used again: it may still be written.
      this.#free.push(crossing.buffer);
      return decode(request, encoded.columns, outcome);
    } catch (thrown) {
      // With minThreads 0 piscina starts no thread for what already waits when one dies: the whole pool goes, and all who wait score inline.
      this.#discard(live, thrown instanceof Error ? reasonOf(thrown) : String(thrown));
      throw thrown;
    } finally {
      clearTimeout(timer);
      live.runs.delete(run);
    }
  }

  /** Loads piscina only now, so that a node which places nothing stays small. */
  async #open(): Promise<Live> {
    const { Piscina } = await import('piscina');
    const filename = this.#options.workerUrl ?? ownWorkerUrl;
    const live: Live = {
      piscina: new Piscina<Crossing, Outcome>({
        filename,
        // Without it the threads inherit the flags of this process, as they should once compiled.
        ...(filename.endsWith('.ts') ? { execArgv: ['--import', import.meta.resolve('tsx')] } : {}),
        minThreads: 0,
        maxThreads: this.#threads,
        idleTimeout: this.#options.limits.poolIdleMs,
        maxQueue: Math.max(1, this.#options.limits.poolQueueMax),
        concurrentTasksPerWorker: 1,
        // The worker has no timers, so it may block between batches; with timers it would have to be 'async'.
        atomics: 'sync',
      }),
      runs: new Set(),
    };
    // A thread that cannot load its module tells nobody who waits for it: piscina only emits this event,
    live.piscina.on('error', (error: Error) => this.#discard(live, reasonOf(error)));
    // and one that exits while it loads not even that.
    live.piscina.on('workerDestroy', () =>
      setImmediate(() => {
        if (live.piscina.threads.length === 0 && live.runs.size > 0) this.#discard(live, 'the scoring thread ended');
      }),
    );
    this.#live = live;
    return live;
  }

  #discard(live: Live, why: string): void {
    if (this.#live !== live) return;
    this.#live = undefined;
    this.#opening = undefined;
    for (const run of live.runs) run.abort(new Error(why));
    const ending = live.piscina.destroy().finally(() => this.#ending.delete(ending));
    this.#ending.add(ending);
  }
}

/** What a failure says; an aborted run says why it was aborted. */
function reasonOf(error: Error): string {
  return error.cause instanceof Error ? error.cause.message : error.message;
}

/**
 * A scorer on up to `poolThreadsMax` threads, which start with the first batch and end after `poolIdleMs` without one; with 0 it is the
 * inline one. `close` ends the threads at once: a batch under way is scored inline, as is one that comes later.
 */
export function openPool(options: PoolOptions): Scorer {
  return options.limits.poolThreadsMax < 1 ? openInlineScorer() : new PoolScorer(options);
}
