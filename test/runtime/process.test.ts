import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { userInfo } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { limitsWith } from '../../src/core/limits.ts';
import { linesOf, never, plainSpec, quietly, read, shellOf, started, testLimits, workOf } from '../contracts/runtime-harness.ts';
import { isRunning, until, withProcesses } from './process-help.ts';

/** These look into /proc. */
const skip = process.platform === 'linux' ? false : 'needs /proc';
const sh = (script: string, more: Partial<Parameters<typeof plainSpec>[0]> = {}): ReturnType<typeof workOf> =>
  workOf(plainSpec({ command: ['sh', '-c', script], ...more }));

test('it says that it isolates nothing', async () => {
  await withProcesses(async ({ runtime }) => {
    const { warnings } = await runtime.facts();
    for (const word of [/isolates nothing/, /limits have no effect/, /images are ignored/, /PORT/]) assert.match(warnings.join('\n'), word);
  });
});

test('a task without a command is refused, with the reason', async () => {
  await withProcesses(async ({ runtime }) => {
    for (const command of [undefined, []]) {
      await assert.rejects(runtime.prepare(workOf(plainSpec({ command })), quietly()), {
        code: 'bad-command',
        message: /needs a `command`/,
      });
    }
    assert.deepEqual(await runtime.list(), []);
  });
});

test('what cannot be started is said before anything is', async () => {
  await withProcesses(async ({ runtime, directory }) => {
    writeFileSync(join(directory, 'not-executable'), '#!/bin/sh\n', { mode: 0o600 });
    const refused = [
      [['nothing-of-that-name'], {}, 'bad-command', /executable file not found in/],
      [['/nothing/there'], {}, 'bad-command', /no such file/],
      [['/etc'], {}, 'bad-command', /is a directory/],
      [['./not-executable'], { workdir: directory }, 'bad-command', /permission denied/],
      [[''], {}, 'bad-command', /empty/],
      [['sh'], { env: { PATH: '/nonexistent' } }, 'bad-command', /not found in \/nonexistent/],
      [['sh'], { workdir: '/nonexistent' }, 'bad-settings', /working directory \/nonexistent does not exist/],
      [['sh'], { user: 'somebody-else' }, 'bad-settings', /not as "somebody-else"/],
    ] as const;
    for (const [command, more, code, message] of refused) {
      await assert.rejects(started(runtime, workOf(plainSpec({ command, ...more }))), { code, message }, String(command));
    }
  });
});

test('its own user, by name or number, may be asked for', async () => {
  await withProcesses(async ({ runtime }) => {
    for (const user of [userInfo().username, String(userInfo().uid)]) {
      const ref = await started(runtime, sh('exit 0', { user }));
      assert.equal((await runtime.wait(ref, never())).exitCode, 0);
    }
  });
});

test("a task's environment is its own, small, and tells its first port", async () => {
  await withProcesses(async ({ runtime, directory }) => {
    process.env['CUBE_TEST_LEAK'] = 'leaked';
    const spec = plainSpec({ command: ['env'], env: { MODE: 'a b', LANG: 'C' } });
    const ports = [
      { ip: '', host: 23_456, container: 80, protocol: 'tcp' as const },
      { ip: '', host: 23_457, container: 81, protocol: 'tcp' as const },
    ];
    const ref = await started(runtime, workOf(spec, { ports }));
    await runtime.wait(ref, never());
    delete process.env['CUBE_TEST_LEAK'];
    const env = new Map(
      linesOf(await read(runtime, ref)).map((line) => [line.slice(0, line.indexOf('=')), line.slice(line.indexOf('=') + 1)]),
    );
    assert.equal(env.get('MODE'), 'a b');
    assert.equal(env.get('LANG'), 'C');
    assert.equal(env.get('PORT'), '23456');
    assert.equal(env.get('HOME'), join(directory, ref.id, 'work'));
    assert.ok(!env.has('CUBE_TEST_LEAK'));
  });
});

test('only the node may read what it keeps: the environment may hold secrets', async () => {
  await withProcesses(async ({ runtime, directory, file }) => {
    const ref = await started(runtime, sh('echo secret; sleep 1000', { env: { PASSWORD: 'x' } }));
    assert.equal(statSync(file(ref, '.')).mode & 0o077, 0);
    for (const name of ['work.json', 'stdout', 'stderr']) assert.equal(statSync(file(ref, name)).mode & 0o077, 0, name);
    assert.equal(statSync(directory).mode & 0o077, 0);
  });
});

test('a task runs in its working directory, or in a folder of its own', async () => {
  await withProcesses(async ({ runtime, directory }) => {
    const own = await started(runtime, sh('pwd'));
    await runtime.wait(own, never());
    assert.deepEqual(linesOf(await read(runtime, own)), [join(directory, own.id, 'work')]);
    const told = await started(runtime, sh('pwd', { workdir: '/' }));
    await runtime.wait(told, never());
    assert.deepEqual(linesOf(await read(runtime, told)), ['/']);
  });
});

