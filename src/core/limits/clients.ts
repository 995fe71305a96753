/** What clients meet: HTTP, the control queue, streams, the inspector and the command line. Named, settable and checked by ../limits.ts. */
export const clientLimits = {
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
  /** Commands run in tasks (`cube exec`) through one node at once. */
  execSessionsMax: 100,
  /** How long a client of it may take to say what to run, and to leave after its end; how often it is pinged, so that its loss shows. */
  execOpenMs: 10_000,
  execPingMs: 10_000,
  /** Largest message of such a client, bytes of one piece of its input, and bytes that may wait on either side. */
  execMessageBytesMax: 1_048_576,
  execPieceBytes: 65_536,
  execBufferBytesMax: 262_144,
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
  /** What `cube simulate` takes: bytes of a file, nodes, and tasks, those that it draws included. */
  simulationFileBytesMax: 268_435_456,
  simulationNodesMax: 100_000,
  simulationTasksMax: 1_000_000,
};
