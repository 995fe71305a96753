/** The inspector on a real node: what a browser shows is what `cube status` says, and a receiver of others reads the feed. */
import assert from 'node:assert/strict';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { createWebSocketReceiver } from '@statelyai/inspect';
import type { Browser } from 'playwright-core';
import { WebSocket } from 'ws';
import { noBrowser, startBrowser, watchPage, type WatchedPage } from '../inspector/browser.ts';
import { testEngine } from '../support/engine.ts';
import { sharedNode, type NodeProcess } from '../support/node-process.ts';
import { done, eventually, sleeper, submit, tasksOf } from './help.ts';

const { skip } = await testEngine();
const theNode = sharedNode({ args: ['--name', 'bar'] });
let browser: Browser | undefined;
after(() => browser?.close());

/** Pictures are kept beside the compiled tests. */
const pictures = join(import.meta.dirname, '..', '..', '..', 'dist', 'test', 'pictures');

/** One-use addresses of the page and of the feed. */
async function addresses(node: NodeProcess): Promise<{ readonly url: string; readonly feed: string }> {
  return JSON.parse(done(await node.cube(['inspect', '-o', 'json'])).stdout) as { url: string; feed: string };
}

/**
 * Opens a node's page and waits for it to show something. Chromium gives up what it loads when the host's network changes, as it does
 * when a container starts: then it is tried again with a fresh ticket.
 */
async function open(node: NodeProcess, first: string, sees: 'actor' | 'login'): Promise<WatchedPage> {
  browser ??= await startBrowser();
  for (let tries = 1, url = first; ; tries++) {
    const watched = await watchPage(browser, url);
    try {
      await watched.page.goto(url);
      await watched.page.getByTestId(sees).first().waitFor({ timeout: 15_000 });
      return watched;
    } catch (thrown) {
      await watched.context.close();
      if (tries === 3 || (watched.disturbed() === 0 && !String(thrown).includes('ERR_NETWORK_CHANGED'))) throw thrown;
      if (sees === 'actor') url = (await addresses(node)).url;
    }
  }
}

test(
  'the lit state in the browser is what cube status says, and changes when the job is stopped',
  { skip: skip || noBrowser },
  async () => {
    const node = await theNode();
    await submit(node, sleeper('seen'));
    const { page, context, errors, strays } = await open(node, (await addresses(node)).url, 'actor');
    const record = page.locator('[data-testid=actor][data-actor*="/task:"]', { hasText: 'seen/t.1' });
    await record.click();
    const lit = page.getByTestId('lit-state');
    const [before] = await tasksOf(node, 'seen');
    await eventually('the state of the task', async () => (await lit.textContent())?.trim() === before!.state);
    assert.equal(before!.state, 'running');
    mkdirSync(pictures, { recursive: true });
    await page.screenshot({ path: join(pictures, 'inspector-running.png') });

    done(await node.cube(['stop', 'seen']));
    const [stopped] = await tasksOf(node, 'seen');
    assert.equal(stopped!.state, 'stopped');
    await eventually('the state after the stop', async () => (await lit.textContent())?.trim() === stopped!.state);
    await page.screenshot({ path: join(pictures, 'inspector-stopped.png') });
    assert.deepEqual([errors, strays], [[], []]);
    assert.ok(!page.url().includes('ticket'), 'the ticket stays in the address bar');
    await context.close();
  },
);

test('a login address works once', { skip: skip || noBrowser }, async () => {
  const node = await theNode();
  const { url } = await addresses(node);
  const first = await open(node, url, 'actor');
  const used = first.disturbed() === 0 ? url : (await addresses(node)).url;
  if (used !== url) await (await open(node, used, 'actor')).context.close();
  const second = await open(node, used, 'login');
  await Promise.all([first.context.close(), second.context.close()]);
});

test('the receiver of @statelyai/inspect gets actors, events and snapshots while a job runs', { skip }, async (t) => {
  const node = await theNode();
  const { feed } = await addresses(node);
  const before = globalThis.WebSocket;
  globalThis.WebSocket = WebSocket as unknown as typeof globalThis.WebSocket;
  t.after(() => (globalThis.WebSocket = before));
  const seen = new Map<string, number>();
  const receiver = createWebSocketReceiver({ server: feed });
  const subscription = receiver.subscribe((event) => {
    seen.set(event.type, (seen.get(event.type) ?? 0) + 1);
  });
  t.after(() => subscription.unsubscribe());
  await eventually('actors', async () => seen.has('@xstate.actor'));
  await submit(node, 'name: short\ntype: batch\ntasks: {t: {image: "busybox:latest", command: [/bin/true], count: 3}}\n');
  await eventually('events and snapshots', async () => seen.has('@xstate.event') && seen.has('@xstate.snapshot'));
  assert.ok(seen.get('@xstate.actor')! >= 8, `${seen.get('@xstate.actor')} actors: manager, scheduler, worker, links, node, job, 3 tasks`);
});

test('the feed tells no secret of a task', { skip }, async (t) => {
  const node = await theNode();
  const { feed } = await addresses(node);
  const socket = new WebSocket(feed);
  t.after(() => socket.terminate());
  const messages: string[] = [];
  socket.on('message', (data: Buffer) => messages.push(data.toString()));
  await submit(node, sleeper('quiet', 'env: {PASSWORD: fish-and-chips, PLAIN: kippers}'));
  await eventually('the task runs', async () => messages.some((text) => text.includes('quiet/t.1') && text.includes('running')));
  const leaks = messages.filter((text) => text.includes('fish-and-chips') || text.includes('kippers'));
  assert.deepEqual(leaks, []);
});
