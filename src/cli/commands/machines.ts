/** `cube machines [NAME]`: the state machines Cube is made of, for Stately Studio and docs. */
import { problem } from '../../core/errors.ts';
import type { Command, Context } from '../command.ts';
import { missing } from '../find.ts';
import type { Cell } from '../table.ts';

async function machines(context: Context): Promise<number> {
  const { input, output } = context;
  const [name] = input.args;
  const format = input.choice('format', ['xstate', 'json', 'mermaid']);
  if (format !== undefined && name === undefined)
    throw problem('usage', '--format exports one machine; name it', { hint: '`cube machines` lists them' });
  const { exportMachine, machineNames } = await import('../../inspector/machine-export.ts');
  const all = machineNames();
  const known = all.find((machine) => machine.name === name);
  if (name !== undefined && !known) {
    throw missing(
      name,
      'machine',
      all.map((machine) => machine.name),
      '`cube machines` lists them',
    );
  }
  if (format !== undefined && name !== undefined) {
    const text = exportMachine(name, format);
    if (output.json) output.document(format === 'json' ? (JSON.parse(text) as unknown) : { name, format, text });
    else output.raw(text.endsWith('\n') ? text : `${text}\n`);
    return 0;
  }
  const shown = known ? [known] : all;
  if (output.json) output.document(known ?? all);
  else if (output.quiet) for (const machine of shown) output.line(machine.name);
  else {
    const rows = shown.map((machine): Cell[] => [machine.name, String(machine.events.length), machine.states.join(', ')]);
    output.table(['NAME', 'EVENTS', 'STATES'], rows);
  }
  return 0;
}

/** `cube machines`. */
export const command: Command = {
  usage: 'machines [name]',
  summary: 'the state machines Cube is made of; one exported for Stately Studio and docs',
  options: [{ flags: '--format <format>', about: 'xstate (a module), json, or mermaid' }],
  examples: [
    ['cube machines', 'a line a machine'],
    ['cube machines task --format xstate > task.ts', 'open it in Stately Studio'],
    ['cube machines task --format mermaid', 'a diagram for Markdown'],
  ],
  run: machines,
};
