/** What goes wrong in a random run: processes, links, disks and engines. */
import type { FakeEngine } from '../../src/runtime/fake-engine.ts';
import type { Cluster } from './cluster.ts';
import type { Host, WorkerHost } from './hosts.ts';
import type { SimProcess } from './process.ts';
import type { Dice, Users } from './workload.ts';

/** A run in progress. */
export interface Run {
  readonly cluster: Cluster;
  readonly dice: Dice;
  readonly users: Users;
  /** What ends the faults that last. */
  readonly cures: Set<() => void>;
  /** Processes that are ending cleanly just now. */
  readonly leaving: Set<SimProcess>;
}

/** Lets a fault last for a while. */
function lasting(run: Run, begin: () => void, end: () => void, most = 12_000): void {
  const { cluster, dice, cures } = run;
  begin();
  const cure = (): void => {
    if (cures.delete(cure)) end();
  };
  cures.add(cure);
  cluster.world.clock.setTimeout(cure, dice.between(100, most));
}

/** A host that is down is started again some time. */
function bringBack(run: Run, host: Host): void {
  const { cluster, dice } = run;
  cluster.world.clock.setTimeout(() => cluster.keepStarting(host), dice.pick([0, 100, 1_000, 5_000, 14_000]));
}

function kill(run: Run, host: Host): void {
  if (!host.process?.alive) return;
  host.kill();
  bringBack(run, host);
}

/** Dies at one of its next steps, wherever that is. */
function killAtStep(run: Run, host: Host): void {
  const { world } = run.cluster;
  let left = run.dice.between(1, 12);
  world.diesAt = ({ process }) => {
    if (process !== host.name || --left > 0) return false;
    world.diesAt = () => false;
    bringBack(run, host);
    return true;
  };
}

function stopCleanly(run: Run, host: Host): void {
  const { dice, leaving } = run;
  const { process } = host;
  if (process === undefined || !host.up || leaving.has(process)) return;
  leaving.add(process);
  process.onDeath(() => {
    leaving.delete(process);
    bringBack(run, host);
  });
  void host.stop(dice.chance(0.2));
}

type Fault = () => void;

/** Something goes wrong, at random. */
export function fault(run: Run): void {
  const { cluster, dice } = run;
  const host = dice.chance(0.4) ? cluster.manager : dice.pick(cluster.workers);
  const worker = dice.pick(cluster.workers);
  const faults = [...processFaults(run, host), ...networkFaults(run, worker), ...diskFaults(run, host), ...engineFaults(run, worker)];
  dice.pick(faults)();
}

function processFaults(run: Run, host: Host): Fault[] {
  const freeze: Fault = () => {
    const { process } = host;
    if (process?.alive) lasting(run, process.freeze, process.thaw, 10_000);
  };
  return [() => kill(run, host), () => killAtStep(run, host), () => killAtStep(run, host), () => stopCleanly(run, host), freeze];
}

function networkFaults(run: Run, { name }: Host): Fault[] {
  const { network } = run.cluster.world;
  const partition: Fault = () => {
    const end = (): void => network.heal('m1', name);
    lasting(run, () => network.partition('m1', name), end);
  };
  const silence: Fault = () => {
    const [from, to] = run.dice.pick([
      ['m1', name],
      [name, 'm1'],
    ] as const);
    const end = (): void => {
      network.silence(from, to, false);
      // TCP gives all or ends: a link that lost something does not live on.
      network.drop('m1', name);
    };
    lasting(run, () => network.silence(from, to), end, 5_000);
  };
  return [() => void network.drop(name), partition, silence];
}

function diskFaults(run: Run, host: Host): Fault[] {
  const { world, manager, forgetful } = run.cluster;
  const fail: Fault = () => {
    const kind = run.dice.pick(['refused', 'unanswered'] as const);
    if (host !== manager) forgetful.add(host.name);
    world.writeFault = (process) => {
      if (process !== host.name) return undefined;
      world.writeFault = () => undefined;
      return kind;
    };
  };
  const slow: Fault = () => {
    const end = (): void => void (world.writeMs = [0, 3]);
    lasting(run, () => (world.writeMs = [50, 400]), end, 4_000);
  };
  return [fail, slow];
}

function engineFaults(run: Run, { engine }: WorkerHost): Fault[] {
  const { cluster, dice } = run;
  const hang: Fault = () => {
    const end = (): void => engine.unhang();
    lasting(run, () => engine.hang(), end, 6_000);
  };
  const goDown: Fault = () => {
    const end = (): void => engine.up();
    lasting(run, () => engine.down(), end, 6_000);
  };
  const killOne: Fault = () => {
    const [one] = engine.running();
    // What is to fail must not be helped to end well.
    if (one) engine.kill(one.ref.id, one.work.order.job === 'wrong' ? 137 : dice.pick([0, 1, 137]));
  };
  const removeOne: Fault = () => {
    if (engine.containers.size === 0) return;
    const { ref, work } = dice.pick([...engine.containers.values()]);
    cluster.removedByHand.add(work.order.id);
    engine.remove(ref.id);
  };
  return [hang, goDown, killOne, removeOne, () => leaveBehind(cluster, engine), () => engine.reboot()];
}

/** A container with a worker's labels, for a task that nobody knows: as a create leaves it that nobody waits for any more. */
function leaveBehind({ strays }: Cluster, engine: FakeEngine): void {
  const [one] = engine.containers.values();
  if (one === undefined) return;
  const id = `stray-${strays.size + 1}`;
  strays.add(id);
  const { id: container } = engine.create({ ...one.work, order: { ...one.work.order, id } }, one.owner, {});
  if (strays.size % 2 === 0) engine.begin(engine.find(container)!);
}
