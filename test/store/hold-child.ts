/** A process for level.test.ts: opens the store in the directory of its argument, says so, and holds it until it is killed. */
import { writeSync } from 'node:fs';
import { limitsDefault } from '../../src/core/limits.ts';
import { openLevelStore } from '../../src/store/level.ts';
import { keptLog } from './help.ts';

const store = openLevelStore({ directory: process.argv[2]!, limits: limitsDefault, log: keptLog() });
await store.load();
await store.commit({ puts: [{ kind: 'task', key: 'held', value: true }], removals: [] });
writeSync(1, 'open\n');
// Reading keeps the process alive until its input ends.
process.stdin.resume();
