import assert from 'node:assert/strict';
import test from 'node:test';
import { CubeError } from '../../src/core/errors.ts';
import { limitsDefault, limitsWith } from '../../src/core/limits.ts';
import { parseTaskEvent, readTaskEvent } from '../../src/core/seeds.ts';

/** The example of the contract. */
const example = {
  ID: 'a7aa1d44-08f6-443e-9378-f5884311019e',
  State: 2,
  Task: {
    State: 1,
    ID: 'bb1d59ef-9fc1-4e4b-a44d-db571eeed203',
    Name: 'test-chapter-9.1',
    Image: 'timboring/echo-server:latest',
    Cpu: 0.5,
    Memory: 67_108_864,
    Disk: 0,
    RestartPolicy: 'on-failure',
    ExposedPorts: { '7777/tcp': {} },
    PortBindings: { '7777/tcp': '7777' },
    HealthCheck: '/health',
  },
};

function run(task: Record<string, unknown>) {
  const read = readTaskEvent({ State: 2, Task: { ID: 'id-1', Image: 'x', ...task } }, limitsDefault);
  assert.equal(read.kind, 'run');
  return { ...read, task: read.spec.tasks['task']! };
}

function problems(body: unknown): string[] {
  try {
    readTaskEvent(body, limitsDefault);
  } catch (error) {
    assert.ok(error instanceof CubeError);
    assert.deepEqual([error.code, error.row.status], ['invalid-file', 400]);
    return error.problems.map(({ message }) => message);
  }
  return [];
}

function taskProblems(task: Record<string, unknown>): string[] {
  return problems({ State: 2, Task: { ID: 'id-1', Image: 'x', ...task } });
}

test('the example of the contract becomes a service of one task', () => {
  const read = readTaskEvent(example, limitsDefault);
  assert.equal(read.kind, 'run');
  assert.equal(read.spec.name, 'test-chapter-9.1');
  assert.equal(read.spec.type, 'service');
  assert.deepEqual(Object.keys(read.spec.tasks), ['task']);
  assert.deepEqual(read.origin, { kind: 'seeds', clientTaskId: 'bb1d59ef-9fc1-4e4b-a44d-db571eeed203' });
  const { image, count, resources, ports, restart, command, env } = read.spec.tasks['task']!;
  assert.deepEqual([image, count, command, env], ['timboring/echo-server:latest', 1, undefined, {}]);
  assert.deepEqual(resources, { cpu: 0.5, memoryBytes: 67_108_864, diskBytes: 0, custom: {} });
  assert.deepEqual(ports, [{ host: 7777, container: 7777, protocol: 'tcp' }]);
  assert.equal(restart.on, 'failure');
  assert.deepEqual(read.notes, []);
  const { health } = read.spec.tasks['task']!;
  assert.ok(typeof health === 'object');
  assert.deepEqual(health.probe, { kind: 'http', path: '/health', statuses: [{ from: 200, to: 399 }] });
});

test('a HealthCheck is a path, with or without its slash, and without a published TCP port it is noted as of no use', () => {
  const healthOf = (task: object): unknown => {
    const read = readTaskEvent({ State: 2, Task: { ID: 'id-1', Image: 'x', ...task } }, limitsDefault);
    return read.kind === 'run' && [read.spec.tasks['task']!.health !== undefined, read.notes];
  };
  const port = { ExposedPorts: { '80/tcp': {} } };
  assert.deepEqual(healthOf({ HealthCheck: 'health', ...port }), [true, []]);
  assert.deepEqual(healthOf({ HealthCheck: '', ...port }), [false, []]);
  const note = 'HealthCheck "/x" is not watched: the task publishes no TCP port that it could be asked on';
  assert.deepEqual(healthOf({ HealthCheck: '/x' }), [false, [note]]);
  assert.deepEqual(healthOf({ HealthCheck: '/x', ExposedPorts: { '53/udp': {} } }), [false, [note]]);
  assert.deepEqual(taskProblems({ HealthCheck: 'a b', ...port }), ['Task.HealthCheck: expected an http path like /health, got "a b"']);
});

test("what the book's Go client sends for an empty task is taken", () => {
  const zero = '0001-01-01T00:00:00Z';
  const read = readTaskEvent(
    {
      ID: '00000000-0000-0000-0000-000000000000',
      State: 0,
      Timestamp: zero,
      Task: {
        ID: 'id-1',
        ContainerID: '',
        Name: '',
        State: 0,
        Image: 'x',
        Cpu: 0,
        Memory: 0,
        Disk: 0,
        ExposedPorts: null,
        HostPorts: null,
        PortBindings: null,
        RestartPolicy: '',
        StartTime: zero,
        FinishTime: zero,
        HealthCheck: '',
        RestartCount: 0,
      },
    },
    limitsDefault,
  );
  assert.equal(read.kind, 'run');
  assert.deepEqual(read.notes, []);
  assert.deepEqual(read.spec.tasks['task']?.ports, []);
  assert.equal(read.spec.tasks['task']?.restart.on, 'never');
  assert.equal(read.spec.name, 'task-id-1', 'a task without a name is named after its id');
});

