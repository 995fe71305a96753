/** Jobs: how large they may be, and the defaults of their tasks. Named, settable and checked by ../limits.ts. */
export const jobLimits = {
  // --- jobs
  /** Instances one job may ask for. */
  jobInstancesMax: 1_000_000,
  /** From so many instances on a job is followed only so often, however often its tasks report. */
  largeJobInstances: 1_000,
  largeJobFollowMs: 20,
  /** Tasks (specs) one job may have. */
  jobTasksMax: 100,
  /** Priority of a job that tells none; higher is placed first. */
  jobPriority: 50,
  /** Priorities a job may tell, both ends included. */
  jobPriorityMin: 1,
  jobPriorityMax: 100,
  /** Ports one task may ask for. */
  taskPortsMax: 1_000,
  /** Volumes one task may have; secrets, and configs. */
  taskVolumesMax: 64,
  taskFilesMax: 64,
  /** Parameters one job may name. */
  jobParametersMax: 256,
  /** Constraints one task may have, and affinities; characters of one. */
  taskConstraintsMax: 64,
  constraintCharsMax: 1_024,
  /**
   * Steps in which a plan follows a rolling update, and slots that it looks at in all of them: larger jobs are followed in steps of
   * several slots.
   */
  planStepsMax: 100,
  planLooksMax: 200_000,
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
  /** Characters of an id that name a task, at least: shorter words are names, of jobs that may be gone. */
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

  // --- health checks of a task
  healthIntervalMs: 5_000,
  healthTimeoutMs: 2_000,
  /** Failed looks in a row that make a task unhealthy. */
  healthRetries: 3,
  healthStartPeriodMs: 10_000,
  /** Until a check has gone well it looks sooner than its interval says: first pause, and the factor by which pauses grow up to it. */
  healthFirstLookMs: 100,
  healthLookBackoff: 1.5,
  /** Statuses of an http check that count as well, both ends included. */
  healthStatusFrom: 200,
  healthStatusTo: 399,
  /** Nodes on which a slot failed that are remembered, so that it goes elsewhere. */
  avoidNodesMax: 8,
  // --- ticks of a periodic job
  /** How late a tick may be noticed to run as if it were not: a later one was missed. It is how often a job's clock is looked at, too. */
  tickLateMs: 5_000,
  /** Ticks of one job that may wait until the run before has ended. */
  ticksQueuedMax: 100,
  /** Ticks that are skipped each with an event of its own in one go; of more the rest has one in all. */
  ticksNotedMax: 100,
  // --- runs of a parameterized job
  /** Runs that have ended which are kept, and runs that may be under way at once. */
  dispatchedRunsMax: 50,
  dispatchedLiveMax: 10_000,
  /** Largest payload of a dispatch, and names and values in all: one variable of a process holds 131,071 bytes with its name. */
  dispatchPayloadBytesMax: 65_536,
  dispatchSetBytesMax: 65_536,

  // --- secrets and configs
  /** Largest content of one; how many there may be of each, versions of one that are kept, and bytes of all, payloads of runs included. */
  fileBytesMax: 512_000,
  filesMax: 1_000,
  fileVersionsMax: 5,
  filesBytesMax: 256 * 1_048_576,

  // --- updates of a job that tells nothing else
  /** Instances of a task replaced at once. */
  updateParallel: 1,
  /**
   * How long a new instance must have been well, where there is a check, and where there is none and it takes the place of another: what ends
   * as soon as it has begun is noticed.
   */
  updateHealthyForMs: 5_000,
  updateRunningForMs: 1_000,
  /** Without progress for so long an update has failed. */
  updateDeadlineMs: 300_000,
};
