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
  idle: 'idle',
  following: 'idle',
  stopped: 'idle',
  closed: 'idle',
  drained: 'idle',
};

/** The tone of a state, given as text (`running.unhealthy`); what is not known is on its way. */
export function toneOf(text: string): Tone {
  for (const name of text.split('.').reverse()) {
    const tone = tones[name];
    if (tone !== undefined) return tone;
  }
  return 'busy';
}
