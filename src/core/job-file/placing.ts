/** What a task asks of the nodes it goes to: constraints, affinity, spread. */
import { z } from 'zod';
import { parseConstraint, parseSpread, type TextProblem } from '../constraint-parse.ts';
import { contradict, type Constraint } from '../constraint.ts';
import type { Limits } from '../limits.ts';
import { badKey, badValue, type Finding } from './findings.ts';
import { expected } from './values.ts';

const form = 'a list of conditions like ["label.disk == ssd"]';
const textForm = 'a condition like "label.disk == ssd"';

/** A text that is read by a parser of its own, which knows the character that is wrong. */
function readText<Value>(what: string, parse: (text: string) => { readonly value: Value } | { readonly problem: TextProblem }) {
  return z.string(expected(what)).transform((text, context): Value => {
    const read = parse(text);
    if ('value' in read) return read.value;
    const { message, offset } = read.problem;
    context.issues.push({ code: 'custom', input: text, message, params: { offset } });
    return z.NEVER;
  });
}

function conditions(limits: Limits) {
  const text = z
    .string(expected(textForm))
    .max(limits.constraintCharsMax, `expected ${textForm}, of at most ${limits.constraintCharsMax} characters`)
    .pipe(readText(textForm, parseConstraint));
  return z.array(text, expected(form)).max(limits.taskConstraintsMax, `expected at most ${limits.taskConstraintsMax} conditions`);
}

/** The schema of a task's `constraints`. That no two of them rule each other out, `contradictions` sees to. */
export function constraintsSchema(limits: Limits) {
  const attributes = 'label.NAME, name, datacenter, os, arch, cpu.model and docker.version';
  return conditions(limits).describe(`All must hold of a node; they name ${attributes}, with ==, !=, <, <=, >, >=, in, not in, exists`);
}

/** The schema of a task's `affinity`. */
export function affinitySchema(limits: Limits) {
  return conditions(limits).describe('Written like constraints; nodes of which one of these holds are preferred');
}

/** The schema of a task's `spread`. */
export const spreadSchema = readText('datacenter, node or label.NAME', parseSpread).describe(
  'What the instances are spread over: datacenter, node or label.NAME',
);

/** Constraints of one task that no node can meet together with one before them. */
export function contradictions(task: string, written: unknown, limits: Limits): Finding[] {
  // What is too long is refused anyway, and comparing it all would take its time.
  if (!Array.isArray(written) || written.length > limits.taskConstraintsMax) return [];
  const read = written.map((text: unknown): Constraint | undefined => {
    const result = typeof text === 'string' && text.length <= limits.constraintCharsMax ? parseConstraint(text) : undefined;
    return result && 'value' in result ? result.value : undefined;
  });
  const pathOf = (index: number): (string | number)[] => ['tasks', task, 'constraints', index];
  return read.flatMap((one, index) => {
    const before = one === undefined ? -1 : read.slice(0, index).findIndex((other) => other !== undefined && contradict(other, one));
    if (one === undefined || before < 0) return [];
    const message = `no node can meet "${one.text.trim()}" and "${read[before]!.text.trim()}" both`;
    return [{ ...badValue(pathOf(index), message), other: { spot: pathOf(before), at: 'value' as const } }];
  });
}

/** `preemptible` belongs to jobs that may begin anew: a service has no time that suits it. */
export function preemptibleFindings(preemptible: unknown, type: unknown): Finding[] {
  if (preemptible !== true || (type !== undefined && type !== 'service' && type !== 'system')) return [];
  if (type === undefined)
    return [badKey([], 'preemptible', '"preemptible" belongs to batch jobs; without "type: batch" this is a service')];
  const message = `"preemptible" belongs to batch jobs, and this one has "type: ${type}"`;
  return [{ ...badKey([], 'preemptible', message), other: { spot: ['type'], at: 'key' } }];
}
