/** The job file: from text, or from plain data, to a JobSpec, or to all problems at once. */
import type { JobSpec } from '../job.ts';
import type { Limits } from '../limits.ts';
import type { Variables } from '../variables.ts';
import { examine, type Examined } from './examine.ts';
import { invalidDocument, invalidFile, placedProblem } from './findings.ts';
import { jobSpecOf } from './job-spec.ts';
import { jobSchemaFor, type WrittenJob } from './schema.ts';
import { readSource, type AsWritten } from './source.ts';
import { unknownJobKey } from './unknown-key.ts';
import { tooManyTasks, wholeJobFindings } from './whole.ts';

export { jobSchema } from './schema.ts';

/** Where text is meant: YAML would make 1.1 of a version `1.10`, and 8 of a user `010`. */
const texts: AsWritten = [
  ['labels', '*'],
  ['tasks', '*', 'env', '*'],
  ['tasks', '*', 'command', '*'],
  ['tasks', '*', 'user'],
  ['tasks', '*', 'health', 'exec', '*'],
  ['parameters', '*'],
];

function examineJob(document: unknown, limits: Limits): Examined<WrittenJob> {
  const tooMany = tooManyTasks(document, limits);
  if (tooMany) return { findings: [tooMany] };
  return examine(jobSchemaFor(limits), { document, unknownKey: unknownJobKey, limits }, wholeJobFindings(document, limits));
}

/**
 * Reads a job file, YAML or JSON.
 * @param file its name, for messages
 * @param variables what `${NAME}` in its values stands for; without it nothing is filled in
 * @returns the spec, and the document as plain data, with its variables filled in, that `checkJob` takes
 * @throws CubeError `invalid-file` with all problems, each with its place; `usage` for a variable that is told and not used
 */
export function parseJobFile(
  text: string,
  file: string,
  limits: Limits,
  variables?: Variables,
): { readonly spec: JobSpec; readonly document: unknown } {
  const { document, place, problems } = readSource(text, file, limits, { asWritten: texts, mayHoldVariables: true, variables });
  if (document === undefined || document === null) {
    const message = 'the file is empty: expected a job with "name" and "tasks"';
    throw invalidFile([...problems, { message, at: { file, line: 1, column: 1 } }], limits);
  }
  const result = examineJob(document, limits);
  const found = result.findings.map((finding) => placedProblem(finding, place));
  if (!('value' in result) || problems.length > 0) throw invalidFile([...problems, ...found], limits);
  return { spec: jobSpecOf(result.value, limits), document };
}

/**
 * Checks a job given as plain data: the body of an HTTP request.
 * @throws CubeError `invalid-file` with all problems, each with its path (`tasks.web.count: ...`)
 */
export function checkJob(document: unknown, limits: Limits): JobSpec {
  const result = examineJob(document, limits);
  if (!('value' in result)) throw invalidDocument(result.findings, limits);
  return jobSpecOf(result.value, limits);
}
