import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { Cgroups } from '../../src/runtime/docker/cgroups.ts';

const id = 'c0ffee';
const netDev = `Inter-|   Receive                                                |  Transmit
 face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets errs drop fifo colls carrier compressed
    lo:     500       5    0    0    0     0          0         0      500       5    0    0    0     0       0          0
  eth0:     876      10    0    0    0     0          0         0       42       1    0    0    0     0       0          0
  eth1:     100       1    0    0    0     0          0         0        8       1    0    0    0     0       0          0
`;
const networks = { inBytes: 976, outBytes: 50 };

const hybrid: Readonly<Record<string, string>> = {
  'proc/self/mountinfo': [
    '24 1 0:21 / /sys/fs/cgroup rw - tmpfs tmpfs rw,mode=755',
    '25 24 0:22 / /sys/fs/cgroup/cpu,cpuacct rw,relatime shared:9 - cgroup cgroup rw,cpu,cpuacct',
    '26 24 0:23 / /sys/fs/cgroup/memory rw,relatime - cgroup cgroup rw,memory',
    '27 24 0:24 / /sys/fs/cgroup/unified rw,relatime - cgroup2 cgroup2 rw',
    '',
  ].join('\n'),
  'proc/7/cgroup': `4:memory:/docker/${id}\n2:cpu,cpuacct:/docker/${id}\n0::/docker/${id}\n`,
  'proc/7/net/dev': netDev,
  [`sys/fs/cgroup/cpu,cpuacct/docker/${id}/cpuacct.usage`]: '2500000000\n',
  [`sys/fs/cgroup/memory/docker/${id}/memory.usage_in_bytes`]: '1000\n',
  [`sys/fs/cgroup/memory/docker/${id}/memory.stat`]: 'inactive_file 1\ntotal_inactive_file 300\n',
};

const unified: Readonly<Record<string, string>> = {
  'proc/self/mountinfo': '30 1 0:26 / /sys/fs/cgroup rw,nosuid shared:4 - cgroup2 cgroup2 rw,nsdelegate\n',
  'proc/7/cgroup': `0::/system.slice/docker-${id}.scope\n`,
  'proc/7/net/dev': netDev,
  [`sys/fs/cgroup/system.slice/docker-${id}.scope/cpu.stat`]: 'usage_usec 1500000\nuser_usec 1\n',
  [`sys/fs/cgroup/system.slice/docker-${id}.scope/memory.current`]: '900\n',
  [`sys/fs/cgroup/system.slice/docker-${id}.scope/memory.stat`]: 'anon 5\ninactive_file 200\n',
};

/** A file system with these files. */
function withFiles(files: Readonly<Record<string, string>>, check: (cgroups: Cgroups, root: string) => void): void {
  const root = mkdtempSync(join(tmpdir(), 'cube-cgroups-'));
  try {
    for (const [path, text] of Object.entries(files)) {
      mkdirSync(join(root, dirname(path)), { recursive: true });
      writeFileSync(join(root, path), text);
    }
    check(new Cgroups(root), root);
  } finally {
    rmSync(root, { recursive: true });
  }
}

test('version 1: cpu and memory each in a hierarchy of its own', () => {
  withFiles(hybrid, (cgroups) => {
    const place = cgroups.find(id, 7);
    assert.ok(place);
    assert.deepEqual(cgroups.read(id, place, true), { cpuSeconds: 2.5, memoryBytes: 700, network: networks });
  });
});

test('version 2: all in one folder', () => {
  withFiles(unified, (cgroups) => {
    const place = cgroups.find(id, 7);
    assert.ok(place);
    assert.deepEqual(cgroups.read(id, place, true), { cpuSeconds: 1.5, memoryBytes: 700, network: networks });
    assert.deepEqual(cgroups.read(id, place, false), { cpuSeconds: 1.5, memoryBytes: 700, network: null });
  });
});

test("a process that is not the container's is not found: the engine is on another system", () => {
  withFiles({ ...unified, 'proc/7/cgroup': '0::/user.slice\n' }, (cgroups) => assert.equal(cgroups.find(id, 7), undefined));
  withFiles(unified, (cgroups) => assert.equal(cgroups.find(id, 8), undefined));
  withFiles({}, (cgroups) => assert.equal(cgroups.find(id, 7), undefined));
});

test('counters that are not there count for no place', () => {
  const { [`sys/fs/cgroup/system.slice/docker-${id}.scope/memory.current`]: _, ...rest } = unified;
  withFiles(rest, (cgroups) => assert.equal(cgroups.find(id, 7), undefined));
});

test('one that has ended is not read, nor another process by its number', () => {
  withFiles(unified, (cgroups, root) => {
    const place = cgroups.find(id, 7)!;
    writeFileSync(join(root, 'proc/7/cgroup'), '0::/system.slice/docker-another.scope\n');
    assert.equal(cgroups.read(id, place, true), undefined);
    rmSync(join(root, 'sys'), { recursive: true });
    assert.equal(cgroups.read(id, place, true), undefined);
  });
});

test('more cache than memory is no memory, and not less', () => {
  withFiles({ ...unified, [`sys/fs/cgroup/system.slice/docker-${id}.scope/memory.stat`]: 'inactive_file 5000\n' }, (cgroups) => {
    assert.equal(cgroups.read(id, cgroups.find(id, 7)!, false)?.memoryBytes, 0);
  });
});
