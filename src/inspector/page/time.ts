/** Times for people, in their own time zone. */

/** `14:03:07.123`. @param ms since the epoch */
export function clockTime(ms: number, withMs = true): string {
  const date = new Date(ms);
  if (Number.isNaN(date.getTime())) return '';
  const two = (part: number): string => String(part).padStart(2, '0');
  const seconds = `${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}`;
  return withMs ? `${seconds}.${String(date.getMilliseconds()).padStart(3, '0')}` : seconds;
}
