/** Shortcuts for the tests of the job file. */
import assert from 'node:assert/strict';
import { CubeError, type ErrorCode } from '../../src/core/errors.ts';
import { checkJob, parseJobFile } from '../../src/core/job-file/index.ts';
import type { JobSpec, TaskSpec } from '../../src/core/job.ts';
import { limitsDefault, type Limits } from '../../src/core/limits.ts';

/** The start of a job file with one task `t`; lines of the task follow, from line 5 on, indented by four. */
export const head = 'name: a\ntasks:\n  t:\n    image: busybox\n';

/** A task's lines under `head`. */
export function withTask(...lines: string[]): string {
  return head + lines.map((line) => `    ${line}\n`).join('');
}

export function jobOf(text: string, limits: Limits = limitsDefault): JobSpec {
  return parseJobFile(text, 'f.yaml', limits).spec;
}

/** The task `t` of a file made of these lines. */
export function taskOf(...lines: string[]): TaskSpec {
  const task = jobOf(withTask(...lines)).tasks['t'];
  assert.ok(task);
  return task;
}

/** The error of that code that something throws. */
export function errorOf(run: () => unknown, code: ErrorCode = 'invalid-file'): CubeError {
  let thrown: unknown;
  try {
    run();
  } catch (error) {
    thrown = error;
  }
  assert.ok(thrown instanceof CubeError, `expected a CubeError, got ${String(thrown)}`);
  assert.equal(thrown.code, code, thrown.message);
  return thrown;
}

/** What a wrong file is refused with. */
export function refusal(text: string, limits: Limits = limitsDefault): CubeError {
  return errorOf(() => parseJobFile(text, 'f.yaml', limits));
}

/** The problems of a wrong file, as `line:column message`. */
export function problemsOf(text: string, limits: Limits = limitsDefault): string[] {
  return refusal(text, limits).problems.map(({ message, at }) => `${at?.line}:${at?.column} ${message}`);
}

/** The message of the only problem of a task made of these lines. */
export function problemOf(...lines: string[]): string {
  const { problems } = refusal(withTask(...lines));
  assert.equal(problems.length, 1, problems.map(({ message }) => message).join('\n'));
  return problems[0]!.message;
}

/** The messages about wrong plain data. */
export function dataProblems(document: unknown, limits: Limits = limitsDefault): string[] {
  return errorOf(() => checkJob(document, limits)).problems.map(({ message }) => message);
}
