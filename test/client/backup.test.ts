import assert from 'node:assert/strict';
import { test } from 'node:test';
import { errorBody, problem } from '../../src/core/errors.ts';
import { clientOf, misbehave } from './harness.ts';

async function read(source: AsyncIterable<Uint8Array>): Promise<string> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of source) chunks.push(chunk);
  return Buffer.concat(chunks).toString('latin1');
}

for (const kind of ['node', 'fetch'] as const) {
  test(`a backup arrives byte for byte (${kind})`, async (t) => {
    const bytes = Buffer.from(Uint8Array.from({ length: 200_000 }, (_, at) => at * 7));
    const { url, asked } = await misbehave(t, (response) => response.end(bytes));
    assert.equal(await read(clientOf(url, { kind }).backup()), bytes.toString('latin1'));
    assert.deepEqual(
      asked.map(({ method, url: path, headers }) => [method, path, headers.authorization]),
      [['GET', '/v1/backup', 'Bearer admin-token']],
    );
  });

  test(`a backup that breaks off is an error and no short file (${kind})`, async (t) => {
    const { url } = await misbehave(t, (response) => {
      response.writeHead(200, { 'content-length': '100' });
      response.write('half');
      setImmediate(() => response.destroy());
    });
    await assert.rejects(read(clientOf(url, { kind }).backup()), { code: 'unreachable' });
  });

  test(`a backup that is refused gives the node's own error (${kind})`, async (t) => {
    const error = problem('forbidden', 'a viewer token may look, not change');
    const { url } = await misbehave(t, (response) => response.writeHead(403).end(JSON.stringify(errorBody(error))));
    await assert.rejects(read(clientOf(url, { kind }).backup()), { code: 'forbidden', message: error.message });
  });
}
