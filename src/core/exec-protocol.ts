/**
 * Running a command in a task: what goes each way, and how it travels over the WebSocket `/v1/exec` (admin scope). The client's first
 * message is text, an `ExecOpen` as JSON. From then on both send binary messages, whose first byte is a channel: 0 input (client), 1
 * stdout, 2 stderr (node), each followed by bytes; 3 control (both), followed by JSON with a `type`: the client's `resize` (`columns`,
 * `rows`) and `end` (of its input), the node's `started`, `exit` (`exitCode`) and `error` (`code`, `message`, `hint`). A client
 * closes after `exit` and `error`, else the node does a little later; a client that closes before ends the session.
 */
import { CubeError, isErrorCode, problem } from './errors.ts';

/** Size of a terminal, in characters. */
export interface TerminalSize {
  readonly columns: number;
  readonly rows: number;
}

/** What is to be run. */
export interface ExecOpen {
  readonly task: string;
  readonly command: readonly string[];
  readonly tty: boolean;
  /** Whether there will be input. */
  readonly stdin: boolean;
  readonly size?: TerminalSize;
}

/** What goes to the command. */
export type ExecInput =
  | { readonly kind: 'bytes'; readonly bytes: Uint8Array }
  /** The end of its input. */
  | { readonly kind: 'end' }
  | ({ readonly kind: 'resize' } & TerminalSize);

/** What comes from it: `started`, then output, and last its exit code. */
export type ExecItem =
  | { readonly kind: 'started' }
  | { readonly kind: 'output'; readonly stream: 'stdout' | 'stderr'; readonly bytes: Uint8Array }
  | { readonly kind: 'exit'; readonly exitCode: number };

/** What a node says on the WebSocket. */
export type ExecMessage = ExecItem | { readonly kind: 'error'; readonly error: CubeError };

const channels = { stdin: 0, stdout: 1, stderr: 2, control: 3 } as const;
/** A terminal's size is two numbers of 16 bits. */
const sizeMax = 65_535;

type Fields = Readonly<Record<string, unknown>>;

function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isSide(value: unknown): value is number {
  return Number.isInteger(value) && (value as number) >= 1 && (value as number) <= sizeMax;
}

function sizeIn({ columns, rows }: Fields): TerminalSize | undefined {
  return isSide(columns) && isSide(rows) ? { columns, rows } : undefined;
}

function isCommand(value: unknown): value is string[] {
  return Array.isArray(value) && value.every((word) => typeof word === 'string' && !word.includes('\0')) && !!value[0];
}

function fieldsIn(text: string): Fields | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return isFields(value) ? value : undefined;
  } catch (thrown) {
    if (thrown instanceof SyntaxError) return undefined;
    throw thrown;
  }
}

/** What a value says is to be run. @throws CubeError `usage` naming what is wrong with it */
export function execOpenIn(value: unknown): ExecOpen {
  if (!isFields(value)) throw problem('usage', 'what is to be run is told as a JSON object', { hint: '/openapi.json describes it' });
  const { task, command, tty = false, stdin = false, size } = value;
  const wrong = (what: string) => problem('usage', what, { hint: '/openapi.json describes it' });
  if (typeof task !== 'string' || task === '') throw wrong('"task" is no name of a task');
  if (!isCommand(command)) throw wrong('"command" is no list of words that begins with a program');
  if (typeof tty !== 'boolean') throw wrong('"tty" is neither true nor false');
  if (typeof stdin !== 'boolean') throw wrong('"stdin" is neither true nor false');
  const given = size === undefined || size === null ? undefined : isFields(size) ? sizeIn(size) : null;
  if (given === null || (given === undefined && isFields(size))) throw wrong(`"size" needs columns and rows, each from 1 to ${sizeMax}`);
  return { task, command, tty, stdin, ...(given ? { size: given } : {}) };
}

/** The first message of a client, read. @throws CubeError `usage` */
export function parseExecOpen(text: string): ExecOpen {
  return execOpenIn(fieldsIn(text));
}

