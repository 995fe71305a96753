/** What an engine's words about an image mean: refused for good, or the network. */
import { problem } from '../../core/errors.ts';
import type { CubeError, ErrorCode } from '../../core/errors.ts';

interface Meaning {
  readonly code: ErrorCode;
  /** Whether the same pull may succeed in a moment. */
  readonly retry: boolean;
}

/**
 * The first row whose pattern is found wins. Refusals come first: a registry that says no said so over a working network.
 * The words are those of dockerd 20.10 to 29 and of the registries behind it (distribution's error codes).
 */
const rows: readonly (readonly [RegExp, Meaning])[] = [
  [/toomanyrequests|too many requests|rate limit/i, { code: 'image-unavailable', retry: true }],
  [/invalid reference format|invalid repository name|repository name must/i, { code: 'image-bad-name', retry: false }],
  [/invalid (?:tag|checksum digest)|unsupported digest/i, { code: 'image-bad-name', retry: false }],
  [/access denied|access to the resource is denied|denied:|unauthorized|authentication required/i, { code: 'image-denied', retry: false }],
  [/no basic auth credentials|incorrect username or password|forbidden/i, { code: 'image-denied', retry: false }],
  [
    /no such host|server misbehaving|i\/o timeout|connection (?:refused|reset)|network is unreachable/i,
    { code: 'image-unavailable', retry: true },
  ],
  [/no route to host|tls|x509|certificate|\beof\b|timeout|deadline exceeded/i, { code: 'image-unavailable', retry: true }],
  [/manifest unknown|name unknown|no matching manifest|not found|does not exist|no such image/i, { code: 'image-not-found', retry: false }],
  [/no space left|input\/output error|read-only file system/i, { code: 'engine-error', retry: false }],
];

/**
 * Sorts a failed pull.
 * @param words the engine's message
 * @param status the HTTP status, where the engine refused before it began
 */
export function meaningOf(words: string, status?: number): Meaning {
  for (const [pattern, meaning] of rows) if (pattern.test(words)) return meaning;
  if (status === 404) return { code: 'image-not-found', retry: false };
  if (status === 401 || status === 403) return { code: 'image-denied', retry: false };
  if (status === 400) return { code: 'image-bad-name', retry: false };
  return { code: 'image-unavailable', retry: true };
}

/** What a registry or the engine said against an image, in the table's terms and its own words. */
export function imageProblem(image: string, words: string, status?: number): CubeError {
  // Without the name: an image may be called `denied`.
  const { code } = meaningOf(words.replaceAll(image, ''), status);
  return problem(code, `${image}: ${words}`);
}
