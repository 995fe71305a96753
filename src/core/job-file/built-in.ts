/** What Cube itself tells a task: names that it fills in must be ones that it knows, and a task cannot set them. */
import { builtInNames, isBuiltIn } from '../placeholders.ts';
import { nearest } from '../text.ts';
import { filledOnWorker, variablesIn } from '../variables.ts';
import { badKey, badValue, shown, type Finding, type Path } from './findings.ts';
import { volumeName } from './mounts.ts';

const portNames = 'CUBE_PORT_<port> (or CUBE_PORT_<port>_UDP)';

/** The name that was likely meant. */
function meant(asked: string): string | undefined {
  const [port, isUdp] = [/\d+/.exec(asked)?.[0], /\d_?u/i.test(asked)];
  const ofPort = port === undefined ? [] : [`CUBE_PORT_${port}${isUdp ? '_UDP' : ''}`];
  return nearest(asked.slice(0, 64), [...builtInNames, ...ofPort]);
}

function unknownFindings(path: Path, text: unknown): Finding[] {
  if (typeof text !== 'string') return [];
  return variablesIn(text).flatMap(({ name, isEscape, start }): Finding[] => {
    if (isEscape || !filledOnWorker(name) || isBuiltIn(name)) return [];
    const close = meant(name);
    const there = `There are ${builtInNames.join(', ')} and ${portNames}; $\${${name}} leaves it for the task's shell`;
    const message = `\${${name}} is nothing that Cube knows${close === undefined ? '.' : `; did you mean \${${close}}?`} ${there}`;
    return [{ ...badValue(path, message), offset: start }];
  });
}

function setMessage(name: string): string {
  return `${shown(name)} is set by Cube in every container; choose another name`;
}

function envFindings(path: Path, env: unknown): Finding[] {
  if (typeof env !== 'object' || env === null) return [];
  if (Array.isArray(env)) {
    return env.flatMap((line: unknown, index): Finding[] => {
      const name = typeof line === 'string' ? line.slice(0, Math.max(0, line.indexOf('='))) : '';
      return isBuiltIn(name) ? [badValue([...path, index], setMessage(name))] : unknownFindings([...path, index], line);
    });
  }
  return Object.entries(env).flatMap(([name, value]) =>
    isBuiltIn(name) ? [badKey(path, name, setMessage(name))] : unknownFindings([...path, name], value),
  );
}

/** `${CUBE_NAME}` of which nothing is known where a worker fills it in (environment, command, names of volumes), and variables that are Cube's to set. */
export function builtInFindings(name: string, task: unknown): Finding[] {
  if (typeof task !== 'object' || task === null) return [];
  const { env, command, volumes } = task as { readonly env?: unknown; readonly command?: unknown; readonly volumes?: unknown };
  const path: Path = ['tasks', name];
  const words = Array.isArray(command)
    ? command.flatMap((word: unknown, index) => unknownFindings([...path, 'command', index], word))
    : unknownFindings([...path, 'command'], command);
  const ofVolumes = (Array.isArray(volumes) ? volumes : []).flatMap((written: unknown, index) =>
    unknownFindings([...path, 'volumes', index], volumeName(written)),
  );
  return [...envFindings([...path, 'env'], env), ...words, ...ofVolumes];
}
