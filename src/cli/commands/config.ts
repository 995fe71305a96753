/** `cube config`: configs, which tasks find as files. */
import type { Command } from '../command.ts';
import { filesCommand } from '../files-command.ts';

/** `cube config`. */
export const command: Command = filesCommand('config');
