/** The engine's word on one container, in the port's terms. */
import { formatBytes } from '../../core/resources.ts';
import type { Exit } from '../../ports/runtime.ts';

/** The part of `GET /containers/{id}/json` that is read here. */
export interface Inspected {
  readonly Id: string;
  readonly Name: string;
  readonly State: {
    readonly Status: string;
    readonly Running: boolean;
    readonly OOMKilled: boolean;
    readonly ExitCode: number;
    readonly Error: string;
    readonly StartedAt: string;
    readonly FinishedAt: string;
  };
  readonly Config: { readonly Labels: Readonly<Record<string, string>> | null };
  readonly HostConfig: {
    readonly Memory?: number;
    readonly PortBindings?: Readonly<Record<string, readonly { readonly HostIp: string; readonly HostPort: string }[]>> | null;
  };
}

/** ms since the epoch; the engine's zero time ("0001-01-01...") is undefined. */
export function engineTime(text: string): number | undefined {
  const ms = Date.parse(text);
  return Number.isNaN(ms) || ms <= 0 ? undefined : ms;
}

/** The state in the port's three words; undefined for one that is just being removed. A paused container runs. */
export function stateOf(status: string): 'created' | 'running' | 'exited' | undefined {
  switch (status) {
    case 'created':
      return 'created';
    case 'exited':
    case 'dead':
      return 'exited';
    case 'removing':
      return undefined;
    default:
      return 'running';
  }
}

/**
 * How a container ended, or undefined while it has not.
 * @param seen what events told that the state does not: that it ran out of memory, that somebody sent a signal
 */
export function exitOf(found: Inspected, seen: { readonly oom?: boolean; readonly reason?: string } = {}): Exit | undefined {
  const { State, HostConfig } = found;
  if (stateOf(State.Status) !== 'exited') return undefined;
  const finishedAt = engineTime(State.FinishedAt) ?? 0;
  const memory = HostConfig.Memory ?? 0;
  const outOfMemory = `killed: out of memory${memory > 0 ? ` (limit ${formatBytes(memory)})` : ''}`;
  // A child process alone may have been killed, and the container have ended well.
  const byOom = (State.OOMKilled || seen.oom === true) && State.ExitCode !== 0;
  const reason = byOom ? outOfMemory : State.Error !== '' ? State.Error : seen.reason;
  return { exitCode: State.ExitCode, finishedAt, ...(reason === undefined ? {} : { reason }) };
}
