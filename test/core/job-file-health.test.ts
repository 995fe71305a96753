import assert from 'node:assert/strict';
import test from 'node:test';
import { z } from 'zod';
import { checkJob, jobSchema, parseJobFile } from '../../src/core/job-file/index.ts';
import { CubeError } from '../../src/core/errors.ts';
import { limitsDefault, limitsWith } from '../../src/core/limits.ts';
import { head, jobOf, problemOf, problemsOf, taskOf } from './job-files.ts';

const plain = { intervalMs: 5_000, timeoutMs: 2_000, retries: 3, startPeriodMs: 10_000 };

test('a task that says nothing of health leaves it to its image', () => {
  assert.equal('health' in taskOf('count: 1'), false);
  assert.equal(taskOf('health: none').health, 'none');
});

test('an http check has a path, a port, and takes statuses from 200 to 399 unless told', () => {
  assert.deepEqual(taskOf('health: {http: /health, port: 80}').health, {
    probe: { kind: 'http', path: '/health', port: 80, statuses: [{ from: 200, to: 399 }] },
    ...plain,
  });
});

test('an http check without a port goes to a published one', () => {
  const { health } = taskOf('health: {http: /}\n    ports: ["53/udp", "8080:80"]');
  assert.deepEqual(typeof health === 'object' && health.probe, { kind: 'http', path: '/', statuses: [{ from: 200, to: 399 }] });
});

test('statuses are one, a range, or a list of both', () => {
  const statusesOf = (status: string): unknown => {
    const { health } = taskOf(`health: {http: /, port: 80, status: ${status}}`);
    return typeof health === 'object' && health.probe.kind === 'http' ? health.probe.statuses : undefined;
  };
  assert.deepEqual(statusesOf('204'), [{ from: 204, to: 204 }]);
  assert.deepEqual(statusesOf('"200-299"'), [{ from: 200, to: 299 }]);
  assert.deepEqual(statusesOf('200-299'), [{ from: 200, to: 299 }]);
  assert.deepEqual(statusesOf('[200, "301 - 302"]'), [
    { from: 200, to: 200 },
    { from: 301, to: 302 },
  ]);
  for (const wrong of ['99', '600', '"200-"', '"300-200"', '[]', '[200, x]', '{from: 200}', '2e2.5']) {
    assert.match(problemOf(`health: {http: /, port: 80, status: ${wrong}}`), /expected an HTTP status from 100 to 599/, wrong);
  }
});

test('a tcp check and an exec check are as short as they can be', () => {
  assert.deepEqual(taskOf('health: {tcp: 5432}').health, { probe: { kind: 'tcp', port: 5_432 }, ...plain });
  const command = ['pg_isready', '-U', 'post gres'];
  for (const written of ['[pg_isready, -U, post gres]', "pg_isready -U 'post gres'"]) {
    assert.deepEqual(taskOf(`health: {exec: ${written}}`).health, { probe: { kind: 'exec', command }, ...plain });
  }
  const versions = taskOf('health: {exec: [is, 1.10, 010]}').health;
  assert.deepEqual(typeof versions === 'object' && versions.probe, { kind: 'exec', command: ['is', '1.10', '010'] });
});

test('all times are as told, and the defaults come from the limits', () => {
  const told = taskOf('health: {tcp: 1, interval: 1s, timeout: 500ms, retries: 1, startPeriod: 0s}').health;
  assert.deepEqual(told, { probe: { kind: 'tcp', port: 1 }, intervalMs: 1_000, timeoutMs: 500, retries: 1, startPeriodMs: 0 });
  const limits = limitsWith({ healthIntervalMs: 1, healthTimeoutMs: 2, healthRetries: 3, healthStartPeriodMs: 4, healthStatusTo: 299 });
  assert.deepEqual(jobOf(`${head}    health: {http: /, port: 1}\n`, limits).tasks['t']?.health, {
    probe: { kind: 'http', path: '/', port: 1, statuses: [{ from: 200, to: 299 }] },
    intervalMs: 1,
    timeoutMs: 2,
    retries: 3,
    startPeriodMs: 4,
  });
});

