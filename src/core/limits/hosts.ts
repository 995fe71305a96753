/** Hosts: between them, scheduling over them, the worker and its runtime, and the stores of both roles. Named, settable and checked by ../limits.ts. */
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
  /** Placements of a plan that are taken in one turn; others are served before the next ones. */
  planSliceMax: 500,
  /** Kinds of tasks without a place, times nodes with more room, that are looked at before a batch; past it all of them are tried again. */
  unparkLooksMax: 2_000,
  /** Threads of the scoring pool; 0 scores inline. */
  poolThreadsMax: 1,
  /** Idle time after which a scoring thread ends. */
  poolIdleMs: 30_000,
  /** Batches that may wait for a scoring thread; past it a batch is scored inline. */
  poolQueueMax: 4,
  /** One scoring run; past it the batch is scored inline. */
  scoreMs: 30_000,
  /** Pause before a batch that could not be scored is drawn anew. */
  scoreRetryMs: 1_000,
  /** Tasks a node takes, whatever they reserve. */
  slotsMax: 250,
  /**
   * E-PVM's base: Lieb's square ice constant, (4/3)^(3/2), as in the Cube book. On the openb trace (`npm run bench:openb`) 94.8 % of the
   * GPUs are allocated by it, 95.3 % by 1.1 and 94.7 % by 3: a smaller base packs a little better, but hardly tells a busy node from an
   * idle one, which is what E-PVM is for; in the paper's simulation it beats round robin 1.67 times.
   */
  epvmBase: 1.539_600_717_839_002,
  /** What a node costs more, in the policy's terms, for which no affinity of a task holds: more than a task that takes half of a node. */
  affinityWeight: 1,
  /** What each task of the same kind costs in a domain (a data center, the nodes with one value of a label) that its job spreads over. */
  spreadWeight: 1,
  /** Free host ports a node hands out. */
  portsFrom: 20_000,
  portsTo: 29_999,
  /** Reasons named for one unplaced task. */
  reasonsMax: 8,
  /** Preemption: tasks without a place that are looked at in one turn, nodes compared for one of them, and sets of victims tried for it
   * over all nodes; past that, sets are chosen greedily. */
  preemptTasksMax: 50,
  preemptNodesMax: 100,
  preemptSetsMax: 2_000,
  /** Rebalancing: moves proposed unless told, least gain of one as a percentage of what the task costs where it is, and nodes compared:
   * so many of those that are loaded most, with so many of those that are loaded least. */
  rebalanceMovesMax: 10,
  rebalanceGainPercent: 10,
  rebalanceNodesMax: 50,

  // --- the worker and its runtime
  /** Containers prepared and started at once. */
  startParallelMax: 8,
  /** One call to the engine that should answer at once. */
  engineCallMs: 30_000,
  /** Tries of a pull that failed on the network, the pause between two of them, and the time they all share. */
  pullTries: 3,
  pullRetryMs: 1_000,
  pullMs: 20_000,
  /** A pull that has begun and says nothing for this long counts as failed. */
  pullStallMs: 120_000,
  /** How often the engine is asked whether it answers, and how long it may take before the node says that its engine is away. */
  engineLookMs: 2_000,
  engineAnswerMs: 5_000,
  /** Pause before an engine that did not answer, or whose answer cannot be its last, is asked again. */
  engineRetryMs: 1_000,
  /** Tries of a start whose host port is taken, should its holder be on its way out, and the pause between two of them. */
  startTries: 3,
  startRetryMs: 1_000,
  /** Pause before a worker that could not write its orders down asks for them anew. */
  ordersRetryMs: 1_000,
  /** How far the sequences of reports leap when a worker starts: what was sent, and not yet written down, must not be used twice. */
  reportSequenceLeap: 1_000,
  /** How often the containers that are waited for are compared with the engine's list, should its events fail silently. */
  engineResyncMs: 30_000,
  /** How long the reason of a SIGKILL is awaited: the engine tells that memory ran out a little after the end. */
  oomLateMs: 500,
  /** Tasks whose use `/metrics` names, those first that use the most processor. */
  metricsTasksMax: 1_000,
  /** Longest pause between two looks at a command that has closed its output and goes on. */
  execPollMs: 500,
  /** How long the exit code of a command is awaited whose connection broke. */
  execEndMs: 1_000,
  /** How often the process runtime looks at the output and the end of what runs. */
  processPollMs: 250,
  /** How long a process that has begun may take to write down which it is. */
  processClaimMs: 1_000,
  /** Times kept of one process's output; with more they get coarser. */
  logMarksMax: 1_000,
  /** Characters of what a look at a task found that are shown: the end of a command's last line. */
  probeDetailCharsMax: 200,
  /** How long a connection through an engine's proxy must live to be the task's: the proxy takes it for nobody, too. */
  probeProxyMs: 200,
  /** How long the engine may take to show that it lives when a look by a command had no answer. */
  probeEngineMs: 1_000,
  /** Containers' addresses and images' digests that are remembered rather than asked for anew. */
  engineMemoryMax: 1_000,
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
  /** Output kept of an attempt whose container is gone: lines and bytes of it, attempts of a task, bytes in all, and for how long. */
  keptLogLinesMax: 10_000,
  keptLogBytesMax: 1_048_576,
  keptAttemptsMax: 5,
  keptLogsBytesMax: 256 * 1_048_576,
  keptLogsAgeMs: 7 * 86_400_000,
  /** How long an ended container waits for its removal while the next attempt starts; how many are removed at once; tries of a copy. */
  retireDelayMs: 500,
  retireParallelMax: 2,
  retireTries: 3,
  /** Containers of ended tasks that are kept: how many, and for how long. */
  deadContainersMax: 50,
  deadContainerAgeMs: 3_600_000,
  /** How long a container that nobody owns is left alone after it was told of. */
  orphanGraceMs: 30_000,
  /** How often a worker looks for what is to be cleaned up, and how soon at the earliest when something falls due. */
  sweepMs: 60_000,
  sweepMsMin: 1_000,
  /** Percentage of the disk above which unused images go that were pulled for tasks; 0: never. */
  imageDiskPercent: 0,

  /** How long a task waits before its worker asks again for secrets that it could not get. */
  filesRetryMs: 2_000,

  /** Labels that people may give a node while it runs, and characters of a label's name or value. */
  nodeLabelsMax: 64,
  nodeLabelCharsMax: 256,

  /** How long a node may take to tell what an image stands for, and how many nodes are asked. */
  digestMs: 40_000,
  digestNodesMax: 3,

  // --- the store
  /** Pause before a manager that lost its leadership, as by a failed write, tries to lead again. */
  electionRetryMs: 1_000,
  /** Commits that may wait for the disk; past it the answer is 429. */
  storeQueueMax: 10_000,
  /** Records in one batch. */
  storeBatchMax: 10_000,
  /** Commit marks kept, by which a gap is found at load. */
  storeMarksMax: 1_000,
  /** Records, and bytes, read from the disk in one step. */
  storeReadRecordsMax: 1_000,
  storeReadBytesMax: 1_048_576,
  /** Sentences about damage that are remembered, so that they count as a loss once. */
  damageKnownMax: 10_000,
  /** Events kept: age and number. */
  eventsAgeMs: 72 * 3_600_000,
  eventsMax: 100_000,
  /** Events read or removed at a time. */
  eventsPageMax: 1_000,
  /** How often events are looked at for their age. */
  eventsSweepMs: 3_600_000,
};
