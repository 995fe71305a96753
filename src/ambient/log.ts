/** The log: JSON lines made by pino, or plain lines for a person's terminal, with secrets masked. */
import { pino } from 'pino';
import type { Log, LogFields } from '../ports/ambient.ts';
import { maskFields, maskText } from './mask.ts';

/** How a log is to be. */
export interface LogOptions {
  /** The least important lines that are written. */
  readonly level: 'debug' | 'info' | 'warn' | 'error';
  /** Takes each line with its newline. Who prints is the caller's choice. */
  readonly write: (line: string) => void;
  /** Lines for people instead of JSON; default false. */
  readonly pretty?: boolean;
}

/** A log that writes to `write`: one line a call, with `time` (ISO 8601), `level`, `message` and the fields. */
export function createLog({ level, write, pretty = false }: LogOptions): Log {
  const logger = pino(
    {
      level,
      base: null,
      messageKey: 'message',
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }), log: ownFields },
    },
    { write: pretty ? (line) => write(prettyLine(line)) : write },
  );
  const at = (method: LogOptions['level']) => (message: string, fields?: LogFields) => logger[method](fields ?? {}, maskText(message));
  return { debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') };
}

const ownNames = new Set(['time', 'level', 'message']);

/** Masked, and with another name where a field would double one of the line's own. */
function ownFields(fields: Record<string, unknown>): Record<string, unknown> {
  const renamed = Object.entries(maskFields(fields)).map(([name, value]) => [ownNames.has(name) ? `${name}_` : name, value]);
  return Object.fromEntries(renamed) as Record<string, unknown>;
}

/** `12:03:04.567 warn  message  key=value`, with an error's stack on lines of its own. */
function prettyLine(json: string): string {
  const { time, level, message, ...fields } = JSON.parse(json) as Record<string, unknown>;
  const stacks: string[] = [];
  const words = Object.entries(fields).map(([name, value]) => {
    const stack = stackOf(value);
    if (stack !== undefined) stacks.push(`\n${stack}`);
    return `${name}=${shown(value)}`;
  });
  const clock = String(time).slice(11, 23);
  return `${[`${clock} ${String(level).padEnd(5)} ${String(message)}`, ...words].join('  ')}${stacks.join('')}\n`;
}

function stackOf(value: unknown): string | undefined {
  const isError = typeof value === 'object' && value !== null && 'stack' in value;
  return isError && typeof value.stack === 'string' ? value.stack : undefined;
}

function shown(value: unknown): string {
  if (stackOf(value) !== undefined) return JSON.stringify((value as { message?: unknown }).message);
  return typeof value === 'string' && /^[^\s"=]+$/.test(value) ? value : JSON.stringify(value);
}
