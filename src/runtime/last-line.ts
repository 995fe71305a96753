/** The end of what a check wrote: all that is shown of it. */

/** @returns the last line that is not blank, its last `charsMax` characters; `''` where there is none */
export function lastLine(text: string, charsMax: number): string {
  const line =
    text
      .trimEnd()
      .split(/[\r\n]+/)
      .at(-1) ?? '';
  return Array.from(line.trim()).slice(-charsMax).join('');
}
