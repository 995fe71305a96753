/** Nodes full of tasks, for the tests of preemption: by hand, and at random, with an oracle that tries every set of victims. */
import fc from 'fast-check';
import type { Ask, NodeView } from '../../src/core/placement.ts';
import { plus } from '../../src/core/resources.ts';
import type { Applicant, Preemption } from '../../src/scheduling/preempt.ts';
import type { Victim } from '../../src/scheduling/preempt/room.ts';
import { amounts, aNode, anAsk } from './build.ts';
import { canTake } from './oracle.ts';

/** A node and who holds a place there. */
export interface Full {
  readonly node: NodeView;
  readonly tasks: readonly Victim[];
}

export function aTask(id: string, priority: number, some: Partial<Victim> = {}): Victim {
  const kind = `job-${id}/web`;
  const rest = { preemptible: false, resources: amounts({ cpu: 1 }), ports: [], leaving: false, createdAt: 0 };
  return { id, slot: `${kind}.1`, kind, priority, ...rest, ...some };
}

/** A node that reserves what its tasks hold. */
export function full(name: string, tasks: readonly Victim[], some: Partial<NodeView> = {}): Full {
  const node = aNode(name, {
    reserved: tasks.reduce((sum, { resources }) => plus(sum, resources), amounts()),
    tasks: tasks.length,
    portsTaken: tasks.flatMap(({ ports, slot }) => ports.map(({ ip, host, protocol }) => ({ ip, host, protocol, by: slot }))),
    ...some,
  });
  return { node, tasks };
}

export function anApplicant(priority: number, ask: Ask = anAsk({ cpu: 1 }), some: Partial<Applicant> = {}): Applicant {
  return { slot: 'new/web.1', kind: 'new/web', ask, priority, preemptible: false, ...some };
}

/** The node without some of its tasks, written down anew from those that are left. */
export function left({ node, tasks }: Full, gone: ReadonlySet<string>): NodeView {
  const {
    reserved,
    tasks: count,
    portsTaken,
  } = full(
    node.name,
    tasks.filter(({ id }) => !gone.has(id)),
  ).node;
  return { ...node, reserved, tasks: count, portsTaken };
}

/** Whether a node takes the applicant without some of its tasks. */
export function takes(place: Full, { ask, kind }: Applicant, gone: ReadonlySet<string>): boolean {
  const mates = place.tasks.filter((task) => task.kind === kind && !gone.has(task.id)).length;
  return canTake(left(place, gone), ask) && mates < (ask.maxPerNode ?? Number.POSITIVE_INFINITY);
}

export function leavingOf({ tasks }: Full): string[] {
  return tasks.filter(({ leaving }) => leaving).map(({ id }) => id);
}

function sharesOf(places: readonly Full[], { resources }: Victim): number {
  const most = (of: (node: NodeView) => number): number => Math.max(...places.map(({ node }) => of(node)));
  const share = (amount: number, largest: number): number => (largest > 0 ? amount / largest : 0);
  let sum = share(
    resources.cpu,
    most(({ capacity }) => capacity.cpu),
  );
  sum += share(
    resources.memoryBytes,
    most(({ capacity }) => capacity.memoryBytes),
  );
  sum += share(
    resources.diskBytes,
    most(({ capacity }) => capacity.diskBytes),
  );
  for (const [name, amount] of Object.entries(resources.custom)) {
    sum += share(
      amount,
      most(({ capacity }) => capacity.custom[name] ?? 0),
    );
  }
  return Math.round(sum * 1e6);
}

/** What a choice costs, in the order in which costs count. */
export function costOf(places: readonly Full[], ask: Ask, at: Full, victims: readonly Victim[]): readonly (number | string)[] {
  return [
    ask.avoid?.includes(at.node.id) ? 1 : 0,
    Math.max(...victims.map(({ priority }) => priority)),
    victims.length,
    victims.reduce((sum, victim) => sum + sharesOf(places, victim), 0),
    -victims.reduce((sum, { createdAt }) => sum + createdAt, 0),
    at.node.name,
  ];
}

export function isLess(a: readonly (number | string)[], b: readonly (number | string)[]): boolean {
  const at = a.findIndex((value, index) => value !== b[index]);
  return at >= 0 && a[at]! < b[at]!;
}

/** What may be asked of whom, in one line. */
export function mayPreempt(applicant: Applicant, victim: Victim): boolean {
  if (victim.leaving) return false;
  return victim.priority < applicant.priority || (victim.priority === applicant.priority && victim.preemptible && !applicant.preemptible);
}

