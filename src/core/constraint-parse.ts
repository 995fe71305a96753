/**
 * Reads constraints as people write them: `label.disk == ssd`, `arch in [x64, arm64]`, `docker.version >= 20.10`, `label.gpu exists`.
 * Values are bare words, or stand in single or double quotes, where a backslash takes a quote or a backslash as it is.
 */
import { isComparable, type Constraint, type ConstraintOperator } from './constraint.ts';
import { listed, nearest } from './text.ts';

/** What is wrong with a text, and which character of it is the first wrong one, counted from 0. */
export interface TextProblem {
  readonly message: string;
  readonly offset: number;
}

/** What was read, or why it was not. */
type Read<Value> = { readonly value: Value } | { readonly problem: TextProblem };

const attributes = ['name', 'datacenter', 'os', 'arch', 'cpu.model', 'docker.version'] as const;
const symbols = ['==', '!=', '<', '<=', '>', '>='] as const;
const words = ['in', 'not in', 'exists', 'not exists'] as const;
const operators: readonly ConstraintOperator[] = [...symbols, ...words];

/** As Swarm and others write them. */
const otherAttributes: Readonly<Record<string, string>> = { hostname: 'name', 'platform.os': 'os', 'platform.arch': 'arch' };
const meantAttributes: Readonly<Record<string, string>> = { ...otherAttributes, dc: 'datacenter', architecture: 'arch', node: 'name' };
const meantOperators: Readonly<Record<string, ConstraintOperator>> = {
  '=': '==',
  '===': '==',
  is: '==',
  eq: '==',
  '!==': '!=',
  '<>': '!=',
  ne: '!=',
  '=<': '<=',
  '=>': '>=',
};

/** As engines name processors, by what Node calls them: nodes tell Node's names. */
const archNames: Readonly<Record<string, string>> = { amd64: 'x64', x86_64: 'x64', aarch64: 'arm64', '386': 'ia32', i386: 'ia32' };

const shownCharsMax = 40;

function quoted(text: string): string {
  return `"${text.length > shownCharsMax ? `${text.slice(0, shownCharsMax)}...` : text}"`;
}

/** Thrown and caught in here only: a text is read in many small steps, and any may be the last. */
class NotRead extends Error {
  readonly problem: TextProblem;

  constructor(message: string, offset: number) {
    super(message);
    this.problem = { message, offset };
  }
}

/** A text that is read from left to right. */
class Reader {
  readonly text: string;
  at = 0;

  constructor(text: string) {
    this.text = text;
  }

  /** Takes what matches here, after blanks. */
  take(pattern: RegExp): string {
    this.skip();
    const found = new RegExp(pattern.source, 'y');
    found.lastIndex = this.at;
    const part = found.exec(this.text)?.[0] ?? '';
    this.at += part.length;
    return part;
  }

  skip(): void {
    while (this.at < this.text.length && /\s/.test(this.text[this.at]!)) this.at++;
  }

  /** What stands here, for messages. */
  get next(): string {
    const part = /\S+/.exec(this.text.slice(this.at, this.at + 200))?.[0];
    return part === undefined ? 'nothing' : quoted(part);
  }

  /** Throws away what was expected and is not here. */
  fail(message: string, offset = this.at): never {
    throw new NotRead(message, offset);
  }
}

