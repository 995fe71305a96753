/** Values of a job file that variables are in, or would have been. */
import assert from 'node:assert/strict';
import test from 'node:test';
import { jobOf, problemOf, problemsOf, taskOf, withTask } from './job-files.ts';

test('an image that ends too early, or holds what is no variable, is refused; all else the engine knows', () => {
  const ofImage = (image: string): string[] => problemsOf(withTask().replace('image: busybox', `image: ${JSON.stringify(image)}`));
  assert.deepEqual(ofImage('busybox:'), ['4:12 image: expected an image like nginx:1.27, got "busybox:": a tag is missing after ":"']);
  assert.deepEqual(ofImage('busybox@'), ['4:12 image: expected an image like nginx:1.27, got "busybox@": a digest is missing after "@"']);
  assert.deepEqual(ofImage('example.org/'), [
    '4:12 image: expected an image like nginx:1.27, got "example.org/": a name is missing after "/"',
  ]);
  for (const image of ['busybox:${TAG', 'busybox:${TAG:-a', 'busybox:${1}', 'a:${X}-${Y', 'a:${}'])
    assert.match(ofImage(image)[0]!, /^4:\d+ image: "\$\{" begins no variable: expected \$\{NAME\} or \$\{NAME:-default\}, got /, image);
  assert.match(ofImage('busybox:${TAG')[0]!, /^4:21 /);
  const digest = `sha256:${'0'.repeat(64)}`;
  for (const image of [
    'b',
    'localhost:5000/a/b:c',
    `a@${digest}`,
    `a:1@${digest}`,
    '[::1]:5000/a',
    'A_B',
    '${REPO}/${NAME}:${TAG:-1}',
    'x:${T:-}',
  ])
    assert.equal(jobOf(withTask().replace('busybox', JSON.stringify(image))).tasks['t']?.image, image);
});

test('a name that Cube fills in is one of those there are, where it is filled in', () => {
  const names = 'CUBE_JOB, CUBE_TASK, CUBE_SLOT, CUBE_INDEX, CUBE_NODE, CUBE_TICK and CUBE_PORT_<port> (or CUBE_PORT_<port>_UDP)';
  const told = (name: string, meant?: string): string =>
    `\${${name}} is nothing that Cube knows${meant === undefined ? '' : `; did you mean \${${meant}}?`} There are ${names}; $\${${name}} leaves it for the task's shell`;
  assert.deepEqual(
    problemsOf(withTask('env: {A: "x ${CUBE_INDX}"}', 'command: [a, "${CUBE_FOO_BAR_BAZ}"]', 'volumes: ["d-${CUBE_SLT:-1}:/d"]')),
    [
      `5:17 A: ${told('CUBE_INDX', 'CUBE_INDEX')}`,
      `6:19 command[1]: ${told('CUBE_FOO_BAR_BAZ').replace('knows There', 'knows. There')}`,
      `7:18 volumes[0]: ${told('CUBE_SLT', 'CUBE_SLOT')}`,
    ],
  );
  assert.match(
    problemOf('command: serve ${CUBE_job}'),
    /^command: \$\{CUBE_job\} is nothing that Cube knows; did you mean \$\{CUBE_JOB\}\?/,
  );
  assert.match(problemOf('env: ["A=${CUBE_PORTS_80}"]'), /^env\[0\]: .*did you mean \$\{CUBE_PORT_80\}\?/);
  assert.match(problemOf('env: {A: "${CUBE_PORT_53_UDB}"}'), /^A: .*did you mean \$\{CUBE_PORT_53_UDP\}\?/);
  assert.match(problemOf('env: {A: "${CUBE_PORT_80_TCP}"}'), /^A: .*did you mean \$\{CUBE_PORT_80\}\?/);
  for (const name of ['CUBE_', 'CUBE_PORT_', 'CUBE_PORT_x', 'CUBE_PORT_80_', 'CUBE_constructor']) problemOf(`env: {A: "\${${name}}"}`);
  const good = ['JOB', 'TASK', 'SLOT', 'INDEX', 'NODE', 'TICK', 'PORT_80', 'PORT_53_UDP'].map(
    (one) => `\${CUBE_${one}} \${CUBE_${one}:-x}`,
  );
  const shell = ['$CUBE_FOO', '$${CUBE_FOO}', '${CUBE_FOO#x}', '${CUBE_FOO-x}'];
  assert.equal(taskOf(`command: ${JSON.stringify([...good, ...shell])}`).command?.length, 12);
});

test('what Cube tells a task of itself, the task cannot set', () => {
  const told = '"CUBE_JOB" is set by Cube in every container; choose another name';
  assert.deepEqual(problemsOf(withTask('env: {A: 1, CUBE_JOB: mine}')), [`5:17 ${told}`]);
  assert.deepEqual(problemsOf(withTask('env: [A=1, CUBE_JOB=mine]')), [`5:16 env[1]: ${told}`]);
  for (const name of ['CUBE_TASK', 'CUBE_TICK', 'CUBE_PORT_80', 'CUBE_PORT_53_UDP']) problemOf(`env: {${name}: x}`);
  assert.deepEqual(taskOf('env: {CUBE_HOST: a, CUBE_PORT: b, cube_job: c}').env, { CUBE_HOST: 'a', CUBE_PORT: 'b', cube_job: 'c' });
});
