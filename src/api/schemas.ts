/**
 * The shapes of all answers and documents, for `/openapi.json` and for tests that hold answers against them. Only ever loaded on
 * demand: a schema library is a lot for a node that does nothing. Each shape is checked against its type in core by the compiler.
 */
import { z } from 'zod';
import { jobSchema } from '../core/job-file/index.ts';
import type { SeedsNode, SeedsStats, SeedsTask } from '../core/seeds.ts';
import { taskStates } from '../core/task.ts';
import type * as views from '../core/views.ts';
import { file, fileSet } from './file-schemas.ts';
import { explain, plan, rebalance, volume } from './scheduling-schemas.ts';
import { deployment, versions } from './version-schemas.ts';

const whole = z.int().min(0);
const time = z.iso.datetime().describe('ISO 8601, UTC');
const texts = z.record(z.string(), z.string());
const protocol = z.enum(['tcp', 'udp']);
const scope = z.enum(['admin', 'viewer', 'join']);

const resources = z.object({
  cpu: z.number().describe('cores'),
  memoryBytes: z.number(),
  diskBytes: z.number(),
  custom: z.record(z.string(), z.number()),
});

const job = z.object({
  name: z.string(),
  type: z.enum(['service', 'batch', 'system', 'periodic', 'parameterized']),
  version: whole,
  index: whole.describe('what checkIndex compares'),
  status: z.enum(['pending', 'deploying', 'running', 'degraded', 'completed', 'failed', 'stopped']),
  reason: z.string().nullable(),
  datacenters: z.array(z.string()),
  labels: texts,
  desired: whole,
  running: whole,
  healthy: whole,
  failed: whole,
  completed: whole,
  deployment: deployment.nullable().describe('its newest roll-out'),
  parent: z.string().nullable().describe('the parameterized job that it is a run of'),
  nextTick: time.nullable().describe('of a periodic job: the tick of its next run'),
  lastTick: time.nullable().describe('of a periodic job: the tick of its newest run'),
  createdAt: time,
  updatedAt: time,
}) satisfies z.ZodType<views.JobJson>;

const task = z.object({
  id: z.string(),
  job: z.string(),
  task: z.string(),
  slot: z.string(),
  version: whole,
  state: z.enum(taskStates),
  health: z.enum(['healthy', 'unhealthy', 'unknown']),
  hasCheck: z.boolean().describe('something looks after its health: `unknown` means not yet then'),
  desired: z.enum(['running', 'stopped']),
  node: z.string().nullable().describe("the node's name"),
  nodeId: z.string().nullable(),
  image: z.string(),
  digest: z.string().nullable().describe("what the image's name stood for: its digest in its registry, or its id"),
  containerId: z.string().nullable(),
  containerName: z.string().nullable(),
  attempt: whole,
  restarts: whole,
  lastEnd: z.string().nullable(),
  exitCode: z.int().nullable(),
  reason: z.string().nullable(),
  reasonCode: z.string().nullable(),
  detail: z.string().nullable().describe('what it does right now'),
  ports: z.array(z.object({ ip: z.string(), host: whole, container: whole, protocol })),
  usage: z
    .object({
      cpu: z.number().nullable().describe('cores; null until it was measured twice'),
      memoryBytes: z.number(),
      networkInBytes: z.number().nullable().describe('since its container started'),
      networkOutBytes: z.number().nullable(),
    })
    .nullable()
    .describe('what it was measured to use, while it runs'),
  createdAt: time,
  scheduledAt: time.nullable(),
  startedAt: time.nullable(),
  finishedAt: time.nullable(),
}) satisfies z.ZodType<views.TaskJson>;

const node = z.object({
  id: z.string(),
  name: z.string(),
  dc: z.string(),
  state: z.enum(['joining', 'ready', 'suspect', 'down', 'away', 'draining', 'drained']),
  reason: z.string().nullable(),
  engineAway: z.boolean().describe('its engine does not answer: nothing new is placed there'),
  eligible: z.boolean(),
  role: z.string(),
  labels: texts,
  capacity: resources,
  reserved: resources,
  used: resources,
  tasks: whole,
  version: z.string(),
  os: z.string(),
  arch: z.string(),
  cpuModel: z.string().nullable(),
  runtime: z.object({ name: z.string(), version: z.string() }),
}) satisfies z.ZodType<views.NodeJson>;

const event = z.object({
  seq: whole,
  at: time,
  epoch: z.string(),
  machine: z.string(),
  id: z.string(),
  from: z.string(),
  to: z.string(),
  event: z.string(),
  cause: z.string(),
  node: z.string().nullable(),
  job: z.string().nullable(),
}) satisfies z.ZodType<views.EventJson>;

