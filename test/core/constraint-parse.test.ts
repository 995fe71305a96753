import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';
import { parseConstraint, parseSpread } from '../../src/core/constraint-parse.ts';
import { contradict, meets, type Constraint, type ConstraintOperator } from '../../src/core/constraint.ts';

function parsed(text: string): Constraint {
  const read = parseConstraint(text);
  assert.ok('value' in read, `${text}: ${JSON.stringify(read)}`);
  return read.value;
}

/** Attribute, operator and values. */
function partsOf(text: string): unknown[] {
  const { attribute, operator, values } = parsed(text);
  return [attribute, operator, ...values];
}

/** What is wrong, behind the number of characters before it. */
function wrong(text: string): string {
  const read = parseConstraint(text);
  assert.ok('problem' in read, `${text} was taken`);
  return `${read.problem.offset} ${read.problem.message}`;
}

test('every operator is read, with blanks or without', () => {
  assert.deepEqual(partsOf('label.disk == ssd'), ['label.disk', '==', 'ssd']);
  assert.deepEqual(partsOf('label.disk==ssd'), ['label.disk', '==', 'ssd']);
  assert.deepEqual(partsOf('os != windows'), ['os', '!=', 'windows']);
  assert.deepEqual(partsOf('arch in [x64, arm64]'), ['arch', 'in', 'x64', 'arm64']);
  assert.deepEqual(partsOf('  arch   not \t in[ x64 ,arm64 ]  '), ['arch', 'not in', 'x64', 'arm64']);
  assert.deepEqual(partsOf('label.cores < 8'), ['label.cores', '<', '8']);
  assert.deepEqual(partsOf('label.cores<=8'), ['label.cores', '<=', '8']);
  assert.deepEqual(partsOf('docker.version > 20.10'), ['docker.version', '>', '20.10']);
  assert.deepEqual(partsOf('docker.version>=v20.10.24-rc.1'), ['docker.version', '>=', 'v20.10.24-rc.1']);
  assert.deepEqual(partsOf('label.t > -5'), ['label.t', '>', '-5']);
  assert.deepEqual(partsOf('label.gpu exists'), ['label.gpu', 'exists']);
  assert.deepEqual(partsOf('label.gpu not exists'), ['label.gpu', 'not exists']);
  assert.equal(parsed(' os == linux ').text, ' os == linux ');
});

test('every attribute is read, names of labels with dots, dashes and slashes too', () => {
  for (const attribute of ['name', 'os', 'arch', 'datacenter', 'cpu.model', 'docker.version', 'label.example.com/disk-kind', 'label.in']) {
    assert.equal(parsed(`${attribute} == a`).attribute, attribute);
  }
});

test('attributes may be written as Swarm has them, architectures as engines do', () => {
  const others = {
    'node.labels.x.y': 'label.x.y',
    'node.label.x': 'label.x',
    'node.hostname': 'name',
    'node.name': 'name',
    'node.platform.os': 'os',
    'node.platform.arch': 'arch',
    'node.arch': 'arch',
    'node.cpu.model': 'cpu.model',
  };
  for (const [written, attribute] of Object.entries(others)) assert.equal(parsed(`${written} == a`).attribute, attribute);
  assert.deepEqual(partsOf('arch in [amd64, aarch64, x64, riscv64]'), ['arch', 'in', 'x64', 'arm64', 'x64', 'riscv64']);
  assert.deepEqual(partsOf('label.arch == amd64'), ['label.arch', '==', 'amd64']);
});

test('values stand in quotes of either kind, and may be empty there', () => {
  assert.deepEqual(partsOf('cpu.model == "Intel(R) Xeon(R) @ 2.00GHz"'), ['cpu.model', '==', 'Intel(R) Xeon(R) @ 2.00GHz']);
  assert.deepEqual(partsOf(`label.a in ['x, y]', "it's", '']`), ['label.a', 'in', 'x, y]', "it's", '']);
  assert.deepEqual(partsOf(String.raw`label.a == "a\"b\\c\d"`), ['label.a', '==', String.raw`a"b\c\d`]);
  assert.deepEqual(partsOf('label.a == YQ=='), ['label.a', '==', 'YQ==']);
});

