import { runSeed } from './chaos.ts';
const from = Number(process.env.FROM ?? 1),
  n = Number(process.env.N ?? 10);
const t0 = performance.now();
let bad = 0;
let sim = 0;
for (let seed = from; seed < from + n; seed++) {
  try {
    sim += (await runSeed(seed)).world.clock.monotonic();
  } catch (e) {
    bad++;
    if (process.env.FULL) console.log(e);
    else console.log(seed, (e as Error).message.split('\n').slice(0, 4).join(' | ').slice(0, 600));
  }
}
console.log('bad', bad, 'of', n, (performance.now() - t0) / n, 'ms each', sim / n / 1000, 'sim s each');