const logLine = z.object({
  at: time,
  slot: z.string(),
  task: z.string(),
  stream: z.enum(['stdout', 'stderr']),
  text: z.string(),
}) satisfies z.ZodType<views.LogLineJson>;

const info = z.object({
  version: z.string(),
  clusterId: z.string().nullable(),
  nodeId: z.string(),
  name: z.string(),
  role: z.string(),
  openLoopback: z.boolean(),
  scope,
}) satisfies z.ZodType<views.InfoJson>;

const place = z.object({ file: z.string(), line: whole, column: whole });

const error = z.object({
  error: z.object({
    code: z.string(),
    message: z.string(),
    hint: z.string(),
    at: place.optional(),
    problems: z.array(z.object({ message: z.string(), at: place.optional() })).optional(),
  }),
});

const seedsPorts = z.record(z.string(), z.record(z.string(), z.never()));

const seedsTask = z.object({
  ID: z.string(),
  ContainerID: z.string(),
  Name: z.string(),
  State: z.int().min(0).max(4).describe('0 Pending, 1 Scheduled, 2 Running, 3 Completed, 4 Failed'),
  Image: z.string(),
  Cpu: z.number(),
  Memory: z.number(),
  Disk: z.number(),
  ExposedPorts: seedsPorts,
  HostPorts: z.record(z.string(), z.array(z.object({ HostIp: z.string(), HostPort: z.string() }))),
  PortBindings: texts,
  RestartPolicy: z.string(),
  StartTime: z.string(),
  FinishTime: z.string(),
  HealthCheck: z.string(),
  RestartCount: whole,
}) satisfies z.ZodType<SeedsTask>;

const taskEvent = z.object({
  ID: z.string().optional(),
  State: z.int().min(0).max(3).optional().describe('3 stops the task'),
  Timestamp: z.string().optional(),
  Task: seedsTask.partial().required({ ID: true }),
});

const seedsNode = z.object({
  Name: z.string(),
  Ip: z.string(),
  Api: z.string(),
  Cores: z.number(),
  Memory: z.number(),
  MemoryAllocated: z.number(),
  Disk: z.number(),
  DiskAllocated: z.number(),
  Role: z.string(),
  TaskCount: whole,
}) satisfies z.ZodType<SeedsNode>;

const seedsStats = z.object({
  MemStats: z.object({ MemTotal: z.number(), MemAvailable: z.number(), mem_total: z.number(), mem_available: z.number() }),
  DiskStats: z.object({ All: z.number(), Used: z.number(), Free: z.number() }),
  CpuStats: z.record(z.enum(['User', 'Nice', 'System', 'Idle', 'IOWait', 'IRQ', 'SoftIRQ', 'Steal']), z.number()),
  LoadStats: z.object({ Last1Min: z.number(), Last5Min: z.number(), Last15Min: z.number() }),
  TaskCount: whole,
}) satisfies z.ZodType<SeedsStats>;

/** By the name that the route table uses. */
export const schemas = {
  Health: z.object({ status: z.literal('ok') }),
  Ready: z.object({ ready: z.boolean() }),
  Info: info,
  Ticket: z.object({ ticket: z.string(), scope, expiresAt: time }) satisfies z.ZodType<views.TicketJson>,
  Login: z.object({ token: z.string(), scope }) satisfies z.ZodType<views.LoginJson>,
  Text: z.string(),
  Anything: z.looseObject({}),
  JobDocument: jobSchema,
  Job: job,
  Jobs: z.object({ index: whole, jobs: z.array(job) }) satisfies z.ZodType<views.JobsJson>,
  Submitted: z.object({
    job,
    change: z.enum(['created', 'updated', 'unchanged', 'started']),
    warnings: z.array(z.string()).describe('what its user should know: constraints that no known node meets'),
  }) satisfies z.ZodType<views.SubmittedJson>,
  Status: z.object({ index: whole, jobs: z.array(job), tasks: z.array(task) }) satisfies z.ZodType<views.StatusJson>,
  Task: task,
  Tasks: z.array(task),
  Versions: versions,
  Volume: volume,
  Volumes: z.array(volume),
  File: file,
  Files: z.array(file),
  FileSet: fileSet,
  Explain: explain,
  Rebalance: rebalance,
  Plan: plan,
  Node: node,
  Nodes: z.array(node),
  Event: event,
  LogLine: logLine,
  Error: error,
  TaskEvent: taskEvent,
  SeedsTask: seedsTask,
  SeedsTasks: z.array(seedsTask),
  SeedsNodes: z.array(seedsNode),
  SeedsStats: seedsStats,
  SeedsError: z.object({ HTTPStatusCode: z.int(), Message: z.string() }),
} as const;

/** A shape that the route table may name. */
export type SchemaName = keyof typeof schemas;
