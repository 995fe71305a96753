/** What to say about keys that a job file may not have, or not yet. */
import { listed, nearest } from '../text.ts';
import { shown, type Path } from './findings.ts';
import { knownKeys, laterKeys } from './schema.ts';

const ofJob = ['update', 'schedule', 'payload'] as const;

function levelOf(path: Path): keyof typeof knownKeys {
  if (path.length < 2) return ofJob.find((key) => key === path[0]) ?? 'job';
  if (path.length === 2) return 'task';
  return path[2] === 'health' ? 'health' : 'restart';
}

/** Says why a key is refused, and what was likely meant. */
export function unknownJobKey(path: Path, key: string): string {
  if (laterKeys.includes(key)) return `${shown(key)} is not supported by this version of Cube yet`;
  const level = levelOf(path);
  if (level === 'job' && knownKeys.task.includes(key)) return `unknown key "${key}"; it belongs to a task, under "tasks"`;
  if (level !== 'job' && knownKeys.job.includes(key)) return `unknown key "${key}"; it belongs to the job, at the top of the file`;
  const here = level === 'job' ? [...knownKeys.job, ...laterKeys] : knownKeys[level];
  const close = nearest(key.slice(0, 64), here);
  if (close === undefined) return `unknown key ${shown(key)}; expected ${listed(knownKeys[level], 'or')}`;
  return `unknown key ${shown(key)}; did you mean "${close}"?${laterKeys.includes(close) ? ' It is not supported by this version of Cube yet' : ''}`;
}
