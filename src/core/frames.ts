/**
 * What may come over a link, checked on arrival: the envelope and every field that something relies on. More fields than these are
 * allowed, and frame types of a later version are told apart from bad ones, so that versions N and N+1 can talk.
 */
import { frameSchemas, schemaProblem } from './frame-schemas.ts';
import { taskStates } from './task.ts';

/** Which end sends a frame. */
export type FrameOrigin = 'worker' | 'manager';

/** The verdict on a frame: good, of a type that this version does not know, or bad and why. */
export type FrameCheck =
  | { readonly is: 'good' }
  | { readonly is: 'unknown'; readonly type: string }
  | { readonly is: 'bad'; readonly why: string };

type Fields = Readonly<Record<string, unknown>>;
/** @returns what is wrong, or undefined */
type Check = (frame: Fields) => string | undefined;

const good: FrameCheck = { is: 'good' };
const typeLengthMax = 64;
const reportedStates: ReadonlySet<unknown> = new Set(
  taskStates.filter((state) => state !== 'pending' && state !== 'scheduled' && state !== 'unreachable'),
);
const healths: ReadonlySet<unknown> = new Set(['healthy', 'unhealthy', 'unknown']);
const optionalTexts = ['lastEnd', 'reason', 'reasonCode', 'detail', 'containerId', 'containerName', 'digest'] as const;
const optionalNumbers = ['exitCode', 'startedAt', 'finishedAt'] as const;

function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isWhole(value: unknown): boolean {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

/** Checks each item of a list by hand: these lists are long and come all the time. */
function each(list: unknown, name: string, check: Check): string | undefined {
  if (!Array.isArray(list)) return `${name}: not a list`;
  for (let i = 0; i < list.length; i++) {
    const item: unknown = list[i];
    const wrong = isFields(item) ? check(item) : 'not an object';
    if (wrong !== undefined) return `${name}.${i}: ${wrong}`;
  }
  return undefined;
}

function checkReport(report: Fields): string | undefined {
  if (typeof report['id'] !== 'string' || report['id'] === '') return 'id is no text';
  if (!isWhole(report['sequence'])) return 'sequence is no whole number';
  if (!reportedStates.has(report['state'])) return 'state is none that is reported';
  if (!healths.has(report['health'])) return 'health is none that there is';
  if (!isWhole(report['attempt'])) return 'attempt is no whole number';
  if (!isWhole(report['restarts'])) return 'restarts is no whole number';
  for (const name of optionalTexts) {
    if (report[name] !== undefined && typeof report[name] !== 'string') return `${name} is no text`;
  }
  for (const name of optionalNumbers) {
    if (report[name] !== undefined && !Number.isFinite(report[name])) return `${name} is no number`;
  }
  if (report['hasCheck'] !== undefined && typeof report['hasCheck'] !== 'boolean') return 'hasCheck is neither true nor false';
  return undefined;
}

function checkUsage(usage: unknown): string | undefined {
  if (usage === null || usage === undefined) return undefined;
  if (!isFields(usage)) return 'usage is no object';
  const { at, used } = usage;
  if (!Number.isFinite(at)) return 'usage.at is no number';
  if (!isFields(used)) return 'usage.used is no object';
  for (const name of ['cpu', 'memoryBytes', 'diskBytes']) {
    if (!Number.isFinite(used[name])) return `usage.used.${name} is no number`;
  }
  const { custom } = used;
  if (!isFields(custom)) return 'usage.used.custom is no object';
  for (const name of Object.keys(custom)) if (!Number.isFinite(custom[name])) return `usage.used.custom.${name} is no number`;
  return undefined;
}

function checkTaskUsage(usage: Fields): string | undefined {
  if (typeof usage['id'] !== 'string') return 'id is no text';
  if (!Number.isFinite(usage['memoryBytes'])) return 'memoryBytes is no number';
  const wrong = ['cpu', 'networkInBytes', 'networkOutBytes'].find((name) => usage[name] !== null && !Number.isFinite(usage[name]));
  return wrong === undefined ? undefined : `${wrong} is neither a number nor null`;
}

function checkBeat(beat: Fields): string | undefined {
  const { usage, tasks } = beat;
  const wrong = checkUsage(usage) ?? optionalText(beat, 'engineAway');
  return wrong ?? (tasks === undefined ? undefined : each(tasks, 'tasks', checkTaskUsage));
}

function checkAck(ack: Fields): string | undefined {
  if (typeof ack['id'] !== 'string') return 'id is no text';
  return isWhole(ack['sequence']) ? undefined : 'sequence is no whole number';
}

/** A check for a stream's frame. */
function inStream(rest: Check): Check {
  return (frame) => (isWhole(frame['stream']) ? rest(frame) : 'stream is no whole number');
}

function bySchema(name: keyof typeof frameSchemas): Check {
  return (frame) => schemaProblem(frameSchemas[name], frame);
}

function optionalText(frame: Fields, ...names: readonly string[]): string | undefined {
  const wrong = names.find((name) => frame[name] !== undefined && typeof frame[name] !== 'string');
  return wrong === undefined ? undefined : `${wrong} is no text`;
}

const greetSchema = bySchema('greet');

interface Rule {
  readonly from: FrameOrigin | 'both';
  readonly check: Check;
}

const rules: ReadonlyMap<string, Rule> = new Map<string, Rule>([
  ['reports', { from: 'worker', check: (frame) => each(frame['reports'], 'reports', checkReport) }],
  ['beat', { from: 'both', check: checkBeat }],
  ['acks', { from: 'manager', check: (frame) => each(frame['acks'], 'acks', checkAck) }],
  ['data', { from: 'both', check: inStream((frame) => (Array.isArray(frame['items']) ? undefined : 'items: not a list')) }],
  ['grant', { from: 'both', check: inStream((frame) => (isWhole(frame['bytes']) ? undefined : 'bytes is no whole number')) }],
  ['end', { from: 'both', check: inStream((frame) => optionalText(frame, 'code', 'message')) }],
  ['greet', { from: 'worker', check: (frame) => greetSchema(frame) ?? each(frame['reports'], 'reports', checkReport) }],
  ['resync', { from: 'worker', check: bySchema('resync') }],
  ['bye', { from: 'worker', check: bySchema('bye') }],
  ['call', { from: 'worker', check: bySchema('call') }],
  ['welcome', { from: 'manager', check: bySchema('welcome') }],
  ['refused', { from: 'manager', check: bySchema('refused') }],
  ['assignments', { from: 'manager', check: bySchema('assignments') }],
  ['delta', { from: 'manager', check: bySchema('delta') }],
  ['answer', { from: 'manager', check: bySchema('answer') }],
  ['open', { from: 'manager', check: bySchema('open') }],
]);

/** The frame types this version knows. */
export const frameTypes: readonly string[] = [...rules.keys()];

/**
 * Judges one frame as it was decoded.
 * @param from which end must have sent it; undefined takes both ends' frames
 */
export function checkFrame(frame: unknown, from?: FrameOrigin): FrameCheck {
  if (!isFields(frame)) return { is: 'bad', why: 'a frame that is no object' };
  const { type } = frame;
  if (typeof type !== 'string' || type.length > typeLengthMax) return { is: 'bad', why: 'a frame without a type' };
  const rule = rules.get(type);
  if (rule === undefined) return { is: 'unknown', type };
  if (from !== undefined && rule.from !== 'both' && rule.from !== from) return { is: 'bad', why: `a ${from} does not send "${type}"` };
  const why = rule.check(frame);
  return why === undefined ? good : { is: 'bad', why: `a wrong "${type}": ${why}` };
}
