/** Cube's machines for people and other tools: `cube machines`. */
import { machines } from '../../machines/index.ts';
import { chartOf } from '../core/chart.ts';
import { problem } from '../core/errors.ts';
import { nearest } from '../core/text.ts';
import { mermaidOf } from './mermaid.ts';
import { plainConfig } from './plain-config.ts';

/** A machine's names: states as dotted paths, and every event that one of them takes. */
export interface MachineNames {
  readonly name: string;
  readonly states: readonly string[];
  readonly events: readonly string[];
}

/** What a machine can be exported as. */
export type ExportFormat = 'xstate' | 'json' | 'mermaid';

/** All machines by name. */
export function machineNames(): MachineNames[] {
  return Object.entries(machines).map(([name, machine]) => {
    const { states, edges } = chartOf(machine.config);
    return {
      name,
      states: [...states.keys()].filter((path) => path !== ''),
      events: [...new Set(edges.filter(({ kind }) => kind === 'event').map(({ event }) => event))].sort(),
    };
  });
}

/**
 * A machine as text. States, transitions, descriptions, tags and the names of actions, guards, delays and actors are all there; code
 * (mappers of `input`, `params` and `context`) is not.
 *
 * - `xstate`: a module that exports the machine, by its name (`taskMachine`) and as the default; it imports only `createMachine` of
 *   xstate. It opens in Stately Studio and its editor extension. The config inside `createMachine(...)` is strict JSON, so that the text
 *   between those parentheses can be parsed as it stands.
 * - `json`: that config alone, for `createMachine(JSON.parse(text))`.
 * - `mermaid`: a `stateDiagram-v2` for Markdown.
 * @throws CubeError `not-found` for a name that no machine has
 */
export function exportMachine(name: string, format: ExportFormat): string {
  if (!Object.hasOwn(machines, name)) {
    const close = nearest(name, Object.keys(machines));
    throw problem('not-found', `there is no machine "${name}"${close ? `; did you mean "${close}"?` : ''}`);
  }
  const { config } = machines[name as keyof typeof machines];
  if (format === 'mermaid') return mermaidOf(chartOf(config));
  const json = JSON.stringify(plainConfig(config), undefined, 2);
  if (format === 'json') return `${json}\n`;
  const variable = `${name}Machine`;
  return `import { createMachine } from 'xstate';\n\nexport const ${variable} = createMachine(${json});\n\nexport default ${variable};\n`;
}
