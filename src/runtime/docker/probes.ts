/** Looks at containers from outside (http, tcp) and from inside (exec). */
import { problem } from '../../core/errors.ts';
import type { ProbeSpec } from '../../core/job.ts';
import type { Clock } from '../../ports/ambient.ts';
import type { ContainerRef, ProbeOptions, ProbeResult } from '../../ports/runtime.ts';
import { abortable, within } from '../abort.ts';
import type { ExecProbes } from '../probe-exec.ts';
import { lookFrom, noPort } from '../probe-net.ts';
import type { Reach } from './reach.ts';

/** Looks once. @throws CubeError when the engine could not be asked; AbortError */
export async function probeContainer(
  parts: { readonly reach: Reach; readonly exec: ExecProbes; readonly clock: Clock },
  ref: ContainerRef,
  probe: ProbeSpec,
  { port: portDefault, timeoutMs, signal }: ProbeOptions,
): Promise<ProbeResult> {
  const { reach, exec, clock } = parts;
  if (probe.kind === 'exec') return exec.look(ref, probe.command, { clock, timeoutMs, signal });
  const port = probe.port ?? portDefault;
  if (port === undefined) return noPort;
  const giveUpAt = clock.monotonic() + timeoutMs;
  const target = await within(clock, timeoutMs, abortable(reach.target(ref.id, port), signal));
  if (target === undefined) throw problem('no-engine', 'the engine does not tell where the container is: nothing is known of it');
  if (typeof target === 'string') return { ok: false, detail: target };
  const options = { clock, timeoutMs, leftMs: Math.max(1, giveUpAt - clock.monotonic()), signal };
  const result = await lookFrom(target, probe, options);
  // It may have got another address: by a restart by hand, or a change of networks.
  if (!result.ok) reach.forget(ref.id);
  return result;
}
