/** The shapes of secrets and configs; see `schemas.ts`. */
import { z } from 'zod';
import type { FileJson, FileSetJson } from '../core/file-view.ts';

const whole = z.int().min(0);

/** `FileJson`. */
export const file = z.object({
  name: z.string(),
  version: whole.describe('counts the contents it had'),
  usedBy: z.array(z.string()).describe('jobs whose tasks find it'),
  bytes: whole,
  createdAt: z.iso.datetime().describe('when its newest version was set: ISO 8601, UTC'),
}) satisfies z.ZodType<FileJson>;

/** `FileSetJson`. */
export const fileSet = file.extend({ change: z.enum(['created', 'updated', 'unchanged']) }) satisfies z.ZodType<FileSetJson>;