/** Something that came over a link as input of a command, or undefined when it is none. */
export function execInputIn(value: unknown): ExecInput | undefined {
  if (!isFields(value)) return undefined;
  const { kind, bytes } = value;
  if (kind === 'bytes') return bytes instanceof Uint8Array ? { kind, bytes } : undefined;
  if (kind === 'end') return { kind };
  const size = kind === 'resize' ? sizeIn(value) : undefined;
  return size && { kind: 'resize', ...size };
}

/** Something that came over a link from a command, or undefined when it is nothing that a command says. */
export function execItemIn(value: unknown): ExecItem | undefined {
  if (!isFields(value)) return undefined;
  const { kind, stream, bytes, exitCode } = value;
  if (kind === 'started') return { kind };
  if (kind === 'exit') return Number.isSafeInteger(exitCode) ? { kind, exitCode: exitCode as number } : undefined;
  const isOutput = kind === 'output' && (stream === 'stdout' || stream === 'stderr') && bytes instanceof Uint8Array;
  return isOutput ? { kind, stream, bytes } : undefined;
}

function onChannel(channel: number, bytes: Uint8Array): Uint8Array {
  const message = new Uint8Array(1 + bytes.length);
  message[0] = channel;
  message.set(bytes, 1);
  return message;
}

function control(fields: Fields): Uint8Array {
  return onChannel(channels.control, new TextEncoder().encode(JSON.stringify(fields)));
}

function controlIn(message: Uint8Array): Fields | undefined {
  return message[0] === channels.control ? fieldsIn(new TextDecoder().decode(message.subarray(1))) : undefined;
}

/** A client's binary message. */
export function encodeExecInput(input: ExecInput): Uint8Array {
  if (input.kind === 'bytes') return onChannel(channels.stdin, input.bytes);
  return control(input.kind === 'end' ? { type: 'end' } : { type: 'resize', columns: input.columns, rows: input.rows });
}

/** A client's binary message, read; its bytes are not copied. @throws CubeError `usage` for what no client says */
export function decodeExecInput(message: Uint8Array): ExecInput {
  if (message[0] === channels.stdin) return { kind: 'bytes', bytes: message.subarray(1) };
  const fields = controlIn(message);
  const input = fields && execInputIn({ ...fields, kind: fields['type'], bytes: undefined });
  if (input === undefined)
    throw problem('usage', 'a message that is neither input nor a control', { hint: '/openapi.json describes them' });
  return input;
}

/** A node's binary message. */
export function encodeExecMessage(message: ExecMessage): Uint8Array {
  if (message.kind === 'output') return onChannel(channels[message.stream], message.bytes);
  if (message.kind === 'started') return control({ type: 'started' });
  if (message.kind === 'exit') return control({ type: 'exit', exitCode: message.exitCode });
  const { code, message: words, hint } = message.error;
  return control({ type: 'error', code, message: words, hint });
}

/**
 * A node's binary message, read; its bytes are not copied. Undefined for one of a later version, which a client passes over. A code of
 * another version counts as `failed`.
 */
export function decodeExecMessage(message: Uint8Array): ExecMessage | undefined {
  if (message[0] === channels.stdout) return { kind: 'output', stream: 'stdout', bytes: message.subarray(1) };
  if (message[0] === channels.stderr) return { kind: 'output', stream: 'stderr', bytes: message.subarray(1) };
  const fields = controlIn(message);
  if (fields === undefined) return undefined;
  const { type, code, message: words, hint } = fields;
  if (type !== 'error') return execItemIn({ kind: type, exitCode: fields['exitCode'] });
  const text = typeof words === 'string' && words !== '' ? words : 'the node gave no reason';
  const more = typeof hint === 'string' ? { hint } : {};
  return { kind: 'error', error: new CubeError(isErrorCode(code) ? code : 'failed', text, more) };
}
