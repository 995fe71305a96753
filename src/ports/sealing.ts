/** The sealing port: contents that must not lie readable on a disk. */
import type { Sealed } from '../core/files.ts';

/** Seals contents and opens them again. Each is bound to what it is about, a text: under another one it does not open. */
export interface Sealer {
  /** Whether there is a key. Without one `seal` makes it. */
  readonly hasKey: boolean;
  /** @throws CubeError `failed` when the key cannot be written down; nothing is sealed then */
  seal(about: string, content: Uint8Array): Sealed;
  /** @throws CubeError `sealed` without the key, with another one, or when what is sealed was changed */
  open(about: string, sealed: Sealed): Uint8Array;
  /** A keyed hash of a content, for comparing. @throws CubeError `failed` as `seal` */
  digest(about: string, content: Uint8Array): string;
}
