/** TaskEvents of the seeds' API (CLI.md): PascalCase JSON that asks to run or to stop one task. */
import { z } from 'zod';
import type { JobOrigin, JobSpec, PortSpec, RestartSpec } from './job.ts';
import { examine, type Examined } from './job-file/examine.ts';
import { badValue, invalidDocument, invalidFile, placedProblem, shown, type Finding, type Path } from './job-file/findings.ts';
import { jobSpecOf } from './job-file/job-spec.ts';
import { parsePort, portTwice } from './job-file/ports.ts';
import { readSource } from './job-file/source.ts';
import { expected, numberFrom, oneOf, text, wholeNumber } from './job-file/values.ts';
import type { Limits } from './limits.ts';
import { listed, nearest } from './text.ts';

/** What a TaskEvent asks for. `notes` tell the client what was taken and has no effect. */
export type TaskEventRead =
  | { readonly kind: 'run'; readonly spec: JobSpec; readonly origin: JobOrigin; readonly notes: readonly string[] }
  | { readonly kind: 'stop'; readonly clientTaskId: string };

/** State of a TaskEvent that stops its task: the seeds' Completed. */
const stopState = 3;

/** The one task of a job made from a TaskEvent. */
const taskName = 'task';

const restartPolicies: Readonly<Record<string, RestartSpec['on']>> = {
  '': 'never',
  no: 'never',
  'on-failure': 'failure',
  always: 'always',
  'unless-stopped': 'always',
};

const anyText = z.string(expected('text'));
const time = anyText.refine(
  (value) => value === '' || /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:\d\d)$/.test(value),
  expected('a time like 2026-01-31T12:00:00Z'),
);
const portKey = text('a port like 7777/tcp, from 1 to 65535', /^\d{1,5}(?:\/(?:tcp|udp))?$/).refine(
  (key) => parsePort(key) !== undefined,
  expected('a port like 7777/tcp, from 1 to 65535'),
);

function readBindings(map: Readonly<Record<string, string>>, max: number, context: z.core.ParsePayload): readonly PortSpec[] {
  const refuse = (message: string, path: string[]): void => void context.issues.push({ code: 'custom', input: map, path, message });
  const keys = Object.keys(map);
  if (keys.length > max) {
    refuse(`expected at most ${max} ports`, []);
    return [];
  }
  const ports = keys.flatMap((key) => {
    const port = parsePort(map[key] === '' ? key : `${map[key]}:${key}`);
    if (!port) refuse(`expected a host port from 1 to 65535, "ip:port" or "" for a free one, got ${shown(map[key])}`, [key]);
    return port ? [port] : [];
  });
  const twice = ports.length === keys.length ? portTwice(ports) : undefined;
  if (twice) refuse(twice.message, [keys[twice.index]!]);
  return ports;
}

const idForm = 'an id of letters, digits, ".", "_" and "-" that starts with a letter or digit';

function portSchemas(max: number) {
  const bindings = z
    .record(portKey, anyText, expected('a map like {"7777/tcp": "7777"}'))
    .transform((map, context) => readBindings(map, max, context));
  const exposed = z
    .record(portKey, z.union([z.strictObject({}), z.null()], expected('{}')), expected('a map like {"7777/tcp": {}}'))
    .refine((map) => Object.keys(map).length <= max, `expected at most ${max} ports`);
  return { bindings, exposed };
}

