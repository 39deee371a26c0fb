import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { StartError } from './startError.js';

/** A process beyond doubt: pids are given out again, a pid with its time of birth is not. */
export interface ProcessIdentity {
  readonly pid: number;
  /** Opaque: only equality counts. */
  readonly birthTime: string;
}

const POLL_MS = 25;
const ZOMBIE_STATES = new Set(['Z', 'X']);

/** When the kernel says that a process began, or undefined if it has ended (a zombie has ended). */
export function birthTimeOf(pid: number): string | undefined {
  return process.platform === 'linux' ? linuxBirthTime(pid) : psBirthTime(pid);
}

/** This very process. */
export function selfIdentity(): ProcessIdentity {
  const birthTime = birthTimeOf(process.pid);
  if (birthTime === undefined) {
    throw new StartError('The system does not tell when processes began: /proc (Linux) or ps (elsewhere) is needed.');
  }
  return { pid: process.pid, birthTime };
}

/** True while exactly this process runs. */
export function isRunning(identity: ProcessIdentity): boolean {
  return birthTimeOf(identity.pid) === identity.birthTime;
}

/** Waits until the process has ended, for at most `limitMs`; false if it still runs then. */
export async function waitUntilGone(identity: ProcessIdentity, limitMs: number): Promise<boolean> {
  const deadline = Date.now() + limitMs;
  while (isRunning(identity)) {
    if (Date.now() > deadline) return false;
    await delay(POLL_MS);
  }
  return true;
}

/** The words a process was started with, joined by spaces; empty if it has ended or is not ours to see. */
export function commandLineOf(pid: number): string {
  if (process.platform !== 'linux') return ps(pid, 'args');
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ').trim();
  } catch {
    return '';
  }
}

/**
 * The boot is part of it: start times count from the boot, and machines that always boot alike give the same pid at the
 * same tick to something else. Fields: proc_pid_stat(5), 3 = state, 22 = starttime; field 2 may hold spaces and brackets.
 */
function linuxBirthTime(pid: number): string | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    if (ZOMBIE_STATES.has(fields[0] ?? '')) return undefined;
    const boot = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
    return `${boot}:${fields[19]}`;
  } catch {
    return undefined;
  }
}

function psBirthTime(pid: number): string | undefined {
  if (ZOMBIE_STATES.has(ps(pid, 'stat').slice(0, 1))) return undefined;
  return ps(pid, 'lstart') || undefined;
}

function ps(pid: number, column: string): string {
  const env = { ...process.env, LC_ALL: 'C' };
  return spawnSync('ps', ['-o', `${column}=`, '-p', String(pid)], { encoding: 'utf8', env }).stdout?.trim() ?? '';
}
