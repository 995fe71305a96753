/** Signals as job files name them. */
import { constants } from 'node:os';

function isSignal(name: string): name is NodeJS.Signals {
  return Object.hasOwn(constants.signals, name);
}

/** `SIGTERM`, `term` and `15` in Node's terms; undefined for one that this system does not know. */
export function signalOf(text: string): NodeJS.Signals | number | undefined {
  if (/^\d+$/.test(text)) {
    const numbers: readonly number[] = Object.values(constants.signals);
    return numbers.includes(Number(text)) ? Number(text) : undefined;
  }
  const upper = text.toUpperCase();
  const name = upper.startsWith('SIG') ? upper : `SIG${upper}`;
  return isSignal(name) ? name : undefined;
}
