/** A node for tests that need one to be there. */
import { noResources } from '../../src/core/resources.ts';
import type { NodeStatus } from '../../src/ports/control.ts';

/** A node as the fake has one. */
export function fakeNode(changes: Partial<NodeStatus> = {}): NodeStatus {
  const capacity = { cpu: 4, memoryBytes: 8e9, diskBytes: 1e11, custom: {} };
  return {
    id: 'node-1',
    name: 'bar',
    dc: 'dc1',
    role: 'manager,worker',
    labels: {},
    capacity,
    slotsMax: 250,
    ports: { from: 20_000, to: 29_999 },
    portsIp: '127.0.0.1',
    os: 'linux',
    arch: 'x64',
    version: '0.1.0',
    runtime: { name: 'fake', version: '1' },
    state: 'ready',
    eligible: true,
    joinedAt: 0,
    updatedAt: 0,
    reserved: noResources,
    used: noResources,
    tasks: 0,
    ...changes,
  };
}