function taskSchema(limits: Limits) {
  const { bindings, exposed } = portSchemas(limits.taskPortsMax);
  const id = text(idForm, /^[A-Za-z0-9][A-Za-z0-9._-]*$/).max(
    limits.clientTaskIdCharsMax,
    expected(`an id of at most ${limits.clientTaskIdCharsMax} characters`),
  );
  return z.strictObject(
    {
      ID: id,
      ContainerID: anyText.nullish(),
      Name: anyText.nullish(),
      State: wholeNumber(4).nullish(),
      Image: anyText.nullish(),
      Cpu: numberFrom(0).nullish(),
      Memory: wholeNumber().nullish(),
      Disk: wholeNumber().nullish(),
      ExposedPorts: exposed.nullish(),
      HostPorts: z.record(z.string(), z.unknown(), expected('a map')).nullish(),
      PortBindings: bindings.nullish(),
      RestartPolicy: oneOf(['', 'no', 'on-failure', 'always', 'unless-stopped']).nullish(),
      StartTime: time.nullish(),
      FinishTime: time.nullish(),
      HealthCheck: anyText.refine((path) => /^[^\s\0#]*$/.test(path), expected('an http path like /health')).nullish(),
      RestartCount: wholeNumber().nullish(),
    },
    expected('a Task with at least ID and Image'),
  );
}

function makeSchema(limits: Limits) {
  return z.strictObject(
    {
      ID: anyText.nullish(),
      State: wholeNumber(stopState).nullish(),
      Timestamp: time.nullish(),
      Task: taskSchema(limits),
    },
    expected('a TaskEvent with a Task'),
  );
}

type EventSchema = ReturnType<typeof makeSchema>;

const made = new WeakMap<Limits, EventSchema>();

function schemaFor(limits: Limits): EventSchema {
  const schema = made.get(limits) ?? makeSchema(limits);
  made.set(limits, schema);
  return schema;
}

type TaskEvent = z.output<EventSchema>;
type SeedsTaskInput = TaskEvent['Task'];

function unknownField(limits: Limits): (path: Path, key: string) => string {
  return (path, key) => {
    const known = path.length > 1 ? [] : Object.keys((path.length === 0 ? schemaFor(limits) : schemaFor(limits).shape.Task).shape);
    const close = nearest(key.slice(0, 64), known);
    if (close) return `unknown field ${shown(key)}; did you mean "${close}"?`;
    return `unknown field ${shown(key)}${known.length > 0 ? `; expected ${listed(known, 'or')}` : ''}`;
  };
}

/** The image is needed to run a task, not to stop it. */
function imageFindings(body: unknown): Finding[] {
  const { State, Task } = (body ?? {}) as { readonly State?: unknown; readonly Task?: unknown };
  if (State === stopState || typeof Task !== 'object' || Task === null || Array.isArray(Task)) return [];
  const { Image } = Task as { readonly Image?: unknown };
  if (Image !== undefined && Image !== null && typeof Image !== 'string') return [];
  if (typeof Image === 'string' && /^\S+$/.test(Image)) return [];
  if (Image === undefined)
    return [{ subject: ['Task'], spot: ['Task'], at: 'key', message: '"Image" is missing: expected an image like nginx:1.27' }];
  return [badValue(['Task', 'Image'], `expected an image like nginx:1.27, got ${shown(Image)}`)];
}

function examineEvent(body: unknown, limits: Limits): Examined<TaskEvent> {
  return examine(schemaFor(limits), { document: body, unknownKey: unknownField(limits), limits }, imageFindings(body));
}

/** A job name from any text: other characters become `-`. Undefined when nothing is left. */
function jobName(name: string): string | undefined {
  const fitting = name
    .trim()
    .replace(/[^A-Za-z0-9._-]/g, '-')
    .replace(/^[^A-Za-z0-9]+/, '')
    .slice(0, 63);
  return fitting === '' ? undefined : fitting;
}

function portsOf(task: SeedsTaskInput): readonly PortSpec[] {
  const bound = task.PortBindings ?? [];
  const open = Object.keys(task.ExposedPorts ?? {}).map((key) => parsePort(key)!);
  const ports = [...bound];
  for (const port of open) {
    if (!ports.some((other) => other.container === port.container && other.protocol === port.protocol)) ports.push(port);
  }
  return ports;
}

/** An http path on the first published port; undefined where there is none to ask. */
function healthPath(task: SeedsTaskInput): string | undefined {
  const { HealthCheck: path } = task;
  if (!path || !portsOf(task).some(({ protocol }) => protocol === 'tcp')) return undefined;
  return path.startsWith('/') ? path : `/${path}`;
}

const zeroTimes: readonly unknown[] = [undefined, null, '', '0001-01-01T00:00:00Z'];

/** What was given and has no effect. */
function notesOf(task: SeedsTaskInput): string[] {
  const notes: string[] = [];
  if (task.HealthCheck && healthPath(task) === undefined)
    notes.push(`HealthCheck ${shown(task.HealthCheck)} is not watched: the task publishes no TCP port that it could be asked on`);
  const ours = [
    task.ContainerID ? 'ContainerID' : '',
    Object.keys(task.HostPorts ?? {}).length > 0 ? 'HostPorts' : '',
    zeroTimes.includes(task.StartTime) ? '' : 'StartTime',
    zeroTimes.includes(task.FinishTime) ? '' : 'FinishTime',
    task.RestartCount ? 'RestartCount' : '',
  ].filter((name) => name !== '');
  if (ours.length > 0)
    notes.push(`${listed(ours)} of the request ${ours.length > 1 ? 'are' : 'is'} ignored: Cube tells them, and takes them from nobody`);
  return notes;
}

function readEvent({ State, Task }: TaskEvent, limits: Limits): TaskEventRead {
  if (State === stopState) return { kind: 'stop', clientTaskId: Task.ID };
  const given = Task.Name ?? '';
  const name = jobName(given) ?? jobName(`task-${Task.ID}`)!;
  const path = healthPath(Task);
  const task = {
    image: Task.Image!,
    ...(path === undefined ? {} : { health: { http: path } }),
    resources: { cpu: Task.Cpu ?? 0, memory: Task.Memory ?? 0, disk: Task.Disk ?? 0 },
    ports: [...portsOf(Task)],
    restart: { on: restartPolicies[Task.RestartPolicy ?? '']! },
  };
  const origin: JobOrigin = {
    kind: 'seeds',
    clientTaskId: Task.ID,
    ...(given === '' || given === name ? {} : { clientTaskName: given }),
  };
  return { kind: 'run', spec: jobSpecOf({ name, type: 'service', tasks: { [taskName]: task } }, limits), origin, notes: notesOf(Task) };
}

/**
 * Reads the body of `POST /tasks`. States 0 to 2 (and none) run the task, 3 stops it.
 * @throws CubeError `invalid-file` with all problems, each with its path (`Task.Image: ...`)
 */
export function readTaskEvent(body: unknown, limits: Limits): TaskEventRead {
  const result = examineEvent(body, limits);
  if (!('value' in result)) throw invalidDocument(result.findings, limits);
  return readEvent(result.value, limits);
}

/**
 * Reads a TaskEvent from the text of a file.
 * @returns what it asks for, and the event as plain data
 * @throws CubeError `invalid-file` with all problems, each with its place
 */
export function parseTaskEvent(
  content: string,
  file: string,
  limits: Limits,
): { readonly read: TaskEventRead; readonly document: unknown } {
  const { document, place, problems } = readSource(content, file, limits);
  const result = examineEvent(document, limits);
  const found = result.findings.map((finding) => placedProblem(finding, place));
  if (!('value' in result) || problems.length > 0) throw invalidFile([...problems, ...found], limits);
  return { read: readEvent(result.value, limits), document };
}
