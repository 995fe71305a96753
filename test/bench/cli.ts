/**
 * How long `cube status` takes, against the bare start of Node: the two in turns, medians compared.
 *
 *   npm run bench:cli -- [runs]
 */
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { testEngine } from '../support/engine.ts';
import { NodeProcess } from '../support/node-process.ts';
import { median } from './figures.ts';

const runs = Number(process.argv[2] ?? 30);
// What users start is the build; from sources the time would be tsx's.
const main = fileURLToPath(new URL('../../src/cli/main.js', import.meta.url));

/** Milliseconds of one run. @throws when it fails */
function timed(args: readonly string[], env: NodeJS.ProcessEnv): number {
  const beganAt = performance.now();
  const { status, stderr } = spawnSync(process.execPath, args, { env, encoding: 'utf8' });
  if (status !== 0) throw new Error(`${args.join(' ')} ended with ${status}: ${stderr}`);
  return performance.now() - beganAt;
}

const { skip } = await testEngine();
const node = new NodeProcess({ args: skip ? ['--runtime', 'process'] : [] });
try {
  await node.start();
  const env = { ...process.env, CUBE_DATA: node.data };
  const [status, bare]: [number[], number[]] = [[], []];
  for (let run = 0; run < runs; run++) {
    status.push(timed([main, 'status'], env));
    bare.push(timed(['-e', '0'], env));
  }
  const [statusMs, bareMs] = [median(status), median(bare)];
  console.log(`cube status ${statusMs.toFixed(0)} ms, node -e 0 ${bareMs.toFixed(0)} ms (medians of ${runs}, in turns)`);
  console.log(`least: ${Math.min(...status).toFixed(0)} ms and ${Math.min(...bare).toFixed(0)} ms`);
  console.log(`ratio: ${(statusMs / bareMs).toFixed(2)} (goal: at most 2)`);
} finally {
  await node.remove();
}
