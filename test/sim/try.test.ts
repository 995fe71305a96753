import { test } from 'node:test';
import { startCluster } from './cluster.ts';
import { batch, service } from './scripts.ts';
test('x', async () => {
  const t0 = performance.now();
  const c = await startCluster({ seed: 1, workers: ['w1', 'w2'] });
  console.log('up', performance.now() - t0);
  console.log((await c.finish(c.submit(service('shop', 'runs', 3)))));
  await c.finish(c.submit(batch('crunch', 'completes:500', 5)));
  await c.settled();
  console.log('settled', performance.now() - t0, c.world.clock.monotonic());
  await c.pass(60_000);
  console.log('60 s', performance.now() - t0, c.world.clock.monotonic());
  console.log(c.manager.mirror.events.length, c.world.lines);
});
