/** Debian's Chromium for tests of the page. */
import { existsSync } from 'node:fs';
import { chromium, type Browser, type BrowserContext, type Page } from 'playwright-core';

const executablePath = '/usr/bin/chromium';

/** Why tests with a browser cannot run here; false where they can. With `CUBE_TEST_BROWSER=required` they run, and fail without one. */
export const noBrowser: string | false =
  existsSync(executablePath) || process.env['CUBE_TEST_BROWSER'] === 'required' ? false : `there is no ${executablePath}`;

/** Starts a browser that talks to nobody but the test. */
export function startBrowser(): Promise<Browser> {
  const quiet = ['--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync'];
  return chromium.launch({ executablePath, args: ['--headless', '--no-sandbox', '--disable-gpu', ...quiet] });
}

/** A page, and what it did that it should not have. */
export interface WatchedPage {
  readonly page: Page;
  readonly context: BrowserContext;
  /** Errors of scripts, of the console and of the page's content policy. */
  readonly errors: string[];
  /** Requests to anywhere but the origin. */
  readonly strays: string[];
  /** How often Chromium gave requests up since the host's network changed: other tests start containers. */
  disturbed(): number;
}

const networkChanged = 'ERR_NETWORK_CHANGED';

/** Opens an empty page that is watched. */
export async function watchPage(browser: Browser, origin: string, colorScheme: 'light' | 'dark' = 'light'): Promise<WatchedPage> {
  const context = await browser.newContext({ colorScheme, viewport: { width: 1_440, height: 900 } });
  const page = await context.newPage();
  const errors: string[] = [];
  const strays: string[] = [];
  let disturbances = 0;
  const isOwn = (url: string): boolean => /^(?:data|blob|about):/.test(url) || new URL(url).host === new URL(origin).host;
  page.on('pageerror', (error) => errors.push(error.message));
  page.on('console', (message) => {
    if (message.type() !== 'error' && message.type() !== 'warning') return;
    if (message.text().includes(networkChanged)) disturbances++;
    else errors.push(message.text());
  });
  page.on('request', (request) => {
    if (!isOwn(request.url())) strays.push(request.url());
  });
  page.on('websocket', (socket) => {
    if (!isOwn(socket.url())) strays.push(socket.url());
  });
  return { page, context, errors, strays, disturbed: () => disturbances };
}
