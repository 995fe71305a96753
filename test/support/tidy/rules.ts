/**
 * The house rules as data: who may import whom, how long things may get, what pure code never touches.
 * A row that proves wrong is changed here and in the README's table, with the reason in the commit.
 */

/** How a room may import another: everything, types only, or only by `import()` in the files named. */
export type Way = 'all' | 'types' | { readonly dynamicIn: readonly string[] };

/** One row of the import table. Imports of a room from itself are always fine. */
export interface Room {
  /** What lives there. */
  readonly holds: string;
  /** The rooms it may import from, and how. */
  readonly imports: Readonly<Record<string, Way>>;
  /** The npm packages it may import. */
  readonly npm: readonly string[];
  /** Whether it may import `node:` modules. */
  readonly node: boolean;
  /** Same input, same output: no clock, no chance, no timers, nothing of the process. */
  readonly pure: boolean;
}

const core = { 'src/core': 'all' } as const;
const ports = { ...core, 'src/ports': 'all' } as const;
const driver = { node: true, pure: false } as const;
const pure = { node: false, pure: true } as const;
const nodeStarters = [
  'commands/backup',
  'commands/restore',
  'run-node',
  'demo-node',
  'commands/up',
  'commands/demo',
  'commands/simulate',
  'commands/manager',
  'commands/worker',
];
const startsNodes = { dynamicIn: nodeStarters.map((name) => `src/cli/${name}.ts`) };

/** The import table. A key is a folder or a file; the longest one that fits a path is its room. */
export const rooms: Readonly<Record<string, Room>> = {
  'src/core': {
    holds: 'records, job files, reconciling, policy, errors, limits',
    imports: {},
    npm: ['yaml', 'zod', 'parse-duration', 'croner'],
    ...pure,
  },
  'src/scheduling': { holds: 'filters that explain themselves, scoring, place()', imports: core, npm: [], ...pure },
  machines: { holds: 'one statechart a file', imports: core, npm: ['xstate'], ...pure },
  'src/ports': { holds: 'interfaces only', imports: { 'src/core': 'types' }, npm: [], node: false, pure: false },
  'src/ambient': {
    holds: 'the real clock, ids, log, metrics, tracing',
    imports: ports,
    npm: ['uuid', 'pino', 'prom-client', '@opentelemetry/api'],
    ...driver,
  },
  'src/security': { holds: 'certificates, tokens, sealing', imports: ports, npm: ['@peculiar/x509', 'reflect-metadata'], ...driver },
  'src/pool': { holds: 'the scorer, on threads and inline', imports: { ...ports, 'src/scheduling': 'all' }, npm: ['piscina'], ...driver },
  'src/runtime': { holds: 'what runs tasks; host measurements', imports: ports, npm: ['dockerode', 'systeminformation'], ...driver },
  'src/store': { holds: 'memory, level, etcd; the record codec', imports: ports, npm: ['classic-level', 'etcd3', 'msgpackr'], ...driver },
  'src/transport': { holds: 'every WebSocket end; the in-memory network', imports: ports, npm: ['ws', 'msgpackr'], ...driver },
  actors: {
    holds: 'machines and ports put to work, no concrete driver',
    imports: { ...ports, machines: 'all', 'src/scheduling': 'all' },
    npm: ['xstate'],
    ...driver,
  },
  'src/client': { holds: 'the typed client (SDK)', imports: core, npm: ['ws'], ...driver },
  'src/api': {
    holds: "HTTP routes, OpenAPI, the seeds' API",
    imports: ports,
    npm: ['hono', '@hono/node-server', 'zod'],
    ...driver,
  },
  'src/inspector': {
    holds: "the inspection feed's content, machine export",
    imports: { ...ports, machines: 'all' },
    npm: [],
    ...driver,
  },
  'src/inspector/page': {
    holds: "the page's source",
    imports: { ...core, 'src/client': 'all', machines: 'all' },
    npm: ['preact', '@preact/signals', '@dagrejs/dagre'],
    node: false,
    pure: false,
  },
  'src/inspector/page/vite.config.ts': {
    holds: 'how the page is built',
    imports: {},
    npm: ['vite', '@preact/preset-vite'],
    ...driver,
  },
  'src/cli': {
    holds: 'one file a command',
    imports: { ...core, 'src/client': 'all', machines: 'all', 'src/inspector': 'all', 'src/boot': startsNodes },
    npm: ['cac', 'picocolors', 'env-paths', '@bomb.sh/tab'],
    ...driver,
  },
  'src/boot': {
    holds: 'composition roots: the only `new` of drivers',
    imports: {
      ...ports,
      ...allOf('machines', 'actors', 'src/scheduling', 'src/ambient', 'src/security', 'src/pool', 'src/runtime', 'src/store'),
      ...allOf('src/transport', 'src/client', 'src/api', 'src/inspector'),
    },
    npm: ['xstate', 'env-paths', 'csv-parse'],
    ...driver,
  },
};

function allOf(...names: readonly string[]): Record<string, Way> {
  return Object.fromEntries(names.map((name) => [name, 'all']));
}

/** Tests may import everything. */
export const freeRoom = 'test';

/** The room of a path of the project, or undefined when it lies in none. */
export function roomOf(path: string): string | undefined {
  const fits = [...Object.keys(rooms), freeRoom].filter((name) => path === name || path.startsWith(`${name}/`));
  return fits.sort((a, b) => b.length - a.length)[0];
}

/** Lines of a file and of a function, at most. */
export const sizes = { fileLinesMax: 300, functionLinesMax: 70 } as const;

/** Globals that pure rooms never name, with what to do instead. */
export const impureGlobals: Readonly<Record<string, string>> = {
  performance: 'take the time as a parameter',
  setTimeout: 'return a deadline; timers belong to drivers',
  setInterval: 'return a deadline; timers belong to drivers',
  setImmediate: 'return a deadline; timers belong to drivers',
  queueMicrotask: 'return what is to be done next',
  process: 'take what is needed as a parameter',
  console: 'return what is to be said',
  fetch: 'take the answer as a parameter',
  WebSocket: 'talk through a port',
  navigator: 'take what is needed as a parameter',
  crypto: 'take ids and random numbers as parameters',
  global: 'name what is needed',
  globalThis: 'name what is needed',
};

/** Members of harmless globals that pure rooms never use, with what to do instead. */
export const impureMembers: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  Date: { now: 'take `now` as a parameter' },
  Math: { random: 'take a seeded Random as a parameter' },
  AbortSignal: { timeout: 'take a signal as a parameter' },
};

/** The only file that prints, and the only room that may end the process. */
export const printer = 'src/cli/output.ts';
export const exiter = 'src/cli';

/** What may lie at the top of the repository. */
export const topLevel: readonly string[] = 'actors machines src test .ci'
  .concat(' package.json package-lock.json tsconfig.json knip.json .oxlintrc.json .oxfmtrc.json .gitignore')
  .concat(' README.md LICENSE CONTRIBUTING.md')
  .split(' ');

/** Where `npm test` looks for tests: the globs of package.json's `test` script. */
export const testPlaces = /^test\/(?:[^/]+\/)?[^/]+\.test\.ts$/;
