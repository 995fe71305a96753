/** `${NAME}` in what is checked before it is filled in: by a worker, or when a parameterized job is dispatched. */
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