const wordForm = /[^\s'"[\],=!<>~]+/;
const symbolForm = /[=!<>~]+/;
/** Signs may stand inside of a bare value, but not begin it: they would rather belong to the operator. */
const valueForm = /[^\s'"[\],=!<>~][^\s'"[\],]*/;

/** What an unknown attribute most likely stands for. */
function meantAttribute(name: string): string | undefined {
  const dot = name.indexOf('.');
  const [first, rest] = [name.slice(0, dot), name.slice(dot + 1)];
  if (dot > 0 && rest !== '' && nearest(first.slice(0, 64), ['label', 'labels'])) return `label.${rest}`;
  const lower = name.toLowerCase();
  return Object.hasOwn(meantAttributes, lower) ? meantAttributes[lower] : nearest(name.slice(0, 64), attributes);
}

function attributeAt(reader: Reader): string {
  reader.skip();
  const start = reader.at;
  const written = reader.take(wordForm);
  if (written === '') reader.fail(`expected an attribute like label.disk or arch, got ${reader.next}`);
  const isPrefixed = written.startsWith('node.');
  const name = isPrefixed ? written.slice('node.'.length) : written;
  const label = /^labels?\.(.+)$/s.exec(name);
  if (label && (isPrefixed || name.startsWith('label.'))) return `label.${label[1]}`;
  if (isPrefixed && Object.hasOwn(otherAttributes, name)) return otherAttributes[name]!;
  if ((attributes as readonly string[]).includes(name)) return name;
  if (/^labels?\.?$/.test(name)) reader.fail(`expected the name of a label after ${quoted(written)}, as in label.disk`, start);
  const close = meantAttribute(name);
  if (close !== undefined) reader.fail(`unknown attribute ${quoted(written)}; did you mean "${close}"?`, start);
  return reader.fail(`unknown attribute ${quoted(written)}; expected ${listed(['label.NAME', ...attributes], 'or')}`, start);
}

function operatorAt(reader: Reader, attribute: string): ConstraintOperator {
  reader.skip();
  const start = reader.at;
  let written = reader.take(symbolForm) || reader.take(wordForm);
  if (written === '') {
    const got = reader.at < reader.text.length ? `, got ${reader.next}` : '';
    reader.fail(`expected an operator after ${attribute}: ${listed(operators, 'or')}${got}`);
  }
  if (written === 'not') {
    reader.skip();
    const after = reader.at;
    const word = reader.take(wordForm);
    if (word !== 'in' && word !== 'exists') reader.fail('expected "in" or "exists" after "not"', after);
    written = `not ${word}`;
  }
  const operator = operators.find((one) => one === written);
  if (operator !== undefined) return operator;
  const lower = written.toLowerCase();
  const close = Object.hasOwn(meantOperators, lower) ? meantOperators[lower] : nearest(written.slice(0, 64), words);
  const advice = close === undefined ? `expected ${listed(operators, 'or')}` : `did you mean "${close}"?`;
  return reader.fail(`unknown operator ${quoted(written)}; ${advice}`, start);
}

/** @param after what stands before it, for the message where there is none */
function valueAt(reader: Reader, after: string): string {
  reader.skip();
  const quote = reader.text[reader.at];
  if (quote !== '"' && quote !== "'") {
    return reader.take(valueForm) || reader.fail(`expected a value after "${after}", got ${reader.next}`);
  }
  const start = reader.at++;
  let value = '';
  for (;;) {
    const char = reader.text[reader.at++];
    if (char === undefined) reader.fail('this quote is never closed', start);
    if (char === quote) return value;
    const escaped = char === '\\' ? /^['"\\]/.exec(reader.text.slice(reader.at, reader.at + 1))?.[0] : undefined;
    value += escaped ?? char;
    if (escaped !== undefined) reader.at++;
  }
}

function listAt(reader: Reader, operator: ConstraintOperator): string[] {
  if (reader.take(/\[/) === '') reader.fail(`expected a list like [a, b] after "${operator}", got ${reader.next}`);
  const values: string[] = [];
  for (let before = '['; before !== ']';) {
    values.push(valueAt(reader, before));
    before = reader.take(/[,\]]/);
    if (before === '') reader.fail(`expected "," or "]", got ${reader.next}`);
  }
  return values;
}

function valuesAt(reader: Reader, operator: ConstraintOperator): readonly string[] {
  if (operator === 'exists' || operator === 'not exists') return [];
  if (operator === 'in' || operator === 'not in') return listAt(reader, operator);
  reader.skip();
  const start = reader.at;
  if (reader.text[start] === '[') {
    const many = { '==': '; "in" takes a list', '!=': '; "not in" takes a list' };
    reader.fail(`"${operator}" takes one value${operator === '==' || operator === '!=' ? many[operator] : ''}`);
  }
  const value = valueAt(reader, operator);
  if (/[<>]/.test(operator) && !isComparable(value)) {
    reader.fail(`expected a number or a version like 20.10 after "${operator}", got ${quoted(value)}`, start);
  }
  return [value];
}

/** Refuses what follows the end. */
function endAt(reader: Reader, operator: ConstraintOperator): void {
  reader.skip();
  if (reader.at >= reader.text.length) return;
  const isAnd = /^(?:and\b|&&|,)/i.test(reader.text.slice(reader.at, reader.at + 4));
  const hasValue = operator !== 'exists' && operator !== 'not exists';
  const advice = isAnd ? '; write each condition as an entry of its own' : hasValue ? '; put a value with blanks or quotes in quotes' : '';
  reader.fail(`expected the end, got ${reader.next}${advice}`);
}

function reading<Value>(text: string, read: (reader: Reader) => Value): Read<Value> {
  try {
    return { value: read(new Reader(text)) };
  } catch (thrown) {
    if (thrown instanceof NotRead) return { problem: thrown.problem };
    throw thrown;
  }
}

/** Reads one condition. It never throws. */
export function parseConstraint(text: string): Read<Constraint> {
  return reading(text, (reader) => {
    const attribute = attributeAt(reader);
    const operator = operatorAt(reader, attribute);
    const values = valuesAt(reader, operator);
    endAt(reader, operator);
    const asNodesTell = (value: string): string => (Object.hasOwn(archNames, value) ? archNames[value]! : value);
    return { text, attribute, operator, values: attribute === 'arch' ? values.map(asNodesTell) : values };
  });
}

/** Reads an attribute over whose values tasks are spread: a data center, a node, a label. `node` is the node's name. */
export function parseSpread(text: string): Read<string> {
  if (text.trim() === 'node') return { value: 'name' };
  return reading(text, (reader) => {
    const form = 'datacenter, node or label.NAME';
    if (text.trim() === '') reader.fail(`expected ${form}, got nothing`);
    const attribute = attributeAt(reader);
    if (attribute !== 'datacenter' && attribute !== 'name' && !attribute.startsWith('label.')) {
      reader.fail(`expected ${form}, got ${quoted(text.trim())}`, 0);
    }
    reader.skip();
    if (reader.at < text.length) reader.fail(`expected the end, got ${reader.next}`);
    return attribute;
  });
}
