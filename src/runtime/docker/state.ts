/** The engine's word on one container, in the port's terms. */
import { formatBytes } from '../../core/resources.ts';
import type { Exit } from '../../ports/runtime.ts';

/** What the engine's own check says. */
interface HealthState {
  readonly Status?: string;
  readonly Log?: readonly { readonly ExitCode: number; readonly Output: string }[] | null;
}

/** A container's place in a network. */
interface EndPoint {
  readonly IPAddress?: string;
  readonly GlobalIPv6Address?: string;
}

/** Host ports by container port, `80/tcp`. */
type PublishedPorts = Readonly<Record<string, readonly { readonly HostIp: string; readonly HostPort: string }[] | null>>;

/** The part of `GET /containers/{id}/json` that is read here. */
export interface Inspected {
  readonly Id: string;
  readonly Name: string;
  readonly Created: string;
  /** The image's id. */
  readonly Image: string;
  readonly State: {
    readonly Status: string;
    readonly Running: boolean;
    /** Its first process, as the engine's system counts; 0 while it does not run. */
    readonly Pid?: number;
    readonly OOMKilled: boolean;
    readonly ExitCode: number;
    readonly Error: string;
    readonly StartedAt: string;
    readonly FinishedAt: string;
    readonly Health?: HealthState | null;
  };
  readonly Config: {
    readonly Labels: Readonly<Record<string, string>> | null;
    /** The image's name, as it was asked for. */
    readonly Image?: string;
    readonly StopSignal?: string;
    readonly Healthcheck?: { readonly Test?: readonly string[] | null } | null;
  };
  readonly NetworkSettings?: { readonly Networks?: Readonly<Record<string, EndPoint>> | null; readonly Ports?: PublishedPorts | null };
  readonly HostConfig: {
    readonly NetworkMode?: string;
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

/** Whether the engine looks after its health: the image says how, and the task does not say otherwise. */
export function hasCheck(found: Inspected): boolean {
  const test = found.Config.Healthcheck?.Test ?? [];
  return test.length > 0 && test[0] !== 'NONE';
}

/**
 * How a container ended, or undefined while it has not.
 * @param seen what events told that the state does not: that it ran out of memory, that somebody sent a signal
 */
export function exitOf(found: Inspected, seen: { readonly oom?: boolean; readonly reason?: string | undefined } = {}): Exit | undefined {
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
