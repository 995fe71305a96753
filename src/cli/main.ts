#!/usr/bin/env node
/** The command `cube`: finds the command, loads it and nothing else, runs it, and turns what came of it into an exit code. */
import { asCubeError, problem } from '../core/errors.ts';
import type { CubeError } from '../core/errors.ts';
import { limitsFromText } from './limits-text.ts';
import { nearest } from '../core/text.ts';
import { signalExit } from './command.ts';
import type { Command, Context, SignalHandler } from './command.ts';
import { looksLikeJson, readOptions, splitArgv } from './options.ts';
import type { Split } from './options.ts';
import { Output } from './output.ts';
import { commands, laterCommands } from './registry.ts';

function handleSignals(): Context['onSignal'] {
  let handler: SignalHandler = (signal) => signalExit(signal);
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.on(signal, () => {
      const code = handler(signal);
      if (code !== undefined) process.exit(code);
    });
  }
  return (next) => void (handler = next);
}

async function findCommand(name: string): Promise<Command> {
  const entry = Object.hasOwn(commands, name) ? commands[name] : undefined;
  if (entry) return (await entry.load()).command;
  if (laterCommands.includes(name)) throw problem('not-yet', `\`cube ${name}\` is not in this version yet`, { hint: 'see `cube --help`' });
  const close = nearest(name, [...Object.keys(commands).filter((known) => !commands[known]?.hidden), ...laterCommands]);
  throw problem('usage', `there is no command "${name}"${close ? `; did you mean \`cube ${close}\`?` : ''}`);
}

async function printHelp(output: Output, command: Command | undefined): Promise<number> {
  const { commandHelp, generalHelp, helpJson } = await import('./help.ts');
  if (output.json) {
    const shown = Object.entries(commands).filter(([, entry]) => !entry.hidden);
    output.document(command ? helpJson(command) : { commands: shown.map(([name, { summary }]) => ({ name, summary })) });
  } else output.line(command ? commandHelp(command) : generalHelp(commands));
  return 0;
}

/** Options without a command: help, or the version. */
async function withoutCommand(split: Split, json: boolean): Promise<number> {
  const { tokens } = split;
  if (tokens.includes('--version') || tokens.includes('-v'))
    return runCommand({ ...split, command: 'version', tokens: tokens.filter((token) => !/^(-v|--version)$/.test(token)) });
  const output = await Output.open({ json, quiet: false }, process.env);
  const nothing: Command = { usage: 'help', summary: '', options: [], examples: [], run: () => printHelp(output, undefined) };
  readOptions('', nothing, split);
  return printHelp(output, undefined);
}

async function runCommand(split: Split): Promise<number> {
  const name = split.command!;
  const command = await findCommand(name);
  const { input, global } = readOptions(name, command, split);
  const output = await Output.open(global, process.env);
  if (global.help) return printHelp(output, command);
  const limits = limitsFromText(process.env['CUBE_LIMITS'], []);
  try {
    return await command.run({ input, output, env: process.env, global, limits, onSignal });
  } catch (thrown) {
    const error = helpful(thrown, name);
    output.error(error);
    return error.row.exit;
  }
}

/** A usage error that knows nothing better to do points at the help of its command. */
function helpful(thrown: unknown, name: string | undefined): CubeError {
  const error = asCubeError(thrown);
  const general = problem('usage', '').hint;
  if (error.code !== 'usage' || error.hint !== general || name === undefined || !Object.hasOwn(commands, name)) return error;
  return problem('usage', error.message, { hint: `see \`cube ${name} --help\``, problems: error.problems, cause: thrown });
}

async function main(argv: readonly string[]): Promise<number> {
  const split = splitArgv(argv);
  const json = looksLikeJson(argv);
  try {
    if (split.command === undefined) return await withoutCommand(split, json);
    if (split.command !== 'help') return await runCommand(split);
    const topic = split.tokens.find((token) => !token.startsWith('-'));
    return await printHelp(
      await Output.open({ json, quiet: false }, process.env),
      topic === undefined ? undefined : await findCommand(topic),
    );
  } catch (thrown) {
    const error = helpful(thrown, split.command);
    (await Output.open({ json, quiet: false }, process.env)).error(error);
    return error.row.exit;
  }
}

const onSignal = handleSignals();
const exitCode = await main(process.argv.slice(2));
await Output.flush();
process.exit(exitCode);
