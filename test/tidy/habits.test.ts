import { test } from 'node:test';
import { checkDocs } from '../support/tidy/docs.ts';
import { checkCatches, checkSilencing, checkTests } from '../support/tidy/habits.ts';
import { accepts, refuses } from '../support/tidy/snippets.ts';

test('a catch that does nothing is refused, whatever its form', () => {
  const swallowing = [
    'try { a(); } catch {}',
    'try { a(); } catch (error) {}',
    'try { a(); } catch { /* not so bad */ }',
    'a().catch(() => {});',
    'void a().catch(function () {});',
    'await b.a().then(run, () => {});',
  ];
  for (const text of swallowing) refuses(checkCatches, 'src/core/a.ts', text, /swallows/);
});

test('a catch that handles, maps or passes on is fine', () => {
  const fine = [
    'try { a(); } catch (error) { log.warn(String(error)); }',
    'try { a(); } catch { return undefined; }',
    'const x = await a().catch(() => undefined);',
    'awaitedElsewhere.catch(() => undefined);',
    'a().catch((error) => log.error(String(error)));',
    'a().catch(fail); a().then(() => {});',
    'try { a(); } finally {}',
  ];
  for (const text of fine) accepts(checkCatches, 'src/core/a.ts', `async function f() { ${text} }`);
});

test('the compiler is answered', () => {
  refuses(checkSilencing, 'src/core/a.ts', '// @ts-ignore\nrun();', /@ts-ignore/);
  refuses(checkSilencing, 'src/core/a.ts', '// @ts-nocheck: it is fine\nrun();', /@ts-nocheck/);
  refuses(checkSilencing, 'src/core/a.ts', '// @ts-expect-error\nrun();', /@ts-expect-error/);
  accepts(checkSilencing, 'src/core/a.ts', '// @ts-expect-error: the types of this package lack it\nrun();');
  refuses(checkSilencing, 'src/core/a.ts', 'const a = b as any;', /any/);
  refuses(checkSilencing, 'src/core/a.ts', 'const a: Record<string, any> = {};', /any/);
  accepts(checkSilencing, 'src/core/a.ts', "const a = b as unknown; const any = 1; const text = '// @ts-ignore as any';");
});

test('work left undone is refused in comments, not in text', () => {
  refuses(checkSilencing, 'src/core/a.ts', '/* TODO: backoff */', /undone/);
  refuses(checkSilencing, 'src/core/a.ts', '// FIXME', /undone/);
  accepts(checkSilencing, 'src/core/a.ts', "const column = 'TODO'; // a todo list");
});

test('tests that do not run or hide others are refused', () => {
  refuses(checkTests, 'test/a.test.ts', "test.only('a', () => run());", /runs alone/);
  refuses(checkTests, 'test/a.test.ts', "describe.only('a', () => run());", /runs alone/);
  refuses(checkTests, 'test/a.test.ts', "test('a', { only: true }, () => run());", /runs alone/);
  refuses(checkTests, 'test/a.test.ts', "it.skip('a', () => run());", /does not run/);
  refuses(checkTests, 'test/a.test.ts', "test.todo('a');", /does not run/);
  refuses(checkTests, 'test/a.test.ts', "test('a', { skip: true }, () => run());", /say why/);
  refuses(checkTests, 'test/a.test.ts', "test('a', { todo: '' }, () => run());", /say why/);
  refuses(checkTests, 'test/a.test.ts', "test('a', (t) => { t.skip(); });", /does not run/);
  refuses(checkTests, 'test/a.test.ts', "test('a', () => {});", /empty test/);
  refuses(checkTests, 'test/a.test.ts', "test('a', async (t) => { await t.test('b', () => {}); });", /empty test/);
});

test('tests that say why they do not run are fine, and so is anything else called skip', () => {
  accepts(checkTests, 'test/a.test.ts', "test('a', { skip: 'needs an engine' }, () => run());");
  accepts(checkTests, 'test/a.test.ts', "test('a', { skip: noEngine, only: false }, () => run());");
  accepts(checkTests, 'test/a.test.ts', "test('a', (t) => { t.skip('no engine'); });");
  accepts(checkTests, 'test/a.test.ts', 'reader.skip(3); list.only(); t.mock.method(clock);');
  accepts(checkTests, 'src/core/a.ts', "test('a', () => {});");
});

test('what is exported has a docstring, whatever it is', () => {
  const exports = [
    'function f() {}',
    'class F {}',
    'interface F {}',
    'type F = string;',
    'const f = 1;',
    'const f = () => {};',
    'abstract class F {}',
  ];
  for (const text of exports) {
    refuses(checkDocs, 'src/core/a.ts', `export ${text}`, /exports [fF] without a docstring/);
    refuses(checkDocs, 'src/core/a.ts', `// It does it.\nexport ${text}`, /without a docstring/);
    refuses(checkDocs, 'src/core/a.ts', `/** */\nexport ${text}`, /without a docstring/);
    refuses(checkDocs, 'src/core/a.ts', `/** About another. */\nconst other = 1;\nexport ${text}`, /without a docstring/);
    accepts(checkDocs, 'src/core/a.ts', `/** It does it. */\nexport ${text}`);
    accepts(checkDocs, 'src/core/a.ts', `/** It does it. */\n// oxlint-disable-next-line\nexport ${text}`);
    accepts(checkDocs, 'src/core/a.ts', text);
    accepts(checkDocs, 'test/support/a.ts', `export ${text}`);
  }
  refuses(checkDocs, 'src/core/a.ts', 'export default function () {}', /exports default/);
});

test('of overloads the first is told, and what is only passed on is told where it is made', () => {
  accepts(
    checkDocs,
    'src/core/a.ts',
    '/** It does it. */\nexport function f(a: string): void;\nexport function f(a: number): void;\nexport function f() {}',
  );
  accepts(
    checkDocs,
    'src/core/a.ts',
    "export * from './b.ts'; export { c } from './c.ts'; export type { D } from './d.ts'; const e = 1; export { e };",
  );
});
