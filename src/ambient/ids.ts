/** Ids, secrets and chance from the operating system's generator. */
import { randomBytes, randomUUID } from 'node:crypto';
import type { Ids, Random } from '../ports/ambient.ts';

/** Random ids (uuid v4, RFC 9562) and secrets of 256 bits. */
export function realIds(): Ids {
  return { id: () => randomUUID(), secret: () => randomBytes(32).toString('base64url') };
}

/** Chance for jitter and the like; secrets come from `realIds`. */
export const realRandom: Random = () => Math.random();
