import { join } from 'node:path';
import { openMemoryKeptLogs } from '../../src/store/kept-logs-memory.ts';
import { openKeptLogs } from '../../src/store/kept-logs.ts';
import { freshDirectory } from '../store/help.ts';
import { keptLogsContract } from './kept-logs.ts';

keptLogsContract('memory', async () => {
  const logs = openMemoryKeptLogs(Date);
  return () => logs;
});

keptLogsContract('files', async (t) => {
  const folder = join(await freshDirectory(t), 'logs');
  return () => openKeptLogs(folder, Date);
});
