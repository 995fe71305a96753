/** Tables from files: CSV with a head line, or JSON with a list of objects. */
import { readFile, stat } from 'node:fs/promises';
import { CsvError, parse } from 'csv-parse/sync';
import { asCubeError, CubeError, problem, unreadableText } from '../core/errors.ts';
import type { Place } from '../core/errors.ts';
import type { Sheet, SheetRow } from '../scheduling/simulation/read.ts';

/** Characters of a line before a field, counted from 1: fields are told apart by commas outside of quotes. */
function columnOf(line: string, field: number): number {
  let quoted = false;
  let commas = 0;
  for (let at = 0; at < line.length; at++) {
    if (commas === field) return at + 1;
    if (line[at] === '"') quoted = !quoted;
    else if (line[at] === ',' && !quoted) commas++;
  }
  return line.length + 1;
}

interface ParsedRow {
  readonly record: readonly string[];
  readonly raw: string;
  readonly info: { readonly lines: number };
}

function invalid(file: string, line: number, message: string, cause?: unknown): Error {
  return problem('invalid-file', message, {
    at: { file, line, column: 1 },
    hint: 'the first line names the columns, separated by commas',
    cause,
  });
}

function parseCsv(text: string, file: string): readonly ParsedRow[] {
  try {
    const options = { bom: true, info: true, raw: true, skip_empty_lines: true, relax_column_count: true } as const;
    return parse(text, options) as unknown as readonly ParsedRow[];
  } catch (thrown) {
    if (!(thrown instanceof CsvError)) throw thrown;
    throw invalid(file, Number(thrown['lines'] ?? 1), thrown.message, thrown);
  }
}

/** Where the cells of a row stand. Its text may begin with empty lines that were skipped. */
function placing(columns: readonly string[], file: string, raw: string, line: number): (column?: string) => Place {
  const text = raw.replace(/^[\r\n]+/, '');
  return (column) => ({
    file,
    line,
    column: column === undefined || !columns.includes(column) ? 1 : columnOf(text, columns.indexOf(column)),
  });
}

/** A CSV table. @throws CubeError `invalid-file` with its place */
export function csvSheet(text: string, file: string): Sheet {
  const [head, ...body] = parseCsv(text, file);
  if (head === undefined) throw invalid(file, 1, 'the file is empty');
  const columns = head.record.map((column) => column.trim());
  const twice = columns.find((column, at) => columns.indexOf(column) !== at);
  if (twice !== undefined) throw invalid(file, 1, `there are two columns ${JSON.stringify(twice)}`);
  const rows = body.map(({ record, raw, info }): SheetRow => {
    if (record.length !== columns.length) {
      throw invalid(file, info.lines, `expected ${columns.length} fields as in the first line, got ${record.length}`);
    }
    return {
      cells: Object.fromEntries(columns.map((column, at) => [column, record[at]!])),
      place: placing(columns, file, raw, info.lines),
    };
  });
  return { file, columns, rows, place: placing(columns, file, head.raw, 1) };
}

function entryOf(entry: unknown, at: number, file: string): Readonly<Record<string, string>> {
  if (typeof entry !== 'object' || entry === null || Array.isArray(entry)) {
    throw problem('invalid-file', `${file}: entry ${at + 1} is not an object like {"name": "a", "cpu": 4}`, {
      hint: 'the file is a list of such objects',
    });
  }
  const cells: [string, string][] = [];
  for (const [key, value] of Object.entries(entry)) {
    if (typeof value === 'object' && value !== null) {
      throw problem('invalid-file', `${file}: entry ${at + 1}: ${key} is a list or a map`, { hint: 'values are numbers and texts' });
    }
    cells.push([key, value === null ? '' : String(value)]);
  }
  return Object.fromEntries(cells);
}

/** A JSON table: a list of objects. @throws CubeError `invalid-file` */
export function jsonSheet(text: string, file: string): Sheet {
  let list: unknown;
  try {
    list = JSON.parse(text);
  } catch (thrown) {
    throw problem('invalid-file', `${file}: ${asCubeError(thrown).message}`, {
      hint: 'the file is a list of objects in JSON',
      cause: thrown,
    });
  }
  if (!Array.isArray(list))
    throw problem('invalid-file', `${file}: expected a list of objects`, { hint: 'write [{"name": "a", "cpu": 4}]' });
  if (list.length === 0) throw problem('invalid-file', `${file}: the list is empty`, { hint: 'write [{"name": "a", "cpu": 4}]' });
  const rows = list.map((entry: unknown, at): SheetRow => ({ cells: entryOf(entry, at, file), place: () => `${file}: entry ${at + 1}` }));
  return { file, columns: [...new Set(rows.flatMap(({ cells }) => Object.keys(cells)))], rows, place: () => file };
}

/**
 * Reads a table; what begins with `[` or `{` is JSON.
 * @throws CubeError `usage` for a file that cannot be read or is larger than `bytesMax`; `invalid-file`
 */
export async function readSheet(file: string, bytesMax: number): Promise<Sheet> {
  let text: string;
  try {
    const { size } = await stat(file);
    if (size > bytesMax) throw problem('usage', `${file} has ${size} bytes, more than ${bytesMax}`, { hint: 'simulate a part of it' });
    text = await readFile(file, 'utf8');
  } catch (thrown) {
    if (thrown instanceof CubeError) throw thrown;
    throw problem('usage', unreadableText(file, thrown), { cause: thrown });
  }
  return /^\s*[[{]/.test(text.slice(0, 100)) ? jsonSheet(text, file) : csvSheet(text, file);
}
