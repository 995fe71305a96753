/** Helpers for the tests of the house rules: a rule is shown what it must refuse and what it must let pass. */
import assert from 'node:assert/strict';
import { parseSource, type Check } from './source.ts';

/** What a rule says of a text that stands in a file of this path. */
export function messages(check: Check, path: string, text: string): readonly string[] {
  return check(parseSource(path, text)).map(({ message }) => message);
}

/** The rule finds exactly one thing in the text, and its message matches. */
export function refuses(check: Check, path: string, text: string, message: RegExp): void {
  const found = messages(check, path, text);
  assert.equal(found.length, 1, `${path} with ${text}: ${found.length} findings, not 1: ${found.join('; ')}`);
  assert.match(found[0] as string, message);
}

/** The rule finds nothing in the text. */
export function accepts(check: Check, path: string, text: string): void {
  assert.deepEqual(messages(check, path, text), [], `${path} with ${text}`);
}