test('state 3 stops the task, with or without the rest of it', () => {
  const stop = { kind: 'stop', clientTaskId: 'id-1' };
  assert.deepEqual(readTaskEvent({ State: 3, Task: { ID: 'id-1' } }, limitsDefault), stop);
  assert.deepEqual(
    readTaskEvent({ State: 3, Task: { ID: 'id-1', State: 3, ContainerID: 'b975', Name: 'n', Image: 'x' } }, limitsDefault),
    stop,
  );
  assert.deepEqual(problems({ State: 3, Task: { Name: 'n' } }), [
    'Task: "ID" is missing: expected an id of letters, digits, ".", "_" and "-" that starts with a letter or digit',
  ]);
});

test('states 0 to 2 and none run the task; others are refused', () => {
  for (const State of [0, 1, 2, null, undefined]) {
    assert.equal(readTaskEvent({ State, Task: { ID: 'a', Image: 'x' } }, limitsDefault).kind, 'run');
  }
  for (const State of [4, -1, 1.5, '2']) assert.equal(problems({ State, Task: { ID: 'a', Image: 'x' } }).length, 1, String(State));
  assert.equal(run({ State: 4 }).kind, 'run', "the Task's own state is what a server told once");
});

test('restart policies map as the contract says', () => {
  const policies = { '': 'never', no: 'never', 'on-failure': 'failure', always: 'always', 'unless-stopped': 'always' };
  for (const [given, on] of Object.entries(policies)) assert.equal(run({ RestartPolicy: given }).task.restart.on, on);
  assert.equal(run({}).task.restart.on, 'never');
  assert.deepEqual(taskProblems({ RestartPolicy: 'allways' }), [
    'Task.RestartPolicy: expected "", no, on-failure, always or unless-stopped, got "allways"; did you mean "always"?',
  ]);
});

test('bindings take a port, an address, or nothing for a free port', () => {
  const { ports } = run({
    PortBindings: { '1/tcp': '11', '2/udp': '', '3': '127.0.0.1:33', '4/tcp': '[::1]:44', '5/tcp': '10.0.0.1:' },
  }).task;
  const byContainer = ports.toSorted((a, b) => a.container - b.container);
  assert.deepEqual(byContainer, [
    { host: 11, container: 1, protocol: 'tcp' },
    { container: 2, protocol: 'udp' },
    { ip: '127.0.0.1', host: 33, container: 3, protocol: 'tcp' },
    { ip: '::1', host: 44, container: 4, protocol: 'tcp' },
    { ip: '10.0.0.1', container: 5, protocol: 'tcp' },
  ]);
});

test('an exposed port without a binding gets a free host port, once', () => {
  assert.deepEqual(run({ ExposedPorts: { '80/tcp': {}, '80': {}, '53/udp': null }, PortBindings: { '53/udp': '53' } }).task.ports, [
    { host: 53, container: 53, protocol: 'udp' },
    { container: 80, protocol: 'tcp' },
  ]);
});

test('wrong ports are refused by their field', () => {
  const form = 'expected a host port from 1 to 65535, "ip:port" or "" for a free one';
  assert.deepEqual(taskProblems({ PortBindings: { '80/tcp': '70000', '81/tcp': 'x' } }), [
    `Task.PortBindings["80/tcp"]: ${form}, got "70000"`,
    `Task.PortBindings["81/tcp"]: ${form}, got "x"`,
  ]);
  assert.deepEqual(taskProblems({ PortBindings: { '80/tcp': 80 } }), ['Task.PortBindings["80/tcp"]: expected text, got 80']);
  assert.deepEqual(taskProblems({ PortBindings: { '80/sctp': '80' } }), [
    'Task.PortBindings: expected a port like 7777/tcp, from 1 to 65535, got "80/sctp"',
  ]);
  assert.deepEqual(taskProblems({ ExposedPorts: { '0/tcp': {} } }), [
    'Task.ExposedPorts: expected a port like 7777/tcp, from 1 to 65535, got "0/tcp"',
  ]);
  assert.deepEqual(taskProblems({ PortBindings: { '80/tcp': '1', '81/tcp': '1' } }), [
    'Task.PortBindings["81/tcp"]: host port 1/tcp stands in this task twice',
  ]);
  assert.deepEqual(taskProblems({ PortBindings: { '80/tcp': '1', '80': '1' } }).length, 1);
  assert.deepEqual(taskProblems({ ExposedPorts: ['80/tcp'] }), ['Task.ExposedPorts: expected a map like {"7777/tcp": {}}, got a list']);
});

