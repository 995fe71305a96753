/** The page in a real browser, over a real feed that the test scripts. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { Browser, Page } from 'playwright-core';
import { createActor, type AnyActorRef } from 'xstate';
import { watchActors } from '../../actors/system.ts';
import { taskMachine } from '../../machines/index.ts';
import { limitsDefault } from '../../src/core/limits.ts';
import { createFeed } from '../../src/inspector/feed.ts';
import { pageFile } from '../../src/inspector/page-files.ts';
import { order } from '../machines/order.ts';
import { keptLog } from '../transport/fixtures.ts';
import { noBrowser, startBrowser, watchPage, type WatchedPage } from './browser.ts';
import { HandClock, lamp } from './harness.ts';
import { PageServer } from './page-server.ts';
import { ScriptedControl } from './scripted-control.ts';

const real = { skip: noBrowser };
let browser: Browser;
let server: PageServer;
let control: ScriptedControl;
let root: AnyActorRef;

before(async () => {
  if (noBrowser !== false) return;
  const { body } = (await pageFile('/'))!;
  assert.ok(!Buffer.from(body).toString().includes('not built'), 'build the page first: npm run build');
  control = await ScriptedControl.withJob(3);
  root = createActor(lamp).start();
  root.send({ type: 'bulb.in' });
  const supervisor = createActor(taskMachine, { input: { order: { ...order, id: control.tasksKept[0]!.id } } }).start();
  const roots = [
    { name: 'lamp', ref: root },
    { name: 'supervisor shop/web.1', ref: supervisor as AnyActorRef },
  ];
  const clock = new HandClock();
  const feed = createFeed({ actors: watchActors(() => roots, clock), control, nodeId: 'n1', clock, limits: limitsDefault, log: keptLog() });
  server = await PageServer.start(feed);
  browser = await startBrowser();
});
after(async () => {
  await browser?.close();
  await server?.close();
});

/** A page that is logged in and has heard of all tasks. It must not complain, nor talk to others, until it is closed. */
async function loggedIn(run: (page: Page, watched: WatchedPage) => Promise<void>, scheme: 'light' | 'dark' = 'light'): Promise<void> {
  const watched = await watchPage(browser, server.url, scheme);
  const { page, context, errors, strays } = watched;
  try {
    await enter(watched);
    await run(page, watched);
    assert.deepEqual([errors, strays], [[], []]);
  } finally {
    await context.close();
  }
}

/** Logs in and waits for all tasks; once more where the host's network has changed meanwhile. */
async function enter({ page, disturbed }: WatchedPage): Promise<void> {
  for (let tries = 1; ; tries++) {
    const earlier = disturbed();
    try {
      await page.goto(server.inviteUrl());
      return await row(page, 'task shop/web.3').waitFor({ timeout: 15_000 });
    } catch (thrown) {
      if (tries === 3 || (disturbed() === earlier && !String(thrown).includes('ERR_NETWORK_CHANGED'))) throw thrown;
    }
  }
}

function row(page: Page, name: string) {
  return page.locator(`[data-testid=actor][title="${name}"]`);
}

/** Waits until the lit state reads so. */
async function litState(page: Page, text: string): Promise<void> {
  await page.locator('[data-testid=lit-state]', { hasText: new RegExp(`^${text}$`) }).waitFor();
}

test('the ticket logs in, leaves the address, and the login outlives a reload', real, () =>
  loggedIn(async (page) => {
    assert.equal(page.url().includes('ticket'), false);
    assert.equal(await page.title(), 'Cube inspector');
    await page.reload();
    await row(page, 'task shop/web.3').waitFor();
    assert.equal(server.asked.filter((line) => line === 'POST /v1/login').length >= 1, true);
    assert.equal(await page.getByTestId('connection').textContent(), ' live');
  }),
);

test('live actors and records are listed in groups, each with its state', real, () =>
  loggedIn(async (page) => {
    const groups = await page.locator('nav.actors h2').allTextContents();
    assert.deepEqual(groups, ['This node 2', 'Supervisors 1', 'Nodes 1', 'Jobs 1', 'Tasks 3']);
    assert.equal(await row(page, 'task shop/web.2').locator('.chip').textContent(), 'running');
    assert.equal(await row(page, 'node bar').locator('.chip').textContent(), 'ready');
    assert.equal(await row(page, 'lamp').locator('.chip').textContent(), 'idle');
  }),
);

