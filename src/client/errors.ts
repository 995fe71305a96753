/** Errors as a node answers them, back as CubeErrors. */
import { CubeError, isErrorCode, problem } from '../core/errors.ts';
import type { ErrorCode, Place, Problem } from '../core/errors.ts';

/** The seeds' API tells a status and no code. */
const codesByStatus: Readonly<Record<number, ErrorCode>> = {
  400: 'usage',
  401: 'unauthorized',
  403: 'forbidden',
  404: 'not-found',
  405: 'wrong-method',
  409: 'conflict',
  413: 'too-large',
  415: 'wrong-type',
  421: 'wrong-host',
  429: 'busy',
  503: 'not-leading',
  504: 'timeout',
};

type Loose = Readonly<Record<string, unknown>>;

function isLoose(value: unknown): value is Loose {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function placeOf(value: unknown): Place | undefined {
  if (!isLoose(value)) return undefined;
  const { file, line, column } = value;
  return typeof file === 'string' && typeof line === 'number' && typeof column === 'number' ? { file, line, column } : undefined;
}

function problemsOf(value: unknown): readonly Problem[] {
  if (!Array.isArray(value)) return [];
  return value.filter(isLoose).map(({ message, at }) => ({ message: String(message), at: placeOf(at) }));
}

function textOr(value: unknown, other: string): string {
  return typeof value === 'string' && value !== '' ? value : other;
}

/**
 * The error in a document, or undefined when there is none. A code that this version does not know becomes `failed`.
 * @param document `{"error": {...}}` or `{"HTTPStatusCode", "Message"}`
 */
export function errorIn(document: unknown): CubeError | undefined {
  if (!isLoose(document)) return undefined;
  const { error, HTTPStatusCode: status, Message: message } = document;
  if (isLoose(error)) {
    const code = isErrorCode(error['code']) ? error['code'] : 'failed';
    return new CubeError(code, textOr(error['message'], 'the node gave no reason'), {
      hint: typeof error['hint'] === 'string' ? error['hint'] : undefined,
      at: placeOf(error['at']),
      problems: problemsOf(error['problems']),
    });
  }
  if (typeof status !== 'number') return undefined;
  return problem(codesByStatus[status] ?? 'failed', textOr(message, `the node answered ${status}`));
}

/** The error of an answer that is none of ours: a proxy's page, an older node. */
export function errorOfStatus(status: number, text: string): CubeError {
  const start = text.trim().slice(0, 200);
  return problem(codesByStatus[status] ?? 'failed', `the node answered ${status}${start === '' ? '' : `: ${start}`}`);
}