test('a task may bind so many ports and no more', () => {
  const limits = limitsWith({ taskPortsMax: 1 });
  const ports = (map: unknown) => () => readTaskEvent({ Task: { ID: 'a', Image: 'x', ...(map as object) } }, limits);
  assert.throws(ports({ PortBindings: { '1/tcp': '', '2/tcp': '' } }), /Task\.PortBindings: expected at most 1 ports/);
  assert.throws(ports({ ExposedPorts: { '1/tcp': {}, '2/tcp': {} } }), /Task\.ExposedPorts: expected at most 1 ports/);
  assert.doesNotThrow(ports({ ExposedPorts: { '1/tcp': {} } }));
});

test('unknown fields at any level are refused by name', () => {
  assert.deepEqual(problems({ Foo: 1 }), [
    '"Task" is missing: expected a Task with at least ID and Image',
    'unknown field "Foo"; expected ID, State, Timestamp or Task',
  ]);
  assert.deepEqual(taskProblems({ image: 'x' }), ['Task: unknown field "image"; did you mean "Image"?']);
  assert.deepEqual(taskProblems({ ExposedPorts: { '80/tcp': { HostIp: 'x' } } }), ['Task.ExposedPorts["80/tcp"]: unknown field "HostIp"']);
  assert.deepEqual(problems(JSON.parse('{"__proto__":{},"Task":{"ID":"a","Image":"x","__proto__":{}}}')), [
    'the key "__proto__" is not allowed',
    'Task: the key "__proto__" is not allowed',
  ]);
});

test('bad fields are all told at once', () => {
  assert.deepEqual(
    taskProblems({
      ID: '',
      Image: '',
      Cpu: -1,
      Memory: 1.5,
      Disk: 'x',
      StartTime: 'now',
      HealthCheck: 3,
      RestartCount: -1,
      ContainerID: {},
      HostPorts: [],
    }).map((line) => line.split(':')[0]),
    [
      'Task.Image',
      'Task.ID',
      'Task.ContainerID',
      'Task.Cpu',
      'Task.Memory',
      'Task.Disk',
      'Task.HostPorts',
      'Task.StartTime',
      'Task.HealthCheck',
      'Task.RestartCount',
    ],
  );
});

test('a task to run needs an image', () => {
  for (const Image of ['', null, 'a b'])
    assert.match(taskProblems({ Image })[0]!, /^Task\.Image: expected an image like nginx:1\.27, got /);
  assert.deepEqual(taskProblems({ Image: undefined }), ['Task: "Image" is missing: expected an image like nginx:1.27']);
  assert.deepEqual(taskProblems({ Image: 5 }), ['Task.Image: expected text, got 5']);
});

test('ids fit into addresses and names', () => {
  for (const ID of ['a b', 'a/b', '', '../x', 'ä', 5, null])
    assert.match(taskProblems({ ID })[0]!, /^Task\.ID: expected an id of /, String(ID));
  assert.equal(run({ ID: 'a'.repeat(128) }).origin.clientTaskId, 'a'.repeat(128));
  assert.equal(taskProblems({ ID: 'a'.repeat(129) }).length, 1);
});

test('a body that is no TaskEvent is refused', () => {
  for (const body of [null, 3, 'x', [], { Task: null }, { Task: [] }]) assert.equal(problems(body).length, 1, JSON.stringify(body));
});

test("any name becomes a job name; the client's own is kept", () => {
  const named = (Name: string) => {
    const { spec, origin } = run({ Name });
    return [spec.name, origin.clientTaskName];
  };
  assert.deepEqual(named('plain'), ['plain', undefined]);
  assert.deepEqual(named('my task/1'), ['my-task-1', 'my task/1']);
  assert.deepEqual(named('-_x'), ['x', '-_x']);
  assert.deepEqual(named('äö'), ['task-id-1', 'äö']);
  assert.deepEqual(named('n'.repeat(80)), ['n'.repeat(63), 'n'.repeat(80)]);
});

test('read-only fields that a server told once are named in the notes', () => {
  const { notes } = run({ ContainerID: 'abc', HostPorts: { '80/tcp': [] }, StartTime: '2026-01-31T12:00:00.5+01:00', RestartCount: 2 });
  assert.deepEqual(notes, [
    'ContainerID, HostPorts, StartTime and RestartCount of the request are ignored: Cube tells them, and takes them from nobody',
  ]);
});

test('a TaskEvent from a file is refused with places', () => {
  const good = parseTaskEvent(JSON.stringify(example, null, 2), 'task.json', limitsDefault);
  assert.deepEqual(good.document, example);
  assert.equal(good.read.kind, 'run');
  const places = (text: string): string => {
    try {
      parseTaskEvent(text, 'task.json', limitsDefault);
    } catch (error) {
      assert.ok(error instanceof CubeError);
      return error.message;
    }
    return '';
  };
  assert.equal(
    places('{\n  "Task": {\n    "ID": "a",\n    "Image": "x",\n    "Cpu": -1\n  }\n}\n'),
    'task.json:5:12: Cpu: expected a number of 0 or more, got -1',
  );
  assert.match(places('{"Task": '), /^task\.json:1:\d+: /);
  assert.match(places(''), /^task\.json:1:1: expected a TaskEvent with a Task, got nothing$/);
});
