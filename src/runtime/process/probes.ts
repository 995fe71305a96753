/** Looks at processes: at the ports of this host, and by commands. */
import type { ProbeSpec } from '../../core/job.ts';
import type { Clock } from '../../ports/ambient.ts';
import type { ContainerRef, ProbeOptions, ProbeResult } from '../../ports/runtime.ts';
import { throwIfAborted } from '../abort.ts';
import type { ExecProbes } from '../probe-exec.ts';
import { lookFrom, noPort } from '../probe-net.ts';
import { readStatus, readWork } from './folder.ts';

/** Looks once. @param folder the attempt's @throws AbortError, and what the disk says */
export async function probeProcess(
  parts: { readonly exec: ExecProbes; readonly clock: Clock; readonly folder: string },
  ref: ContainerRef,
  probe: ProbeSpec,
  { port: portDefault, timeoutMs, signal }: ProbeOptions,
): Promise<ProbeResult> {
  throwIfAborted(signal);
  const { exec, clock, folder } = parts;
  // Asked first: somebody else may listen on the port of one that has ended.
  const [status, file] = await Promise.all([readStatus(folder), readWork(folder)]);
  if (!status || !file) return { ok: false, detail: 'the process is gone' };
  if (status.state !== 'running') return { ok: false, detail: 'the process does not run' };
  const options = { clock, timeoutMs, signal };
  if (probe.kind === 'exec') return exec.look(ref, probe.command, options);
  const asked = probe.port ?? portDefault;
  if (asked === undefined) return noPort;
  // Nothing maps ports here: the process listens on the host port itself.
  const port = file.hostPorts?.[asked] ?? asked;
  const target = { host: '127.0.0.1', port, shownPort: port, proxyMs: 0 };
  return lookFrom(target, probe, options);
}
