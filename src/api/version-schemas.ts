/** The shapes of deployments and versions. Loaded on demand only, with the other shapes (schemas.ts). */
import { z } from 'zod';
import type { DeploymentJson, VersionJson } from '../core/deployment-view.ts';

const whole = z.int().min(0);
const state = z.enum(['rolling', 'awaitingPromotion', 'paused', 'succeeded', 'failed', 'superseded']);

/** `DeploymentJson`. */
export const deployment = z.object({
  version: whole,
  state,
  cause: z.string().nullable().describe('what began it: `submitted`, `restarted by its user`; null where that was not noted'),
  replaces: z.boolean().describe('whether it replaces containers that run'),
  goodVersion: whole.nullable().describe('the last good version before it'),
  rollbackOf: whole.nullable().describe('the version whose failure began this one'),
  updated: whole.describe('instances that are what they should be, and have been for long enough'),
  desired: whole,
  reason: z.string().nullable().describe('why it failed, is paused, or was begun by itself'),
  startedAt: z.iso.datetime(),
  endedAt: z.iso.datetime().nullable(),
}) satisfies z.ZodType<DeploymentJson>;

/** `VersionJson[]`, newest first. */
export const versions = z.array(
  z.object({
    version: whole,
    createdAt: z.iso.datetime(),
    cause: z.string(),
    state: state.nullable().describe('how its roll-out ended, or what it is at'),
    reason: z.string().nullable(),
    isCurrent: z.boolean(),
    spec: z.looseObject({ name: z.string() }).describe('the job with its defaults; durations in ms, sizes in bytes'),
    diff: z
      .array(z.object({ path: z.string(), from: z.unknown(), to: z.unknown() }))
      .describe('against the version before it that is still kept'),
  }),
) satisfies z.ZodType<readonly Omit<VersionJson, 'spec'>[]>;
