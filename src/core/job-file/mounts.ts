/** What a task finds as directories and files: volumes, secrets, configs. */
import { z } from 'zod';
import type { TaskSpec, VolumeSpec } from '../job.ts';
import type { Limits } from '../limits.ts';
import { filledOnWorker, variablesIn } from '../variables.ts';
import { badKey, badValue, shown, type Finding, type Path, type Spot } from './findings.ts';
import { withoutPlaceholders } from './unfilled.ts';
import { expected, text } from './values.ts';

const volumeForm = '"name:/path", "/host/directory:/path", or one of these with ":ro"';
const nameForm = 'a name of 1 to 63 letters, digits, ".", "_" and "-" that starts with a letter or digit';
const namePattern = /^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$/;
/** What has no colon outside of a variable; each character is read in one way, or a text could take for ever. */
const part = String.raw`(?:\$\{[^}]*\}|[^:$]|\$(?!\{))*`;
const volumePattern = new RegExp(`^(${part}):(${part})(?::(${part}))?$`);

/** What is wrong with a path, in words; undefined for a good one. */
function pathProblem(path: string): string | undefined {
  const what = `expected an absolute path like /data, got ${shown(path)}`;
  if (!path.startsWith('/') || path.includes('\0')) return what;
  const parts = path.split('/');
  if (parts.includes('..')) return `${what}: ".." leads out of it`;
  if (parts.every((one) => one === '' || one === '.')) return `${what}, which is all there is`;
  const onWorker = variablesIn(path).find(({ name, isEscape }) => !isEscape && filledOnWorker(name));
  return onWorker && `\${${onWorker.name}} is filled in in a volume's name, not in a path: got ${shown(path)}`;
}

/** What is wrong with the name of a volume, in words; undefined for a good one. */
function nameProblem(name: string): string | undefined {
  return namePattern.test(withoutPlaceholders(name)) ? undefined : `expected ${nameForm}, got ${shown(name)}`;
}

/** The volume, or what is wrong with it. */
function readVolume(written: string): { readonly value: VolumeSpec } | { readonly wrong: string } {
  const [, source = '', path = '', mode] = volumePattern.exec(written) ?? [];
  if (source === '' || path === '') return { wrong: `expected ${volumeForm}, got ${shown(written)}` };
  const wrongPath = pathProblem(path);
  if (wrongPath !== undefined) return { wrong: wrongPath };
  if (mode !== undefined && mode !== 'ro') return { wrong: `expected ":ro" or nothing after the path, got ${shown(`:${mode}`)}` };
  const readOnly = mode === 'ro';
  if (source.startsWith('/')) {
    const wrongHost = pathProblem(source);
    return wrongHost === undefined ? { value: { hostPath: source, path, readOnly } } : { wrong: wrongHost };
  }
  if (/^[.~]|[/\\]/.test(withoutPlaceholders(source))) {
    return { wrong: `a directory of the host needs its absolute path, like "/srv/data:${path}", got ${shown(source)}` };
  }
  const wrongName = nameProblem(source);
  return wrongName === undefined ? { value: { name: source, path, readOnly } } : { wrong: wrongName };
}

/** The name of a volume, as it is written; undefined for a directory of the host, and for what is no volume. */
export function volumeName(written: unknown): string | undefined {
  const read = typeof written === 'string' ? readVolume(written) : undefined;
  return read !== undefined && 'value' in read ? read.value.name : undefined;
}

/** The schema of a task's `volumes`. That each has a path of its own, `mountFindings` sees to. */
export function volumesSchema(limits: Limits) {
  const volume = z.string(expected(`a volume like ${volumeForm}`)).transform((written, context): VolumeSpec => {
    const read = readVolume(written);
    if ('value' in read) return read.value;
    context.issues.push({ code: 'custom', input: written, message: read.wrong });
    return z.NEVER;
  });
  return z
    .array(volume, expected('a list of volumes like ["data:/var/lib/data"]'))
    .max(limits.taskVolumesMax, `expected at most ${limits.taskVolumesMax} volumes`)
    .describe(`Directories that outlive a container: ${volumeForm}`);
}

/** A path of the container. */
export const containerPath = z.string(expected('an absolute path like /run/secrets/db')).check((context) => {
  const message = pathProblem(context.value);
  if (message !== undefined) context.issues.push({ code: 'custom', input: context.value, message });
});

