/**
 * A process for process.test.ts: opens the process runtime as a node would, starts one task that writes its process id to a
 * file, and prints the step it is at. Arguments: the directory, the task's id, the file.
 */
import { writeSync } from 'node:fs';
import { realClock } from '../../src/ambient/clock.ts';
import { openProcessRuntime } from '../../src/runtime/process/process.ts';
import { keptLog, never, quietly, testLimits } from '../contracts/runtime-harness.ts';
import { markingWork, processOwner } from './process-help.ts';

const [directory = '', id = '', file = ''] = process.argv.slice(2);
const runtime = await openProcessRuntime({ directory, owner: processOwner, limits: testLimits, log: keptLog(), clock: realClock() });
writeSync(1, 'opened\n');
const ref = await runtime.prepare(markingWork(id, file), quietly());
writeSync(1, 'prepared\n');
await runtime.start(ref, never());
writeSync(1, 'started\n');
await runtime.wait(ref, never());
