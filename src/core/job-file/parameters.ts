/** What a parameterized job takes when it is dispatched: `parameters` and `payload`. */
import { z } from 'zod';
import { problem } from '../errors.ts';
import type { JobSpec, PayloadSpec } from '../job.ts';
import type { Limits } from '../limits.ts';
import { filledOnWorker, variableNamePattern } from '../variables.ts';
import { badValue, shown, type Finding } from './findings.ts';
import { containerPath, mountsProblems } from './mounts.ts';
import { expected, imageProblem, text, textValue } from './values.ts';

const nameForm = 'a name of letters, digits and "_" that does not start with a digit';
const name = text(nameForm, variableNamePattern).refine(
  (one) => !filledOnWorker(one),
  expected('a name of your own: those that start with "CUBE_" are Cube\'s'),
);

/** The schema of `parameters`. */
export function parametersSchema(limits: Limits) {
  return z
    .record(name, z.union([z.null(), textValue], expected('a default, or nothing where a dispatch must tell it')), {
      error: expected('a map of names and defaults like {input: null, level: "1"}').error,
    })
    .refine((all) => Object.keys(all).length <= limits.jobParametersMax, `expected at most ${limits.jobParametersMax} parameters`)
    .describe('Parameterized only: what a dispatch may set, and its default, or null where it must; anything unless told');
}

/** The schema of `payload`. That one of its keys is told, `payloadFindings` sees to. */
export const payloadSchema = z
  .strictObject(
    {
      env: name.optional().describe('The variable that holds it'),
      file: containerPath.optional().describe('The file of the container that holds it'),
    },
    expected('a map like {file: /run/payload} or {env: PAYLOAD}'),
  )
  .describe('Parameterized only: where tasks find what a dispatch was given; it takes nothing unless told');

/** What a schema cannot say of a payload: that it goes to one place. */
export function payloadFindings(payload: unknown): Finding[] {
  if (typeof payload !== 'object' || payload === null || Array.isArray(payload)) return [];
  const [hasEnv, hasFile] = [Object.hasOwn(payload, 'env'), Object.hasOwn(payload, 'file')];
  if (hasEnv && hasFile) {
    const other = { spot: ['payload', 'env'], at: 'key' as const };
    return [{ subject: ['payload'], spot: ['payload', 'file'], at: 'key', message: 'expected only one of env and file', other }];
  }
  // An unknown key is told as such: most likely it is one of these, mistyped.
  return hasEnv || hasFile || Object.keys(payload).length > 0 ? [] : [badValue(['payload'], 'expected one of env and file')];
}

function holdsNul(value: unknown): boolean {
  if (typeof value === 'string') return value.includes('\0');
  return typeof value === 'object' && value !== null && Object.values(value).some(holdsNul);
}

/**
 * Refuses a spec that its parameters' values made nonsense of: they are put in after the file was checked.
 * @param spec what `fillParameters` made
 * @throws CubeError `usage`
 */
export function refuseUnfit(spec: JobSpec): void {
  const problems = Object.entries(spec.tasks).flatMap(([task, of]) => {
    const wrong = mountsProblems(of);
    const image = imageProblem(of.image);
    if (image !== undefined) wrong.push(`image: ${image.message}`);
    if (of.user !== undefined && !/^\S+$/.test(of.user))
      wrong.push(`user: expected a name or number without blanks, got ${shown(of.user)}`);
    if (of.workdir !== undefined && !of.workdir.startsWith('/')) wrong.push(`workdir: expected an absolute path, got ${shown(of.workdir)}`);
    if (holdsNul(of)) wrong.push('expected text without NUL characters');
    return wrong.map((one) => `tasks.${task}.${one}`);
  });
  if (problems.length > 0)
    throw problem('usage', problems.join('\n'), { hint: 'a value that was given does not fit where the job uses it' });
}

/** The payload's place. */
export function payloadSpec({ env, file }: z.output<typeof payloadSchema>): PayloadSpec {
  return env === undefined ? { file: file ?? '' } : { env };
}