test('an unknown attribute is told where it stands, with what was meant', () => {
  assert.equal(wrong('lable.disk == ssd'), '0 unknown attribute "lable.disk"; did you mean "label.disk"?');
  assert.equal(wrong('  labels.disk == ssd'), '2 unknown attribute "labels.disk"; did you mean "label.disk"?');
  assert.equal(wrong('dc == a'), '0 unknown attribute "dc"; did you mean "datacenter"?');
  assert.equal(wrong('hostname == a'), '0 unknown attribute "hostname"; did you mean "name"?');
  assert.equal(wrong('node.datacentre == a'), '0 unknown attribute "node.datacentre"; did you mean "datacenter"?');
  assert.equal(wrong('node == a'), '0 unknown attribute "node"; did you mean "name"?');
  assert.equal(
    wrong('colour == red'),
    '0 unknown attribute "colour"; expected label.NAME, name, datacenter, os, arch, cpu.model or docker.version',
  );
  assert.match(wrong('constructor == a'), /^0 unknown attribute "constructor"; expected/);
  assert.equal(wrong('label == a'), '0 expected the name of a label after "label", as in label.disk');
  assert.equal(wrong('label. == a'), '0 expected the name of a label after "label.", as in label.disk');
  assert.equal(wrong(''), '0 expected an attribute like label.disk or arch, got nothing');
  assert.equal(wrong('  == a'), '2 expected an attribute like label.disk or arch, got "=="');
});

test('an unknown operator is told where it stands, with what was meant', () => {
  const slips = { '=': '==', '===': '==', '<>': '!=', '=<': '<=', '=>': '>=', is: '==', IN: 'in', notin: 'not in', exist: 'exists' };
  for (const [slip, meant] of Object.entries(slips)) {
    assert.equal(wrong(`label.a ${slip} [a]`), `8 unknown operator "${slip}"; did you mean "${meant}"?`);
  }
  assert.match(wrong('label.a =~ b'), /^8 unknown operator "=~"; expected ==, !=, <, <=, >, >=, in, not in, exists or not exists$/);
  assert.match(wrong('label.a toString b'), /^8 unknown operator "toString"; expected/);
  assert.match(wrong('label.a'), /^7 expected an operator after label\.a: ==, !=, .* or not exists$/);
  assert.match(wrong('label.a "b"'), /^8 expected an operator after label\.a: .*, got ""b""$/);
  assert.equal(wrong('label.a not b'), '12 expected "in" or "exists" after "not"');
  assert.equal(wrong('label.a not'), '11 expected "in" or "exists" after "not"');
});

test('what is wrong with values is told at the character', () => {
  assert.equal(wrong('os =='), '5 expected a value after "==", got nothing');
  assert.equal(wrong('os == ]'), '6 expected a value after "==", got "]"');
  assert.equal(wrong('os == [a]'), '6 "==" takes one value; "in" takes a list');
  assert.equal(wrong('os != [a]'), '6 "!=" takes one value; "not in" takes a list');
  assert.equal(wrong('os < [1]'), '5 "<" takes one value');
  assert.equal(wrong('os in a'), '6 expected a list like [a, b] after "in", got "a"');
  assert.equal(wrong('os not in'), '9 expected a list like [a, b] after "not in", got nothing');
  assert.equal(wrong('os in []'), '7 expected a value after "[", got "]"');
  assert.equal(wrong('os in [a,]'), '9 expected a value after ",", got "]"');
  assert.equal(wrong('os in [a b]'), '9 expected "," or "]", got "b]"');
  assert.equal(wrong('os in [a'), '8 expected "," or "]", got nothing');
  assert.equal(wrong('os == "linux'), '6 this quote is never closed');
  assert.equal(wrong(String.raw`os == "linux\"`), '6 this quote is never closed');
  assert.equal(wrong('cpu.model == Intel Xeon'), '19 expected the end, got "Xeon"; put a value with blanks or quotes in quotes');
  assert.equal(wrong('os == a && arch == b'), '8 expected the end, got "&&"; write each condition as an entry of its own');
  assert.equal(wrong('label.gpu exists yes'), '17 expected the end, got "yes"');
});

