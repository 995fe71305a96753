/** The only file that prints: data to stdout, progress and messages to stderr, colours only where a person looks. */
import { errorBody } from '../core/errors.ts';
import type { CubeError, Problem } from '../core/errors.ts';
import { alignTable } from './table.ts';
import type { Cell, Tone } from './table.ts';

/** Puts a tone's colour around a text. */
export type Paint = (text: string, tone: Tone) => string;

const plain: Paint = (text) => text;

/** How a run of the CLI prints. */
export interface OutputOptions {
  /** One JSON document (or NDJSON) on stdout and nothing else. */
  readonly json: boolean;
  /** No progress, lists as bare names. */
  readonly quiet: boolean;
}

/** What is printed on one terminal and drawn again when it changes. */
export interface LiveView {
  /** Replaces what was shown. */
  show(lines: readonly string[]): void;
  /** Removes what was shown, so that a final word can take its place. */
  clear(): void;
}

function wantsColor(stream: NodeJS.WriteStream, env: NodeJS.ProcessEnv): boolean {
  return stream.isTTY === true && !env['NO_COLOR'] && env['TERM'] !== 'dumb';
}

async function painter(stream: NodeJS.WriteStream, env: NodeJS.ProcessEnv): Promise<Paint> {
  if (!wantsColor(stream, env)) return plain;
  const { default: picocolors } = await import('picocolors');
  const colors = picocolors.createColors(true);
  const tones: Record<Tone, (text: string) => string> = {
    good: colors.green,
    bad: colors.red,
    busy: colors.yellow,
    dim: colors.dim,
    strong: colors.bold,
    one: colors.cyan,
    two: colors.magenta,
    three: colors.blue,
  };
  return (text, tone) => tones[tone](text);
}

function location(problem: Problem): string {
  return problem.at ? `${problem.at.file}:${problem.at.line}:${problem.at.column}: ` : '';
}

/** Prints for one run of the CLI. */
export class Output {
  readonly json: boolean;
  readonly quiet: boolean;
  /** Whether stdout and stderr are terminals of a person. */
  readonly interactive: { readonly data: boolean; readonly notes: boolean };
  /** Colours for what goes to stdout and to stderr. */
  readonly paint: Paint;
  readonly paintNote: Paint;
  private printedDocument = false;
  private liveLines = 0;

  private constructor(options: OutputOptions, paint: Paint, paintNote: Paint) {
    this.json = options.json;
    this.quiet = options.quiet;
    this.interactive = { data: process.stdout.isTTY === true, notes: process.stderr.isTTY === true };
    this.paint = paint;
    this.paintNote = paintNote;
  }

  /** An output with colours loaded only where a terminal shows them. */
  static async open(options: OutputOptions, env: NodeJS.ProcessEnv): Promise<Output> {
    return new Output(options, await painter(process.stdout, env), await painter(process.stderr, env));
  }

  /** A line of data for people; with `-o json` nothing. */
  line(text: string): void {
    if (!this.json) process.stdout.write(`${text}\n`);
  }

  /** Text as it is on stdout, whatever the mode: exported files, scripts. */
  raw(text: string): void {
    process.stdout.write(text);
  }

  /** The one JSON document of `-o json`, on one line. */
  document(value: unknown): void {
    this.printedDocument = true;
    process.stdout.write(`${JSON.stringify(value)}\n`);
  }

  /** One line of an NDJSON stream. */
  record(value: unknown): void {
    process.stdout.write(`${JSON.stringify(value)}\n`);
  }

  /** Aligned columns without borders. */
  table(titles: readonly string[], rows: readonly (readonly Cell[])[]): void {
    for (const line of alignTable(titles, rows, this.paint)) this.line(line);
  }

  /** Progress and messages. */
  note(text: string): void {
    if (!this.quiet) process.stderr.write(`${text}\n`);
  }

  /** What a user must know, even with `-q`. */
  warn(text: string): void {
    process.stderr.write(`${this.paintNote('warning:', 'busy')} ${text}\n`);
  }

  /** An error: on stderr for people; with `-o json` as the one document on stdout, unless there is one already. */
  error(error: CubeError, more: Readonly<Record<string, unknown>> = {}): void {
    if (this.json && !this.printedDocument) {
      this.document({ ...errorBody(error), ...more });
      return;
    }
    const placed = error.problems.length > 0 ? error.problems : [{ message: error.message, ...(error.at ? { at: error.at } : {}) }];
    for (const problem of placed) {
      process.stderr.write(
        problem.at ? `${location(problem)}${problem.message}\n` : `${this.paintNote('cube:', 'bad')} ${problem.message}\n`,
      );
    }
    if (error.hint) process.stderr.write(`${this.paintNote(`hint: ${error.hint}`, 'dim')}\n`);
  }

  /** A view on stderr that is drawn again and again; undefined where nothing may redraw. */
  liveNotes(): LiveView | undefined {
    return this.interactive.notes && !this.quiet ? this.live(process.stderr) : undefined;
  }

  /** A view on stdout that is drawn again and again; undefined where nothing may redraw. */
  liveData(): LiveView | undefined {
    return this.interactive.data && !this.json ? this.live(process.stdout) : undefined;
  }

  /** Waits until all that was printed has left the process. */
  static async flush(): Promise<void> {
    await new Promise<void>((resolve) => process.stdout.write('', () => resolve()));
    await new Promise<void>((resolve) => process.stderr.write('', () => resolve()));
  }

  private live(stream: NodeJS.WriteStream): LiveView {
    const clear = (): void => {
      if (this.liveLines > 0) stream.write(`\u001B[${this.liveLines}A\u001B[0J`);
      this.liveLines = 0;
    };
    const show = (lines: readonly string[]): void => {
      clear();
      const room = Math.max(1, (stream.rows ?? 24) - 1);
      const shown = lines.length > room ? [...lines.slice(0, room - 1), `... and ${lines.length - room + 1} more lines`] : lines;
      for (const line of shown) stream.write(`\u001B[?7l${line}\u001B[?7h\n`);
      this.liveLines = shown.length;
    };
    return { show, clear };
  }
}

/** Ends the process without a word when whoever read its output has gone (`cube logs | head`). */
export function endSilentlyOnClosedPipe(): void {
  for (const stream of [process.stdout, process.stderr]) {
    stream.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'EPIPE') process.exit(0);
      throw error;
    });
  }
}
