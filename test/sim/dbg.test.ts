import { test } from 'node:test';
import { Cluster } from './cluster.ts';
import { runSeed } from './chaos.ts';
test('x', async () => {
  const orig = Cluster.prototype.fail;
  Cluster.prototype.fail = function (this: Cluster, why: string): never {
    for (const w of this.workers) {
      const book = w.role?.desk.book;
      console.log(
        w.name,
        book?.identity,
        book?.seen,
        w.role?.actor.getSnapshot().value,
        Object.keys(w.role?.actor.getSnapshot().children ?? {}),
      );
      for (const [id, e] of book?.entries ?? [])
        console.log('  ', id.slice(0, 8), e.order.slot, e.order.desired, e.report?.state, e.report?.sequence);
    }
    return orig.call(this, why);
  };
  try {
    await runSeed(Number(process.env.FROM));
  } catch (e) {}
});
