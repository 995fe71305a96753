/** The page's connection to its node: logging in with a one-time ticket, then the feed over a WebSocket, opened anew when it breaks. */
import { signal } from '@preact/signals';
import { createClient } from '../../client/index.ts';
import { fetchRequester } from '../../client/fetch-request.ts';
import { CubeError } from '../../core/errors.ts';
import type { InspectMessage } from '../../core/inspect-protocol.ts';
import type { InfoJson, LoginJson } from '../../core/views.ts';
import type { Model } from './model.ts';

/** How the page stands with its node. */
export type Connection =
  | { readonly state: 'connecting' }
  | { readonly state: 'live' }
  /** Nobody is logged in; `why` says what became of a ticket or login. */
  | { readonly state: 'login'; readonly why: string | null }
  /** Broken; tried again at `retryAt`, ms since the epoch. */
  | { readonly state: 'waiting'; readonly why: string; readonly attempt: number; readonly retryAt: number };

const tokenKey = 'cube.token';
const loginTries = 5;
const retryMs = { first: 500, factor: 2, max: 10_000 };
/** Time for the feed to say who is there before those it has not named are taken for gone. */
const describeMs = 3_000;

/** How the page stands with its node now. */
export const connection = signal<Connection>({ state: 'connecting' });

/** Which node it is. */
export const info = signal<InfoJson | null>(null);

const client = createClient({
  request: fetchRequester({ url: '', token: () => sessionStorage.getItem(tokenKey) ?? undefined }),
  newId,
});

/** Logs in if the address carries a ticket, then follows the feed for as long as the page lives. */
export async function begin(model: Model): Promise<void> {
  const ticket = takeTicket();
  if (ticket !== undefined) {
    try {
      sessionStorage.setItem(tokenKey, (await logIn(ticket)).token);
    } catch (thrown) {
      // An older login of this tab may still be good.
      if (sessionStorage.getItem(tokenKey) === null) {
        askForLogin(thrown);
        return;
      }
    }
  }
  follow(model, 1);
}

/** Turns the ticket into a token; a network that changes under it is no reason to lose it. */
async function logIn(ticket: string): Promise<LoginJson> {
  for (let tries = 1; ; tries++) {
    try {
      return await client.login(ticket);
    } catch (thrown) {
      if (!(thrown instanceof CubeError) || thrown.code !== 'unreachable' || tries === loginTries) throw thrown;
      await new Promise((resolve) => window.setTimeout(resolve, retryMs.first));
    }
  }
}

/** Tries again now, without waiting. */
export function retryNow(model: Model): void {
  if (connection.value.state !== 'waiting') return;
  window.clearTimeout(timer);
  follow(model, connection.value.attempt + 1);
}

let timer = 0;

/** The ticket of `#ticket=…`. It leaves the address bar, where it would be read over a shoulder and kept in the history. */
function takeTicket(): string | undefined {
  const parts = new URLSearchParams(location.hash.slice(1));
  const ticket = parts.get('ticket');
  if (ticket === null) return undefined;
  history.replaceState(null, '', `${location.pathname}${location.search}`);
  return ticket;
}

function follow(model: Model, attempt: number): void {
  connection.value = attempt === 1 ? { state: 'connecting' } : connection.value;
  openFeed(model).then(
    (why) => retryLater(model, 1, why),
    (thrown: unknown) => {
      if (thrown instanceof CubeError && (thrown.code === 'unauthorized' || thrown.code === 'forbidden')) askForLogin(thrown);
      else retryLater(model, attempt, thrown instanceof Error ? thrown.message : String(thrown));
    },
  );
}

function retryLater(model: Model, attempt: number, why: string): void {
  const waitMs = Math.min(retryMs.max, retryMs.first * retryMs.factor ** (attempt - 1));
  connection.value = { state: 'waiting', why, attempt, retryAt: Date.now() + waitMs };
  timer = window.setTimeout(() => follow(model, attempt + 1), waitMs);
}

function askForLogin(thrown: unknown): void {
  const hadLogin = sessionStorage.getItem(tokenKey) !== null;
  sessionStorage.removeItem(tokenKey);
  const message = thrown instanceof Error ? thrown.message : String(thrown);
  connection.value = { state: 'login', why: message === 'a token is needed' && !hadLogin ? null : message };
}

/** One life of the feed. @returns why it ended, once it was open @throws what kept it from opening */
async function openFeed(model: Model): Promise<string> {
  const { ticket } = await client.ticket('viewer');
  info.value = await client.info();
  const scheme = location.protocol === 'https:' ? 'wss' : 'ws';
  const socket = new WebSocket(`${scheme}://${location.host}/v1/inspect?ticket=${encodeURIComponent(ticket)}`);
  return new Promise((resolve, reject) => {
    let describing = 0;
    let isOpen = false;
    socket.addEventListener('open', () => {
      isOpen = true;
      model.beginAnew();
      connection.value = { state: 'live' };
      describing = window.setTimeout(() => model.dropStale(), describeMs);
    });
    socket.addEventListener('message', ({ data }: MessageEvent<unknown>) => {
      if (typeof data === 'string') model.apply(JSON.parse(data) as InspectMessage);
    });
    socket.addEventListener('close', ({ reason }) => {
      window.clearTimeout(describing);
      if (isOpen) resolve(reason === '' ? 'the feed broke off' : reason);
      else reject(new Error('the feed could not be opened'));
    });
  });
}

/** A uuid. `crypto.randomUUID` is only there on pages of https and of this machine. */
function newId(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  bytes[6] = (bytes[6]! & 0x0f) | 0x40;
  bytes[8] = (bytes[8]! & 0x3f) | 0x80;
  const hex = [...bytes].map((byte) => byte.toString(16).padStart(2, '0')).join('');
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
}