test('the chosen task has its state lit, and it changes as events arrive', real, () =>
  loggedIn(async (page) => {
    await row(page, 'task shop/web.2').click();
    await litState(page, 'running');
    assert.equal(await page.getByTestId('inner-state').textContent(), 'healthy');
    assert.deepEqual(await page.locator('svg .state.lit .name').allTextContents(), ['running', 'healthy']);
    control.move('shop/web.2', 'stopping', { reason: 'told to' }, { cause: 'job shop was stopped' });
    await litState(page, 'stopping');
    assert.deepEqual(await page.locator('svg .state.lit .name').allTextContents(), ['stopping']);
    assert.equal(await page.locator('svg text.label.taken').textContent(), 'report.stopping');
    assert.equal(await row(page, 'task shop/web.2').locator('.chip').textContent(), 'stopping');
    const cells = await page.locator('[data-testid=events] tr').first().locator('td').allTextContents();
    assert.deepEqual(cells.slice(1), ['report.stopping', 'running.healthy → stopping', 'job shop was stopped']);
    assert.match((await page.getByTestId('context').textContent())!, /reason told to/);
    control.move('shop/web.2', 'stopped', { exitCode: 0 });
    await litState(page, 'stopped');
    assert.equal(await row(page, 'task shop/web.2').count(), 0, 'ended tasks are folded away');
    await page.locator('nav.actors h2 button', { hasText: 'Ended' }).click();
    await row(page, 'task shop/web.2').waitFor();
  }),
);

test('the state shown is at each moment the one that the command line prints', real, () =>
  loggedIn(async (page) => {
    await row(page, 'task shop/web.3').click();
    for (const state of ['backingOff', 'preparing', 'starting', 'running', 'unreachable', 'running'] as const) {
      control.move('shop/web.3', state);
      await litState(page, (await control.status({ task: 'shop/web.3' })).tasks[0]!.state);
    }
    control.move('shop/web.3', 'running', { health: 'healthy' });
    await page.getByTestId('inner-state').waitFor();
    await litState(page, 'running');
  }),
);

test('an edge that is listed, since it comes from anywhere, flashes in the list', real, () =>
  loggedIn(async (page) => {
    await row(page, 'task shop/web.1').click();
    control.move('shop/web.1', 'unreachable', {}, { event: 'node.down' });
    await litState(page, 'unreachable');
    assert.match((await page.locator('.edges li.taken').textContent())!, /^node\.down → unreachable/);
    control.move('shop/web.1', 'running', { health: 'healthy' }, { event: 'report.healthy' });
    await litState(page, 'running');
    assert.match((await page.locator('.edges li.taken').textContent())!, /^report\.healthy → running\.healthy/);
  }),
);

test('a live actor is shown with its machine, its events and who sent them', real, () =>
  loggedIn(async (page) => {
    await row(page, 'first').click();
    await litState(page, 'dark');
    root.send({ type: 'switch.pressed' });
    await litState(page, 'lit');
    const cells = await page.locator('[data-testid=events] tr').first().locator('td').allTextContents();
    assert.deepEqual(cells.slice(1), ['current.on', 'dark → lit', 'from lamp']);
    assert.match((await page.getByTestId('context').textContent())!, /token \[hidden\]/);
    await page.locator('[data-testid=events] tr').first().click();
    assert.match((await page.locator('tr.payload').textContent())!, /type current\.on/);
  }),
);

test('a state that is looked at is told in words', real, () =>
  loggedIn(async (page) => {
    await row(page, 'task shop/web.1').click();
    await page.locator('svg [data-state=backingOff]').click();
    assert.match((await page.locator('.state-words').textContent())!, /The last attempt ended/);
    await page.getByRole('button', { name: 'back to now' }).click();
    assert.match((await page.locator('.state-words').textContent())!, /Now in running/);
  }),
);

