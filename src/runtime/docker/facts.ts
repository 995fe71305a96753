/** What an engine is and can do. */
import { hostname } from 'node:os';
import type { Limits } from '../../core/limits.ts';
import type { Log } from '../../ports/ambient.ts';
import type { RuntimeFacts } from '../../ports/runtime.ts';
import { cpuFacts } from '../cpu-model.ts';
import { diskOf } from '../disk.ts';
import type { EngineSupport } from './body.ts';
import type { Engine } from './engine.ts';

/** What an engine can do, and where its containers are. */
export interface EngineNature extends EngineSupport {
  /** Whether the containers' own addresses can be reached from here: not those in a virtual machine, of a rootless engine, or elsewhere. */
  readonly ownNetwork: boolean;
}

/** The part of `GET /info` that is read here. */
interface EngineInfo {
  readonly Name?: string;
  readonly NCPU: number;
  readonly MemTotal: number;
  readonly DockerRootDir: string;
  readonly OperatingSystem?: string;
  readonly SecurityOptions?: readonly string[] | null;
  readonly MemoryLimit?: boolean;
  readonly SwapLimit?: boolean;
  readonly CpuCfsQuota?: boolean;
  readonly PidsLimit?: boolean;
}

/** The part of `GET /version` that is read here. */
interface EngineVersion {
  readonly Version: string;
  readonly Os: string;
  readonly Arch: string;
}

/** Asks the engine what it is. */
export class EngineFacts {
  readonly #engine: Engine;
  readonly #log: Log;
  readonly #limits: Limits;
  #support: Promise<EngineNature> | undefined;

  constructor(engine: Engine, log: Log, limits: Limits) {
    this.#engine = engine;
    this.#log = log;
    this.#limits = limits;
  }

  /** @throws CubeError `no-engine` when it does not answer */
  async facts(): Promise<RuntimeFacts> {
    const [info, version] = await Promise.all([
      this.#info(),
      this.#engine.call<EngineVersion>('tell its version', () => this.#engine.docker.version()),
    ]);
    const support = this.#natureOf(info);
    this.#support = Promise.resolve(support);
    const warnings = lacks(support, this.#limits);
    const diskBytes = await this.#diskBytes(info.DockerRootDir, warnings);
    return {
      name: 'docker',
      version: version.Version,
      capacity: { cpu: info.NCPU, memoryBytes: info.MemTotal, diskBytes, custom: {} },
      os: version.Os,
      // As Node names it, so that constraints mean the same on every runtime.
      arch: { amd64: 'x64', '386': 'ia32' }[version.Arch] ?? version.Arch,
      // An engine elsewhere does not tell; one in a virtual machine here has this host's processor.
      ...(this.#engine.address.local ? cpuFacts() : {}),
      features: ['volumes', 'files'],
      warnings,
    };
  }

  /** What works here; asked once, and again after the engine could not tell. */
  support(): Promise<EngineNature> {
    this.#support ??= this.#info().then(
      (info) => this.#natureOf(info),
      (error: unknown) => {
        this.#support = undefined;
        throw error;
      },
    );
    return this.#support;
  }

  #natureOf(info: EngineInfo): EngineNature {
    const isApart = info.OperatingSystem === 'Docker Desktop' || (info.SecurityOptions ?? []).some((option) => /\brootless\b/.test(option));
    const { local, socketPath } = this.#engine.address;
    // A port of this host may be a tunnel to another one.
    const isHere = local && (socketPath !== undefined || info.Name === hostname());
    return { ...supportOf(info), ownNetwork: isHere && process.platform === 'linux' && !isApart };
  }

  #info(): Promise<EngineInfo> {
    return this.#engine.call<EngineInfo>('describe itself', () => this.#engine.docker.info());
  }

  /** Size of the disk that holds images and containers, where it can be seen from here. */
  async #diskBytes(root: string, warnings: string[]): Promise<number> {
    if (this.#engine.address.local) {
      try {
        return (await diskOf(root)).totalBytes;
      } catch (error) {
        this.#log.debug('the disk of the engine cannot be measured', { root, error: String(error) });
      }
    }
    warnings.push(`the engine's disk (${root}) cannot be measured from here: tasks that reserve disk need --disk`);
    return 0;
  }
}

function supportOf(info: EngineInfo): EngineSupport {
  return {
    cpus: info.NCPU,
    cpu: info.CpuCfsQuota ?? false,
    memory: info.MemoryLimit ?? false,
    swap: info.SwapLimit ?? false,
    pids: info.PidsLimit ?? false,
  };
}

function lacks(support: EngineSupport, limits: Limits): string[] {
  const warnings: string[] = [];
  if (!support.cpu) warnings.push('the kernel offers the engine no CPU quota: cpu limits have no effect');
  if (!support.memory) warnings.push('the kernel offers the engine no memory limit: memory limits have no effect');
  else if (!support.swap) warnings.push('the kernel does not account for swap: a task may swap beyond its memory limit');
  if (!support.pids) warnings.push(`the kernel cannot limit processes: a task may have more than ${limits.pidsMax}`);
  return warnings;
}
