/** Limits from a command line: `CUBE_LIMITS=name=value,name=value` first, then `--limit name=value`. */
import { problem } from '../core/errors.ts';
import { limitsDefault, limitsWith } from '../core/limits.ts';
import type { Limits } from '../core/limits.ts';

/** @throws CubeError `usage` for what is no `name=value`, no limit's name or no number, and for a base that E-PVM cannot score with */
export function limitsFromText(env: string | undefined, flags: readonly string[]): Limits {
  const parts = [...(env ?? '').split(','), ...flags].map((part) => part.trim()).filter((part) => part !== '');
  if (parts.length === 0) return limitsDefault;
  const changes: Record<string, string> = {};
  for (const part of parts) {
    const equals = part.indexOf('=');
    if (equals < 1) throw problem('usage', `a limit is name=value, not "${part}"`);
    changes[part.slice(0, equals)] = part.slice(equals + 1);
  }
  const limits = limitsWith(changes);
  // Told now, and not at the first task: a node that scores by it places nothing.
  if (limits.epvmBase <= 1) throw problem('usage', `limit epvmBase must be greater than 1, not ${limits.epvmBase}`);
  return limits;
}
