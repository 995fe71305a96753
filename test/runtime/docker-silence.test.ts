/** Pulls during which nothing comes any more: the registry is silent, or the engine itself. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { limitsWith } from '../../src/core/limits.ts';
import { never, quietly, workOf } from '../contracts/runtime-harness.ts';
import { onScript, pullsOf, web } from './pull-help.ts';
import { json } from './scripted-engine.ts';

test('a registry that does not answer is given up when the time is over', async () => {
  await onScript(
    async (engine, runtime) => {
      engine.on('POST /images/create', () => undefined);
      await assert.rejects(runtime.prepare(workOf(web), quietly()), { code: 'image-unavailable' });
    },
    limitsWith({ engineRetryMs: 10, pullRetryMs: 10, pullMs: 60 }),
  );
});

test('a pull that stops in the middle is given up, one that goes on slowly is not', async () => {
  const limits = limitsWith({ engineRetryMs: 1, pullRetryMs: 1, pullMs: 500, pullStallMs: 300, pullTries: 1 });
  const event = (current: number): string =>
    `${JSON.stringify({ status: 'Downloading', id: 'a', progressDetail: { current, total: 100 } })}\n`;
  await onScript(async (engine, runtime) => {
    engine.on('POST /images/create', (_request, response) => void response.writeHead(200).write(event(0)));
    await assert.rejects(runtime.prepare(workOf(web), quietly()), { code: 'image-unavailable', message: /stalled.* 300ms/ });
    engine.on('POST /images/create', (_request, response) => {
      response.writeHead(200);
      let step = 0;
      const timer = setInterval(() => {
        response.write(event(step));
        if (++step < 10) return;
        clearInterval(timer);
        engine.on('POST /containers/create', json(201, { Id: 'made' }));
        response.end();
      }, 60);
    });
    await runtime.prepare(workOf(web), quietly());
  }, limits);
});

test('a pull that stalls is tried again, and says so; as often as others that fail', async () => {
  // A stall takes longer than the time that all tries share: it does not count.
  const limits = limitsWith({ engineRetryMs: 1, pullRetryMs: 1, pullMs: 150, pullStallMs: 200, pullTries: 3 });
  const event = `${JSON.stringify({ status: 'Downloading', id: 'a', progressDetail: { current: 1, total: 1_000 } })}\n`;
  await onScript(async (engine, runtime) => {
    const details: string[] = [];
    engine.on('POST /images/create', (_request, response) => void response.writeHead(200).write(event));
    const work = { signal: never(), onProgress: (detail: string) => void details.push(detail) };
    await assert.rejects(runtime.prepare(workOf(web), work), { code: 'image-unavailable', message: /stalled/ });
    assert.equal(pullsOf(engine), 3);
    assert.ok(
      details.some((detail) => /try 3 of 3: .*the pull stalled/.test(detail)),
      details.join('; '),
    );
    engine.on('POST /images/create', (_request, response) => {
      engine.on('POST /images/create', (_again, answer) => {
        engine.on('POST /containers/create', json(201, { Id: 'made' }));
        answer.writeHead(200).end();
      });
      response.writeHead(200).write(event);
    });
    assert.equal((await runtime.prepare(workOf(web), work)).id, 'made');
  }, limits);
});

test('silence of the engine itself is not blamed on the registry', async () => {
  await onScript(
    async (engine, runtime) => {
      for (const line of ['POST /images/create', 'GET /_ping']) engine.on(line, () => undefined);
      await assert.rejects(runtime.prepare(workOf(web), quietly()), { code: 'no-engine', message: /took over 100 ms to answer/ });
      assert.equal(pullsOf(engine), 1);
    },
    limitsWith({ engineRetryMs: 10, pullRetryMs: 10, pullMs: 300, engineCallMs: 100 }),
  );
});
