import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { CubeError, problem } from '../../src/core/errors.ts';
import {
  decodeExecInput,
  decodeExecMessage,
  encodeExecInput,
  encodeExecMessage,
  execInputIn,
  execItemIn,
  execOpenIn,
  parseExecOpen,
  type ExecInput,
  type ExecItem,
} from '../../src/core/exec-protocol.ts';
import { decodeMessage, encodeFrames } from '../../src/transport/codec.ts';

const plainRecord = { noNullPrototype: true } as const;
const side = fc.integer({ min: 1, max: 65_535 });
const bytes = fc.uint8Array({ maxLength: 200 });
const inputs: fc.Arbitrary<ExecInput> = fc.oneof(
  fc.record({ kind: fc.constant('bytes' as const), bytes }, plainRecord),
  fc.constant({ kind: 'end' as const }),
  fc.record({ kind: fc.constant('resize' as const), columns: side, rows: side }, plainRecord),
);
const items: fc.Arbitrary<ExecItem> = fc.oneof(
  fc.constant({ kind: 'started' as const }),
  fc.record({ kind: fc.constant('output' as const), stream: fc.constantFrom('stdout' as const, 'stderr' as const), bytes }, plainRecord),
  fc.record({ kind: fc.constant('exit' as const), exitCode: fc.integer() }, plainRecord),
);

/** The same with its bytes as a plain list: a Buffer and a Uint8Array of the same bytes are not deeply equal. */
function plain(value: ExecInput | ExecItem | undefined): unknown {
  return value && 'bytes' in value ? { ...value, bytes: [...value.bytes] } : value;
}

function code(run: () => unknown): string {
  try {
    run();
  } catch (thrown) {
    assert.ok(thrown instanceof CubeError, String(thrown));
    assert.notEqual(thrown.message, '');
    return thrown.code;
  }
  return 'none';
}

test('what is said comes out as it was, over the WebSocket and over a link', () => {
  fc.assert(
    fc.property(inputs, (input) => {
      assert.deepEqual(plain(decodeExecInput(encodeExecInput(input))), plain(input));
      assert.deepEqual(plain(execInputIn(overLink(input))), plain(input));
    }),
  );
  fc.assert(
    fc.property(items, (item) => {
      assert.deepEqual(plain(decodeExecMessage(encodeExecMessage(item)) as ExecItem), plain(item));
      assert.deepEqual(plain(execItemIn(overLink(item))), plain(item));
    }),
  );
});

function overLink(item: unknown): unknown {
  const [frame] = decodeMessage(encodeFrames([{ type: 'data', stream: 1, items: [item] }])) as { items: unknown[] }[];
  return frame!.items[0];
}

test('an error comes out with its code, words and hint', () => {
  const error = problem('not-running', 'task shop/web.1 does not run: it is pending', { hint: 'wait' });
  const decoded = decodeExecMessage(encodeExecMessage({ kind: 'error', error }));
  assert.ok(decoded?.kind === 'error');
  assert.deepEqual([decoded.error.code, decoded.error.message, decoded.error.hint], ['not-running', error.message, 'wait']);
});

test('an error of a later version counts as failed, and other things of a later version are passed over', () => {
  const control = (fields: object) => Buffer.concat([Buffer.from([3]), Buffer.from(JSON.stringify(fields))]);
  const decoded = decodeExecMessage(control({ type: 'error', code: 'of-tomorrow', message: 'no' }));
  assert.ok(decoded?.kind === 'error' && decoded.error.code === 'failed' && decoded.error.message === 'no');
  for (const message of [
    control({ type: 'news' }),
    control({ type: 'exit' }),
    control([]),
    Buffer.from([9, 1]),
    Buffer.from([3, 123]),
    Buffer.alloc(0),
  ])
    assert.equal(decodeExecMessage(message), undefined);
});

test('no bytes make a decoder do anything but answer, or refuse in words', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 60 }), (message) => {
      decodeExecMessage(message);
      assert.match(
        code(() => decodeExecInput(message)),
        /^(none|usage)$/,
      );
    }),
  );
  fc.assert(
    fc.property(fc.json(), (text) => {
      assert.match(
        code(() => decodeExecInput(Buffer.concat([Buffer.from([3]), Buffer.from(text)]))),
        /^(none|usage)$/,
      );
      assert.match(
        code(() => parseExecOpen(text)),
        /^(none|usage)$/,
      );
    }),
  );
  fc.assert(
    fc.property(fc.anything(), (value) => {
      execInputIn(value);
      execItemIn(value);
      assert.match(
        code(() => execOpenIn(value)),
        /^(none|usage)$/,
      );
    }),
  );
});

test('a size that no terminal has is no size', () => {
  for (const [columns, rows] of [
    [0, 24],
    [80, 65_536],
    [80, 1.5],
    ['80', 24],
    [80, undefined],
  ]) {
    assert.equal(execInputIn({ kind: 'resize', columns, rows }), undefined);
    assert.throws(() => execOpenIn({ task: 't', command: ['sh'], size: { columns, rows } }), { code: 'usage', message: /size/ });
  }
});

test('what is to be run is read with its defaults, and refused when it is not whole', () => {
  assert.deepEqual(parseExecOpen('{"task":"shop/web.1","command":["ls","-l",""]}'), {
    task: 'shop/web.1',
    command: ['ls', '-l', ''],
    tty: false,
    stdin: false,
  });
  const size = { columns: 80, rows: 24 };
  assert.deepEqual(execOpenIn({ task: 't', command: ['sh'], tty: true, stdin: true, size, more: 1 }), {
    task: 't',
    command: ['sh'],
    tty: true,
    stdin: true,
    size,
  });
  for (const [value, about] of [
    [{ command: ['ls'] }, /task/],
    [{ task: '', command: ['ls'] }, /task/],
    [{ task: 't' }, /command/],
    [{ task: 't', command: 'ls' }, /command/],
    [{ task: 't', command: [] }, /command/],
    [{ task: 't', command: [''] }, /command/],
    [{ task: 't', command: ['ls', 1] }, /command/],
    [{ task: 't', command: ['ls', 'a\0b'] }, /command/],
    [{ task: 't', command: ['ls'], tty: 1 }, /tty/],
    [{ task: 't', command: ['ls'], stdin: 'yes' }, /stdin/],
    [{ task: 't', command: ['ls'], size: 80 }, /size/],
    [[], /JSON object/],
    ['text', /JSON object/],
  ] as const) {
    assert.throws(() => parseExecOpen(JSON.stringify(value)), { code: 'usage', message: about });
  }
  assert.throws(() => parseExecOpen('{'), { code: 'usage' });
});
