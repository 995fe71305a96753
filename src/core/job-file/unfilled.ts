/** `${NAME}` in what is checked before it is filled in: by a worker, or when a parameterized job is dispatched. */
import { nearest } from '../text.ts';
import { filledOnWorker, variablesIn } from '../variables.ts';
import { badValue, type Finding, type Path } from './findings.ts';
import { splitWords } from './shell-words.ts';

/** The text with a letter in place of each variable, to check what stands around them. */
export function withoutPlaceholders(text: string): string {
  let rest = '';
  let end = 0;
  for (const { start, length } of variablesIn(text)) {
    rest += `${text.slice(end, start)}x`;
    end = start + length;
  }
  return rest + text.slice(end);
}

/** Variables where nobody fills them in: in a command's line, which no shell reads, and in volumes. A parameterized job's are its parameters. */
export function unfilledFindings(name: string, task: unknown, type: unknown): Finding[] {
  if (type === 'parameterized' || typeof task !== 'object' || task === null) return [];
  const { command, volumes } = task as { readonly command?: unknown; readonly volumes?: unknown };
  const path: Path = ['tasks', name];
  const findings: Finding[] = [];
  if (typeof command === 'string') {
    const split = splitWords(command, filledOnWorker);
    // What is refused in any case, the schema tells.
    if ('refused' in split && 'words' in splitWords(command, () => true)) findings.push(badValue([...path, 'command'], split.refused));
  }
  for (const [index, volume] of (Array.isArray(volumes) ? (volumes as unknown[]) : []).entries()) {
    const use = typeof volume === 'string' ? variablesIn(volume).find((one) => one.isEscape || !filledOnWorker(one.name)) : undefined;
    if (use) findings.push(badValue([...path, 'volumes', index], `\${${use.name}} has no value here`));
  }
  return findings;
}

/** All texts within a value, with their paths. */
function textsIn(value: unknown, path: Path, seen: Set<object>): { readonly path: Path; readonly text: string }[] {
  if (typeof value === 'string') return [{ path, text: value }];
  // Deeper than any text of a job lies.
  if (typeof value !== 'object' || value === null || path.length > 8 || seen.has(value)) return [];
  seen.add(value);
  const isList = Array.isArray(value);
  return Object.entries(value).flatMap(([key, inner]) => textsIn(inner, [...path, isList ? Number(key) : key], seen));
}

/** Variables of a parameterized job that no run would give a value: beside a map of parameters there are no others. Each name is told once. */
export function unknownParameters(job: Readonly<Record<string, unknown>>): Finding[] {
  const { type, parameters, tasks, labels, datacenters } = job;
  if (type !== 'parameterized' || typeof parameters !== 'object' || parameters === null || Array.isArray(parameters)) return [];
  const told = new Set<string>();
  const seen = new Set<object>();
  const places = Object.entries({ tasks, labels, datacenters }).flatMap(([key, value]) => textsIn(value, [key], seen));
  return places.flatMap(({ path, text }) =>
    variablesIn(text).flatMap(({ name, fallback, isEscape, start }): Finding[] => {
      const isKnown = isEscape || fallback !== undefined || filledOnWorker(name) || Object.hasOwn(parameters, name);
      if (isKnown || told.has(name)) return [];
      told.add(name);
      const close = nearest(name.slice(0, 64), Object.keys(parameters));
      const what = `\${${name}} is no parameter of this job, and has no value${close === undefined ? ':' : `; did you mean \${${close}}? Else`}`;
      const advice = `name it in "parameters", or write a default \${${name}:-...}; $\${${name}} leaves it for the task's shell`;
      return [{ ...badValue(path, `${what} ${advice}`), offset: start, other: { spot: ['parameters'], at: 'key' } }];
    }),
  );
}
