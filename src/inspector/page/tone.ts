/** How a state looks: at a glance, before it is read. */

/** A colour by its meaning. */
export type Tone = 'good' | 'busy' | 'warn' | 'bad' | 'idle';

const tones: Readonly<Record<string, Tone>> = {
  running: 'good',
  healthy: 'good',
  ready: 'good',
  leading: 'good',
  serving: 'good',
  open: 'good',
  connected: 'good',
  completed: 'good',
  unhealthy: 'warn',
  backingOff: 'warn',
  degraded: 'warn',
  suspect: 'warn',
  stopping: 'warn',
  steppingDown: 'warn',
  cutOff: 'warn',
  waiting: 'warn',
  away: 'warn',
  draining: 'warn',
  failing: 'bad',
  failed: 'bad',
  rejected: 'bad',
  lost: 'bad',
  down: 'bad',
  unreachable: 'bad',
  unknown: 'idle',
  idle: 'idle',
  following: 'idle',
  stopped: 'idle',
  closed: 'idle',
  drained: 'idle',
};

/** The tone of a state, given as text (`running.unhealthy`): of its innermost part that says something. What is not listed is on its way. */
export function toneOf(text: string): Tone {
  const names = text.split('.').filter((name, at) => at === 0 || (name !== '' && name !== 'unknown'));
  const known = names.reverse().find((name) => tones[name] !== undefined);
  return known === undefined ? 'busy' : tones[known]!;
}