test('arguments arrive as they are, whatever is in them', async () => {
  await withProcesses(async ({ runtime }) => {
    const odd = ['a b', '$HOME', "it's", '"', '*', '', '-n', '\\', 'ä\nb'];
    const ref = await started(runtime, workOf(plainSpec({ command: ['printf', '<%s>', ...odd] })));
    await runtime.wait(ref, never());
    const text = (await read(runtime, ref)).map((chunk) => chunk.text).join('');
    assert.equal(text, odd.map((one) => `<${one}>`).join(''));
  });
});

test('the end of a task is the end of all that it started', { skip }, async () => {
  await withProcesses(async ({ runtime }) => {
    const ref = await started(runtime, sh("(trap '' TERM HUP; sleep 1000) & echo $!; exit 4"));
    assert.equal((await runtime.wait(ref, never())).exitCode, 4);
    const child = Number(linesOf(await read(runtime, ref))[0]);
    await until(() => !isRunning(child));
  });
});

test('a stop reaches the whole group', { skip }, async () => {
  await withProcesses(async ({ runtime, file }) => {
    const ref = await started(
      runtime,
      sh("sh -c 'trap \"echo child; exit\" TERM; echo ready; while :; do sleep 1000 & wait $!; done' & trap 'wait; exit 9' TERM; wait"),
    );
    await until(() => readFileSync(file(ref, 'stdout'), 'utf8').includes('ready'));
    assert.equal((await runtime.stop(ref, { stopSignal: 'TERM', graceMs: 10_000 })).exitCode, 9);
    assert.deepEqual(linesOf(await read(runtime, ref)), ['ready', 'child']);
  });
});

test('stop signals are known by name, short name and number, and an unknown one ends in a kill', async () => {
  await withProcesses(async ({ runtime, file, log }) => {
    for (const [stopSignal, exitCode] of [
      ['SIGUSR1', 41],
      ['usr1', 41],
      ['10', 41],
      ['SIGNOPE', 137],
    ] as const) {
      const ref = await started(runtime, sh("trap 'exit 41' 10; echo ready; while :; do sleep 1000 & wait $!; done"));
      await until(() => readFileSync(file(ref, 'stdout'), 'utf8').includes('ready'));
      assert.equal((await runtime.stop(ref, { stopSignal, graceMs: 10_000 })).exitCode, exitCode, stopSignal);
    }
    assert.ok(log.lines.some((line) => line.includes('does not know the stop signal')));
  });
});

test('what was stopped before it started never starts', async () => {
  await withProcesses(async ({ runtime, reopen }) => {
    const ref = await runtime.prepare(sh('echo ran'), quietly());
    const exit = await runtime.stop(ref, { stopSignal: 'SIGTERM', graceMs: 1 });
    const again = await reopen();
    await again.start(ref, never());
    assert.deepEqual(await again.wait(ref, never()), exit);
    assert.deepEqual(await read(again, ref), []);
  });
});

test('a claim without a word from its shim is waited for, then given up', async () => {
  await withProcesses(
    async ({ runtime, file }) => {
      const ref = await runtime.prepare(sh('sleep 1000'), quietly());
      writeFileSync(file(ref, 'claim'), '');
      assert.equal((await runtime.list())[0]?.state, 'created');
      await assert.rejects(runtime.start(ref, never()), { code: 'engine-error', message: /did not start/ });
      assert.match((await runtime.wait(ref, never())).reason ?? '', /ended before it began/);
    },
    limitsWith({ processClaimMs: 20, engineCallMs: 100, processPollMs: 5 }),
  );
});

test('folders that are none of its own are left alone', async () => {
  await withProcesses(async ({ runtime, directory, log }) => {
    mkdirSync(join(directory, 'empty'));
    mkdirSync(join(directory, 'broken'));
    writeFileSync(join(directory, 'broken', 'work.json'), '{"format"');
    mkdirSync(join(directory, 'other'));
    writeFileSync(
      join(directory, 'other', 'work.json'),
      JSON.stringify({ format: 1, clusterId: 'another', nodeId: 'node', taskId: 'a', attempt: 1 }),
    );
    writeFileSync(join(directory, 'file.txt'), '');
    assert.deepEqual(await runtime.list(), []);
    assert.equal(log.lines.filter((line) => line.includes('cannot be read')).length, 2, 'the broken one and the file');
  });
});

test('an id that is no name of a folder opens no other one', async () => {
  await withProcesses(async ({ runtime }) => {
    for (const id of ['../../etc', 'a/b', '..', '', '.hidden', 'x'.repeat(300)]) {
      await assert.rejects(runtime.prepare(workOf(plainSpec({ command: ['true'] }), { id }), quietly()), { code: 'bad-settings' }, id);
      if (id !== '') await assert.rejects(runtime.remove({ id: `${id}/x`, name: 'x' }), { code: 'bad-settings' }, id);
    }
  });
});

test('many at once are all started, a few at a time', async () => {
  await withProcesses(async ({ runtime }) => {
    const works = Array.from({ length: 24 }, (_, index) => workOf(plainSpec({ command: shellOf({ runForMs: 0, exitCode: index }) })));
    const codes = await Promise.all(works.map(async (work) => (await runtime.wait(await started(runtime, work), never())).exitCode));
    assert.deepEqual(
      codes,
      works.map((_, index) => index),
    );
  }, testLimits);
});
