/** Runs of a parameterized job: what a dispatch may give to one, and the spec that it runs by. Pure. */
import { problem } from './errors.ts';
import type { JobSpec, TaskSpec } from './job.ts';
import { escapePlaceholders } from './placeholders.ts';
import type { Limits } from './limits.ts';
import { listed, nearest } from './text.ts';
import { refuseUnfit } from './job-file/parameters.ts';
import { fillParameters, filledOnWorker, variableNamePattern } from './variables.ts';

/** What a dispatch gives to its run. */
export interface DispatchInput {
  readonly set: Readonly<Record<string, string>>;
  readonly payload?: Uint8Array;
}

/** The bounds of a dispatch. */
export type DispatchLimits = Pick<Limits, 'dispatchSetBytesMax' | 'dispatchPayloadBytesMax'>;

/** Longest job name less `-` and eight digits. */
const parentCharsMax = 63 - 9;

/** Name of a run. @param hex eight digits that no other run of the job has */
export function runName(parent: string, hex: string): string {
  return `${parent.slice(0, parentCharsMax)}-${hex}`;
}

/**
 * The spec of a run: a batch job of the parent's tasks, with the values in their environment (over what the file says there) and in place
 * of `${NAME}` in their texts. It keeps `payload` only where a file with one is to be made.
 * @throws CubeError `usage` for a value that is missing, that nobody asked for, or that no variable can hold; `too-large`
 */
export function runSpec(parent: JobSpec, name: string, input: DispatchInput, limits: DispatchLimits): JobSpec {
  const values = valuesOf(parent, input.set, limits);
  const payload = payloadOf(parent, input.payload, limits);
  const { parameters: _parameters, payload: _payload, schedule: _schedule, ...rest } = fillParameters(parent, values);
  const env = Object.entries({ ...values, ...payload.env }).map(([key, value]) => [key, escapePlaceholders(value)] as const);
  const given = Object.fromEntries(env);
  const tasks = Object.entries(rest.tasks).map(([task, spec]): [string, TaskSpec] => [task, { ...spec, env: { ...spec.env, ...given } }]);
  const spec: JobSpec = {
    ...rest,
    name,
    type: 'batch',
    tasks: Object.fromEntries(tasks),
    ...(payload.file === undefined ? {} : { payload: { file: payload.file } }),
  };
  refuseUnfit(spec);
  return spec;
}

/** The values of a run: those that were set, and the defaults of the others. */
function valuesOf({ name, parameters }: JobSpec, set: DispatchInput['set'], limits: DispatchLimits): Record<string, string> {
  if (parameters !== undefined) {
    refuseUnknown(name, parameters, Object.keys(set));
    const missing = Object.entries(parameters).flatMap(([key, fallback]) => (fallback === null && !Object.hasOwn(set, key) ? [key] : []));
    if (missing.length > 0) {
      throw problem('usage', `job ${name} needs ${listed(missing)}`, { hint: `tell it with \`--set ${missing[0]}=VALUE\`` });
    }
  }
  const bytes = Object.entries(set).reduce((sum, [key, value]) => sum + byteLength(key) + byteLength(value), 0);
  if (bytes > limits.dispatchSetBytesMax) {
    throw problem('too-large', `the values have ${bytes} bytes, and may have ${limits.dispatchSetBytesMax}`, {
      hint: 'give what is large as the payload of a job with `payload: {file: PATH}`, or raise the limit dispatchSetBytesMax',
    });
  }
  for (const [key, value] of Object.entries(set)) refuseValue(key, value);
  const defaults = Object.entries(parameters ?? {}).flatMap(([key, fallback]) => (fallback === null ? [] : [[key, fallback]]));
  return { ...(Object.fromEntries(defaults) as Record<string, string>), ...set };
}

function refuseUnknown(job: string, parameters: NonNullable<JobSpec['parameters']>, names: readonly string[]): void {
  const unknown = names.find((one) => !Object.hasOwn(parameters, one));
  if (unknown === undefined) return;
  const known = Object.keys(parameters);
  const close = nearest(unknown.slice(0, 64), known);
  throw problem('usage', `job ${job} has no parameter "${unknown}"${close ? `; did you mean "${close}"?` : ''}`, {
    hint: known.length === 0 ? 'it has none' : `it has ${listed(known)}`,
  });
}

function refuseValue(key: string, value: string): void {
  if (!variableNamePattern.test(key)) throw problem('usage', `"${key}" is no name of a variable: letters, digits and "_", no digit first`);
  if (filledOnWorker(key)) throw problem('usage', `${key} cannot be set: names that begin with CUBE_ are filled in where an instance runs`);
  if (value.includes('\0')) throw problem('usage', `the value of ${key} holds a zero byte, which no variable can`);
}

/** Where a payload goes: into a variable, as text, or into a file. */
function payloadOf(
  { name, payload: spec }: JobSpec,
  payload: Uint8Array | undefined,
  { dispatchPayloadBytesMax: bytesMax }: DispatchLimits,
): { readonly env: Readonly<Record<string, string>>; readonly file?: string } {
  if (payload === undefined) return { env: {} };
  if (spec === undefined) {
    throw problem('usage', `job ${name} takes no payload`, {
      hint: 'its file tells where one is found: `payload: {env: NAME}` or `{file: PATH}`',
    });
  }
  if (payload.byteLength > bytesMax) {
    throw problem('too-large', `the payload has ${payload.byteLength} bytes, and may have ${bytesMax}`, {
      hint: 'give it a place that the job can read, or raise the limit dispatchPayloadBytesMax of the node',
    });
  }
  if ('file' in spec) return { env: {}, file: spec.file };
  const text = textOf(payload);
  if (text === undefined || text.includes('\0')) {
    throw problem('usage', `the payload is no text, and job ${name} takes it in the variable ${spec.env}`, {
      hint: 'let the job take it as a file: `payload: {file: PATH}`',
    });
  }
  return { env: { [spec.env]: text } };
}

function textOf(bytes: Uint8Array): string | undefined {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch (thrown) {
    if (thrown instanceof TypeError) return undefined;
    throw thrown;
  }
}

function byteLength(text: string): number {
  return new TextEncoder().encode(text).byteLength;
}
