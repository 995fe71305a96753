/** Schemas of the frames that come seldom or that carry orders (zod). The ones that come all the time are checked in `frames.ts`. */
import { z } from 'zod';
import type { Problem } from './errors.ts';

const whole = z.int().min(0);
const texts = z.record(z.string(), z.string());
const amounts = z.record(z.string(), z.number());
/** Names of the error table; one of another version may be new, so any text will do. */
const code = z.string();

const epoch = z.looseObject({ generation: whole, revision: whole });

const requestKey = z.looseObject({ key: z.string(), print: z.string() });

const resources = z.looseObject({ cpu: z.number(), memoryBytes: z.number(), diskBytes: z.number(), custom: amounts });

const facts = z.looseObject({
  id: z.string().min(1),
  name: z.string().min(1),
  dc: z.string(),
  role: z.enum(['worker', 'manager,worker']),
  labels: texts,
  capacity: resources,
  slotsMax: whole,
  ports: z.looseObject({ from: whole, to: whole }),
  portsIp: z.string(),
  os: z.string(),
  arch: z.string(),
  cpuModel: z.string().optional(),
  version: z.string(),
  runtime: z.looseObject({ name: z.string(), version: z.string() }),
  mounts: z.array(z.string()).optional(),
  features: z.array(z.string()).optional(),
});

const protocol = z.enum(['tcp', 'udp']);

const probe = z.discriminatedUnion('kind', [
  z.looseObject({
    kind: z.literal('http'),
    path: z.string(),
    port: whole.optional(),
    statuses: z.array(z.looseObject({ from: whole, to: whole })),
  }),
  z.looseObject({ kind: z.literal('tcp'), port: whole }),
  z.looseObject({ kind: z.literal('exec'), command: z.array(z.string()).min(1) }),
]);

const health = z.union([
  z.literal('none'),
  z.looseObject({
    probe,
    intervalMs: z.number().min(1),
    timeoutMs: z.number().min(1),
    retries: z.int().min(1),
    startPeriodMs: z.number().min(0),
  }),
]);

const spec = z.looseObject({
  image: z.string(),
  pull: z.enum(['missing', 'always', 'never']),
  command: z.array(z.string()).optional(),
  count: whole,
  env: texts,
  user: z.string().optional(),
  workdir: z.string().optional(),
  resources,
  ports: z.array(z.looseObject({ ip: z.string().optional(), host: whole.optional(), container: whole, protocol })),
  restart: z.looseObject({
    on: z.enum(['always', 'failure', 'never']),
    attempts: whole,
    withinMs: z.number(),
    delayMs: z.number(),
    backoff: z.number(),
    delayMsMax: z.number(),
  }),
  health: health.optional(),
  stopSignal: z.string().optional(),
  stopDelayMs: z.number(),
  stopGraceMs: z.number(),
});

const bindings = z.array(z.looseObject({ ip: z.string(), host: whole, container: whole, protocol }));

const holding = z.looseObject({
  id: z.string().min(1),
  job: z.string(),
  task: z.string(),
  index: whole,
  version: whole,
  desired: z.enum(['running', 'stopped']),
  specHash: z.string().optional(),
  ports: bindings,
});

const fileAsk = { kind: z.string(), name: z.string(), version: whole };

const order = z.looseObject({
  id: z.string().min(1),
  job: z.string(),
  jobType: z.string(),
  task: z.string(),
  index: whole,
  slot: z.string(),
  version: whole,
  desired: z.enum(['running', 'stopped']),
  spec,
  labels: texts,
  ports: bindings,
  specHash: z.string().optional(),
  sequence: whole,
  failures: whole.optional(),
  tick: whole.optional(),
  digest: z.string().optional(),
  files: z.array(z.looseObject({ ...fileAsk, path: z.string() })).optional(),
  origin: z.looseObject({ kind: z.string(), clientTaskId: z.string().optional(), clientTaskName: z.string().optional() }).optional(),
});

/** By frame type. `greet.reports` is left to the check of reports. */
export const frameSchemas = {
  greet: z.looseObject({
    protocolMin: whole,
    protocolMax: whole,
    clusterId: z.string().nullable(),
    facts,
    epoch: epoch.nullable(),
    revision: whole,
    engineAway: z.string().optional(),
    holds: z.array(holding).optional(),
    unknown: z.array(z.looseObject({ id: z.string(), running: z.boolean(), slot: z.string().optional() })),
    adopted: z.array(z.string()).optional(),
  }),
  resync: z.looseObject({ revision: whole }),
  bye: z.looseObject({ backMs: z.number().min(0) }),
  call: z.looseObject({
    call: whole,
    what: z.discriminatedUnion('kind', [
      z.looseObject({ kind: z.literal('submit'), event: z.unknown(), key: requestKey.optional() }),
      z.looseObject({ kind: z.literal('stop'), id: z.string(), key: requestKey.optional() }),
      z.looseObject({ kind: z.literal('judge'), ids: z.array(z.string()) }),
      z.looseObject({ kind: z.literal('files'), task: z.string(), refs: z.array(z.looseObject(fileAsk)) }),
    ]),
  }),
  welcome: z.looseObject({ protocol: whole, clusterId: z.string(), epoch }),
  refused: z.looseObject({ code, message: z.string() }),
  assignments: z.looseObject({
    epoch,
    revision: whole,
    orders: z.array(order),
    verdicts: z.array(z.looseObject({ id: z.string(), verdict: z.enum(['stop', 'adopt']) })),
  }),
  delta: z.looseObject({ epoch, base: whole, revision: whole, orders: z.array(order), forget: z.array(z.string()) }),
  answer: z.looseObject({ call: whole, ok: z.boolean(), value: z.unknown(), code: code.optional(), message: z.string().optional() }),
  open: z.looseObject({
    stream: whole,
    what: z.discriminatedUnion('kind', [
      z.looseObject({
        kind: z.literal('logs'),
        task: z.string(),
        follow: z.boolean(),
        tail: whole.optional(),
        sinceMs: z.number().optional(),
      }),
      z.looseObject({
        kind: z.literal('exec'),
        task: z.string(),
        command: z.array(z.string()).min(1),
        tty: z.boolean(),
        stdin: z.boolean(),
        size: z.looseObject({ columns: whole, rows: whole }).optional(),
      }),
      z.looseObject({ kind: z.literal('digest'), image: z.string(), pull: z.enum(['missing', 'always', 'never']) }),
    ]),
  }),
} as const;

/** What is wrong with a value, in one line (its first problem), or undefined. */
export function schemaProblem(schema: z.ZodType, value: unknown): Problem['message'] | undefined {
  const result = schema.safeParse(value);
  if (result.success) return undefined;
  const issue = result.error.issues[0];
  return issue === undefined ? 'not valid' : `${issue.path.join('.')}: ${issue.message}`;
}
