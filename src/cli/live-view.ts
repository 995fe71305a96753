/** A view on a terminal that is drawn over itself. */

/** What is shown on one terminal and drawn again when it changes. */
export interface LiveView {
  /** Replaces what was shown. Lines that are too long for the terminal are cut, more lines than it has are counted. */
  show(lines: readonly string[]): void;
  /** Removes what was shown, so that a final word can take its place. */
  clear(): void;
}

/** The part of a terminal that is needed. */
export interface Terminal {
  write(text: string): unknown;
  /** Its height in lines, where that is known. */
  readonly rows?: number;
  /** Its width in characters, where that is known. */
  readonly columns?: number;
}

const rowsUsual = 24;
const noWrap = '\u001B[?7l';
const wrap = '\u001B[?7h';
const colour = new RegExp(`(${String.fromCodePoint(27)}\\[[\\d;]*m)`);

/** The part of a line that fits; colours take no room, and all of them stay, so that the last one ends where it did. */
function cut(line: string, columns: number): string {
  let room = columns;
  const cutPart = (part: string): string => {
    const shown = Array.from(part).slice(0, room);
    room -= shown.length;
    return shown.join('');
  };
  return line
    .split(colour)
    .map((part) => (colour.test(part) ? part : cutPart(part)))
    .join('');
}

/** Makes a view. Each picture is one write, so that it does not flicker. */
export function createLiveView(terminal: Terminal): LiveView {
  let drawn = 0;
  const erase = (): string => (drawn > 0 ? `\u001B[${drawn}A\u001B[0J` : '');
  return {
    show(lines) {
      // One line stays free for the cursor: a picture as high as the terminal would scroll and could not be erased.
      const room = Math.max(1, (terminal.rows ?? rowsUsual) - 1);
      const shown = lines.length > room ? [...lines.slice(0, room - 1), `... and ${lines.length - room + 1} more lines`] : lines;
      // Some terminals say 0 when they do not know.
      const columns = terminal.columns || Number.POSITIVE_INFINITY;
      // Wrapping is off all the same: a character may be two columns wide, and what wraps could not be erased.
      terminal.write(`${erase()}${noWrap}${shown.map((line) => `${cut(line, columns)}\n`).join('')}${wrap}`);
      drawn = shown.length;
    },
    clear() {
      if (drawn > 0) terminal.write(erase());
      drawn = 0;
    },
  };
}
