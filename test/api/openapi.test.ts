import assert from 'node:assert/strict';
import { test } from 'node:test';
import { routesOf } from '../../src/api/index.ts';
import { makeRig } from './harness.ts';

interface Operation {
  readonly parameters: readonly { readonly name: string; readonly in: string }[];
  readonly requestBody?: { readonly content: Readonly<Record<string, unknown>> };
  readonly responses: Readonly<Record<string, unknown>>;
  readonly 'x-scope'?: string;
}

interface OpenApi {
  readonly openapi: string;
  readonly info: { readonly version: string };
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
  readonly components: { readonly schemas: Readonly<Record<string, unknown>> };
}

async function read(role: 'manager' | 'worker' | 'both' = 'both'): Promise<OpenApi> {
  const response = await makeRig({ role }).ask('GET', '/openapi.json', { token: 'viewer-token' });
  assert.equal(response.status, 200);
  return (await response.json()) as OpenApi;
}

test('/openapi.json lists every route of the node, and no other', async () => {
  for (const role of ['manager', 'worker', 'both'] as const) {
    const listed = Object.entries((await read(role)).paths).flatMap(([path, operations]) =>
      Object.keys(operations).map((method) => `${method.toUpperCase()} ${path}`),
    );
    const routes = routesOf(makeRig({ role }).deps).map((row) => `${row.method} ${row.path}`);
    assert.deepEqual(listed.toSorted(), routes.toSorted(), role);
  }
});

test('every reference in it leads somewhere', async () => {
  const document = await read();
  const names = Object.keys(document.components.schemas);
  const references = [...JSON.stringify(document).matchAll(/"\$ref":"([^"]+)"/g)].map((match) => match[1]!);
  assert.ok(references.length > 30);
  for (const reference of references) {
    const name = /^#\/components\/schemas\/(\w+)$/.exec(reference)?.[1];
    assert.ok(name !== undefined && names.includes(name), reference);
  }
});

test('it says what a request takes', async () => {
  const { openapi, info, paths } = await read();
  assert.deepEqual([openapi, info.version], ['3.1.0', '0.1.0']);
  const events = paths['/v1/events']!['get']!;
  assert.deepEqual(
    events.parameters.map((parameter) => parameter.name),
    ['follow', 'since', 'after', 'job', 'node', 'task'],
  );
  const submit = paths['/v1/jobs']!['post']!;
  assert.equal(submit['x-scope'], 'admin');
  assert.deepEqual(Object.keys(submit.requestBody!.content), ['application/json', 'application/yaml']);
  assert.deepEqual(Object.keys(submit.responses), ['200', '201', 'default']);
  assert.ok(submit.parameters.some((parameter) => parameter.name === 'Idempotency-Key' && parameter.in === 'header'));
  const task = paths['/v1/tasks/{ref}']!['get']!;
  assert.deepEqual(
    task.parameters.map((parameter) => [parameter.name, parameter.in]),
    [['ref', 'path']],
  );
});

test('every parameter of a path is described', async () => {
  for (const [path, operations] of Object.entries((await read()).paths)) {
    const names = [...path.matchAll(/\{(\w+)\}/g)].map((match) => match[1]!);
    for (const operation of Object.values(operations)) {
      const described = operation.parameters.filter((parameter) => parameter.in === 'path').map((parameter) => parameter.name);
      assert.deepEqual(described, names, path);
    }
  }
});
