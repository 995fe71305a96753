import { test } from 'node:test';
import { checkExits, checkPrinting, checkPurity as check } from '../support/tidy/purity.ts';
import { accepts, refuses } from '../support/tidy/snippets.ts';

const pureRooms = ['src/core/a.ts', 'src/scheduling/a.ts', 'machines/a.ts'];

test('pure rooms do not use what differs from run to run', () => {
  const uses: readonly [string, RegExp][] = [
    ['const now = Date.now();', /Date\.now/],
    ["const now = Date['now']();", /Date\.now/],
    ['const read = Date.now;', /Date\.now/],
    ['const now = Date?.now();', /Date\.now/],
    ['const { now } = Date;', /a part of Date/],
    ['const now = new Date();', /new Date\(\)/],
    ['const now = new Date;', /new Date\(\)/],
    ['const now = Date();', /Date\(\)/],
    ['const now = performance.now();', /performance/],
    ['const dice = Math.random();', /Math\.random/],
    ['const { random: dice } = Math;', /a part of Math/],
    ['const signal = AbortSignal.timeout(5);', /AbortSignal\.timeout/],
    ['setTimeout(() => run(), 5);', /setTimeout/],
    ['const later = setInterval;', /setInterval/],
    ['const clock = { setImmediate };', /setImmediate/],
    ['queueMicrotask(run);', /queueMicrotask/],
    ['const home = process.env.HOME;', /process/],
    ["console.log('hello');", /console/],
    ["const page = await fetch('http://a');", /fetch/],
    ['const id = crypto.randomUUID();', /crypto/],
    ['const id = globalThis.crypto;', /globalThis/],
  ];
  for (const [text, message] of uses) for (const path of pureRooms) refuses(check, path, text, message);
});

test('a variable of a forbidden name is refused, so that nothing hides behind it', () => {
  refuses(check, 'src/core/a.ts', 'function run(process: string) {}', /process/);
});

test('what only looks like it is fine: names of properties, types, text, and dates that are given', () => {
  const fine = [
    "const runtime = { process: 1, 'console': 2, fetch() {} };",
    'const x = task.process; const y = clock.performance?.fetch;',
    "type Kind = 'process'; interface A { fetch(process: string): void; console: string }",
    'type F = typeof fetch; type G = (console: string) => void;',
    'const at = new Date(now).toISOString(); const ms = Date.parse(text); const x = y instanceof Date;',
    'const { process: kind } = runtime;',
    'const most = Math.max(1, Math.floor(2.5));',
    '// Date.now() and Math.random() are not for us\nconst said = "Date.now()";',
    'class A { process = 1; fetch() { return this.process; } }',
  ];
  for (const text of fine) accepts(check, 'src/core/a.ts', text);
});

test('other rooms may use clocks and chance', () => {
  for (const path of ['src/ambient/clock.ts', 'src/runtime/a.ts', 'test/a.test.ts', 'actors/a.ts']) {
    accepts(check, path, 'const now = Date.now(); setTimeout(() => {}, Math.random());');
  }
});

test('only output.ts prints', () => {
  const prints = [
    "console.error('x');",
    'const say = console.log;',
    "process.stdout.write('x');",
    "process['stderr'].write('x');",
    'const log = createLog(process.stderr);',
    'const { stdout } = process;',
    "import { stdout } from 'node:process';",
    "import { Console } from 'node:console';",
    "writeSync(1, 'x');",
    "fs.writeSync(2, 'x');",
  ];
  for (const text of prints) {
    for (const path of ['src/boot/node.ts', 'src/cli/status.ts', 'src/inspector/page/app.tsx', 'actors/manager.ts']) {
      refuses(checkPrinting, path, text, /prints; only src\/cli\/output\.ts may/);
    }
    accepts(checkPrinting, 'src/cli/output.ts', text);
    accepts(checkPrinting, 'test/bench/run.ts', text);
  }
});

test('asking the terminal for its size is not printing, nor is a word in a property', () => {
  accepts(checkPrinting, 'src/cli/table.ts', 'const width = process.stdout.columns; const tty = process.stderr.isTTY;');
  accepts(checkPrinting, 'src/runtime/a.ts', "const a = child.stdout; child.stdin.write('x'); const b = { console: 1, stdout: 2 };");
  accepts(checkPrinting, 'src/store/a.ts', "writeSync(fd, 'x'); writeFileSync('1', 'x');");
});

test('only the command line ends the process', () => {
  refuses(checkExits, 'src/boot/node.ts', 'process.exit(1);', /only src\/cli may/);
  refuses(checkExits, 'src/runtime/a.ts', 'process.abort();', /only src\/cli may/);
  accepts(checkExits, 'src/cli/main.ts', 'process.exit(1);');
  accepts(checkExits, 'src/boot/node.ts', 'process.exitCode = 1; child.exit(1);');
});
