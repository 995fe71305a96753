/** What Node puts into its errors. */

/** The code of an error of Node's, such as ENOENT; undefined where there is none. */
export function codeOf(error: unknown): unknown {
  return error instanceof Error && 'code' in error ? error.code : undefined;
}
