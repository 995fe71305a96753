/**
 * A Docker engine of a test's own: its own socket, data, bridge and containerd, so that a test may kill, freeze and starve it and
 * the machine's engine never notices. Everything it made goes with the test: processes by their ids, mounts below its own folder,
 * the bridge by its name. Without root, Linux or dockerd the tests that need one skip and say so; with CUBE_TEST_ENGINE=required
 * they fail.
 */
import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { appendFileSync, existsSync, mkdirSync, mkdtempSync, openSync, readFileSync, readdirSync, closeSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { networkInterfaces, tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import Dockerode from 'dockerode';
import { ensureImage, removeContainers } from './engine.ts';

/** How it is started. */
export interface EngineSettings {
  /** Containers go on while dockerd is away. */
  readonly liveRestore?: boolean;
  /** Its data lie on a tmpfs of this size, which is soon full. */
  readonly dataBytesMax?: number;
}

/** Where to leave what is to be done in the end: a test's context. */
interface Scope {
  after(run: () => Promise<void>): void;
}

/** A dockerd that takes longer has failed. */
const patienceMs = 40_000;

const programs = ['/usr/sbin', '/usr/bin', '/usr/local/bin', '/sbin'];

/** Why there can be no second engine here; false when there can. @throws when CUBE_TEST_ENGINE is `required` */
export function secondEngineSkip(): string | false {
  const lacks = lacking();
  if (lacks === undefined) return false;
  const why = `no second Docker engine for tests: ${lacks}`;
  if (process.env['CUBE_TEST_ENGINE'] === 'required') throw new Error(why);
  return why;
}

function lacking(): string | undefined {
  if (process.platform !== 'linux') return 'this is not Linux';
  if (process.getuid?.() !== 0) return 'that needs root';
  const missing = ['dockerd', 'ip', 'mount'].filter((name) => !programs.some((folder) => existsSync(join(folder, name))));
  return missing.length === 0 ? undefined : `there is no ${missing.join(' and no ')}`;
}

/** Starts an engine that goes with the scope. It has the image `busybox:latest`. */
export async function startSecondEngine(scope: Scope, settings: EngineSettings = {}): Promise<SecondEngine> {
  const engine = new SecondEngine(settings);
  scope.after(() => engine.remove());
  await engine.start();
  await ensureImage(engine.docker);
  return engine;
}

/** One engine, over as many processes as a test likes. */
export class SecondEngine {
  /** Holds all that it has: nothing outside is touched but the bridge. */
  readonly folder = mkdtempSync(join(tmpdir(), 'cube-engine-'));
  readonly socketPath = join(this.folder, 'd.sock');
  readonly docker: Dockerode;
  readonly #settings: EngineSettings;
  readonly #bridge: string;
  #dockerd: ChildProcess | undefined;
  #frozen = false;

  constructor(settings: EngineSettings) {
    this.#settings = settings;
    this.#bridge = addBridge();
    mkdirSync(this.dataRoot);
    if (settings.dataBytesMax !== undefined) mountTmpfs(this.dataRoot, settings.dataBytesMax);
    // All are named: what is left out dockerode takes from DOCKER_HOST.
    const options = { socketPath: this.socketPath, host: undefined };
    this.docker = new Dockerode(options);
  }

  /** As `--docker-host` takes it. */
  get host(): string {
    return `unix://${this.socketPath}`;
  }

  get dataRoot(): string {
    return join(this.folder, 'data');
  }

  /** What it wrote so far. */
  get log(): string {
    return readFileSync(join(this.folder, 'log'), 'utf8');
  }

  /** Starts dockerd, and waits until it answers. */
  async start(): Promise<void> {
    const logFile = join(this.folder, 'log');
    appendFileSync(logFile, '--- start\n');
    const output = openSync(logFile, 'a');
    const name = this.#bridge;
    const args = [
      `--host=${this.host}`,
      `--data-root=${this.dataRoot}`,
      `--exec-root=${join(this.folder, 'exec')}`,
      `--pidfile=${join(this.folder, 'pid')}`,
      `--bridge=${name}`,
      '--iptables=false',
      '--ip-masq=false',
      '--ip-forward=false',
      // Where the machine has a containerd, this one is beside the others there.
      `--containerd-namespace=${name}`,
      `--containerd-plugins-namespace=${name}-plugins`,
      // The file of the machine's engine is not this one's.
      `--config-file=${join(this.folder, 'none.json')}`,
      ...(this.#settings.liveRestore ? ['--live-restore'] : []),
    ];
    writeConfig(join(this.folder, 'none.json'));
    this.#dockerd = spawn('dockerd', args, { stdio: ['ignore', output, output], env: { ...process.env, DOCKER_HOST: '' } });
    closeSync(output);
    const giveUpAt = Date.now() + patienceMs;
    while (!(await this.answers())) {
      if (Date.now() > giveUpAt || !this.#runs()) throw new Error(`dockerd does not answer:\n${this.log.slice(-3_000)}`);
      await sleep(50);
    }
  }

  async answers(): Promise<boolean> {
    return this.docker.ping().then(
      () => true,
      () => false,
    );
  }

  /** Ends dockerd as `systemctl stop docker` does. */
  async stop(): Promise<void> {
    await this.#end('SIGTERM');
  }

  /** Ends dockerd as a crash does: its containers are left. */
  async kill(): Promise<void> {
    const pid = Number(textOf(join(this.folder, 'exec/containerd/containerd.pid')));
    await this.#end('SIGKILL');
    // Its containerd dies with it, but is there until somebody has taken note of its end; the next dockerd would take that one for alive.
    while (pid > 0 && textOf(`/proc/${pid}/cmdline`) + textOf(`/proc/${pid}/stat`) !== '') await sleep(50);
  }

  async restart(): Promise<void> {
    await this.stop();
    await this.start();
  }

  /** From now on its socket takes connections and answers nothing. */
  freeze(): void {
    this.#dockerd?.kill('SIGSTOP');
    this.#frozen = true;
  }

  thaw(): void {
    this.#dockerd?.kill('SIGCONT');
    this.#frozen = false;
  }

  /** Ends it and removes all that it made. */
  async remove(): Promise<void> {
    try {
      this.thaw();
      // Only a dockerd can end its containers in order; one that cannot be started left mounts and processes, which go below.
      if (!this.#runs()) await this.start();
      await removeContainers(this.docker);
    } finally {
      await this.stop();
      await endProcessesOf(this.folder);
      unmountBelow(this.folder);
      execFileSync('ip', ['link', 'delete', this.#bridge]);
      await rm(this.folder, { recursive: true, force: true });
    }
  }

  #runs(): boolean {
    return this.#dockerd !== undefined && this.#dockerd.exitCode === null && this.#dockerd.signalCode === null;
  }

  async #end(signal: 'SIGTERM' | 'SIGKILL'): Promise<void> {
    const dockerd = this.#dockerd;
    if (!dockerd || !this.#runs()) return;
    const ended = once(dockerd, 'exit');
    if (this.#frozen) this.thaw();
    dockerd.kill(signal);
    const timer = setTimeout(() => dockerd.kill('SIGKILL'), patienceMs);
    await ended;
    clearTimeout(timer);
  }
}

function writeConfig(path: string): void {
  if (!existsSync(path)) appendFileSync(path, '{}');
}

/** Makes a bridge with an address in a range that nothing here uses. @returns its name */
function addBridge(): string {
  const taken = new Set(
    Object.values(networkInterfaces()).flatMap((list) => (list ?? []).map(({ address }) => address.split('.').slice(0, 3).join('.'))),
  );
  for (let tried = 0; tried < 20; tried++) {
    const octet = Math.floor(Math.random() * 250) + 1;
    if (taken.has(`172.30.${octet}`)) continue;
    const name = `cubetest${octet}`;
    try {
      execFileSync('ip', ['link', 'add', name, 'type', 'bridge'], { stdio: 'pipe' });
    } catch {
      // A test that runs beside this one has it.
      continue;
    }
    execFileSync('ip', ['address', 'add', `172.30.${octet}.1/24`, 'dev', name]);
    execFileSync('ip', ['link', 'set', name, 'up']);
    return name;
  }
  throw new Error('no free name for a bridge');
}

/** Mounts a tmpfs of this size over a folder. */
export function mountTmpfs(folder: string, sizeBytes: number): void {
  execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${sizeBytes},mode=700`, 'cube-test', folder]);
}

/** Takes off what is mounted at a folder, or below it, the innermost first. */
export function unmountBelow(folder: string): void {
  const points = readFileSync('/proc/self/mountinfo', 'utf8')
    .split('\n')
    .flatMap((line) => line.split(' ')[4] ?? [])
    .filter((point) => point === folder || point.startsWith(`${folder}/`));
  for (const point of points.toReversed()) execFileSync('umount', ['--lazy', point]);
}

/** The processes that carry a path below the folder in their command line (containerd and its shims), each before its children. */
function processesOf(folder: string): number[] {
  const named = readdirSync('/proc').filter((name) => /^\d+$/.test(name) && textOf(`/proc/${name}/cmdline`).includes(`${folder}/exec/`));
  return named.map(Number).flatMap((pid) => [pid, ...childrenOf(pid)]);
}

function childrenOf(pid: number): number[] {
  const pids = textOf(`/proc/${pid}/task/${pid}/children`).split(' ').filter(Boolean).map(Number);
  return pids.flatMap((child) => [child, ...childrenOf(child)]);
}

/** A file of a process, empty when that has ended. */
function textOf(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    if (['ENOENT', 'ESRCH'].includes((error as NodeJS.ErrnoException).code ?? '')) return '';
    throw error;
  }
}

/** Ends what a dockerd that could not be started again has left. */
async function endProcessesOf(folder: string): Promise<void> {
  const pids = processesOf(folder);
  for (const pid of pids) if (existsSync(`/proc/${pid}`)) process.kill(pid, 'SIGKILL');
  for (let waited = 0; waited < 100 && pids.some((pid) => existsSync(`/proc/${pid}`)); waited++) await sleep(50);
}