test('all can be done from the keyboard: filter, walk the list, fold a group, look at a state', real, () =>
  loggedIn(async (page) => {
    await page.keyboard.press('/');
    await page.keyboard.type('web running');
    await page.locator('[data-testid=actor]').nth(1).waitFor();
    const shown = await page.locator('[data-testid=actor]').evaluateAll((rows) => rows.map((one) => one.getAttribute('title')));
    assert.deepEqual(shown, ['task shop/web.1', 'task shop/web.3']);
    await page.keyboard.press('ArrowDown');
    await page.keyboard.press('ArrowDown');
    await page.locator('[data-testid=actor][title="task shop/web.3"][aria-current=true]').waitFor();
    assert.match(page.url(), /#actor=n1%2Ftask%3A/);
    await page.locator('svg [data-state=running]').focus();
    await page.keyboard.press('Enter');
    await page.locator('svg [data-state=running].looked').waitFor();
    await page.locator('#filter').fill('nobody is called so');
    await page.getByText('Nothing matches.').waitFor();
  }),
);

test('an address with an actor in it opens that actor', real, () =>
  loggedIn(async (page) => {
    await page.goto(`${server.url}/#actor=n1%2Fjob%3Ashop`);
    await page.locator('article.pane[aria-label="job shop"]').waitFor();
    await page.getByRole('navigation', { name: 'Related actors' }).getByText('task shop/web.1').click();
    await page.locator('article.pane[aria-label="task shop/web.1"]').waitFor();
    await page.getByRole('navigation', { name: 'Related actors' }).getByText('supervisor shop/web.1').waitFor();
  }),
);

test('the page follows the light and the dark of its system', real, async () => {
  const grounds: string[] = [];
  for (const scheme of ['light', 'dark'] as const) {
    await loggedIn(async (page) => {
      grounds.push(await page.evaluate('getComputedStyle(document.body).backgroundColor'));
    }, scheme);
  }
  assert.deepEqual(grounds, ['rgb(244, 245, 247)', 'rgb(13, 16, 20)']);
});

test('when the feed breaks off the page says so, tries again, and shows what is then', real, () =>
  loggedIn(async (page, { errors }) => {
    await row(page, 'task shop/web.1').click();
    server.isDown = true;
    server.breakFeeds();
    await page.getByTestId('connection').getByText('disconnected: this node is down').waitFor();
    control.move('shop/web.1', 'failed', { exitCode: 1 });
    // By now it waits for longer than it takes to press a button.
    await refusals(2);
    server.isDown = false;
    await page.getByRole('button', { name: 'Try now' }).click();
    await litState(page, 'failed');
    await page.getByTestId('connection').getByText('live').waitFor();
    // The browser itself notes what a node answered that is down.
    assert.deepEqual(
      errors.filter((error) => !error.includes('503')),
      [],
    );
    errors.length = 0;
  }),
);

test('without any help the page finds its node again', real, () =>
  loggedIn(async (page, { errors }) => {
    server.isDown = true;
    server.breakFeeds();
    await refusals(1);
    server.isDown = false;
    await page.getByTestId('connection').getByText('live').waitFor();
    errors.length = 0;
  }),
);

/** Resolves when the server, which is down, has been asked so many times more. */
async function refusals(count: number): Promise<void> {
  const from = server.asked.length;
  while (server.asked.length < from + count) await new Promise((resolve) => setTimeout(resolve, 20));
}

test('who comes without a login is told how to get one, and sees nothing', real, async () => {
  const { page, context, strays } = await watchPage(browser, server.url);
  await page.goto(server.url);
  await page.getByTestId('login').getByText('cube inspect --open').waitFor();
  assert.equal(await page.locator('[role=alert]').count(), 0);
  assert.equal(await page.locator('[data-testid=actor]').count(), 0);
  assert.deepEqual(strays, []);
  await context.close();
});

test('a ticket that was used is refused, and the page says why', real, async () => {
  const { page, context } = await watchPage(browser, server.url);
  await page.goto(`${server.url}/#ticket=used`);
  await page.locator('[role=alert]', { hasText: 'The ticket is used up, too old or unknown.' }).waitFor();
  assert.equal(page.url(), `${server.url}/`);
  await context.close();
});

test('a login that ended leads back to the login', real, async () => {
  const watched = await watchPage(browser, server.url);
  const { page, context } = watched;
  await enter(watched);
  server.forgetLogins();
  server.breakFeeds();
  await page.getByTestId('login').waitFor();
  assert.equal(await page.evaluate('sessionStorage.length'), 0);
  await context.close();
});
