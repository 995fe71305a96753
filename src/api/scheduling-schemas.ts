/** The shapes of what the scheduler tells: explanations, plans, moves. Part of schemas.ts. */
import { z } from 'zod';
import { policyNames } from '../core/placement.ts';
import { taskStates } from '../core/task.ts';
import type * as views from '../core/views.ts';
import type { VolumeJson } from '../core/volume-view.ts';

const whole = z.int().min(0);

const filter = z.enum([
  'state',
  'eligible',
  'node',
  'datacenter',
  'constraint',
  'feature',
  'mount',
  'volume',
  'perNode',
  'cpu',
  'memory',
  'disk',
  'custom',
  'slots',
  'ports',
]);

/** `views.ExplainJson`. */
export const explain = z.object({
  task: z.string(),
  slot: z.string(),
  state: z.enum(taskStates),
  picked: z.string().nullable(),
  reasons: z.array(z.object({ filter, nodes: whole, detail: z.string() })),
  nodes: z.array(
    z.object({
      node: z.string(),
      feasible: z.boolean(),
      filter: filter.optional(),
      detail: z.string().optional(),
      score: z.number().optional(),
      terms: z.record(z.string(), z.number()).optional(),
    }),
  ),
}) satisfies z.ZodType<views.ExplainJson>;

/** `VolumeJson`. */
export const volume = z.object({
  name: z.string().describe('the first of `volumes`'),
  job: z.string(),
  slot: z.string(),
  node: z.string().describe("the node's name"),
  nodeId: z.string(),
  nodeGone: z.boolean().describe('the node was removed'),
  volumes: z.array(z.string()).describe("names of the engine's volumes"),
  inUse: z.boolean().describe('a task of the slot may be using them'),
  since: z.iso.datetime(),
}) satisfies z.ZodType<VolumeJson>;

/** `views.RebalanceJson`. */
export const rebalance = z.object({
  policy: z.enum(policyNames),
  moves: z.array(
    z.object({
      task: z.string(),
      slot: z.string(),
      from: z.string(),
      to: z.string(),
      gain: z.number(),
      share: z.number(),
      why: z.string(),
    }),
  ),
}) satisfies z.ZodType<views.RebalanceJson>;

/** `views.PlanJson`. */
export const plan = z.object({
  index: whole.describe('the index the job stands at: what checkIndex compares; 0 while there is no such job'),
  job: z.string(),
  change: z.enum(['created', 'updated', 'unchanged', 'started']),
  changes: z.array(
    z.object({
      action: z.enum(['place', 'update', 'stop', 'keep']),
      slot: z.string(),
      node: z.string().nullable().describe('where its task will be, or of one to be stopped is; null: nowhere'),
      reason: z.string(),
      from: z.string().nullable().optional().describe('of an update: where the earlier task is'),
      waits: z.literal(true).optional().describe('room for it comes only when others have stopped; where depends on which is first'),
      score: z.number().optional(),
    }),
  ),
  preempted: z
    .array(z.object({ slot: z.string(), node: z.string().nullable(), reason: z.string() }))
    .describe('tasks of other jobs stopped for it'),
  unplaced: z.array(z.object({ slot: z.string(), reasons: z.array(z.object({ filter, nodes: whole, detail: z.string() })) })),
  diff: z.array(z.object({ path: z.string(), from: z.unknown(), to: z.unknown() })).describe('of the job with its defaults; null: absent'),
  warnings: z.array(z.string()),
}) satisfies z.ZodType<views.PlanJson>;
