/**
 * A registry of a test's own on loopback, with one user: Debian's `docker-registry`, or the same program under its own name. What it
 * was asked is read from its access log. Without it the tests that need one skip and say so; with CUBE_TEST_ENGINE=required they fail.
 */
import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, writeFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type Dockerode from 'dockerode';
import { freePort } from './free-port.ts';
import { testImage } from './engine.ts';

/** Its one user. */
export const user = { username: 'cube', password: 'correct horse' } as const;

const folders = ['/usr/bin', '/usr/local/bin', '/bin'];

function program(...names: readonly string[]): string | undefined {
  return names.flatMap((name) => folders.map((folder) => join(folder, name))).find((path) => existsSync(path));
}

/** Why there can be no registry here; false when there can. @throws when CUBE_TEST_ENGINE is `required` */
export function registrySkip(): string | false {
  const missing = [program('docker-registry', 'registry') ? '' : 'docker-registry', program('htpasswd') ? '' : 'htpasswd'].filter(Boolean);
  if (missing.length === 0) return false;
  const why = `no registry for tests: there is no ${missing.join(' and no ')}`;
  if (process.env['CUBE_TEST_ENGINE'] === 'required') throw new Error(why);
  return why;
}

/** Starts a registry that goes with the scope. */
export async function startRegistry(scope: { after(run: () => Promise<void>): void }): Promise<Registry> {
  const registry = new Registry(await freePort());
  scope.after(() => registry.remove());
  await registry.start();
  return registry;
}

/** One registry, over as many processes as a test likes. */
export class Registry {
  /** `127.0.0.1:PORT`: images are named after it. */
  readonly address: string;
  readonly #folder = mkdtempSync(join(tmpdir(), 'cube-registry-'));
  #process: ChildProcess | undefined;
  #log = '';

  constructor(port: number) {
    this.address = `127.0.0.1:${port}`;
    const password = execFileSync('htpasswd', ['-Bbn', user.username, user.password], { encoding: 'utf8' });
    writeFileSync(join(this.#folder, 'htpasswd'), password, { mode: 0o600 });
    const config = {
      version: 0.1,
      log: { level: 'warn', accesslog: { disabled: false } },
      storage: { filesystem: { rootdirectory: join(this.#folder, 'data') }, delete: { enabled: true } },
      auth: { htpasswd: { realm: 'cube', path: join(this.#folder, 'htpasswd') } },
      http: { addr: this.address, secret: 'of a test' },
    };
    // YAML takes JSON.
    writeFileSync(join(this.#folder, 'config.yml'), JSON.stringify(config));
  }

  /** What it was asked since the last `forget`, as `GET /v2/...` and the answer's status. */
  get asked(): readonly string[] {
    return [...this.#log.matchAll(/"([A-Z]+ \/v2\/\S*) HTTP\/[\d.]+" (\d+)/g)].map(([, line, status]) => `${line} ${status}`);
  }

  forget(): void {
    this.#log = '';
  }

  async start(): Promise<void> {
    const binary = program('docker-registry', 'registry')!;
    const child = spawn(binary, ['serve', join(this.#folder, 'config.yml')], { stdio: ['ignore', 'pipe', 'pipe'] });
    this.#process = child;
    for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', (text: string) => (this.#log += text));
    for (let tries = 0; !(await this.#answers()); tries++) {
      if (tries > 200 || child.exitCode !== null) throw new Error(`the registry does not answer:\n${this.#log}`);
      await sleep(50);
    }
    this.forget();
  }

  async stop(): Promise<void> {
    const child = this.#process;
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    const ended = once(child, 'exit');
    child.kill('SIGKILL');
    await ended;
  }

  async remove(): Promise<void> {
    await this.stop();
    await rm(this.#folder, { recursive: true, force: true });
  }

  /**
   * Pushes an image that differs from others by `mark`, and leaves nothing of it on the engine.
   * @returns its name there, and its digest
   */
  async push(
    docker: Dockerode,
    name: string,
    mark: string,
    ballastMegabytes = 0,
  ): Promise<{ readonly image: string; readonly digest: string }> {
    const image = `${this.address}/${name}`;
    const [repo, tag] = [image.slice(0, image.lastIndexOf(':')), image.slice(image.lastIndexOf(':') + 1)];
    const container = await docker.createContainer({
      Image: testImage,
      Cmd: ['sh', '-c', `echo ${mark} >/mark; dd if=/dev/urandom of=/ballast bs=1M count=${ballastMegabytes}`],
    });
    await container.start();
    await container.wait();
    await container.commit({ repo, tag, changes: `ENV MARK=${mark}` });
    await container.remove();
    const authconfig = { ...user, serveraddress: this.address };
    const told = await new Promise<{ error?: string; aux?: { Digest?: string } }[]>((resolve, reject) => {
      docker
        .getImage(image)
        .push({ authconfig })
        .then((stream) => docker.modem.followProgress(stream, (error, output) => (error ? reject(error) : resolve(output))), reject);
    });
    await docker.getImage(image).remove({ force: true });
    const digest = told.find(({ aux }) => aux?.Digest !== undefined)?.aux?.Digest;
    if (digest === undefined) throw new Error(`the push of ${image} told no digest: ${JSON.stringify(told)}`);
    return { image, digest };
  }

  async #answers(): Promise<boolean> {
    return fetch(`http://${this.address}/v2/`).then(
      ({ status }) => status === 401,
      () => false,
    );
  }
}
