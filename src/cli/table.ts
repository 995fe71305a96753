/** Tables for people: aligned columns without borders, as `docker ps` has them. Own few lines, because `cube status` must start fast. */

/** What a text means; the output gives each its colour. */
export type Tone = 'good' | 'bad' | 'busy' | 'dim' | 'strong' | 'one' | 'two' | 'three';

/** A cell, with its tone where it has one. */
export type Cell = string | readonly [text: string, tone: Tone];

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
      .join('   ')
      .trimEnd(),
  );
}
