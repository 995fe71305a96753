/** How well a fake container is: what looks find, and what its image's own check says. */
import { formatDuration } from '../core/duration.ts';
import type { ProbeSpec } from '../core/job.ts';
import type { Clock } from '../ports/ambient.ts';
import type { Exit, HealthSeen, ProbeOptions, ProbeResult } from '../ports/runtime.ts';
import { abortable, isAbort, sleep, within } from './abort.ts';
import type { FakeContainer } from './fake-engine.ts';

/** One look. It takes its time, as the script says. @param count looks before this one @throws AbortError */
export async function fakeLook(
  one: FakeContainer | undefined,
  probe: ProbeSpec,
  count: number,
  { clock, timeoutMs, signal, port }: ProbeOptions & { readonly clock: Clock },
): Promise<ProbeResult> {
  if (one?.state !== 'running') return { ok: false, detail: 'the container does not run' };
  const ms = one.script.probeMs ?? 0;
  if (ms > 0) await sleep(clock, Math.min(ms, timeoutMs), signal);
  if (ms > timeoutMs) return { ok: false, detail: `no answer within ${formatDuration(timeoutMs)}` };
  const ok = isWell(one, count, clock.now());
  return { ok, detail: `${shown(probe, port)} ${ok ? 'went well' : 'failed'}, as the script says` };
}

function isWell({ script, startedAt = 0 }: FakeContainer, count: number, now: number): boolean {
  const { probes, wellFromMs = 0, wellUntilMs = Number.POSITIVE_INFINITY } = script;
  const ran = now - startedAt;
  if (ran < wellFromMs || ran >= wellUntilMs) return false;
  return probes === undefined || (probes[Math.min(count, probes.length - 1)] ?? true);
}

function shown(probe: ProbeSpec, port: number | undefined): string {
  if (probe.kind === 'http') return `GET ${probe.path} on port ${probe.port ?? port ?? 0}`;
  return probe.kind === 'tcp' ? `port ${probe.port}` : probe.command.join(' ');
}

/** What the image's own check says, at the script's times; ends with the signal or the container. @param ended settles when it has ended */
export async function* fakeCheck(one: FakeContainer, ended: Promise<Exit>, clock: Clock, signal: AbortSignal): AsyncGenerator<HealthSeen> {
  const { script, startedAt = clock.now() } = one;
  const steps = [...(script.check ?? [])].sort((a, b) => a.afterMs - b.afterMs);
  const over = abortable(
    ended.then(() => true),
    signal,
  ).catch((error: unknown) => {
    if (!isAbort(error)) throw error;
    return true;
  });
  const past = steps.filter(({ afterMs }) => startedAt + afterMs <= clock.now());
  yield { health: past.at(-1)?.health ?? 'unknown' };
  for (const { afterMs, health } of steps.slice(past.length)) {
    if (await within(clock, Math.max(0, startedAt + afterMs - clock.now()), over)) return;
    yield { health };
  }
  await over;
}
