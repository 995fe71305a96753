/** Between hosts, and scheduling over them. Named, settable and checked by ../limits.ts. */
export const hostLimits = {
  // --- between hosts
  /** How often each end of a link says that it lives. */
  heartbeatMs: 1_000,
  /** How often a worker measures its host. */
  measureMs: 5_000,
  /** How old a measurement may be that answers `GET /stats`. */
  statsAgeMs: 1_000,
  /** How often it measures its tasks, while there are any. */
  measureTasksMs: 10_000,
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
};
