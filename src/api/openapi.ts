/** `/openapi.json` (OpenAPI 3.1.0), made of the route table when somebody asks. */
import { z } from 'zod';
import { objectSchema } from './fields.ts';
import type { JsonSchema } from './fields.ts';
import type { AnswerDoc, Route } from './route.ts';
import { schemas } from './schemas.ts';
import type { SchemaName } from './schemas.ts';

type Json = Readonly<Record<string, unknown>>;

function reference(name: SchemaName): JsonSchema {
  return { $ref: `#/components/schemas/${name}` };
}

/** All shapes as JSON Schema, each referring to the others by name. */
function components(): Json {
  const registry = z.registry<{ id: string }>();
  for (const [id, schema] of Object.entries(schemas)) registry.add(schema, { id });
  const made = z.toJSONSchema(registry, { io: 'input', uri: (id) => `#/components/schemas/${id}` }).schemas;
  return Object.fromEntries(Object.entries(made).map(([id, { $id: _id, $schema: _dialect, ...schema }]) => [id, schema] as const));
}

function parameters(row: Route): readonly Json[] {
  const inPath = [...row.path.matchAll(/\{(\w+)\}/g)].map(([, name]) => ({ name, in: 'path', required: true, schema: { type: 'string' } }));
  const inQuery = Object.entries(row.query).map(([name, { says, schema, required }]) => ({
    name,
    in: 'query',
    required,
    description: says,
    schema,
  }));
  const ticket = row.need === 'ticket' ? [{ name: 'ticket', in: 'query', required: true, schema: { type: 'string' } }] : [];
  const inHeader =
    row.method === 'GET' || row.secret === true
      ? []
      : [
          {
            name: 'Idempotency-Key',
            in: 'header',
            description: 'the first answer to a key is repeated',
            schema: { type: 'string', minLength: 1, maxLength: 200 },
          },
        ];
  return [...inPath, ...inQuery, ...ticket, ...inHeader];
}

function requestBody(row: Route): Json | undefined {
  if (row.method !== 'POST' && row.method !== 'PUT') return undefined;
  const schema = row.document === undefined ? objectSchema(row.body) : reference(row.document);
  const yaml = row.yaml === true ? { 'application/yaml': { schema: { type: 'string' } } } : {};
  const required = row.document !== undefined || Object.values(row.body).some((field) => field.required);
  return { required, content: { 'application/json': { schema }, ...yaml } };
}

function answer({ says, schema, types = ['application/json'] }: AnswerDoc): Json {
  if (schema === undefined) return { description: says };
  return { description: says, content: Object.fromEntries(types.map((type) => [type, { schema: reference(schema) }])) };
}

function operation(row: Route): Json {
  const error = answer({ says: 'what went wrong', schema: row.seeds === true ? 'SeedsError' : 'Error' });
  const body = requestBody(row);
  return {
    summary: row.says,
    tags: [row.seeds === true ? "the seeds' API" : 'cube'],
    ...(row.need === 'viewer' || row.need === 'admin' ? { security: [{ bearer: [] }], 'x-scope': row.need } : { security: [] }),
    parameters: parameters(row),
    ...(body === undefined ? {} : { requestBody: body }),
    responses: { ...Object.fromEntries(Object.entries(row.answers).map(([status, doc]) => [status, answer(doc)])), default: error },
  };
}

/** WebSockets, which OpenAPI has no words for. */
const about = `A container orchestrator you can see.

Beside the paths below, a node has two WebSockets. They take a bearer token, or a one-use ticket of \`POST /v1/tickets\` as the query
\`?ticket=\`, and refuse pages of other origins.

\`/v1/inspect\` (viewer): each message is a JSON text, an event of the @statelyai/inspect protocol. What the client says is ignored.

\`/v1/exec\` (admin, on a manager): runs a command in a task. The first message is the client's, a JSON text:
\`{"task", "command": [...], "tty", "stdin", "size": {"columns", "rows"}}\`; \`task\` is an id, a unique prefix of one, a slot, or a job with
one running task; \`tty\` and \`stdin\` are false and \`size\` is unknown unless told. From then on every message is binary, and its first byte
is a channel. 0: input for the command. 1 and 2: what it wrote to stdout and stderr (with a terminal, all on 1). 3: JSON, from the client
\`{"type": "resize", "columns", "rows"}\` and \`{"type": "end"}\` (no more input), from the node \`{"type": "started"}\` and last either
\`{"type": "exit", "exitCode"}\` or \`{"type": "error", "code", "message", "hint"}\`. Then the client closes; when it closes before, the
session ends. Neither side is read faster than the other takes it.`;

/** The document over these rows. @param version Cube's version */
export function describe(routes: readonly Route[], version: string): Json {
  const paths: Record<string, Record<string, Json>> = {};
  for (const row of routes) (paths[row.path] ??= {})[row.method.toLowerCase()] = operation(row);
  return {
    openapi: '3.1.0',
    info: { title: 'Cube', version, description: about, license: { name: 'MIT', identifier: 'MIT' } },
    paths,
    components: { schemas: components(), securitySchemes: { bearer: { type: 'http', scheme: 'bearer' } } },
  };
}
