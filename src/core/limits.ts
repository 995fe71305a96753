/**
 * Every bound, timeout and default of Cube, with its unit in the name (Ms, Bytes, Max, or a plain count).
 * The values stand in `limits/`, by what they bound. Each one is settable: `cube up --limit name=value` (many) or `CUBE_LIMITS=name=value,name=value`.
 */
import { problem } from './errors.ts';
import { clientLimits } from './limits/clients.ts';
import { hostLimits } from './limits/hosts.ts';
import { jobLimits } from './limits/jobs.ts';
import { nearest } from './text.ts';

const defaults = { ...clientLimits, ...jobLimits, ...hostLimits };

/** The bounds in force. */
export type Limits = { readonly [Name in keyof typeof defaults]: number };

/** The defaults as they are, for code that runs without a node (the CLI, tests). */
export const limitsDefault: Limits = Object.freeze({ ...defaults });

/** Names of factors and shares; all else is counted in whole ones of its unit. */
const fractional = /(Backoff|Base|Jitter|Percent|Weight)$/;

/**
 * The defaults with some of them changed.
 * @param changes name and value; a value may be text, as it comes from a command line
 * @throws CubeError `usage` for a name that does not exist or a value that is no number of 0 or more, or no whole one where there are no parts
 */
export function limitsWith(changes: Readonly<Record<string, string | number>>): Limits {
  const limits: Record<string, number> = { ...defaults };
  for (const [name, value] of Object.entries(changes)) {
    if (!Object.hasOwn(defaults, name)) {
      const close = nearest(name, Object.keys(defaults));
      throw problem('usage', `there is no limit "${name}"${close ? `; did you mean "${close}"?` : ''}`);
    }
    const number = typeof value === 'number' ? value : Number(value.trim() === '' ? Number.NaN : value);
    if (!Number.isFinite(number) || number < 0) {
      throw problem('usage', `limit ${name} needs a number of 0 or more, not "${value}"`);
    }
    if (!Number.isInteger(number) && !fractional.test(name)) {
      const [below, above] = [Math.floor(number), Math.ceil(number)];
      throw problem('usage', `limit ${name} needs a whole number, not "${value}"`, { hint: `write ${name}=${below} or ${name}=${above}` });
    }
    limits[name] = number;
  }
  return Object.freeze(limits) as Limits;
}
