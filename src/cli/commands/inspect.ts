/** `cube inspect`: the inspector's address, with a login that works once. */
import { spawn } from 'node:child_process';
import type { Command, Context } from '../command.ts';
import { clientOf } from '../connect.ts';
import { findTarget } from '../target.ts';

const openers: Partial<Record<NodeJS.Platform, readonly string[]>> = {
  darwin: ['open'],
  win32: ['explorer.exe'],
};

function openBrowser(context: Context, url: string): Promise<void> {
  const [program, ...args] = openers[process.platform] ?? ['xdg-open'];
  return new Promise((resolve) => {
    const child = spawn(program!, [...args, url], { stdio: 'ignore', detached: true });
    child.on('error', (error) => {
      context.output.warn(`no browser was opened: ${error.message}; open the address yourself`);
      resolve();
    });
    child.on('spawn', () => {
      child.unref();
      resolve();
    });
  });
}

async function inspect(context: Context): Promise<number> {
  const { input, output } = context;
  const target = await findTarget(context);
  const client = clientOf(target, context.limits);
  const page = await client.ticket();
  const url = `${target.url}/#ticket=${page.ticket}`;
  if (output.json) {
    const feed = await client.ticket('viewer');
    output.document({ url, feed: `${target.url.replace(/^http/, 'ws')}/v1/inspect?ticket=${encodeURIComponent(feed.ticket)}` });
  } else {
    output.line(url);
    output.note('the login in it works once, within a minute');
  }
  if (input.flag('open')) await openBrowser(context, url);
  return 0;
}

/** `cube inspect`. */
export const command: Command = {
  usage: 'inspect',
  summary: "the web inspector's address, with a one-time login",
  options: [{ flags: '--open', about: 'open it in the browser' }],
  examples: [
    ['cube inspect --open', 'see the machines at work'],
    ['cube inspect -o json', 'the address, and that of the feed for any @statelyai/inspect receiver'],
  ],
  run: inspect,
};
