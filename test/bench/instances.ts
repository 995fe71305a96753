/**
 * How long the manager's own work on a job of very many instances takes, from the submit until all run: its workers are simulated and
 * obey at once, its disk is in memory, and its clock is the harness's. Then the same job is rolled to a second version.
 *
 *   npm run bench:instances -- [instances] [nodes] [parallel]
 */
import { service } from '../sim/scripts.ts';
import { startFleet, wide } from '../actors/fleet.ts';
import { secondsText } from './figures.ts';

const instances = Number(process.argv[2] ?? 10_000);
const nodes = Number(process.argv[3] ?? 50);
const parallel = Number(process.argv[4] ?? 500);

const fleet = await startFleet(nodes);
const { timers } = fleet;

/** Submits a version, and prints what it took until it is all there. */
async function roll(mode: string, what: string): Promise<void> {
  const before = { commits: fleet.commits, set: timers.set, outstanding: timers.outstanding };
  timers.most = timers.outstanding;
  const beganAt = performance.now();
  const cpuBefore = process.cpuUsage();
  await fleet.answer(fleet.control.submit({ spec: wide(service('many'), instances, parallel, mode), origin: { kind: 'file' } }));
  const acceptedMs = performance.now() - beganAt;
  await fleet.until('all run', () => fleet.job('many')?.deployment?.state === 'succeeded');
  const tookMs = performance.now() - beganAt;
  const cpu = process.cpuUsage(cpuBefore);
  const running = fleet.tasks().filter(({ state, desired }) => state === 'running' && desired === 'running').length;
  if (running !== instances) throw new Error(`${running} of ${instances} run`);
  const cpuText = secondsText((cpu.user + cpu.system) / 1_000);
  console.log(
    `${what}: ${secondsText(tookMs)} (${cpuText} of CPU), accepted after ${secondsText(acceptedMs)}; ${fleet.commits - before.commits} commits`,
  );
  console.log(`  timers: at most ${timers.most} at once (${before.outstanding} at rest), ${timers.set - before.set} set in all`);
}

console.log(`${instances} instances on ${nodes} nodes`);
await roll('one', 'from the submit until all run (goal: 5 s)');
await roll('two', `rolled to a second version, ${parallel} at a time`);
