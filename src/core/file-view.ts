/** What `cube secret ls -o json` and `GET /v1/secrets` tell of a secret or a config. */
import type { FileView } from './files.ts';
import { isoTime } from './iso-time.ts';

/** A secret or a config; never its content. */
export interface FileJson {
  readonly name: string;
  readonly version: number;
  /** Names of the jobs that use it. */
  readonly usedBy: readonly string[];
  readonly bytes: number;
  /** When its newest version was set. */
  readonly createdAt: string;
}

/** What a set did. */
export interface FileSetJson extends FileJson {
  readonly change: 'created' | 'updated' | 'unchanged';
}

/** A file as JSON. */
export function fileJson({ name, version, usedBy, bytes, createdAt }: FileView): FileJson {
  return { name, version, usedBy, bytes, createdAt: isoTime(createdAt) };
}
