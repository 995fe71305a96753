import assert from 'node:assert/strict';
import test from 'node:test';
import { limitsWith } from '../../src/core/limits.ts';
import { dataProblems, head, jobOf, problemOf, problemsOf, taskOf, withTask } from './job-files.ts';

test('a volume is named or a directory of the host, and may be read only', () => {
  assert.deepEqual(taskOf('volumes: ["data:/var/lib/data", "/srv/site:/site:ro", data-${CUBE_INDEX}:/own, "x.y_z-1:/a b:ro"]').volumes, [
    { name: 'data', path: '/var/lib/data', readOnly: false },
    { hostPath: '/srv/site', path: '/site', readOnly: true },
    { name: 'data-${CUBE_INDEX}', path: '/own', readOnly: false },
    { name: 'x.y_z-1', path: '/a b', readOnly: true },
  ]);
});

test('what is no volume is refused with what it takes', () => {
  const form = '"name:/path", "/host/directory:/path", or one of these with ":ro"';
  for (const written of ['data', ':/x', 'data:', '', 'a:/b:ro:x', '${CUBE_INDEX:/x']) {
    assert.equal(problemOf(`volumes: ["${written}"]`), `volumes[0]: expected ${form}, got ${JSON.stringify(written)}`);
  }
  assert.equal(problemOf('volumes: [3]'), `volumes[0]: expected a volume like ${form}, got 3`);
  assert.equal(problemOf('volumes: "data:/x"'), 'volumes: expected a list of volumes like ["data:/var/lib/data"], got "data:/x"');
  assert.equal(problemOf('volumes: ["d:/x:rw"]'), 'volumes[0]: expected ":ro" or nothing after the path, got ":rw"');
  assert.match(problemOf('volumes: ["-d:/x"]'), /^volumes\[0\]: expected a name of 1 to 63 letters/);
  assert.match(problemOf(`volumes: ["${'d'.repeat(64)}:/x"]`), /^volumes\[0\]: expected a name of 1 to 63 letters/);
});

test('paths are absolute and lead nowhere else, on both sides', () => {
  assert.equal(problemOf('volumes: ["data:x"]'), 'volumes[0]: expected an absolute path like /data, got "x"');
  assert.match(problemOf('volumes: ["data:/"]'), /got "\/", which is all there is$/);
  assert.match(problemOf('volumes: ["data:/a/../../b"]'), /".." leads out of it$/);
  assert.match(problemOf('volumes: ["/srv/../etc:/x"]'), /got "\/srv\/\.\.\/etc": ".." leads out of it$/);
  assert.match(problemOf('volumes: ["/:/x"]'), /which is all there is$/);
  for (const source of ['./data', '../data', '~/data', 'data/x', '.', '..', String.raw`C\\data`]) {
    assert.match(
      problemOf(`volumes: ["${source}:/x"]`),
      /^volumes\[0\]: a directory of the host needs its absolute path, like "\/srv\/data:\/x"/,
    );
  }
});

test('what a worker fills in may stand in a name, and in no path', () => {
  assert.match(
    problemOf('volumes: ["data:/x/${CUBE_INDEX}"]'),
    /^volumes\[0\]: \$\{CUBE_INDEX\} is filled in in a volume's name, not in a path/,
  );
  assert.match(problemOf('volumes: ["/srv/${CUBE_NODE}:/x"]'), /not in a path/);
  assert.equal(problemOf('volumes: ["${OTHER}:/x"]'), 'volumes[0]: ${OTHER} has no value here');
  assert.deepEqual(jobOf(`type: parameterized\n${head}    volumes: ["\${set}:/in/\${set}"]\n`).tasks['t']?.volumes, [
    { name: '${set}', path: '/in/${set}', readOnly: false },
  ]);
});

test('a text made to take long is answered at once', () => {
  for (const text of ['${}'.repeat(20_000), '${'.repeat(20_000), ':/'.repeat(20_000), `${'${a:-'.repeat(20_000)}:/x`]) {
    assert.equal(dataProblems({ name: 'a', tasks: { t: { image: 'x', volumes: [text] } } }).length, 1);
  }
  assert.ok(dataProblems({ name: 'a', tasks: { t: { image: 'x', command: `echo ${'${a:-'.repeat(20_000)}` } } }).length > 0);
});

test('secrets and configs are files by name', () => {
  const task = taskOf('secrets: {db-password: /run/secrets/db, constructor: /c}', 'configs: {site: /etc/site.conf}');
  assert.deepEqual(Object.entries(task.secrets ?? {}), [
    ['db-password', '/run/secrets/db'],
    ['constructor', '/c'],
  ]);
  assert.deepEqual(task.configs, { site: '/etc/site.conf' });
  assert.match(problemOf('secrets: {a/b: /x}'), /^expected a name of 1 to 63 letters.*, got "a\/b"$/);
  assert.equal(problemOf('secrets: {db: run}'), 'db: expected an absolute path like /data, got "run"');
  assert.equal(problemOf('configs: {db: 3}'), 'db: expected an absolute path like /run/secrets/db, got 3');
  assert.equal(problemOf('secrets: [db]'), 'secrets: expected a map of names and paths like {db: /run/secrets/db}, got a list');
});

test('two things on one path are refused with both lines, however the path is written', () => {
  const text = withTask('volumes:', '  - a:/data', '  - b:/data/', 'secrets:', '  s: //x', 'configs:', '  c: /x/.', '  d: /y');
  assert.deepEqual(problemsOf(text), [
    '7:9 volumes[1]: /data/ is taken by a volume already; see line 6',
    '11:10 c: /x/. is taken by the secret "s" already; see line 9',
  ]);
  assert.deepEqual(taskOf('volumes: ["a:/data"]', 'secrets: {s: /data/s}').secrets, { s: '/data/s' }, 'a file in a volume is another path');
  const two = 'name: a\ntasks: {t: {image: x, volumes: ["v:/d"]}, u: {image: x, volumes: ["v:/d"]}}\n';
  assert.equal(Object.keys(jobOf(two).tasks).length, 2, 'containers share no paths');
});

test('a payload has a path and a variable of its own in every task', () => {
  const start = `type: parameterized\npayload: {file: /p}\n${head}`;
  assert.deepEqual(problemsOf(`${start}    configs: {c: /p}\n`), ['7:18 c: /p is taken by the payload already; see line 2']);
  assert.deepEqual(problemsOf(`type: parameterized\npayload: {env: BODY}\n${head}    env: {BODY: x}\n`), [
    '7:11 "BODY" is set to the payload already; see line 2',
  ]);
  assert.deepEqual(problemsOf(`type: parameterized\npayload: {env: BODY}\n${head}    env: [A=1, BODY=x]\n`), [
    '7:16 env[1]: "BODY" is set to the payload already; see line 2',
  ]);
});

test('volumes and files of a task are bounded', () => {
  const limits = limitsWith({ taskVolumesMax: 1, taskFilesMax: 1 });
  assert.deepEqual(problemsOf(withTask('volumes: ["a:/a", "b:/b"]', 'secrets: {a: /c, b: /d}', 'configs: {a: /e, b: /f}'), limits), [
    '5:14 volumes: expected at most 1 volumes',
    '6:14 secrets: expected at most 1 secrets',
    '7:14 configs: expected at most 1 configs',
  ]);
});
