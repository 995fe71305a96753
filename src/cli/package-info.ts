/** Cube's own version, read from package.json: three levels up from `dist/src/cli`, two from `src/cli`. */
import { existsSync, readFileSync } from 'node:fs';

/** The version in package.json, or `0.0.0` where there is none. */
export function cubeVersion(): string {
  const url = ['../../package.json', '../../../package.json']
    .map((path) => new URL(path, import.meta.url))
    .find((path) => existsSync(path));
  return url ? (JSON.parse(readFileSync(url, 'utf8')) as { version: string }).version : '0.0.0';
}
