/** The terminal that this process runs in, lent to a command elsewhere. */
import { ReadStream } from 'node:tty';
import type { TerminalSize } from '../core/exec-protocol.ts';
import { Output } from './output.ts';

/** Its size now; undefined where nothing is shown on it. */
export function terminalSize(): TerminalSize | undefined {
  const { columns = 0, rows = 0 } = Output.screen() ?? {};
  return columns > 0 && rows > 0 ? { columns, rows } : undefined;
}

/** Calls back when its size has changed. @returns what ends that */
export function onResize(changed: (size: TerminalSize) => void): () => void {
  const tell = (): void => {
    const size = terminalSize();
    if (size) changed(size);
  };
  const shown = Output.screen();
  shown?.on('resize', tell);
  return () => void shown?.off('resize', tell);
}

const hangUp = 129;

/**
 * Passes every key on as it is, Ctrl-C too, until what it returns is called, or this process ends in whatever way it can still do
 * something about.
 */
export function rawKeys(): () => void {
  const { stdin } = process;
  if (!(stdin instanceof ReadStream)) return () => undefined;
  const restore = (): void => void stdin.setRawMode(false);
  const onHangUp = (): void => process.exit(hangUp);
  process.once('exit', restore);
  process.once('SIGHUP', onHangUp);
  stdin.setRawMode(true);
  return () => {
    process.off('exit', restore);
    process.off('SIGHUP', onHangUp);
    restore();
  };
}
