/** `cube complete -- WORDS`: what the completion scripts call at each Tab. It fails without a word. */
import { RootCommand } from '@bomb.sh/tab';
import type { Command as TabCommand } from '@bomb.sh/tab';
import { policyNames } from '../../core/placement.ts';
import type { Command, Context, OptionSpec } from '../command.ts';
import { namesFor } from '../completion-names.ts';
import { globalSpecs, optionName } from '../options.ts';
import { commands } from '../registry.ts';

const choices: Readonly<Record<string, readonly string[]>> = {
  output: ['json', 'text'],
  runtime: ['docker', 'process'],
  scheduler: policyNames,
  role: ['manager,worker', 'manager', 'worker'],
  store: ['level'],
  'log-level': ['debug', 'info', 'warn', 'error'],
  format: ['xstate', 'json', 'mermaid'],
  for: ['running', 'completed'],
};

function addOptions(tab: TabCommand, specs: readonly OptionSpec[]): void {
  for (const spec of specs.filter((one) => !one.later)) {
    const name = optionName(spec);
    const alias = /^-([a-z]),/.exec(spec.flags)?.[1];
    if (!spec.flags.includes('<')) tab.option(name, spec.about, alias);
    else tab.option(name, spec.about, (complete) => choices[name]?.forEach((word) => complete(word, '')), alias);
  }
}

async function completeWords(context: Context): Promise<number> {
  const words = [...(context.input.rest ?? [])];
  const typed = words.find((word) => Object.hasOwn(commands, word));
  const names = typed === undefined ? [] : await namesFor(context, typed, words.at(-1) ?? '');
  const root = new RootCommand();
  addOptions(root, globalSpecs);
  for (const [name, entry] of Object.entries(commands)) {
    if (entry.hidden && name !== typed) continue;
    const tab = root.command(name, entry.summary);
    tab.argument('name', (found) => names.forEach((one) => found(one, '')), true);
    addOptions(tab, globalSpecs);
    if (name === typed) addOptions(tab, (await entry.load()).command.options);
  }
  root.parse(words);
  return 0;
}

/** `cube complete`. */
export const command: Command = {
  usage: 'complete',
  summary: 'what the completion scripts call',
  options: [],
  examples: [['cube complete -- st', 'commands that begin so']],
  run: completeWords,
};
