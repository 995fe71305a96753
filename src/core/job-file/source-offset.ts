/** Where a character of a YAML (or JSON) text stands in its source, where quotes, escapes and folded lines are. */

/** A line's end with the blanks around it: a blank in the text, or, of several, one line's end less than there are. */
const fold = String.raw`[ \t]*(?:\r?\n[ \t]*)+`;
const pieces: Readonly<Record<string, RegExp>> = {
  '"': new RegExp(String.raw`\\(?:x.{2}|u.{4}|U.{8}|\r?\n[ \t]*|[^])|${fold}|[^]`, 'g'),
  "'": new RegExp(String.raw`''|${fold}|[^]`, 'g'),
  plain: new RegExp(String.raw`${fold}|[^]`, 'g'),
};

/** Characters of the text that a piece of its source stands for. */
function charactersOf(piece: string, isDouble: boolean): number {
  if (isDouble && piece.startsWith('\\')) {
    if (/^\\\r?\n/.test(piece)) return 0;
    return piece.startsWith('\\U') && Number.parseInt(piece.slice(2), 16) > 0xff_ff ? 2 : 1;
  }
  const lines = piece.split('\n').length - 1;
  return Math.max(1, lines - 1);
}

/** In a block (`|`, `>`) whose first line is the text up to its first line's end. */
function blockOffset(source: string, value: string, skipped: number): number {
  const [first = ''] = value.split('\n');
  const start = skipped <= first.length && first !== '' ? source.indexOf(first, source.indexOf('\n')) : -1;
  return Math.max(0, start < 0 ? 0 : start + skipped);
}

/**
 * @param source a text as it stands in the file, its quotes included
 * @param value the text itself
 * @param skipped characters of it
 * @returns characters of the source before what follows those; 0 where that cannot be told
 */
export function sourceOffset(source: string, value: string, skipped: number): number {
  const quote = source[0] ?? '';
  if (quote === '|' || quote === '>') return blockOffset(source, value, skipped);
  const isQuoted = quote === '"' || quote === "'";
  const inside = isQuoted ? source.slice(1, -1) : source;
  let [before, told, found] = [isQuoted ? 1 : 0, 0, -1];
  for (const [piece] of inside.matchAll(pieces[isQuoted ? quote : 'plain']!)) {
    const characters = charactersOf(piece, quote === '"');
    if (told >= skipped && found < 0 && characters > 0) found = before;
    before += piece.length;
    told += characters;
  }
  if (told !== value.length) return 0;
  return found < 0 ? before : found;
}
