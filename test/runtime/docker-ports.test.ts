import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';
import type { PortBinding } from '../../src/core/task.ts';
import { inodesOf } from '../../src/runtime/docker/port-holder.ts';
import { portNamed } from '../../src/runtime/docker/start-problems.ts';
import type { Inspected } from '../../src/runtime/docker/state.ts';
import { plainSpec, quietly, shellOf, started, never, workOf } from '../contracts/runtime-harness.ts';
import { freePort } from '../support/free-port.ts';
import { skip, withDocker } from './docker-help.ts';

const forever = shellOf({});
const bound = (host: number, container: number, ip = '127.0.0.1'): PortBinding => ({ ip, host, container, protocol: 'tcp' });

test('the requested host port is the one published, on the requested address', { skip }, async () => {
  await withDocker(async ({ runtime, docker }) => {
    const host = await freePort();
    const command = ['sh', '-c', 'echo hello | nc -l -p 7000'];
    const ref = await started(runtime, workOf(plainSpec({ command }), { ports: [bound(host, 7000)] }));
    const { NetworkSettings } = await docker.getContainer(ref.id).inspect();
    assert.deepEqual(NetworkSettings.Ports, { '7000/tcp': [{ HostIp: '127.0.0.1', HostPort: String(host) }] });
    const socket = connect(host, '127.0.0.1');
    const [bytes] = (await once(socket, 'data')) as [Buffer];
    socket.destroy();
    assert.equal(bytes.toString(), 'hello\n');
  });
});

test('several ports, one of them udp and two of one container port, are all published', { skip }, async () => {
  await withDocker(async ({ runtime, docker }) => {
    const [a, b, c] = [await freePort(), await freePort(), await freePort()];
    const ports = [bound(a, 80), bound(b, 80), { ...bound(c, 53), protocol: 'udp' as const }];
    const ref = await started(runtime, workOf(plainSpec({ command: forever }), { ports }));
    const { Ports } = (await docker.getContainer(ref.id).inspect()).NetworkSettings;
    assert.deepEqual(Ports['80/tcp']?.map(({ HostPort }) => HostPort).sort(), [String(a), String(b)].sort());
    assert.deepEqual(Ports['53/udp'], [{ HostIp: '127.0.0.1', HostPort: String(c) }]);
  });
});

test('of a port that another container holds it is said which and by whom', { skip }, async () => {
  await withDocker(async ({ runtime }) => {
    const host = await freePort();
    const holder = await started(runtime, workOf(plainSpec({ command: forever }), { ports: [bound(host, 80)] }));
    const work = workOf(plainSpec({ command: forever }), { ports: [bound(await freePort(), 81), bound(host, 80)] });
    await assert.rejects(started(runtime, work), {
      code: 'port-taken',
      message: new RegExp(
        `host port 127\\.0\\.0\\.1:${host}/tcp is taken by container ${holder.name} \\(shop/web\\.1\\): .*already allocated`,
      ),
    });
    const left = (await runtime.list()).find(({ taskId }) => taskId === work.order.id);
    assert.equal(left?.state, 'created', 'it is left for the caller to remove');
    await runtime.remove(holder);
    await runtime.start(left.ref, never());
  });
});

test('of a port that a process holds it is said which and by whom', { skip }, async () => {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  try {
    await withDocker(async ({ runtime }) => {
      const work = workOf(plainSpec({ command: forever }), { ports: [bound(port, 80)] });
      await assert.rejects(started(runtime, work), {
        code: 'port-taken',
        message: new RegExp(
          `host port 127\\.0\\.0\\.1:${port}/tcp is taken by process .+ \\(pid ${process.pid}\\): .*address already in use`,
        ),
      });
    });
  } finally {
    server.close();
  }
});

test('an address that the host does not have is a bad setting, not a port that is taken', { skip }, async () => {
  await withDocker(async ({ runtime }) => {
    const ref = await runtime.prepare(
      workOf(plainSpec({ command: forever }), { ports: [bound(await freePort(), 80, '192.0.2.7')] }),
      quietly(),
    );
    await assert.rejects(runtime.start(ref, never()), { code: 'bad-settings', message: /cannot assign requested address/ });
  });
});

/** The head and lines of /proc/net/tcp as a little-endian machine prints them. */
const table = `  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000  1000        0 111 1 0 100 0 0 10 0
   1: 00000000:1F91 00000000:0000 0A 00000000:00000000 00:00000000 00000000  1000        0 222 1 0 100 0 0 10 0
   2: 0100007F:1F90 0100007F:C350 01 00000000:00000000 00:00000000 00000000  1000        0 333 1 0 100 0 0 10 0
   3: 00000000000000000000000000000000:1F92 00000000000000000000000000000000:0000 0A 00000000:00000000 00:00000000 00000000 0 0 444 1
`;

test("a listening socket is found in the kernel's table by port and address", () => {
  const at = (ip: string, host: number): string[] => inodesOf(table, { ip, host, protocol: 'tcp' });
  assert.deepEqual(at('127.0.0.1', 8080), ['111'], 'a connection of that port listens not');
  assert.deepEqual(at('10.0.0.1', 8080), []);
  assert.deepEqual(at('0.0.0.0', 8080), ['111']);
  assert.deepEqual(at('10.0.0.1', 8081), ['222'], 'every address');
  assert.deepEqual(at('', 8082), ['444'], 'IPv6');
  assert.deepEqual(at('127.0.0.1', 9999), []);
  assert.deepEqual(inodesOf('', { ip: '', host: 1, protocol: 'tcp' }), []);
});

test("the port an engine's words are about is found among those asked for", () => {
  const asked = (bindings: Record<string, { HostIp: string; HostPort: string }[]>): Inspected =>
    ({ HostConfig: { PortBindings: bindings } }) as unknown as Inspected;
  const two = asked({ '80/tcp': [{ HostIp: '127.0.0.1', HostPort: '80' }], '53/udp': [{ HostIp: '', HostPort: '8080' }] });
  assert.deepEqual(portNamed('Bind for 0.0.0.0:8080 failed: port is already allocated', two), { ip: '', host: 8080, protocol: 'udp' });
  assert.deepEqual(portNamed('listen tcp4 127.0.0.1:80: bind: address already in use', two), {
    ip: '127.0.0.1',
    host: 80,
    protocol: 'tcp',
  });
  assert.deepEqual(portNamed('failed to bind host port for 127.0.0.1:80:172.17.0.2:80/tcp: address already in use', two)?.host, 80);
  assert.equal(portNamed('something else', two), undefined);
  assert.equal(portNamed('something else', asked({ '80/tcp': [{ HostIp: '', HostPort: '81' }] }))?.host, 81);
  assert.equal(portNamed('x', { HostConfig: {} } as Inspected), undefined);
});
