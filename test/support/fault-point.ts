/**
 * Loaded before a node (`node --import`): kills its process at the step that a file names, as a crash would. The file is looked at
 * in each step, so that a node that runs can be told; what happened before it was written does not count.
 */
import { subscribe } from 'node:diagnostics_channel';
import { existsSync, readFileSync } from 'node:fs';
import type { Step } from '../../src/boot/steps.ts';

/** Names the file. */
const variable = 'CUBE_TEST_KILL_FILE';

const path = process.env[variable];
let order = '';
let seen = 0;

subscribe('cube:step', (message) => {
  const { step, when } = message as Step;
  if (path === undefined || !existsSync(path)) return;
  const text = readFileSync(path, 'utf8').trim();
  if (text !== order) [order, seen] = [text, 0];
  const [wanted, at, times] = text.split(' ');
  // SIGKILL to oneself ends the process within the call.
  if (step === wanted && when === at && ++seen === Number(times)) process.kill(process.pid, 'SIGKILL');
});
