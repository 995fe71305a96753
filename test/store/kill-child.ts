/**
 * A process for kill.test.ts: commits without end in several lanes and prints each number once it is acknowledged, with its
 * revision. Arguments: the directory, and a number that its keys begin with.
 */
import { writeSync } from 'node:fs';
import { limitsDefault } from '../../src/core/limits.ts';
import { openLevelStore } from '../../src/store/level.ts';
import { keptLog } from './help.ts';

const [directory, round] = process.argv.slice(2);
const store = openLevelStore({ directory: directory!, limits: limitsDefault, log: keptLog() });
await store.load();

let next = 0;
async function lane(): Promise<void> {
  for (;;) {
    const number = next++;
    const put = (half: string) => ({
      kind: 'task' as const,
      key: `${round}/${number}/${half}`,
      value: { number, pad: 'x'.repeat(number % 500) },
    });
    const revision = await store.commit({ puts: [put('a'), put('b')], removals: [] });
    // Straight to the pipe: nothing acknowledged may be lost in a buffer of this process.
    writeSync(1, `${number} ${revision}\n`);
  }
}
await Promise.all([lane(), lane(), lane(), lane()]);
