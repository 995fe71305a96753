/** A task's health check, as it is written and as it is meant. */
import { z } from 'zod';
import type { HealthSpec, ProbeSpec, StatusRange } from '../job.ts';
import type { Limits } from '../limits.ts';
import { badKey, badValue, shown, type Finding } from './findings.ts';
import { parsePort } from './ports.ts';
import { commandWords, duration, expected, text, wholeNumber } from './values.ts';

const kinds = ['http', 'tcp', 'exec'] as const;
const form = 'a map like {http: /health, port: 80}, {tcp: 80} or {exec: [command]}, or none';
const statusForm = 'an HTTP status from 100 to 599, a range like "200-299", or a list of them';

const port = z
  .int(expected('a port from 1 to 65535'))
  .min(1, expected('a port from 1 to 65535'))
  .max(65_535, expected('a port from 1 to 65535'));

function statusRange(written: string | number): StatusRange | undefined {
  const [, from, to] = /^\s*(\d{3})(?:\s*-\s*(\d{3}))?\s*$/.exec(String(written)) ?? [];
  const range = { from: Number(from), to: Number(to ?? from) };
  return range.from >= 100 && range.to <= 599 && range.from <= range.to ? range : undefined;
}

const statuses = z
  .union([z.number(), z.string(), z.array(z.union([z.number(), z.string()]))], expected(statusForm))
  .transform((value, context): readonly StatusRange[] => {
    const list = Array.isArray(value) ? value : [value];
    const ranges = list.map(statusRange);
    const wrong = ranges.indexOf(undefined);
    if (ranges.length > 0 && wrong < 0) return ranges as StatusRange[];
    const path = Array.isArray(value) && wrong >= 0 ? [wrong] : [];
    context.issues.push({ code: 'custom', input: value, path, message: `expected ${statusForm}, got ${shown(list[wrong] ?? value)}` });
    return z.NEVER;
  });

/** The schema of `health`. That exactly one kind of check is named, `healthFindings` sees to. */
export function healthSchema(limits: Limits) {
  const time = duration(limits.jobDurationMsMax);
  const positive = time.refine((ms) => ms > 0, 'expected a duration longer than 0');
  const terms = z.strictObject({
    http: text('a path like /health', /^\/[^\s\0#]*$/)
      .optional()
      .describe('Path that is asked for with GET'),
    port: port.optional().describe('Container port of an http check; default: the first published TCP port'),
    status: statuses.optional().describe('Statuses that count as well; default: 200-399'),
    tcp: port.optional().describe('Container port that must take connections'),
    exec: commandWords('expected at least one word').optional().describe('Command in the container that must exit with 0'),
    interval: positive.optional().describe('Between two looks; default: 5s'),
    timeout: positive.optional().describe('A look that takes longer has failed; default: 2s'),
    retries: wholeNumber(undefined, 1).optional().describe('Failed looks in a row that make it unhealthy; default: 3'),
    startPeriod: time.optional().describe('After the start failed looks do not count for so long; default: 10s'),
  });
  return z
    .union([z.literal('none'), terms], expected(form))
    .describe("Health check; none switches the image's own off, which counts where nothing is told");
}

type WrittenHealth = z.output<ReturnType<typeof healthSchema>>;

/** Keys of a health check, in the order of the contract. */
export function healthKeys(limits: Limits): readonly string[] {
  const [, terms] = healthSchema(limits).options;
  return Object.keys(terms.shape);
}

function probeOf(written: Exclude<WrittenHealth, 'none'>, limits: Limits): ProbeSpec {
  if (written.tcp !== undefined) return { kind: 'tcp', port: written.tcp };
  if (written.exec !== undefined) return { kind: 'exec', command: written.exec };
  return {
    kind: 'http',
    path: written.http ?? '/',
    ...(written.port === undefined ? {} : { port: written.port }),
    statuses: written.status ?? [{ from: limits.healthStatusFrom, to: limits.healthStatusTo }],
  };
}

/** The check with its defaults filled in. */
export function healthSpec(written: WrittenHealth, limits: Limits): HealthSpec | 'none' {
  if (written === 'none') return 'none';
  return {
    probe: probeOf(written, limits),
    intervalMs: written.interval ?? limits.healthIntervalMs,
    timeoutMs: written.timeout ?? limits.healthTimeoutMs,
    retries: written.retries ?? limits.healthRetries,
    startPeriodMs: written.startPeriod ?? limits.healthStartPeriodMs,
  };
}

function publishesTcp(ports: unknown): boolean {
  return (
    Array.isArray(ports) && ports.some((one) => (typeof one === 'string' || typeof one === 'number') && parsePort(one)?.protocol === 'tcp')
  );
}

/** What a schema cannot say of a health check: one kind of it, what belongs to which, and that an http check finds a port. */
export function healthFindings(name: string, health: unknown, ports: unknown, limits: Limits): Finding[] {
  if (typeof health !== 'object' || health === null || Array.isArray(health)) return [];
  const path = ['tasks', name, 'health'];
  const [first, ...more] = kinds.filter((kind) => Object.hasOwn(health, kind));
  if (first === undefined) {
    // An unknown key is told as such: most likely it is the kind, mistyped.
    const known = healthKeys(limits);
    if (Object.keys(health).some((key) => !known.includes(key))) return [];
    return [badValue(path, 'expected one of http, tcp and exec, to say what to look at')];
  }
  const findings = more.map((kind) => badKey(path, kind, `expected only one of http, tcp and exec: "${first}" stands there already`));
  for (const key of ['port', 'status']) {
    if (first === 'http' || !Object.hasOwn(health, key)) continue;
    const advice = key === 'port' && first === 'tcp' ? '; "tcp" names the port itself' : '';
    findings.push(badKey(path, key, `"${key}" belongs to an http check${advice}`));
  }
  if (first === 'http' && more.length === 0 && !Object.hasOwn(health, 'port') && !publishesTcp(ports)) {
    const message =
      'an http check needs a port: add "port" to it, the port that the container listens on, or publish a TCP port under "ports"';
    findings.push(badKey(path, 'http', message));
  }
  return findings;
}
