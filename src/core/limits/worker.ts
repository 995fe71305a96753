/** What a worker and its runtime work with. Named, settable and checked by ../limits.ts. */
export const workerLimits = {
  /** Containers prepared and started at once. */
  startParallelMax: 8,
  /** One call to the engine that should answer at once. */
  engineCallMs: 30_000,
  /** Tries of a pull that failed on the network, and the time they all share. */
  pullTries: 3,
  pullMs: 20_000,
  /** A pull that has begun and says nothing for this long counts as failed. */
  pullStallMs: 120_000,
  /** How often the engine is asked whether it answers, and how long it may take before the node says that its engine is away. */
  engineLookMs: 2_000,
  engineAnswerMs: 5_000,
  /** Pause before an engine that did not answer is asked again. */
  engineRetryMs: 1_000,
  /** How often the containers that are waited for are compared with the engine's list, should its events fail silently. */
  engineResyncMs: 30_000,
  /** How long the reason of a SIGKILL is awaited: the engine tells that memory ran out a little after the end. */
  oomLateMs: 500,
  /** Tasks whose use `/metrics` names, those first that use the most processor. */
  metricsTasksMax: 1_000,
  /** Longest pause between two looks at a command that has closed its output and goes on. */
  execPollMs: 500,
  /** How often the process runtime looks at the output and the end of what runs. */
  processPollMs: 250,
  /** Times kept of one process's output; with more they get coarser. */
  logMarksMax: 1_000,
  /** Characters of what a look at a task found that are shown: the end of a command's last line. */
  probeDetailCharsMax: 200,
  /** How long a connection through an engine's proxy must live to be the task's: the proxy takes it for nobody, too. */
  probeProxyMs: 200,
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
  /** How often a worker looks for what is to be cleaned up. */
  sweepMs: 60_000,
  /** Percentage of the disk above which unused images go that were pulled for tasks; 0: never. */
  imageDiskPercent: 0,
};
