import { Cluster } from './cluster.ts';
import { runSeed } from './chaos.ts';
const orig = Cluster.prototype.fail;
Cluster.prototype.fail = function (this: Cluster, why: string): never {
  for (const w of this.workers) {
    const book = w.role?.desk.book;
    console.log(
      w.name,
      JSON.stringify(book?.identity),
      JSON.stringify(book?.seen),
      w.role?.actor.getSnapshot().value,
      Object.keys(w.role?.actor.getSnapshot().children ?? {}),
    );
    for (const [id, e] of book?.entries ?? [])
      console.log('  ', id.slice(0, 8), e.order.slot, e.order.desired, e.report?.state, e.report?.sequence);
    for (const c of w.engine.containers.values())
      console.log(
        '  container',
        c.ref.id,
        c.ref.name,
        c.state,
        w.engine.calls
          .filter((x) => x.container === c.ref.id || x.container === c.ref.name)
          .map((x) => `${x.at - this.world.clock.now() + this.world.clock.monotonic()} ${x.verb}`)
          .join(', '),
      );
  }
  console.log([...this.manager.mirror.tasks.values()].map((t) => `${t.id} ${t.slot} ${t.state} ${t.desired} ${t.specHash} ${t.nodeName}`));
  return orig.call(this, why);
};
const T0 = Number(process.env.T0 ?? 0);
const pass = Cluster.prototype.pass;
const wrapped = new WeakSet();
Cluster.prototype.pass = function (this: Cluster, ms: number) {
  if (!wrapped.has(this)) {
    wrapped.add(this);
    const sees = this.world.sees;
    this.world.sees = (frame: any, node: any) => {
      const t = this.world.clock.monotonic();
      if (t >= T0 && frame.type !== 'beat')
        console.log(
          'FRAME',
          t,
          node?.slice(0, 8) ?? 'manager',
          frame.type,
          frame.base ?? '',
          frame.revision ?? '',
          'orders',
          frame.orders?.map((o: any) => o.id.slice(0, 8) + o.desired + o.sequence).join(' '),
          'acks',
          frame.acks?.map((a: any) => a.id.slice(0, 8) + ' ' + a.sequence).join(','),
          'reports',
          frame.reports?.map((r: any) => r.id.slice(0, 8) + r.state + r.sequence).join(' '),
          frame.unknown?.length ?? '',
          'forget',
          frame.forget?.join(' '),
          JSON.stringify(frame.verdicts ?? null),
        );
      return sees(frame, node);
    };
    const dies = this.world.processes.diesAt;
  }
  return pass.call(this, ms);
};
try {
  await runSeed(Number(process.env.FROM));
} catch (e) {
  console.log((e as Error).message.slice(0, 30000));
}