test('an interval, timeout or number of retries of 0 is refused', () => {
  for (const key of ['interval', 'timeout']) {
    for (const zero of ['0', '0s', '0.2ms']) {
      assert.equal(problemOf(`health: {tcp: 1, ${key}: ${zero}}`), `${key}: expected a duration longer than 0`, zero);
    }
  }
  assert.equal(problemOf('health: {tcp: 1, retries: 0}'), 'retries: expected a whole number of 1 or more, got 0');
});

test('exactly one of http, tcp and exec is looked at', () => {
  assert.equal(problemOf('health: {interval: 1s}'), 'health: expected one of http, tcp and exec, to say what to look at');
  assert.equal(problemOf('health: {http: /x, tcp: 80}'), 'expected only one of http, tcp and exec: "http" stands there already');
  assert.equal(problemOf('health: {tcp: 80, exec: x}'), 'expected only one of http, tcp and exec: "tcp" stands there already');
  assert.equal(problemOf('health: {tcp: 80, port: 80}'), '"port" belongs to an http check; "tcp" names the port itself');
  assert.equal(problemOf('health: {exec: x, status: 200}'), '"status" belongs to an http check');
});

test('an http check that finds no port says what to do, at its place', () => {
  const advice =
    'an http check needs a port: add "port" to it, the port that the container listens on, or publish a TCP port under "ports"';
  assert.deepEqual(problemsOf(`${head}    health:\n      interval: 1s\n      http: /x\n`), [`7:7 ${advice}`]);
  assert.equal(problemOf('health: {http: /x}\n    ports: ["53:53/udp"]'), advice);
  assert.deepEqual(
    (() => {
      try {
        return checkJob({ name: 'a', tasks: { t: { image: 'x', health: { http: '/x' } } } }, limitsDefault);
      } catch (thrown) {
        return thrown instanceof CubeError && thrown.message;
      }
    })(),
    `tasks.t.health: ${advice}`,
  );
});

test('what is no check at all is told what one looks like', () => {
  const form = 'expected a map like {http: /health, port: 80}, {tcp: 80} or {exec: [command]}, or none';
  assert.equal(problemOf('health: /health'), `health: ${form}, got "/health"`);
  assert.equal(problemOf('health: false'), `health: ${form}, got false`);
  assert.equal(problemOf('health: [tcp]'), `health: ${form}, got a list`);
  assert.equal(problemOf('health: {tcp: 70000}'), 'tcp: expected a port from 1 to 65535, got 70000');
  assert.equal(problemOf('health: {http: health, port: 1}'), 'http: expected a path like /health, got "health"');
  assert.equal(problemOf('health: {exec: []}'), 'exec: expected at least one word');
  assert.match(problemOf('health: {exec: a | b}'), /needs a shell/);
});

test('a slip in a key is told, and what was meant', () => {
  assert.equal(problemOf('health: {tpc: 80}'), 'unknown key "tpc"; did you mean "tcp"?');
  assert.equal(problemOf('health: {tcp: 1, intervall: 1s}'), 'unknown key "intervall"; did you mean "interval"?');
  assert.match(problemOf('health: {tcp: 1, zzzzzzz: 1}'), /^unknown key "zzzzzzz"; expected http, port, status, tcp, exec, interval/);
});

test('the document of a file with a check passes as plain data, too', () => {
  const { spec, document } = parseJobFile(`${head}    health: {exec: [a, 1.10], interval: 1s}\n`, 'f.yaml', limitsDefault);
  assert.deepEqual(checkJob(JSON.parse(JSON.stringify(document)), limitsDefault), spec);
});

test('editors learn of health checks from the schema', () => {
  const schema = JSON.stringify(z.toJSONSchema(jobSchema, { io: 'input' }));
  for (const part of ['"health":{', '"const":"none"', '"startPeriod":{', 'Container port of an http check']) {
    assert.ok(schema.includes(part), part);
  }
});