/** The cheapest of all sets of victims on all nodes, and `waits` where none is needed. */
export function bruteForce(places: readonly Full[], applicant: Applicant): { waits: boolean; cost?: readonly (number | string)[] } {
  if (places.some((place) => takes(place, applicant, new Set(leavingOf(place))))) return { waits: true };
  let best: readonly (number | string)[] | undefined;
  for (const place of places) {
    const candidates = place.tasks.filter((task) => mayPreempt(applicant, task));
    for (let set = 1; set < 2 ** candidates.length; set++) {
      const victims = candidates.filter((_, at) => set & (1 << at));
      if (!takes(place, applicant, new Set([...leavingOf(place), ...victims.map(({ id }) => id)]))) continue;
      const cost = costOf(places, applicant.ask, place, victims);
      if (!best || isLess(cost, best)) best = cost;
    }
  }
  return best ? { waits: false, cost: best } : { waits: false };
}

/** What was decided, as a cost to compare. */
export function costFound(places: readonly Full[], { ask }: Applicant, found: Preemption): readonly (number | string)[] {
  return costOf(
    places,
    ask,
    places.find(({ node }) => node.id === found.node)!,
    found.victims,
  );
}

const resources = fc
  .record({
    cpu: fc.constantFrom(0, 0.1, 0.2, 0.5, 1, 2),
    memoryBytes: fc.constantFrom(0, 0, 1, 2, 4),
    gpu: fc.constantFrom(0, 0, 0, 0.5, 1),
  })
  .map(({ cpu, memoryBytes, gpu }) => amounts({ cpu, memoryBytes, custom: gpu === 0 ? {} : { gpu } }));

const task = (node: number, at: number): fc.Arbitrary<Victim> =>
  fc
    .record({
      priority: fc.constantFrom(10, 10, 20, 50, 80),
      preemptible: fc.boolean(),
      leaving: fc.oneof({ weight: 6, arbitrary: fc.constant(false) }, { weight: 1, arbitrary: fc.constant(true) }),
      createdAt: fc.nat({ max: 3 }),
      resources,
      kind: fc.constantFrom('a/web', 'new/web', 'b/web'),
      holdsPort: fc.constantFrom(false, false, true),
    })
    .map(({ holdsPort, ...some }) => {
      const ports = holdsPort ? [{ ip: '127.0.0.1', host: at === 0 ? 80 : 99 + at, container: 80, protocol: 'tcp' as const }] : [];
      return aTask(`t${node}-${at}`, some.priority, { ...some, ports });
    });

const aPlace = (index: number): fc.Arbitrary<Full> =>
  fc
    .record({
      tasks: fc.nat({ max: 6 }).chain((count) => fc.tuple(...Array.from({ length: count }, (_, at) => task(index, at)))),
      cpu: fc.constantFrom(0, 0.3, 1),
      memoryBytes: fc.constantFrom(0, 1, 4),
      slots: fc.constantFrom(0, 0, 1, 5),
      gpu: fc.constantFrom(0, 1, 2),
      state: fc.oneof({ weight: 9, arbitrary: fc.constant('ready' as const) }, { weight: 1, arbitrary: fc.constant('down' as const) }),
      dc: fc.constantFrom('dc1', 'dc1', 'dc2'),
    })
    .map(({ tasks, cpu, memoryBytes, slots, gpu, state, dc }) => {
      const place = full(`n${(index * 5) % 7}`, tasks);
      const capacity = plus(place.node.reserved, amounts({ cpu, memoryBytes, custom: { gpu } }));
      return full(place.node.name, tasks, {
        capacity,
        slotsMax: tasks.length + slots,
        state,
        dc,
        portRange: { from: 100, to: 103 },
      });
    });

/** Up to four nodes with up to six tasks each, that have little or nothing left. */
export const somePlaces: fc.Arbitrary<readonly Full[]> = fc
  .integer({ min: 1, max: 4 })
  .chain((count) => fc.tuple(...Array.from({ length: count }, (_, index) => aPlace(index))));

/** A task that wants something of what they have. */
export const someApplicant: fc.Arbitrary<Applicant> = fc
  .record({
    resources,
    priority: fc.constantFrom(10, 20, 50, 80, 100),
    preemptible: fc.boolean(),
    datacenters: fc.constantFrom<readonly string[]>([], [], ['dc1']),
    avoid: fc.constantFrom<readonly string[]>([], [], ['id-n0'], ['id-n5', 'id-n3']),
    maxPerNode: fc.constantFrom(undefined, undefined, 1, 2),
    ports: fc.constantFrom<Ask['ports']>([], [], [{ container: 80, host: 80, protocol: 'tcp' }], [{ container: 80, protocol: 'tcp' }]),
  })
  .map(({ resources: asked, priority, preemptible, maxPerNode, ...ask }) =>
    anApplicant(priority, anAsk(asked, { ...ask, ...(maxPerNode === undefined ? {} : { maxPerNode }) }), { preemptible }),
  );
