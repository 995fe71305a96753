/**
 * The Docker engine for tests that need one. Without one they skip and say so; with CUBE_TEST_ENGINE=required, as CI sets
 * it, they fail.
 */
import { execFileSync } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { finished } from 'node:stream/promises';
import Dockerode from 'dockerode';
import { label } from '../../src/core/ids.ts';

/** The image that tests run. */
export const testImage = 'busybox:latest';

/** What was found. */
export interface TestEngine {
  readonly docker: Dockerode;
  /** Path of the engine's socket. */
  readonly socketPath: string;
  /** Why tests that need the engine skip; false when it answers. */
  readonly skip: string | false;
}

let found: Promise<TestEngine> | undefined;

/** Looks for the engine and its image, once. @throws when there is none and CUBE_TEST_ENGINE is `required` */
export function testEngine(): Promise<TestEngine> {
  found ??= look();
  return found;
}

async function look(): Promise<TestEngine> {
  const host = process.env['DOCKER_HOST'] ?? '';
  const socketPath = host.startsWith('unix://') ? host.slice('unix://'.length) : '/var/run/docker.sock';
  const settings = { socketPath, host: undefined };
  const docker = new Dockerode(settings);
  try {
    await docker.version();
    await ensureImage(docker);
    return { docker, socketPath, skip: false };
  } catch (error) {
    const why = `no Docker engine for tests at ${socketPath}: ${error instanceof Error ? error.message : String(error)}`;
    if (process.env['CUBE_TEST_ENGINE'] === 'required') throw new Error(why, { cause: error });
    return { docker, socketPath, skip: why };
  }
}

/** Makes the image where it is missing, from this machine's busybox: no registry is needed. */
export async function ensureImage(docker: Dockerode): Promise<void> {
  const present = await docker
    .getImage(testImage)
    .inspect()
    .then(
      () => true,
      () => false,
    );
  if (present) return;
  const busybox = ['/bin/busybox', '/usr/bin/busybox'].find((path) => existsSync(path));
  if (busybox === undefined)
    throw new Error(`there is no image ${testImage}, and no /bin/busybox to make it from (install busybox-static)`);
  const tree = mkdtempSync(join(tmpdir(), 'cube-image-'));
  try {
    for (const folder of ['bin', 'etc', 'tmp', 'var', 'root']) mkdirSync(join(tree, folder));
    copyFileSync(busybox, join(tree, 'bin/busybox'));
    const applets = execFileSync(busybox, ['--list'], { encoding: 'utf8' }).trim().split('\n');
    for (const applet of applets) if (applet !== 'busybox') symlinkSync('busybox', join(tree, 'bin', applet));
    writeFileSync(join(tree, 'etc/passwd'), 'root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/:/bin/false\n');
    writeFileSync(join(tree, 'etc/group'), 'root:x:0:\nnobody:x:65534:\n');
    const tar = execFileSync('tar', ['-C', tree, '--numeric-owner', '--owner=0', '--group=0', '-cf', '-', '.'], {
      maxBuffer: 64 * 2 ** 20,
    });
    const [repo, tag] = testImage.split(':');
    const stream = await docker.importImage(Readable.from(tar), { repo, tag, changes: 'CMD ["sh"]' });
    await finished(stream.resume());
  } finally {
    rmSync(tree, { recursive: true, force: true });
  }
}

/** Removes the containers that a filter finds, whatever state they are in. Somebody else may be about to remove one, too. */
export async function removeContainers(docker: Dockerode, ...labels: readonly string[]): Promise<void> {
  const containers = await docker.listContainers({ all: true, filters: { label: [...labels] } });
  const remove = async (id: string): Promise<void> => {
    try {
      await docker.getContainer(id).remove({ force: true, v: true });
    } catch (thrown) {
      const status = (thrown as { readonly statusCode?: number }).statusCode;
      if (status !== 404 && status !== 409) throw thrown;
    }
  };
  await Promise.all(containers.map(({ Id }) => remove(Id)));
}

/** Removes the containers of a test's own cluster. */
export function removeContainersOf(docker: Dockerode, clusterId: string): Promise<void> {
  return removeContainers(docker, `${label.cluster}=${clusterId}`);
}

/** Builds an image from the test one and more Dockerfile instructions. @returns its name, to be removed by who asked for it */
export async function imageWith(docker: Dockerode, ...instructions: readonly string[]): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), 'cube-build-'));
  try {
    writeFileSync(join(folder, 'Dockerfile'), `${[`FROM ${testImage}`, ...instructions].join('\n')}\n`);
    const tar = execFileSync('tar', ['-C', folder, '-cf', '-', 'Dockerfile']);
    const name = `cube-test-${randomUUID().slice(0, 8)}:latest`;
    const stream = await docker.buildImage(Readable.from(tar), { t: name, rm: true });
    await finished(stream.resume());
    await docker.getImage(name).inspect();
    return name;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
