/** Linux signals by name and number (signal(7), x86 and ARM numbering). */

const names = [
  'HUP INT QUIT ILL TRAP ABRT BUS FPE KILL USR1 SEGV USR2 PIPE ALRM TERM STKFLT',
  'CHLD CONT STOP TSTP TTIN TTOU URG XCPU XFSZ VTALRM PROF WINCH IO PWR SYS',
]
  .join(' ')
  .split(' ')
  .map((name) => `SIG${name}`);

/** Real-time signals as glibc counts them: 34 is SIGRTMIN, 64 is SIGRTMAX. */
const realTime = Array.from({ length: 31 }, (_, index) => {
  if (index === 0) return 'SIGRTMIN';
  if (index === 30) return 'SIGRTMAX';
  return index <= 15 ? `SIGRTMIN+${index}` : `SIGRTMAX-${30 - index}`;
});

const numbers: ReadonlyMap<string, number> = new Map([
  ...names.map((name, index) => [name, index + 1] as const),
  ...realTime.map((name, index) => [name, index + 34] as const),
]);

const synonyms: Readonly<Record<string, string>> = { SIGIOT: 'SIGABRT', SIGCLD: 'SIGCHLD', SIGPOLL: 'SIGIO' };

/** All names, for suggestions. */
export const signalNames: readonly string[] = [...numbers.keys()];

/** The number of a signal by its full name, or undefined. */
export function signalNumber(name: string): number | undefined {
  return numbers.get(name);
}

/** `SIGTERM` from what people write: `SIGTERM`, `term`, 15, `15`; undefined when there is no such signal. */
export function signalName(written: string | number): string | undefined {
  const text = String(written).trim().toUpperCase();
  if (/^\d+$/.test(text)) return signalNames.find((name) => numbers.get(name) === Number(text));
  const full = text.startsWith('SIG') ? text : `SIG${text}`;
  const name = synonyms[full] ?? full;
  return numbers.has(name) ? name : undefined;
}
