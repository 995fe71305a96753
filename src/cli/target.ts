/** Finds the node to talk to and the token to show it. A token is never sent to an address it was not meant for. */
import { readFileSync } from 'node:fs';
import { problem } from '../core/errors.ts';
import type { Context } from './command.ts';
import { dataDirectory, readLocalToken, readNodeFile } from './data-directory.ts';
import { readStdin } from './read-stdin.ts';

/** Where requests go, and with what. */
export interface Target {
  /** Origin: `http://127.0.0.1:5555`. */
  readonly url: string;
  readonly token: string | undefined;
}

const defaultPort = '5555';

/**
 * The origin a user meant: a scheme and a port may be missing.
 * @throws CubeError `usage` for what is no address, and for one that holds a password
 */
export function originOf(host: string): string {
  const hasScheme = /^[a-z][a-z0-9+.-]*:\/\//i.test(host);
  const url = URL.canParse(hasScheme ? host : `http://${host}`) ? new URL(hasScheme ? host : `http://${host}`) : undefined;
  if (!url || !/^https?:$/.test(url.protocol) || url.hostname === '')
    throw problem('usage', `"${host}" is no address; write host:port or http://host:port`);
  if (url.username || url.password) throw problem('usage', 'a token does not belong in an address; use CUBE_TOKEN or --token-file');
  if (!hasScheme && url.port === '' && !host.endsWith(':80')) url.port = defaultPort;
  return url.origin;
}

/** `localhost` is the local node when that listens on loopback and the port is its own: then its recorded address is what is dialled. */
function sameLoopback(asked: string, local: string | undefined): string {
  if (local === undefined) return asked;
  const [a, b] = [new URL(asked), new URL(local)];
  const isLoopback = /^127\.|^\[::1\]$/.test(b.hostname);
  return a.hostname === 'localhost' && isLoopback && a.port === b.port && a.protocol === b.protocol ? local : asked;
}

async function givenToken(context: Pick<Context, 'global' | 'env'>): Promise<string | undefined> {
  const file = context.global.tokenFile;
  if (file === undefined) return context.env['CUBE_TOKEN']?.trim() || undefined;
  let text: string;
  try {
    text = file === '-' ? await readStdin() : readFileSync(file, 'utf8');
  } catch (thrown) {
    throw problem('usage', `the token file ${file} cannot be read: ${(thrown as Error).message}`, { cause: thrown });
  }
  if (text.trim() === '') throw problem('usage', `the token file ${file} is empty`);
  return text.trim();
}

/**
 * Where to go: --host, CUBE_HOST, else the local node's own word.
 * @throws CubeError `unreachable` when no node runs here and none was named
 */
export async function findTarget(context: Pick<Context, 'global' | 'env'>): Promise<Target> {
  const host = context.global.host ?? (context.env['CUBE_HOST'] || undefined);
  const token = await givenToken(context);
  if (host !== undefined && token !== undefined) return { url: originOf(host), token };
  const directory = await dataDirectory(undefined, context.env);
  const local = readNodeFile(directory);
  if (host === undefined && local === undefined)
    throw problem('unreachable', `no node has its data in ${directory}, and no other was named`);
  const localUrl = local && originOf(local.url);
  const url = host === undefined ? localUrl! : sameLoopback(originOf(host), localUrl);
  if (token !== undefined) return { url, token };
  return { url, token: url === localUrl ? readLocalToken(directory) : undefined };
}
