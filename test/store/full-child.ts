/**
 * A process for level.test.ts, run where no file may grow above a limit: commits until the disk says no, tries once more, and
 * prints what happened as JSON. Argument: the directory.
 */
import { randomBytes } from 'node:crypto';
import { writeSync } from 'node:fs';
import { asCubeError } from '../../src/core/errors.ts';
import { limitsDefault } from '../../src/core/limits.ts';
import { openLevelStore } from '../../src/store/level.ts';
import { keptLog } from './help.ts';

const store = openLevelStore({ directory: process.argv[2]!, limits: limitsDefault, log: keptLog() });
await store.load();

/** Commits a record of 32 KiB; gives the error's code, or undefined. */
async function commit(number: number): Promise<string | undefined> {
  try {
    await store.commit({ puts: [{ kind: 'task', key: `t${number}`, value: randomBytes(16_384).toString('hex') }], removals: [] });
    return undefined;
  } catch (thrown) {
    return asCubeError(thrown).code;
  }
}

let acknowledged = 0;
let code = await commit(acknowledged);
while (code === undefined) code = await commit(++acknowledged);
const waiting = await Promise.all([commit(10_001), commit(10_002)]);
writeSync(1, JSON.stringify({ acknowledged, code, waiting }));
