/** Schemas of the frames that come seldom or that carry orders (zod). The ones that come all the time are checked in `frames.ts`. */
import { z } from 'zod';
import type { Problem } from './errors.ts';

const whole = z.int().min(0);
const texts = z.record(z.string(), z.string());
const amounts = z.record(z.string(), z.number());
/** Names of the error table; one of another version may be new, so any text will do. */
const code = z.string();

const epoch = z.looseObject({ generation: whole, revision: whole });

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
  version: z.string(),
  runtime: z.looseObject({ name: z.string(), version: z.string() }),
});

const protocol = z.enum(['tcp', 'udp']);

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
  stopSignal: z.string(),
  stopDelayMs: z.number(),
  stopGraceMs: z.number(),
});

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
  ports: z.array(z.looseObject({ ip: z.string(), host: whole, container: whole, protocol })),
  sequence: whole,
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
    unknown: z.array(z.looseObject({ id: z.string(), running: z.boolean() })),
  }),
  resync: z.looseObject({ revision: whole }),
  bye: z.looseObject({ backMs: z.number().min(0) }),
  call: z.looseObject({
    call: whole,
    what: z.discriminatedUnion('kind', [
      z.looseObject({ kind: z.literal('submit'), event: z.unknown() }),
      z.looseObject({ kind: z.literal('stop'), id: z.string() }),
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
    what: z.looseObject({
      kind: z.literal('logs'),
      task: z.string(),
      follow: z.boolean(),
      tail: whole.optional(),
      sinceMs: z.number().optional(),
    }),
  }),
} as const;

/** What is wrong with a value, in one line (its first problem), or undefined. */
export function schemaProblem(schema: z.ZodType, value: unknown): Problem['message'] | undefined {
  const result = schema.safeParse(value);
  if (result.success) return undefined;
  const issue = result.error.issues[0];
  return issue === undefined ? 'not valid' : `${issue.path.join('.')}: ${issue.message}`;
}
