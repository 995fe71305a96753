/**
 * Registry credentials where `docker login` left them. The engine's API knows none of them: its clients read the file.
 * Format: the Docker CLI's config.json, and its credential helper protocol (github.com/docker/docker-credential-helpers).
 */
import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Log } from '../../ports/ambient.ts';
import { codeOf } from '../code-of.ts';
import type { CredentialsOf } from './images.ts';

interface AuthEntry {
  /** `user:password` in base64. */
  readonly auth?: string;
  readonly username?: string;
  readonly password?: string;
  readonly identitytoken?: string;
  readonly registrytoken?: string;
}

interface ConfigFile {
  readonly auths?: Readonly<Record<string, AuthEntry>>;
  readonly credsStore?: string;
  readonly credHelpers?: Readonly<Record<string, string>>;
}

/** Docker Hub's key in the file. */
const hub = 'https://index.docker.io/v1/';

/** The registry of an image, as the file names it: the part before the first slash when it looks like a host. */
export function registryOf(image: string): string {
  const slash = image.indexOf('/');
  const first = slash < 0 ? '' : image.slice(0, slash);
  const isHost = first.includes('.') || first.includes(':') || first === 'localhost';
  return isHost && first !== 'docker.io' && first !== 'index.docker.io' ? first : hub;
}

/**
 * Reads credentials anew for each pull, so that a `docker login` counts at once. What cannot be read is said in the log,
 * and the pull goes on without: the registry's refusal then tells the user.
 * @param folder that of config.json, usually ~/.docker
 * @param helperMs time a credential helper has
 */
export function credentialsIn(folder: string, helperMs: number, log: Log): CredentialsOf {
  return async (image) => {
    const registry = registryOf(image);
    try {
      const config = await readConfig(join(folder, 'config.json'));
      const helper = config.credHelpers?.[registry] ?? config.credsStore;
      if (helper) return await fromHelper(helper, registry, helperMs);
      const entry = entryOf(config.auths ?? {}, registry);
      return entry && fromEntry(entry, registry);
    } catch (error) {
      log.warn('the registry credentials cannot be read; pulling without', { registry, error: String(error) });
      return undefined;
    }
  };
}

/** Under the registry's own name, else under one that is the same host: older clients wrote URLs. */
function entryOf(auths: Readonly<Record<string, AuthEntry>>, registry: string): AuthEntry | undefined {
  const hostOf = (key: string): string => key.replace(/^https?:\/\//, '').split('/')[0] ?? '';
  return auths[registry] ?? Object.entries(auths).find(([key]) => hostOf(key) === hostOf(registry))?.[1];
}

/** @throws Error for an entry that cannot be read */
function fromEntry(entry: AuthEntry, serveraddress: string): Record<string, string> | undefined {
  const { auth, username, password, identitytoken, registrytoken } = entry;
  if (identitytoken) return { identitytoken, serveraddress };
  if (registrytoken) return { registrytoken, serveraddress };
  if (!auth) return username && password ? { username, password, serveraddress } : undefined;
  const text = Buffer.from(auth, 'base64').toString();
  const colon = text.indexOf(':');
  if (colon <= 0) throw new Error('its `auth` is no `user:password` in base64');
  // Some clients pad with zero bytes.
  return { username: text.slice(0, colon), password: text.slice(colon + 1).replace(/\0+$/, ''), serveraddress };
}

async function readConfig(path: string): Promise<ConfigFile> {
  try {
    return parsed(await readFile(path, 'utf8'));
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return {};
    throw error;
  }
}

/** The parser's own words would show a piece of the file. */
function parsed(text: string): ConfigFile {
  try {
    return JSON.parse(text) as ConfigFile;
  } catch (error) {
    throw new Error('config.json is no JSON', { cause: error });
  }
}

/** Asks `docker-credential-NAME get`; a helper that knows nothing of the registry says so and exits 1. */
function fromHelper(name: string, registry: string, timeoutMs: number): Promise<Record<string, string> | undefined> {
  return new Promise((resolve, reject) => {
    const child = execFile(`docker-credential-${name}`, ['get'], { timeout: timeoutMs }, (error, stdout) => {
      if (error) {
        if (/credentials not found/i.test(stdout)) resolve(undefined);
        else reject(error);
        return;
      }
      try {
        const { Username, Secret } = JSON.parse(stdout) as { Username: string; Secret: string };
        const token = Username === '<token>';
        resolve({ serveraddress: registry, ...(token ? { identitytoken: Secret } : { username: Username, password: Secret }) });
      } catch (thrown) {
        reject(thrown);
      }
    });
    // A helper that ends without reading makes the pipe fail; its exit tells more.
    child.stdin?.on('error', () => undefined);
    child.stdin?.end(registry);
  });
}