/** The schema of a task's `secrets` or `configs`. */
export function filesSchema(kind: 'secret' | 'config', limits: Limits) {
  return z
    .record(text(nameForm, namePattern), containerPath, expected(`a map of names and paths like {db: /run/${kind}s/db}`))
    .refine((files) => Object.keys(files).length <= limits.taskFilesMax, `expected at most ${limits.taskFilesMax} ${kind}s`)
    .describe(`Names of ${kind}s, and the files of the container in which it finds them`);
}

/** A path of a container, and where it is asked for. */
interface Mount extends Spot {
  readonly what: string;
  readonly path: string;
}

function mapOf(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Record<string, unknown>) : {};
}

function plain(path: string): string {
  return path
    .split('/')
    .filter((one) => one !== '' && one !== '.')
    .join('/');
}

function mountsOf(task: unknown, above: Path): Mount[] {
  const { volumes, secrets, configs } = mapOf(task);
  const ofVolumes = (Array.isArray(volumes) ? volumes : []).flatMap((written: unknown, index): Mount[] => {
    const read = typeof written === 'string' ? readVolume(written) : undefined;
    if (read === undefined || !('value' in read)) return [];
    return [{ what: 'a volume', path: read.value.path, spot: [...above, 'volumes', index], at: 'value' }];
  });
  const ofFiles = (['secrets', 'configs'] as const).flatMap((kind) =>
    Object.entries(mapOf({ secrets, configs }[kind])).flatMap(([name, path]): Mount[] => {
      if (typeof path !== 'string' || pathProblem(path) !== undefined) return [];
      return [{ what: `the ${kind.slice(0, -1)} ${shown(name)}`, path, spot: [...above, kind, name], at: 'value' }];
    }),
  );
  return [...ofVolumes, ...ofFiles];
}

/** Paths of one task's container that two of its volumes, secrets and configs want, or one of these and the payload of its job. */
export function mountFindings(name: string, task: unknown, payload: unknown): Finding[] {
  const { file } = mapOf(payload);
  const mounts = mountsOf(task, ['tasks', name]);
  const taken = new Map<string, Mount>();
  if (typeof file === 'string' && pathProblem(file) === undefined) {
    taken.set(plain(file), { what: 'the payload', path: file, spot: ['payload', 'file'], at: 'value' });
  }
  return mounts.flatMap((mount) => {
    const before = taken.get(plain(mount.path));
    if (before === undefined) taken.set(plain(mount.path), mount);
    if (before === undefined) return [];
    return [{ ...badValue(mount.spot, `${mount.path} is taken by ${before.what} already`), other: before }];
  });
}

/** What is wrong with a task's volumes, secrets and configs, in words, each with its key. */
export function mountsProblems({ volumes = [], secrets = {}, configs = {} }: TaskSpec): string[] {
  const files = [...Object.values(secrets), ...Object.values(configs)].map((path) => ['path', pathProblem(path)] as const);
  const all = volumes.flatMap(({ name, hostPath, path }) => [
    ['volume', name === undefined ? undefined : nameProblem(name)] as const,
    ['volume', hostPath === undefined ? undefined : pathProblem(hostPath)] as const,
    ['volume', pathProblem(path)] as const,
  ]);
  return [...all, ...files].flatMap(([what, wrong]) => (wrong === undefined ? [] : [`${what}: ${wrong}`]));
}

/** Fields of a task's spec that are absent where nothing is asked for. */
export function mountsSpec(written: Pick<TaskSpec, 'volumes' | 'secrets' | 'configs'>): Partial<TaskSpec> {
  const { volumes = [], secrets = {}, configs = {} } = written;
  return {
    ...(volumes.length === 0 ? {} : { volumes }),
    ...(Object.keys(secrets).length === 0 ? {} : { secrets }),
    ...(Object.keys(configs).length === 0 ? {} : { configs }),
  };
}

/** A variable that the payload goes to, and a task sets itself. */
export function payloadEnvFindings(name: string, task: unknown, payload: unknown): Finding[] {
  const { env: variable } = mapOf(payload);
  const { env } = mapOf(task);
  if (typeof variable !== 'string') return [];
  const other: Spot = { spot: ['payload', 'env'], at: 'value' };
  const message = `${shown(variable)} is set to the payload already`;
  if (Array.isArray(env)) {
    return env.flatMap((line: unknown, index): Finding[] =>
      typeof line === 'string' && line.startsWith(`${variable}=`) ? [{ ...badValue(['tasks', name, 'env', index], message), other }] : [],
    );
  }
  return Object.hasOwn(mapOf(env), variable) ? [{ ...badKey(['tasks', name, 'env'], variable, message), other }] : [];
}