test('what is not a number or a version cannot be compared with', () => {
  for (const text of ['many', '1.x', '', '1,5', 'v', '1..2']) {
    assert.match(wrong(`label.a >= "${text}"`), /^11 expected a number or a version like 20\.10 after ">=", got "/, text);
  }
  for (const text of ['1', '-1.5', '20.10.24', 'v2', '24.0.7-0ubuntu2~22.04.1', '1.2+dfsg1']) parsed(`label.a < ${text}`);
});

test('a spread is a data center, a node or a label', () => {
  const spreads = {
    datacenter: 'datacenter',
    node: 'name',
    ' name ': 'name',
    'label.rack': 'label.rack',
    'node.labels.rack': 'label.rack',
  };
  for (const [text, value] of Object.entries(spreads)) assert.deepEqual(parseSpread(text), { value });
  const wrongs: Record<string, [number, RegExp]> = {
    os: [0, /^expected datacenter, node or label\.NAME, got "os"$/],
    '': [0, /^expected datacenter, node or label\.NAME, got nothing$/],
    datacentre: [0, /did you mean "datacenter"\?$/],
    'label.rack == a': [11, /^expected the end, got "=="$/],
  };
  for (const [text, [offset, message]] of Object.entries(wrongs)) {
    const read = parseSpread(text);
    assert.ok('problem' in read, text);
    assert.equal(read.problem.offset, offset, text);
    assert.match(read.problem.message, message);
  }
});

const labelName = fc.stringMatching(/^[a-z0-9][a-z0-9._/-]{0,12}$/);
const attribute = fc.oneof(
  labelName.map((name) => `label.${name}`),
  fc.constantFrom('name', 'datacenter', 'os', 'cpu.model', 'docker.version'),
);
const anyText = fc.oneof(fc.string({ unit: 'binary', maxLength: 12 }), fc.constantFrom('"', "'", '\\', '\\"', '[a, b]', ' ', '=='));
const version = fc.stringMatching(/^v?[0-9]{1,3}(\.[0-9]{1,3}){0,3}(-rc\.[0-9])?$/);
const parts = fc.oneof(
  fc.tuple(
    attribute,
    fc.constantFrom('==', '!='),
    anyText.map((text) => [text]),
  ),
  fc.tuple(attribute, fc.constantFrom('in', 'not in'), fc.array(anyText, { minLength: 1, maxLength: 4 })),
  fc.tuple(
    attribute,
    fc.constantFrom('<', '<=', '>', '>='),
    version.map((text) => [text]),
  ),
  fc.tuple(attribute, fc.constantFrom('exists', 'not exists'), fc.constant<string[]>([])),
) as fc.Arbitrary<[string, ConstraintOperator, string[]]>;

/** A constraint written out, each value in quotes. */
function print([name, operator, values]: [string, string, string[]], quote: string): string {
  const quoted = values.map((value) => `${quote}${value.replaceAll('\\', '\\\\').replaceAll(quote, `\\${quote}`)}${quote}`);
  return [name, operator, operator.endsWith('in') ? `[${quoted.join(', ')}]` : quoted.join('')].join(' ');
}

test('a constraint that is written out is read as it was', () => {
  fc.assert(
    fc.property(parts, fc.constantFrom('"', "'"), (wanted, quote) => {
      const text = print(wanted, quote);
      assert.deepEqual(parsed(text), { text, attribute: wanted[0], operator: wanted[1], values: wanted[2] });
    }),
    { numRuns: 1_000 },
  );
});

test('whatever the text, it is read or refused at one of its characters', () => {
  const pieces = fc.constantFrom(
    'label.a',
    'os',
    '==',
    '=',
    'not',
    'in',
    'exists',
    '[',
    ']',
    ',',
    '"',
    "'",
    '\\',
    ' ',
    'x64',
    '1.2',
    'node.',
  );
  const texts = fc.oneof(
    fc.string(),
    fc.array(pieces, { maxLength: 10 }).map((some) => some.join('')),
  );
  fc.assert(
    fc.property(texts, (text) => {
      const read = parseConstraint(text);
      if ('value' in read) return;
      assert.ok(read.problem.offset >= 0 && read.problem.offset <= text.length && read.problem.message.length > 0);
    }),
    { numRuns: 2_000 },
  );
});

test('two constraints that rule each other out are met by no value, and by no lack of one', () => {
  const values = fc.oneof(fc.constantFrom('1', '2', '2.5', 'a', 'b', '1.2.3'), version);
  const one = fc.oneof(
    fc.tuple(fc.constantFrom('==', '!='), values),
    fc.tuple(
      fc.constantFrom('in', 'not in'),
      values.map((value) => `[${value}, a]`),
    ),
    fc.tuple(fc.constantFrom('<', '<=', '>', '>='), version),
    fc.tuple(fc.constantFrom('exists', 'not exists'), fc.constant('')),
  );
  const text = one.map((pair) => parsed(`label.a ${pair.join(' ')}`));
  fc.assert(
    fc.property(text, text, fc.option(values, { nil: undefined }), (a, b, value) => {
      assert.equal(contradict(a, b), contradict(b, a));
      if (contradict(a, b)) assert.ok(!meets(a, value) || !meets(b, value), `${a.text} and ${b.text}: ${value}`);
    }),
    { numRuns: 3_000 },
  );
});
