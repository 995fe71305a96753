/** Limits from a command line: `CUBE_LIMITS=name=value,name=value` first, then `--limit name=value`. */
import { problem } from '../core/errors.ts';
import { limitsDefault, limitsWith } from '../core/limits.ts';
import type { Limits } from '../core/limits.ts';

/** @throws CubeError `usage` for what is no `name=value`, no limit's name or no number */
export function limitsFromText(env: string | undefined, flags: readonly string[]): Limits {
  const parts = [...(env ?? '').split(','), ...flags].map((part) => part.trim()).filter((part) => part !== '');
  if (parts.length === 0) return limitsDefault;
  const changes: Record<string, string> = {};
  for (const part of parts) {
    const equals = part.indexOf('=');
    if (equals < 1) throw problem('usage', `a limit is name=value, not "${part}"`);
    changes[part.slice(0, equals)] = part.slice(equals + 1);
  }
  return limitsWith(changes);
}
