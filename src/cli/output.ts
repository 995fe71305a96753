/** The only file that prints: data to stdout, progress and messages to stderr, colours only where a person looks. */
import { isatty, WriteStream } from 'node:tty';
import { getSystemErrorMap } from 'node:util';
import { errorBody } from '../core/errors.ts';
import type { CubeError, Problem } from '../core/errors.ts';
import { createLiveView } from './live-view.ts';
import type { LiveView } from './live-view.ts';
import { alignTable, fitTable } from './table.ts';
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

const files = { stdout: 1, stderr: 2 } as const;
const opened = new Set<keyof typeof files>();

/** Ends the process: what cannot be printed cannot be told on the same stream, and nothing else of the command is of use. */
function endUnwritable(name: keyof typeof files, error: NodeJS.ErrnoException): never {
  const why = (error.errno === undefined ? undefined : getSystemErrorMap().get(error.errno)?.[1]) ?? error.message;
  if (name === 'stdout') sink('stderr').write(`cube: stdout cannot be written: ${why}\n`);
  process.exit(1);
}

/** One of the two streams, opened when it is first written to. A reader that has gone (`cube logs | head`) ends the process without a word. */
function sink(name: keyof typeof files): NodeJS.WriteStream {
  const stream = process[name];
  if (opened.has(name)) return stream;
  opened.add(name);
  stream.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE') process.exit(0);
    endUnwritable(name, error);
  });
  return stream;
}

async function painter(name: keyof typeof files, env: NodeJS.ProcessEnv): Promise<Paint> {
  if (!isatty(files[name]) || env['NO_COLOR'] || env['TERM'] === 'dumb') return plain;
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

  private constructor(options: OutputOptions, paint: Paint, paintNote: Paint) {
    this.json = options.json;
    this.quiet = options.quiet;
    this.interactive = { data: isatty(files.stdout), notes: isatty(files.stderr) };
    this.paint = paint;
    this.paintNote = paintNote;
  }

  /** An output with colours loaded only where a terminal shows them. */
  static async open(options: OutputOptions, env: NodeJS.ProcessEnv): Promise<Output> {
    return new Output(options, await painter('stdout', env), await painter('stderr', env));
  }

  /** A line of data for people; with `-o json` nothing. */
  line(text: string): void {
    if (!this.json) sink('stdout').write(`${text}\n`);
  }

  /** Text as it is on stdout, whatever the mode: exported files, scripts. */
  raw(text: string): void {
    sink('stdout').write(text);
  }

  /** Lets a library print on stdout by itself; what cannot be written is told as ever. */
  lend(print: () => void): void {
    sink('stdout');
    print();
  }

  /** Bytes as they are, whatever the mode; settles when the reader has room for more. */
  async bytes(chunk: Uint8Array, name: 'stdout' | 'stderr' = 'stdout'): Promise<void> {
    const stream = sink(name);
    if (!stream.write(chunk)) await new Promise<void>((resolve) => stream.once('drain', resolve));
  }

  /** The one JSON document of `-o json`, on one line. */
  document(value: unknown): void {
    this.printedDocument = true;
    sink('stdout').write(`${JSON.stringify(value)}\n`);
  }

  /** One line of an NDJSON stream. */
  record(value: unknown): void {
    sink('stdout').write(`${JSON.stringify(value)}\n`);
  }

  /** Aligned columns without borders. @param fit cuts them to the terminal, if there is one: the last holds the longest text */
  table(titles: readonly string[], rows: readonly (readonly Cell[])[], { fit = false } = {}): void {
    const [shownTitles, shownRows] = fit ? fitTable(titles, rows, this.columns) : [titles, rows];
    for (const line of alignTable(shownTitles, shownRows, this.paint)) this.line(line);
  }

  /** Width of the terminal that data goes to, in characters; undefined where it goes elsewhere, or where that is not known. */
  get columns(): number | undefined {
    return this.interactive.data ? process.stdout.columns || undefined : undefined;
  }

  /** Progress and messages. */
  note(text: string): void {
    if (!this.quiet) sink('stderr').write(`${text}\n`);
  }

  /** What a user must know, even with `-q`. */
  warn(text: string): void {
    sink('stderr').write(`${this.paintNote('warning:', 'busy')} ${text}\n`);
  }

  /** An error: on stderr for people; with `-o json` as the one document on stdout, unless there is one already. */
  error(error: CubeError, more: Readonly<Record<string, unknown>> = {}): void {
    if (this.json && !this.printedDocument) {
      this.document({ ...errorBody(error), ...more });
      return;
    }
    const placed = error.problems.length > 0 ? error.problems : [{ message: error.message, ...(error.at ? { at: error.at } : {}) }];
    for (const problem of placed) {
      sink('stderr').write(
        problem.at ? `${location(problem)}${problem.message}\n` : `${this.paintNote('cube:', 'bad')} ${problem.message}\n`,
      );
    }
    if (error.hint) sink('stderr').write(`${this.paintNote(`hint: ${error.hint}`, 'dim')}\n`);
  }

  /** A view on stderr that is drawn again and again; undefined where nothing may redraw. */
  liveNotes(): LiveView | undefined {
    return this.interactive.notes && !this.quiet ? createLiveView(sink('stderr')) : undefined;
  }

  /** A view on stdout that is drawn again and again; undefined where nothing may redraw. */
  liveData(): LiveView | undefined {
    return this.interactive.data && !this.json ? createLiveView(sink('stdout')) : undefined;
  }

  /** The terminal on which something is shown, for its size: either stream may go to a file. */
  static screen(): WriteStream | undefined {
    return [process.stdout, process.stderr].find((stream) => stream instanceof WriteStream);
  }

  /** Waits until all that was printed has left the process. */
  static async flush(): Promise<void> {
    for (const name of opened) await new Promise<void>((resolve) => sink(name).write('', () => resolve()));
  }
}
