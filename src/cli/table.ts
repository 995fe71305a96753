/** Tables for people: aligned columns without borders, as `docker ps` has them. Own few lines, because `cube status` must start fast. */

/** What a text means; the output gives each its colour. */
export type Tone = 'good' | 'bad' | 'busy' | 'dim' | 'strong' | 'one' | 'two' | 'three';

/** A cell, with its tone where it has one. */
export type Cell = string | readonly [text: string, tone: Tone];

/** Between two columns. */
const gap = '   ';

/** Text of others on one line, without what a terminal would obey. */
export function tame(text: string): string {
  return text.replaceAll(/\p{Cc}+/gu, ' ');
}

function textOf(cell: Cell): string {
  return tame(typeof cell === 'string' ? cell : cell[0]);
}

/**
 * Lines of a table. Padding is counted without colours; the last column is not padded.
 * @param paint puts a colour around a text
 */
export function alignTable(
  titles: readonly string[],
  rows: readonly (readonly Cell[])[],
  paint: (text: string, tone: Tone) => string = (text) => text,
): string[] {
  const all: readonly (readonly Cell[])[] = [titles.map((title): Cell => [title, 'dim']), ...rows];
  // Counted one by one: a call takes only so many arguments, and there may be more rows than that.
  const widths = titles.map((_, column) => all.reduce((width, row) => Math.max(width, textOf(row[column] ?? '').length), 0));
  return all.map((row) =>
    titles
      .map((_, column) => {
        const cell = row[column] ?? '';
        const text = textOf(cell);
        const padding = column === titles.length - 1 ? '' : ' '.repeat(widths[column]! - text.length);
        return (typeof cell === 'string' ? text : paint(text, cell[1])) + padding;
      })
      .join(gap)
      .trimEnd(),
  );
}

/** The last column is cut to no less than this, however narrow the terminal. */
const lastCharsMin = 20;

/**
 * The same table for a terminal of some columns, where its longest text stands last: if it is too wide, columns that say nothing are
 * left out, and the last is cut.
 * @param columns undefined where there is no terminal: then nothing is lost
 */
export function fitTable(
  titles: readonly string[],
  rows: readonly (readonly Cell[])[],
  columns: number | undefined,
): readonly [titles: readonly string[], rows: readonly (readonly Cell[])[]] {
  const widthOf = (column: number): number =>
    rows.reduce((width, row) => Math.max(width, textOf(row[column] ?? '').length), titles[column]!.length);
  const last = titles.length - 1;
  const widths = titles.map((_, column) => widthOf(column));
  if (columns === undefined || widths.reduce((sum, width) => sum + width + gap.length, -gap.length) <= columns) return [titles, rows];
  const kept = titles.flatMap((_, column) => (column === last || rows.some((row) => textOf(row[column] ?? '') !== '') ? [column] : []));
  const room = kept.reduce((left, column) => (column === last ? left : left - widths[column]! - gap.length), columns);
  const cut = rows.map((row) =>
    kept.map((column) => (column === last ? cutCell(row[column] ?? '', Math.max(room, lastCharsMin)) : row[column]!)),
  );
  return [kept.map((column) => titles[column]!), cut];
}

function cutCell(cell: Cell, room: number): Cell {
  const whole = textOf(cell);
  const text = shortened(whole, room);
  if (text === whole) return cell;
  return typeof cell === 'string' ? text : [text, cell[1]];
}

/** A text of at most so many characters, the last of which tells that there were more. */
export function shortened(text: string, charactersMax: number): string {
  const characters = Array.from(text);
  if (characters.length <= charactersMax) return text;
  const kept = characters.slice(0, charactersMax - 1).join('');
  return `${kept.trimEnd()}…`;
}
