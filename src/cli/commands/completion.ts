/** `cube completion SHELL`: a script that makes the shell complete commands, options and names. */
import { script } from '@bomb.sh/tab';
import { problem } from '../../core/errors.ts';
import { nearest } from '../../core/text.ts';
import type { Command } from '../command.ts';

const shells = ['bash', 'zsh', 'fish', 'powershell'];

/** `cube completion`. */
export const command: Command = {
  usage: 'completion <shell>',
  summary: `a completion script for ${shells.join(', ')}`,
  options: [],
  examples: [
    ['source <(cube completion bash)', 'in ~/.bashrc'],
    ['cube completion fish > ~/.config/fish/completions/cube.fish', 'for fish'],
  ],
  run: async ({ input, output }) => {
    const shell = input.args[0]!;
    if (!shells.includes(shell)) {
      const close = nearest(shell, shells);
      throw problem('usage', `there is no completion for "${shell}"${close ? `; did you mean ${close}?` : ''}`, {
        hint: `there is one for ${shells.join(', ')}`,
      });
    }
    output.lend(() => script(shell, 'cube', 'cube'));
    return 0;
  },
};
