import assert from 'node:assert/strict';
import { test } from 'node:test';
import { checkHost, checkOrigin, isLoopback } from '../../src/security/origin.ts';

/** What nobody may use to name a node, however it listens. */
const tricks = [
  '',
  ' ',
  ':5555',
  'evil.example',
  'evil.example:5555',
  'localhost.evil.example:5555',
  'evil-localhost:5555',
  'localhost@evil.example:5555',
  'evil.example@localhost:5555',
  'user:pass@localhost:5555',
  'localhost:5555@evil.example',
  'localhost:5555:5555',
  'localhost:',
  'localhost:+5555',
  'localhost: 5555',
  'localhost:5555 ',
  ' localhost:5555',
  'localhost:05555x',
  'localhost:99999',
  'localhost:555500000000',
  'localhost:-1',
  'localhost:0x15b3',
  'localhost/:5555',
  'localhost\\@evil.example:5555',
  'localhost#:5555',
  'localhost?:5555',
  'localhost,evil.example',
  'local\u0000host',
  'localhost%00:5555',
  'loc%61lhost:5555',
  'localhost..:5555',
  '.localhost:5555',
  'ⓛocalhost:5555',
  '127.0.0.1.evil.example:5555',
  '127.0.0.1.:5555',
  '127.1:5555',
  '2130706433:5555',
  '0x7f.0.0.1:5555',
  '0177.0.0.1:5555',
  '127.0.0.256:5555',
  '::1',
  '::1:5555',
  '[::1',
  '[::1]5555',
  '[::1]:5555]',
  '[::1%25lo]:5555',
  '[::1%lo]:5555',
  '[127.0.0.1]:5555',
  '[localhost]:5555',
  '[::1].:5555',
  '[]:5555',
  '[:::1]:5555',
];

test('tricks do not name a node, whether it listens on loopback, on one address or on all', () => {
  for (const listen of ['127.0.0.1', 'localhost', '::1', '192.0.2.7', '0.0.0.0', '::', 'node.example']) {
    for (const host of tricks) assert.equal(checkHost(host, listen, 5555), false, `${host} at ${listen}`);
    assert.equal(checkHost(undefined, listen, 5555), false);
  }
});

test('on loopback every loopback name will do, in any case, with our port or none', () => {
  const names = [
    'localhost',
    'LOCALHOST',
    'LocalHost',
    'localhost.',
    '127.0.0.1',
    '127.0.0.53',
    '127.255.255.254',
    '[::1]',
    '[0:0:0:0:0:0:0:1]',
    '[::0001]',
    '[::ffff:127.0.0.1]',
    '[::FFFF:7f00:1]',
  ];
  for (const listen of ['127.0.0.1', '127.0.0.2', 'localhost', 'LOCALHOST', '::1', '[::1]']) {
    for (const name of names) {
      assert.equal(checkHost(name, listen, 5555), true, `${name} at ${listen}`);
      assert.equal(checkHost(`${name}:5555`, listen, 5555), true, `${name}:5555 at ${listen}`);
      assert.equal(checkHost(`${name}:5556`, listen, 5555), false, `${name}:5556 at ${listen}`);
      assert.equal(checkHost(`${name}:0`, listen, 5555), false);
      assert.equal(checkHost(`${name}:80`, listen, 5555), false);
    }
  }
});

test('on loopback no other address or name will do', () => {
  for (const host of [
    '192.0.2.7',
    '128.0.0.1',
    '126.255.255.255',
    '0.0.0.0',
    '[::]',
    '[::2]',
    '[fe80::1]',
    '[::ffff:192.0.2.7]',
    'node.example',
    'app.localhost',
    'ip6-localhost',
  ]) {
    assert.equal(checkHost(host, '127.0.0.1', 5555), false, host);
    assert.equal(checkHost(`${host}:5555`, '::1', 5555), false, host);
  }
});

test('on one address only that address will do, however it is written', () => {
  assert.equal(checkHost('192.0.2.7:5555', '192.0.2.7', 5555), true);
  assert.equal(checkHost('192.0.2.7', '192.0.2.7', 5555), true);
  assert.equal(checkHost('[2001:DB8::7]:5555', '2001:db8:0:0:0:0:0:7', 5555), true);
  assert.equal(checkHost('[2001:db8::7]', '[2001:db8::7]', 5555), true);
  assert.equal(checkHost('[::ffff:192.0.2.7]:5555', '192.0.2.7', 5555), true);
  for (const host of ['192.0.2.8', '192.0.2.07', 'localhost', '127.0.0.1', '[::1]', '[2001:db8::7]']) {
    assert.equal(checkHost(host, '192.0.2.7', 5555), false, host);
  }
  assert.equal(checkHost('[2001:db8::8]', '2001:db8::7', 5555), false);
});

