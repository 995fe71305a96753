import { join } from 'node:path';
import { limitsDefault } from '../../src/core/limits.ts';
import { openLevelStore } from '../../src/store/level.ts';
import { memoryDisk, openMemoryStore } from '../../src/store/memory.ts';
import { freshDirectory, keptLog } from '../store/help.ts';
import { storeContract } from './store.ts';

storeContract('memory', async () => {
  const disk = memoryDisk();
  return (opening) => openMemoryStore({ limits: limitsDefault, disk, ...opening });
});

storeContract('level', async (t) => {
  const directory = join(await freshDirectory(t), 'manager');
  return (opening) => openLevelStore({ directory, limits: limitsDefault, log: keptLog(), ...opening });
});
