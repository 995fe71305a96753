/** A machine without an engine: the process runtime, what `cube up` says, and the demo. */
import assert from 'node:assert/strict';
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import type { TaskJson } from '../../src/core/views.ts';
import { cube, tempDirectory } from '../cli/run-cli.ts';
import { testEngine } from '../support/engine.ts';
import { startNode } from '../support/node-process.ts';
import { document, done, eventually, submit, tasksOf } from './help.ts';

const engine = await testEngine();
const noEngine = { DOCKER_HOST: 'unix:///nonexistent/docker.sock' };

/** Whether a process with this in its command line is there. */
function processesWith(mark: string): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((pid) => commandLine(pid).includes(mark));
}
