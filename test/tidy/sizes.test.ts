import { test } from 'node:test';
import { sizes } from '../support/tidy/rules.ts';
import { checkSizes as check } from '../support/tidy/sizes.ts';
import { accepts, refuses } from '../support/tidy/snippets.ts';

const { fileLinesMax, functionLinesMax } = sizes;
/** Code between braces that makes a function of `lines` lines when the braces stand on its first and last line. */
const body = (lines: number) => `\n${'  run();\n'.repeat(lines - 2)}`;

test('a file may have as many lines as the bound, with or without a newline at its end, and no more', () => {
  accepts(check, 'src/core/a.ts', 'a;\n'.repeat(fileLinesMax));
  accepts(check, 'src/core/a.ts', `${'a;\n'.repeat(fileLinesMax - 1)}a;`);
  refuses(check, 'src/core/a.ts', 'a;\n'.repeat(fileLinesMax + 1), /has 301 lines; at most 300/);
});

test('a function may have as many lines as the bound, whatever its form', () => {
  const forms = [
    (code: string) => `function f() {${code}}`,
    (code: string) => `const f = async () => {${code}};`,
    (code: string) => `const f = function* () {${code}};`,
    (code: string) => `class A { static async m(): Promise<void> {${code}} }`,
    (code: string) => `class A { get x() {${code}} }`,
    (code: string) => `class A { #private = () => {${code}}; }`,
    (code: string) => `class A { constructor() {${code}} }`,
    (code: string) => `const o = { m() {${code}} };`,
    (code: string) => `export default function () {${code}}`,
  ];
  for (const form of forms) {
    accepts(check, 'src/core/a.ts', form(body(functionLinesMax)));
    refuses(check, 'src/core/a.ts', form(body(functionLinesMax + 1)), /function of 71 lines; at most 70/);
  }
});

test('an arrow function without braces is measured too', () => {
  refuses(check, 'src/core/a.ts', `const f = () => [${'\n1,'.repeat(80)}\n];`, /function of 82 lines/);
});

test('braces in strings, templates, regular expressions and comments end no function', () => {
  const tricky = ["const a = '}';", 'const b = `}${`{${1}`}`;', 'const c = /[}/]{2}\\}/;', '// }', '/* } */', 'const d = 4 / 2 / 1;'].join(
    '\n',
  );
  accepts(check, 'src/core/a.ts', `function f() {\n${tricky}\n}\n${'run();\n'.repeat(functionLinesMax)}`);
  refuses(check, 'src/core/a.ts', `function f() {\n${tricky}${body(functionLinesMax)}}`, /function of/);
});

test('short functions in a long one do not shorten it, and each is measured for itself', () => {
  refuses(check, 'src/core/a.ts', `function f() {${'\n  const g = () => {\n  };'.repeat(36)}\n}`, /function of 74 lines/);
});

test('a signature counts, a type or an interface of any length does not', () => {
  refuses(check, 'src/core/a.ts', `function f(${'\n  a: string,'.repeat(70)}\n) {}`, /function of 72 lines/);
  accepts(check, 'src/core/a.ts', `interface A {${'\n  run(): void;'.repeat(80)}\n}\ntype F = (${'\n  a: string,'.repeat(80)}\n) => void;`);
});

test('a function that lists tests is measured without them, and each test for itself', () => {
  const aTest = `test('a', () => {${body(40)}});`;
  const three = `${aTest}\n${aTest}\n${aTest}`;
  accepts(check, 'test/core/a.test.ts', `describe('a', () => {\n${three}\n});`);
  accepts(check, 'test/core/a.test.ts', `describe('a', { timeout: 9 }, function () {\ndescribe('b', () => {\n${three}\n});\n});`);
  accepts(check, 'test/contracts/a.ts', `export function contract(make: Make): void {\n${three}\n}`);
  refuses(check, 'test/core/a.test.ts', `describe('a', () => {\n${three}${body(functionLinesMax + 1)}});`, /function of 71 lines/);
  refuses(check, 'test/core/a.test.ts', `test('a', () => {${body(functionLinesMax + 1)}});`, /function of 71 lines/);
  refuses(
    check,
    'test/core/a.test.ts',
    `describe('a', () => {\ntest('b', () => {${body(functionLinesMax + 1)}});\n});`,
    /function of 71 lines/,
  );
  refuses(check, 'src/core/a.ts', `function list() {\n${three}\n}`, /function of 122 lines/);
});
