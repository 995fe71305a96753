/** What a user should know of a job that is accepted all the same. */
import { attributesOf } from '../../src/core/constraint.ts';
import { problem } from '../../src/core/errors.ts';
import type { JobSpec } from '../../src/core/job.ts';
import { unmeetable } from '../../src/core/unmeetable.ts';
import { hostPaths } from '../../src/core/volumes.ts';
import type { SubmitRequest } from '../../src/ports/control.ts';
import type { Leader } from './leader.ts';

/** What no node that is known can give, in whatever state it is. */
function warningsFor(leader: Leader, spec: JobSpec): readonly string[] {
  const asks =
    spec.datacenters.length > 0 ||
    Object.values(spec.tasks).some((task) => (task.constraints ?? []).length > 0 || hostPaths(task).length > 0);
  return asks ? unmeetable(spec, [...leader.state.nodes.values()].map(attributesOf)) : [];
}

/** The same of a submit. @param more what else there is to know @throws CubeError `invalid-file` with all of it, when the submit is to be refused for such */
export function warningsOf(leader: Leader, { spec, strict }: SubmitRequest, more: readonly string[] = []): readonly string[] {
  const warnings = [...warningsFor(leader, spec), ...more];
  if (strict !== true || warnings.length === 0) return warnings;
  throw problem('invalid-file', warnings.join('\n'), {
    problems: warnings.map((message) => ({ message })),
    hint: 'leave --strict out to submit it anyway: a node that has it may join later',
  });
}
