import assert from 'node:assert/strict';
import { test } from 'node:test';
import { limitsWith } from '../../src/core/limits.ts';
import { createAuth } from '../../src/security/auth.ts';
import { handClock } from '../transport/fixtures.ts';

const tokens = { admin: 'admin-token-0123456789abcdef', join: 'join-token-0123456789abcdef' };

function setUp(changes: Record<string, number> = {}) {
  const clock = handClock();
  let last = 0;
  const ids = { id: () => `id-${++last}`, secret: () => `secret-${++last}` };
  return { clock, auth: createAuth({ limits: limitsWith(changes), clock, ids, tokens }) };
}

test('each token gives its own scope, and nothing else gives any', () => {
  const { auth } = setUp();
  assert.equal(auth.scopeOf(tokens.admin), 'admin');
  assert.equal(auth.scopeOf(tokens.join), 'join');
  for (const wrong of [
    '',
    ' ',
    'x',
    tokens.admin.slice(0, -1),
    `${tokens.admin}x`,
    ` ${tokens.admin}`,
    tokens.admin.toUpperCase(),
    'undefined',
    '__proto__',
    'ü'.repeat(1_000),
  ]) {
    assert.equal(auth.scopeOf(wrong), undefined, wrong);
  }
});

test('tokens that are empty, or the same, are refused', () => {
  const clock = handClock();
  const ids = { id: () => 'id', secret: () => 'secret' };
  const make = (admin: string, join: string) => () => createAuth({ limits: limitsWith({}), clock, ids, tokens: { admin, join } });
  assert.throws(make('', 'b'), { code: 'usage' });
  assert.throws(make('a', ''), { code: 'usage' });
  assert.throws(make('same', 'same'), { code: 'usage' });
});

test('a ticket works once', () => {
  const { auth } = setUp();
  const ticket = auth.issueTicket('viewer');
  assert.equal(auth.redeemTicket(ticket), 'viewer');
  assert.equal(auth.redeemTicket(ticket), undefined);
  assert.equal(auth.redeemTicket('never given out'), undefined);
});

test('a ticket works until its time is over, and not at that moment', async () => {
  const { auth, clock } = setUp({ ticketMs: 1_000 });
  const [early, late] = [auth.issueTicket('admin'), auth.issueTicket('admin')];
  await clock.advance(999);
  assert.equal(auth.redeemTicket(early), 'admin');
  await clock.advance(1);
  assert.equal(auth.redeemTicket(late), undefined);
});

test('a ticket is not a token, and a token no ticket', () => {
  const { auth } = setUp();
  assert.equal(auth.scopeOf(auth.issueTicket('admin')), undefined);
  assert.equal(auth.redeemTicket(tokens.admin), undefined);
  assert.equal(auth.redeemTicket(auth.openSession('admin')), undefined);
});

test('tickets are bounded, and used or old ones make room', async () => {
  const { auth, clock } = setUp({ ticketsMax: 2, ticketMs: 1_000 });
  const first = auth.issueTicket('admin');
  await clock.advance(500);
  auth.issueTicket('admin');
  assert.throws(() => auth.issueTicket('admin'), { code: 'busy' });
  auth.redeemTicket(first);
  const third = auth.issueTicket('viewer');
  assert.throws(() => auth.issueTicket('admin'), { code: 'busy' });
  await clock.advance(500);
  assert.equal(auth.redeemTicket(third), 'viewer');
  await clock.advance(500);
  auth.issueTicket('admin');
  auth.issueTicket('admin');
});

test('a session is a token of its scope until its time is over', async () => {
  const { auth, clock } = setUp({ sessionMs: 1_000 });
  const session = auth.openSession('viewer');
  assert.equal(auth.scopeOf(session), 'viewer');
  await clock.advance(999);
  assert.equal(auth.scopeOf(session), 'viewer');
  await clock.advance(1);
  assert.equal(auth.scopeOf(session), undefined);
});

test('past their bound the oldest session ends', () => {
  const { auth } = setUp({ sessionsMax: 2 });
  const [a, b, c] = [auth.openSession('admin'), auth.openSession('viewer'), auth.openSession('viewer')];
  assert.deepEqual(
    [a, b, c].map((session) => auth.scopeOf(session)),
    [undefined, 'viewer', 'viewer'],
  );
});