test('on a name only that name will do', () => {
  for (const host of ['node.example', 'NODE.example:5555', 'node.example.', 'node.example.:5555'])
    assert.equal(checkHost(host, 'Node.Example', 5555), true, host);
  for (const host of ['node.example:5556', 'example', 'a.node.example', 'node.example.evil', 'localhost', '127.0.0.1']) {
    assert.equal(checkHost(host, 'node.example', 5555), false, host);
  }
});

test('on all addresses every address will do, and no name but loopback ones', () => {
  for (const listen of ['0.0.0.0', '::', '[::]']) {
    for (const host of ['192.0.2.7:5555', '10.0.0.1', '[2001:db8::7]:5555', 'localhost:5555', '127.0.0.1', '[::1]']) {
      assert.equal(checkHost(host, listen, 5555), true, `${host} at ${listen}`);
    }
    for (const host of ['node.example:5555', 'rebound.evil.example', '192.0.2.7:80'])
      assert.equal(checkHost(host, listen, 5555), false, `${host} at ${listen}`);
  }
});

test('a request without an Origin is not a page, and passes', () => {
  assert.equal(checkOrigin(undefined, '127.0.0.1', 5555), true);
});

test('the own page passes, under each of its names', () => {
  for (const origin of [
    'http://localhost:5555',
    'http://127.0.0.1:5555',
    'http://[::1]:5555',
    'HTTP://LOCALHOST:5555',
    'http://localhost.:5555',
  ]) {
    assert.equal(checkOrigin(origin, '127.0.0.1', 5555), true, origin);
  }
  assert.equal(checkOrigin('http://192.0.2.7:5555', '192.0.2.7', 5555), true);
  assert.equal(checkOrigin('http://localhost', 'localhost', 80), true);
  assert.equal(checkOrigin('https://localhost', 'localhost', 443, true), true);
  assert.equal(checkOrigin('https://node.example:5555', 'node.example', 5555, true), true);
});

test('every other origin is refused: null, another port, scheme, host, or something with a path', () => {
  const origins = [
    'null',
    'NULL',
    '',
    '*',
    'http://localhost',
    'http://localhost:80',
    'http://localhost:5556',
    'https://localhost:5555',
    'https://localhost',
    'ws://localhost:5555',
    'file://',
    'file://localhost:5555',
    'chrome-extension://localhost:5555',
    'localhost:5555',
    '//localhost:5555',
    'http:localhost:5555',
    'http:/localhost:5555',
    'http:///localhost:5555',
    'http://localhost:5555/',
    'http://localhost:5555/page',
    'http://localhost:5555?x',
    'http://localhost:5555#x',
    'http://localhost:5555, http://evil.example',
    'http://evil.example http://localhost:5555',
    'http://evil.example',
    'http://evil.example:5555',
    'http://evil.example:5555\r\nX: http://localhost:5555',
    'javascript:http://localhost:5555',
  ];
  for (const origin of origins) assert.equal(checkOrigin(origin, '127.0.0.1', 5555), false, origin);
  for (const host of tricks) assert.equal(checkOrigin(`http://${host}`, '127.0.0.1', 5555), false, host);
});

test('a node with TLS takes only https, one without only http', () => {
  assert.equal(checkOrigin('http://localhost:5555', '127.0.0.1', 5555, true), false);
  assert.equal(checkOrigin('http://localhost', 'localhost', 443, true), false);
  assert.equal(checkOrigin('https://localhost:5555', '127.0.0.1', 5555, true), true);
  assert.equal(checkOrigin('https://localhost', 'localhost', 80), false);
});

test('loopback is told from what only looks like it', () => {
  for (const host of [
    'localhost',
    'Localhost',
    'localhost.',
    '127.0.0.1',
    '127.9.9.9',
    '::1',
    '[::1]',
    '0:0:0:0:0:0:0:1',
    '::ffff:127.0.0.1',
  ])
    assert.equal(isLoopback(host), true, host);
  for (const host of [
    '',
    '0.0.0.0',
    '::',
    '192.0.2.7',
    '127.evil.example',
    '127.0.0.1.evil.example',
    'localhost..',
    '1.127.0.0',
    '[::1',
    '::ffff:128.0.0.1',
  ]) {
    assert.equal(isLoopback(host), false, host);
  }
});
