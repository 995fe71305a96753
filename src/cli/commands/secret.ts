/** `cube secret`: secrets, which tasks find as files. */
import type { Command } from '../command.ts';
import { filesCommand } from '../files-command.ts';

/** `cube secret`. */
export const command: Command = filesCommand('secret');
