/**
 * Every bound, timeout and default of Cube, with its unit in the name (Ms, Bytes, Max, or a plain count).
 * Each one is settable: `cube up --limit name=value` (many) or `CUBE_LIMITS=name=value,name=value`.
 */
import { problem } from './errors.ts';
import { nearest } from './text.ts';

const defaults = {
  // --- HTTP and the control queue
  /** Largest request body taken; over it the answer is 413. */
  bodyBytesMax: 1_048_576,
  /** Requests that may wait for the manager; past it the answer is 429. */
  controlQueueMax: 1_000,
  /** What a 429 tells the client to wait. */
  retryAfterMs: 1_000,
  /** Longest life of a one-use ticket in a URL. */
  ticketMs: 60_000,
  /** Tickets alive at once. */
  ticketsMax: 1_000,
  /** How long a page's login lasts. */
  sessionMs: 12 * 3_600_000,
  /** Logins kept at once; past it the oldest ends. */
  sessionsMax: 1_000,
  /** Answers kept for repeated Idempotency-Keys, and for how long. */
  idempotencyKeysMax: 10_000,
  idempotencyMs: 3_600_000,
  /** Bytes an inspector or event client may be behind before it is cut. */
  feedBufferBytesMax: 8 * 1_048_576,
  /** Largest message a feed's client may send; feeds only speak, so what it says is ignored. */
  feedMessageBytesMax: 65_536,
  /** Clients of the event stream, log streams and feed at once. */
  streamsMax: 256,
  /** How long a stopping node waits for open requests. */
  shutdownMs: 5_000,

  // --- the client
  /** Time to connect, and to get the head of an answer. */
  clientConnectMs: 5_000,
  clientAnswerMs: 30_000,
  /** Silence after which a followed stream counts as broken; the node gives a sign of life every `heartbeatMs`. */
  clientSilenceMs: 10_000,
  /** How often a request whose connection broke is sent again, with the same Idempotency-Key. */
  clientRetries: 2,
  /** Pause before it is, and before a followed stream is opened again: first, factor, cap. */
  clientRetryDelayMs: 100,
  clientRetryBackoff: 2,
  clientRetryDelayMsMax: 2_000,
  /** How long a followed stream is opened again and again before the client gives up. */
  clientReconnectMs: 60_000,
  /** Longest line of a stream. */
  clientLineCharsMax: 16 * 1_048_576,

  // --- jobs
  /** Instances one job may ask for. */
  jobInstancesMax: 1_000_000,
  /** Tasks (specs) one job may have. */
  jobTasksMax: 100,
  /** Priority of a job that tells none; higher is placed first. */
  jobPriority: 50,
  /** Ports one task may ask for. */
  taskPortsMax: 1_000,
  /** Versions of a job that are kept. */
  jobVersionsMax: 50,
  /** Aliases a YAML file may expand (a bomb has billions). */
  yamlAliasesMax: 100,
  /** Levels of nesting in a YAML file: deeper ones would exhaust the parser's stack. */
  yamlDepthMax: 64,
  /** Longest duration in a job file: timers count in 31 bits. */
  jobDurationMsMax: 2_147_483_647,
  /** Problems of one file that are listed; the rest is counted. */
  problemsMax: 100,
  /** Characters of a client's Task.ID in the seeds' API. */
  clientTaskIdCharsMax: 128,
  /** Characters of an id that name a task, at least. */
  idPrefixChars: 4,
  /** Final task records kept for one slot. */
  finalRecordsPerSlotMax: 5,
  /** How long after a failed placement a service's slot is placed again: first delay, factor, cap. */
  replaceDelayMs: 1_000,
  replaceBackoff: 2,
  replaceDelayMsMax: 60_000,

  // --- restart and stop defaults of a task
  restartAttempts: 3,
  restartWithinMs: 600_000,
  restartDelayMs: 1_000,
  restartBackoff: 2,
  restartDelayMsMax: 60_000,
  /** Share of a restart delay that is random, so that many restarts do not meet. */
  restartJitter: 0.1,
  stopGraceMs: 10_000,
  /** Instances of a task replaced at once when a job changes. */
  updateParallel: 1,

  // --- between hosts
  /** How often each end of a link says that it lives. */
  heartbeatMs: 1_000,
  /** How often a worker measures its host. */
  measureMs: 5_000,
  /** Silence after which a link is abandoned and dialled anew. */
  linkSilenceMs: 2_500,
  /** One attempt to dial, and to greet. */
  dialMs: 1_000,
  greetMs: 2_000,
  /** Pause between dials: first, factor, cap. */
  redialDelayMs: 100,
  redialBackoff: 2,
  redialDelayMsMax: 1_000,
  /** Pause before a link is tried again whose other end said no. */
  refusedDelayMs: 2_000,
  /** No beat for this long: suspect, and nothing new is placed there. */
  nodeSuspectMs: 3_000,
  /** No beat for this long: down, and its tasks are replaced. */
  nodeDownMs: 8_000,
  /** After a change of leader, a node that has not greeted for this long is down. */
  takeoverDownMs: 4_000,
  /** How long a node that said goodbye is waited for; with the stop of its tasks it may ask for more, up to the cap. */
  nodeAwayMs: 60_000,
  nodeAwayMsMax: 3_600_000,
  /** How late the manager's own tick may be before every node gets a fresh deadline. */
  managerTickLateMs: 1_000,
  /** Largest frame on a link. */
  frameBytesMax: 16 * 1_048_576,
  /** Orders that travel in one frame, in bytes; a single larger one still travels alone. */
  ordersBytesMax: 4 * 1_048_576,
  /** Bytes a link may have queued before its peer counts as too slow and is cut. */
  linkBufferBytesMax: 64 * 1_048_576,
  /** Frames that may wait to be handled from one link. */
  linkInboxMax: 10_000,
  /** Frames in one message of a link; more in one tick travel in several. */
  linkBatchFramesMax: 1_000,
  /** How long a closing link waits for its peer's goodbye before it drops the socket. */
  linkCloseMs: 1_000,
  /** Streams (logs) open on one link at once. */
  linkStreamsMax: 256,
  /** Longest time a report waits for others to travel with. */
  reportBatchMs: 5,
  /** Bytes of a stream (logs) in flight before the receiver grants more. */
  streamWindowBytes: 262_144,
  /** Tasks of a job whose logs are read at once, and merged by time; of more they come one after the other. */
  logStreamsMax: 32,

  // --- scheduling
  /** Tasks in one batch. */
  batchTasksMax: 10_000,
  /** Threads of the scoring pool; 0 scores inline. */
  poolThreadsMax: 1,
  /** Idle time after which a scoring thread ends. */
  poolIdleMs: 30_000,
  /** Batches that may wait for a scoring thread; past it a batch is scored inline. */
  poolQueueMax: 4,
  /** One scoring run; past it the batch is scored inline. */
  scoreMs: 30_000,
  /** Tasks a node takes, whatever they reserve. */
  slotsMax: 250,
  /** E-PVM's base: Lieb's square ice constant, (4/3)^(3/2), as in the Cube book. */
  epvmBase: 1.539_600_717_839_002,
  /** Free host ports a node hands out. */
  portsFrom: 20_000,
  portsTo: 29_999,
  /** Reasons named for one unplaced task. */
  reasonsMax: 8,

  // --- the worker and its runtime
  /** Containers prepared and started at once. */
  startParallelMax: 8,
  /** One call to the engine that should answer at once. */
  engineCallMs: 30_000,
  /** Tries of a pull that failed on the network, and the time they all share. */
  pullTries: 3,
  pullMs: 20_000,
  /** A pull that has begun and says nothing for this long counts as failed. */
  pullStallMs: 120_000,
  /** Pause before an engine that did not answer is asked again. */
  engineRetryMs: 1_000,
  /** How often the containers that are waited for are compared with the engine's list, should its events fail silently. */
  engineResyncMs: 30_000,
  /** How long the reason of a SIGKILL is awaited: the engine tells that memory ran out a little after the end. */
  oomLateMs: 500,
  /** How often the process runtime looks at the output and the end of what runs. */
  processPollMs: 250,
  /** Times kept of one process's output; with more they get coarser. */
  logMarksMax: 1_000,
  /** Characters of one line of output that are held back while its end is awaited. */
  logLineCharsMax: 65_536,
  /** Size and number of a container's log files. */
  logFileBytesMax: 10 * 1_048_576,
  logFiles: 3,
  /** Processes in one container. */
  pidsMax: 4_096,
  /** Pause between looks at the tasks that a stopping worker waits for. */
  drainPollMs: 50,
  /** Finished tasks whose records and logs a worker keeps. */
  workerFinalTasksMax: 200,

  // --- the store
  /** Commits that may wait for the disk; past it the answer is 429. */
  storeQueueMax: 10_000,
  /** Records in one batch. */
  storeBatchMax: 10_000,
  /** Commit marks kept, by which a gap is found at load. */
  storeMarksMax: 1_000,
  /** Records, and bytes, read from the disk in one step. */
  storeReadRecordsMax: 1_000,
  storeReadBytesMax: 1_048_576,
  /** Events kept: age and number. */
  eventsAgeMs: 72 * 3_600_000,
  eventsMax: 100_000,
  /** Events read or removed at a time. */
  eventsPageMax: 1_000,
  /** How often events are looked at for their age. */
  eventsSweepMs: 3_600_000,

  // --- the inspector
  /** Records shown to who starts to look: of each kind those at work, and those that ended; the newest of them. */
  inspectRecordsMax: 500,
  inspectEndedMax: 200,
  /** What is shown of one value: levels, entries of a list or object, characters of a text, and values in all. */
  inspectDepthMax: 8,
  inspectEntriesMax: 100,
  inspectTextCharsMax: 1_000,
  inspectValuesMax: 1_000,
  /** Events that may wait for their records to be read; past it all records are read anew. */
  inspectQueueMax: 10_000,
  /** Pause before records that could not be read are tried again. */
  inspectRetryMs: 1_000,
  /** How often nodes are read anew while tasks come and go. */
  inspectNodesMs: 1_000,

  // --- the command line
  /** How long `submit`, `run` and `start` wait for a service to get healthy. */
  submitDeadlineMs: 300_000,
  /** How often a waiting command looks when no event came, and how long a burst of events is one. */
  waitPollMs: 1_000,
  waitDebounceMs: 50,
  /** How long a waiting command goes on trying while the manager does not answer. */
  waitReconnectMs: 30_000,
  /** How long a completing shell and `version` wait for a node's answer. */
  probeMs: 500,
  /** The demo: one question to the engine, the pull of its image, the wait for its jobs, and its clean-up. */
  demoEngineMs: 3_000,
  demoPullMs: 8_000,
  demoJobMs: 20_000,
  demoStopMs: 10_000,
};

/** The bounds in force. */
export type Limits = { readonly [Name in keyof typeof defaults]: number };

/** The defaults as they are, for code that runs without a node (the CLI, tests). */
export const limitsDefault: Limits = Object.freeze({ ...defaults });

/**
 * The defaults with some of them changed.
 * @param changes name and value; a value may be text, as it comes from a command line
 * @throws CubeError `usage` for a name that does not exist or a value that is no number of 0 or more
 */
export function limitsWith(changes: Readonly<Record<string, string | number>>): Limits {
  const limits: Record<string, number> = { ...defaults };
  for (const [name, value] of Object.entries(changes)) {
    if (!Object.hasOwn(defaults, name)) {
      const close = nearest(name, Object.keys(defaults));
      throw problem('usage', `there is no limit "${name}"${close ? `; did you mean "${close}"?` : ''}`);
    }
    const number = typeof value === 'number' ? value : Number(value.trim() === '' ? Number.NaN : value);
    if (!Number.isFinite(number) || number < 0) {
      throw problem('usage', `limit ${name} needs a number of 0 or more, not "${value}"`);
    }
    limits[name] = number;
  }
  return Object.freeze(limits) as Limits;
}
