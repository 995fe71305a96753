/** Whether a process id still means the process it was written down for: ids are used again, start times are not. */
import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { promisify } from 'node:util';
import { codeOf } from '../code-of.ts';

/** A process as the shim wrote it down. */
export interface Identity {
  readonly pid: number;
  /** Linux: boot id and start time in ticks (field 22 of /proc/PID/stat); elsewhere what `ps -o lstart=` prints. */
  readonly began: string;
}

/** Reads the shim's `pid` file. @returns undefined while it is not whole */
export function parseIdentity(text: string): Identity | undefined {
  const [pid = '', began = '', rest] = text.split('\n');
  if (rest === undefined || !/^\d+$/.test(pid)) return undefined;
  return { pid: Number(pid), began: began.trim().replace(/\s+/g, ' ') };
}

/** Whether exactly that process is alive; one that has ended and was not collected (a zombie) is not. */
export async function isAlive(identity: Identity): Promise<boolean> {
  return process.platform === 'linux' ? isAliveLinux(identity) : isAliveByPs(identity);
}

/** What is after the name in parentheses (which may hold anything): field 3 is the state, 22 the start time (proc(5)). */
async function isAliveLinux({ pid, began }: Identity): Promise<boolean> {
  try {
    const [stat, boot] = await Promise.all([readFile(`/proc/${pid}/stat`, 'utf8'), readFile('/proc/sys/kernel/random/boot_id', 'utf8')]);
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    const state = fields[0] ?? 'X';
    return state !== 'Z' && state !== 'X' && `${boot.trim()} ${fields[19]}` === began;
  } catch (error) {
    if (codeOf(error) === 'ENOENT' || codeOf(error) === 'ESRCH') return false;
    throw error;
  }
}

const run = promisify(execFile);

async function isAliveByPs({ pid, began }: Identity): Promise<boolean> {
  try {
    const { stdout } = await run('/bin/ps', ['-o', 'state=,lstart=', '-p', String(pid)], { env: { LC_ALL: 'C' } });
    const [state = 'Z', ...start] = stdout.trim().split(/\s+/);
    return !state.startsWith('Z') && start.join(' ') === began;
  } catch (error) {
    // ps exits 1 when there is no such process.
    if (codeOf(error) === 1) return false;
    throw error;
  }
}

/**
 * Sends a signal to the process's whole group, if it is still that process.
 * @returns false when there is nothing to send it to
 * @throws TypeError for a signal this system does not know
 */
export async function signalGroup(identity: Identity, signal: NodeJS.Signals | number): Promise<boolean> {
  if (!(await isAlive(identity))) return false;
  return killGroup(identity.pid, signal);
}

/**
 * Kills what is left of a group whose leader is gone. While it has members no new process gets the leader's id; so if there
 * is one of that id, the group is another's and is left alone.
 */
export function killOrphans(leader: number): void {
  try {
    process.kill(leader, 0);
  } catch (error) {
    if (codeOf(error) === 'ESRCH') killGroup(leader, 'SIGKILL');
  }
}

/** @returns false when there is no such group */
function killGroup(pid: number, signal: NodeJS.Signals | number): boolean {
  try {
    process.kill(-pid, signal);
    return true;
  } catch (error) {
    if (codeOf(error) === 'ESRCH') return false;
    throw error;
  }
}
