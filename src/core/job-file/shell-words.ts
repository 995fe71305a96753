/** A command written as one line, in words as a POSIX shell would split it (XCU 2.2, quoting), but without doing a shell's other work. */
import { variableAt } from '../variables.ts';

/** The words, or why the line is refused. */
export type Split = { readonly words: readonly string[] } | { readonly refused: string };

/** Whether a variable of that name is filled in before the command runs. */
type IsFilledIn = (name: string) => boolean;

const operators = new Set('|&;<>()`$\n');

function needsShell(char: string): Split {
  const shown = char === '\n' ? 'a new line' : JSON.stringify(char);
  return { refused: `${shown} needs a shell: write [sh, -c, "..."], or put it in single quotes` };
}

/** A `${NAME}` that starts at `at` and is filled in before any shell could; empty where there is none. */
function placeholderAt(line: string, at: number, isFilledIn: IsFilledIn): string {
  const use = line[at] === '$' ? variableAt(line, at) : undefined;
  return use !== undefined && isFilledIn(use.name) ? line.slice(at, at + use.length) : '';
}

/** Reads a quoted part that starts after its opening quote at `from`. */
function quoted(line: string, from: number, quote: string, isFilledIn: IsFilledIn): { text: string; end: number } | Split {
  let text = '';
  for (let at = from; at < line.length; at++) {
    const char = line[at]!;
    if (char === quote) return { text, end: at };
    const placeholder = quote === '"' ? placeholderAt(line, at, isFilledIn) : '';
    if (placeholder !== '') {
      text += placeholder;
      at += placeholder.length - 1;
      continue;
    }
    if (quote === '"' && (char === '$' || char === '`')) return needsShell(char);
    if (quote === '"' && char === '\\' && at + 1 < line.length && '$`"\\\n'.includes(line[at + 1]!)) {
      at++;
      if (line[at] !== '\n') text += line[at];
    } else text += char;
  }
  return { refused: `expected a closing ${quote === '"' ? 'double' : 'single'} quote` };
}

/**
 * Splits a command line: blanks part words, quotes and backslashes keep them together.
 * What only a shell can do (pipes, variables, several commands) is refused, because it would be passed on as plain text.
 * @param isFilledIn which `${NAME}` may stand there
 */
export function splitWords(line: string, isFilledIn: IsFilledIn = () => false): Split {
  const words: string[] = [];
  let word: string | undefined;
  for (let at = 0; at < line.length; at++) {
    const char = line[at]!;
    // A block of YAML ends with a new line; only one between two commands means something to a shell.
    const blank = char === '\n' && ((words.length === 0 && word === undefined) || line.slice(at).trim() === '');
    if (blank || char === ' ' || char === '\t' || char === '\r') {
      if (word !== undefined) words.push(word);
      word = undefined;
    } else if (char === '\\') {
      at++;
      if (at === line.length) return { refused: 'expected a character after the last backslash' };
      if (line[at] !== '\n') word = (word ?? '') + line[at];
    } else if (char === '"' || char === "'") {
      const part = quoted(line, at + 1, char, isFilledIn);
      if (!('end' in part)) return part;
      word = (word ?? '') + part.text;
      at = part.end;
    } else if (operators.has(char)) {
      const placeholder = placeholderAt(line, at, isFilledIn);
      if (placeholder !== '') {
        word = (word ?? '') + placeholder;
        at += placeholder.length - 1;
        continue;
      }
      return needsShell(char);
    } else word = (word ?? '') + char;
  }
  if (word !== undefined) words.push(word);
  return words.length > 0 ? { words } : { refused: 'expected at least one word' };
}
