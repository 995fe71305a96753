/**
 * Sealing with AES-256-GCM (NIST SP 800-38D): a random 12-byte nonce each, and what it is about as associated data. The key is 32 random
 * bytes in a file of its own, which no backup holds: one that falls into wrong hands tells nothing.
 */
import { createCipheriv, createDecipheriv, createHmac, hkdfSync, randomBytes } from 'node:crypto';
import { chmodSync, closeSync, fsyncSync, linkSync, openSync, readFileSync, statSync, unlinkSync, writeSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { asCubeError, problem } from '../core/errors.ts';
import type { Sealed } from '../core/files.ts';
import type { Sealer } from '../ports/sealing.ts';

const keyBytes = 32;
const ivBytes = 12;
const tagBytes = 16;
const ownerOnly = 0o600;
const others = 0o077;

/** One key for each use. */
interface Keys {
  readonly seal: Uint8Array;
  readonly digest: Uint8Array;
}

function keysFrom(key: Uint8Array): Keys {
  const derived = (use: string): Uint8Array => new Uint8Array(hkdfSync('sha256', key, '', use, keyBytes));
  return { seal: derived('cube file seal 1'), digest: derived('cube file digest 1') };
}

function sealed(keys: Keys, about: string, content: Uint8Array): Sealed {
  const iv = randomBytes(ivBytes);
  const cipher = createCipheriv('aes-256-gcm', keys.seal, iv, { authTagLength: tagBytes });
  cipher.setAAD(Buffer.from(about));
  const data = Buffer.concat([cipher.update(content), cipher.final()]);
  return { iv, tag: cipher.getAuthTag(), data };
}

function opened(keys: Keys, about: string, { iv, tag, data }: Sealed): Uint8Array {
  try {
    const decipher = createDecipheriv('aes-256-gcm', keys.seal, iv, { authTagLength: tagBytes });
    decipher.setAAD(Buffer.from(about));
    decipher.setAuthTag(tag);
    return Buffer.concat([decipher.update(data), decipher.final()]);
  } catch (thrown) {
    throw problem('sealed', `${about} does not open with the key that is here`, { cause: thrown });
  }
}

/**
 * A sealer with a key that comes when it is needed.
 * @param find the key, if there is one @param make makes one
 */
function sealerWith(find: () => Uint8Array | undefined, make: () => Uint8Array): Sealer {
  let keys: Keys | undefined;
  const known = (): Keys | undefined => {
    const key = keys === undefined ? find() : undefined;
    if (key !== undefined) keys = keysFrom(key);
    return keys;
  };
  const sure = (): Keys => known() ?? (keys = keysFrom(make()));
  return {
    get hasKey() {
      return known() !== undefined;
    },
    seal: (about, content) => sealed(sure(), about, content),
    open: (about, content) => {
      const there = known();
      if (there === undefined) throw problem('sealed', `${about} cannot be opened: its key is missing`);
      return opened(there, about, content);
    },
    digest: (about, content) => createHmac('sha256', sure().digest).update(about).update('\0').update(content).digest('base64'),
  };
}

/** A sealer whose key is told. */
export function sealerOf(key: Uint8Array): Sealer {
  if (key.byteLength !== keyBytes) throw new RangeError(`a key has ${keyBytes} bytes, not ${key.byteLength}`);
  return sealerWith(
    () => key,
    () => key,
  );
}

/**
 * A sealer whose key is in a file, made when something is first sealed. A file that others can read is closed to them.
 * @param warn says what its user should know
 * @returns one without a key where the file is missing, or holds none: that is said by `warn`, and the file is left as it is
 */
export function openSealing(path: string, warn: (message: string) => void): Sealer {
  return sealerWith(
    () => readKey(path, warn),
    () => makeKey(path, warn),
  );
}

/** @returns undefined where there is no such file, or one without a key */
function readKey(path: string, warn: (message: string) => void): Uint8Array | undefined {
  try {
    const mode = statSync(path).mode & 0o777;
    const key = Buffer.from(readFileSync(path, 'utf8').trim(), 'base64');
    if ((mode & others) !== 0) {
      chmodSync(path, ownerOnly);
      warn(`${path} could be read by others (mode ${mode.toString(8)}); it is private now, but may be known`);
    }
    if (key.byteLength === keyBytes) return key;
    warn(`${path} holds no key: secrets and configs cannot be opened`);
  } catch (thrown) {
    if ((thrown as NodeJS.ErrnoException).code !== 'ENOENT') warn(`${path} cannot be read: ${asCubeError(thrown).message}`);
  }
  return undefined;
}

/** Makes the file, whole and on the disk before it has its name, unless somebody was faster: then theirs is the key. */
function makeKey(path: string, warn: (message: string) => void): Uint8Array {
  const key = randomBytes(keyBytes);
  const draft = join(dirname(path), `.${basename(path)}.${process.pid}.${randomBytes(4).toString('hex')}`);
  try {
    writeDurably(draft, `${key.toString('base64')}\n`);
    try {
      linkSync(draft, path);
    } finally {
      unlinkSync(draft);
    }
    syncFolder(dirname(path));
    return key;
  } catch (thrown) {
    const theirs = (thrown as NodeJS.ErrnoException).code === 'EEXIST' ? readKey(path, warn) : undefined;
    if (theirs !== undefined) return theirs;
    throw problem('failed', `the key for secrets cannot be written to ${path}: ${asCubeError(thrown).message}`, {
      hint: `check the owner and the permissions of ${dirname(path)}; a ${basename(path)} without a key has to be moved away first`,
      cause: thrown,
    });
  }
}

function writeDurably(path: string, text: string): void {
  const file = openSync(path, 'wx', ownerOnly);
  try {
    writeSync(file, text);
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
}

function syncFolder(path: string): void {
  const folder = openSync(path, 'r');
  try {
    fsyncSync(folder);
  } finally {
    closeSync(folder);
  }
}
