import assert from 'node:assert/strict';
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { pageFile, pageFilesIn } from '../../src/inspector/page-files.ts';

let folder = '';
before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'cube-page-'));
  await mkdir(join(folder, 'built', 'assets', 'deeper'), { recursive: true });
  await writeFile(join(folder, 'secret.js'), 'secret');
  await writeFile(join(folder, 'built', 'index.html'), '<!doctype html><title>page</title>');
  await writeFile(join(folder, 'built', 'vite.config.js'), 'not of the page');
  await writeFile(join(folder, 'built', 'assets', 'index-AbC.js'), 'let page;');
  await writeFile(join(folder, 'built', 'assets', 'index-AbC.css'), 'p{}');
  await writeFile(join(folder, 'built', 'assets', 'index-AbC.js.map'), '{}');
  await writeFile(join(folder, 'built', 'assets', 'deeper', 'more.js'), 'more');
  await symlink(join(folder, 'secret.js'), join(folder, 'built', 'assets', 'link.js'));
});
after(() => rm(folder, { recursive: true, force: true }));

test('the page and its assets are there, with their types', async () => {
  const files = pageFilesIn(join(folder, 'built'));
  const textOf = async (path: string): Promise<unknown> => {
    const file = await files(path);
    return file && [file.contentType, Buffer.from(file.body).toString()];
  };
  assert.deepEqual(await textOf('/'), ['text/html; charset=utf-8', '<!doctype html><title>page</title>']);
  assert.deepEqual(await textOf('/index.html'), await textOf('/'));
  assert.deepEqual(await textOf('/assets/index-AbC.js'), ['text/javascript; charset=utf-8', 'let page;']);
  assert.deepEqual(await textOf('/assets/index-AbC.css'), ['text/css; charset=utf-8', 'p{}']);
});

test('nothing else is, however it is asked for', async () => {
  const files = pageFilesIn(join(folder, 'built'));
  const others = ['', '/assets', '/assets/', '/vite.config.js', '/assets/index-AbC.js.map', '/assets/deeper/more.js', '/assets/link.js'];
  const ways = [
    '/../secret.js',
    '/assets/../../secret.js',
    '/assets/..%2f..%2fsecret.js',
    '//assets/index-AbC.js',
    'assets/index-AbC.js',
    '/__proto__',
  ];
  for (const path of [...others, ...ways]) assert.equal(await files(path), undefined, path);
});

test('the files are read once, and kept', async () => {
  const files = pageFilesIn(join(folder, 'built'));
  const first = await files('/assets/index-AbC.css');
  await writeFile(join(folder, 'built', 'assets', 'index-AbC.css'), 'changed');
  assert.equal(await files('/assets/index-AbC.css'), first);
});

test('without a build the page says how to make one', async () => {
  const files = pageFilesIn(join(folder, 'nowhere'));
  const page = await files('/');
  assert.match(Buffer.from(page!.body).toString(), /npm run build/);
  assert.equal(await files('/assets/index.js'), undefined);
});

test('a build that cannot be read is an error, and is tried again', async () => {
  const half = join(folder, 'half');
  await mkdir(half);
  await writeFile(join(half, 'index.html'), 'page');
  const files = pageFilesIn(half);
  await assert.rejects(files('/'), /ENOENT/);
  await mkdir(join(half, 'assets'));
  assert.ok(await files('/'));
});

test('the built page loads only its own files, by relative addresses, and has nothing inline', async () => {
  const page = Buffer.from((await pageFile('/'))!.body).toString();
  assert.ok(!page.includes('is not built'), 'build the page first: npm run build');
  const addresses = [...page.matchAll(/(?:src|href)="([^"]*)"/g)].map(([, address]) => address!);
  assert.ok(addresses.length >= 3);
  for (const address of addresses) {
    assert.match(address, /^\.\/assets\/[\w.-]+$/);
    assert.ok(await pageFile(address.slice(1)), address);
  }
  assert.doesNotMatch(page, /<script(?![^>]* src=)|<style|\son\w+=|\sstyle=/);
  for (const address of addresses.filter((one) => /\.(?:js|css)$/.test(one))) {
    const text = Buffer.from((await pageFile(address.slice(1)))!.body).toString();
    assert.doesNotMatch(text, /(?:fetch|import|url|WebSocket|EventSource)\s*\(\s*["'`]?https?:/, address);
    assert.doesNotMatch(text, /@import|\beval\(|new Function/);
  }
});
